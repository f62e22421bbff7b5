//! Spectrum's servers, ports and limits by address, each with its source and date.
//!
//! Nothing here was observed on a live server. Where the server itself announces something else
//! (APPENDLIMIT, QUOTA), its word counts and not what stands here.

use serde::Serialize;

/// How a connection is made secure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    /// TLS from the first byte.
    Tls,
    /// STARTTLS, before anything else.
    StartTls,
}

impl Security {
    /// As mail programs call it.
    pub fn name(self) -> &'static str {
        match self {
            Security::Tls => "SSL/TLS",
            Security::StartTls => "STARTTLS",
        }
    }
}

/// A server to connect to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Endpoint {
    /// Host name.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// How it is made secure.
    pub security: Security,
}

impl Endpoint {
    /// An IMAP server that speaks TLS from the first byte.
    pub fn tls(host: &str, port: u16) -> Endpoint {
        Endpoint {
            host: host.into(),
            port,
            security: Security::Tls,
        }
    }

    /// `host:port`
    pub fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

/// Where a fact comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SourceNote {
    /// Who says so.
    pub who: &'static str,
    /// When it was looked at, as `2026-11`.
    pub when: &'static str,
}

/// Spectrum's support page "Switching from POP to IMAP".
pub const SUPPORT_PAGE: SourceNote = SourceNote {
    who: "spectrum.net, support, Switching from POP to IMAP",
    when: "2026-11",
};

/// Spectrum's support page on mailbox limits; a timewarnercable.com page has the same table.
pub const LIMITS_PAGE: SourceNote = SourceNote {
    who: "spectrum.net, support, Spectrum email quota and settings",
    when: "2026-11",
};

/// Thunderbird's database of mail providers.
const ISPDB: SourceNote = SourceNote {
    who: "Thunderbird's provider database (ISPDB)",
    when: "2026-03",
};

/// Pages of others that agree with each other.
const THIRD_PARTY: SourceNote = SourceNote {
    who: "third-party setup pages, in agreement",
    when: "2026-11",
};

/// Largest message, in bytes, that Spectrum says it takes in or sends out ([`LIMITS_PAGE`]).
/// Whether it holds for copying too is not known.
pub const MESSAGE_LIMIT: u64 = 25 * 1000 * 1000;

/// Room of a mailbox in bytes ([`LIMITS_PAGE`]). Older sub-accounts were as small as 20 MB.
pub const MAILBOX_LIMIT: u64 = 5 * 1000 * 1000 * 1000;

/// Days after which Spectrum deletes what lies in Trash ([`LIMITS_PAGE`]).
pub const TRASH_DAYS: u32 = 3;

/// Days after which Spectrum deletes what lies in Spam ([`LIMITS_PAGE`]).
pub const SPAM_DAYS: u32 = 14;

/// Days without a sign-in after which a mailbox is locked until the next one ([`LIMITS_PAGE`]).
pub const IDLE_DAYS: u32 = 180;

/// Port of IMAP over TLS ([`SUPPORT_PAGE`]; RFC 8314, 3.2).
pub const IMAP_PORT: u16 = 993;

/// Port for handing in mail ([`SUPPORT_PAGE`]). Both ways of making it secure are in use there.
pub const SMTP_PORT: u16 = 587;

/// The servers of an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Servers {
    /// For getting mail.
    pub imap: Endpoint,
    /// For sending mail.
    pub smtp: Endpoint,
    /// Whether the address tells its servers for sure. `*.rr.com` addresses do not.
    pub certain: bool,
    /// Where this comes from.
    pub source: SourceNote,
}

/// Ends of addresses whose mail lies on the third platform (Bright House), among the many under `rr.com`.
const BRIGHT_HOUSE_REGIONS: [&str; 7] = [
    "bak.rr.com",
    "bham.rr.com",
    "cfl.rr.com",
    "indy.rr.com",
    "mi.rr.com",
    "panhandle.rr.com",
    "tampabay.rr.com",
];

/// The servers for an address, by what stands after its `@`. `None`: not one of Spectrum's domains.
pub fn servers(email: &str) -> Option<Servers> {
    let (_, domain) = email.rsplit_once('@')?;
    let domain = domain.trim().trim_end_matches('.').to_ascii_lowercase();
    let road_runner = domain == "rr.com" || domain.ends_with(".rr.com");
    match domain.as_str() {
        // The support page names these servers for charter.net. It says "SSL: ON" for port 587;
        // Thunderbird's database makes that TLS from the first byte.
        "charter.net" => Some(platform(
            "mobile.charter.net",
            Security::Tls,
            true,
            SUPPORT_PAGE,
        )),
        "spectrum.net" | "bresnan.net" => {
            Some(platform("mobile.charter.net", Security::Tls, true, ISPDB))
        }
        "twc.com" | "roadrunner.com" => Some(platform(
            "mail.twc.com",
            Security::StartTls,
            true,
            THIRD_PARTY,
        )),
        "brighthouse.com" => Some(platform(
            "mail.brighthouse.com",
            Security::StartTls,
            true,
            THIRD_PARTY,
        )),
        region if BRIGHT_HOUSE_REGIONS.contains(&region) => Some(platform(
            "mail.brighthouse.com",
            Security::StartTls,
            false,
            THIRD_PARTY,
        )),
        _ if road_runner => Some(platform("mail.twc.com", Security::StartTls, false, ISPDB)),
        _ => None,
    }
}

fn platform(host: &str, smtp: Security, certain: bool, source: SourceNote) -> Servers {
    Servers {
        imap: Endpoint::tls(host, IMAP_PORT),
        smtp: Endpoint {
            host: host.into(),
            port: SMTP_PORT,
            security: smtp,
        },
        certain,
        source,
    }
}

/// One row of the settings table of the support page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The group it stands in.
    pub group: &'static str,
    /// The name of the field in a mail program.
    pub field: &'static str,
    /// What to enter.
    pub value: String,
}

/// The settings table of the support page ([`SUPPORT_PAGE`]), filled in for an address.
pub fn table(email: &str, servers: &Servers) -> Vec<Row> {
    let row = |group, field, value: &str| Row {
        group,
        field,
        value: value.into(),
    };
    let smtp_security = match servers.smtp.security {
        Security::Tls => "SSL/TLS (STARTTLS if that is refused)",
        Security::StartTls => "STARTTLS",
    };
    vec![
        row(
            "User information",
            "Your name",
            "your name, as others should see it",
        ),
        row("User information", "Email address", email),
        row("Server information", "Account type", "IMAP"),
        row(
            "Server information",
            "Incoming email server",
            &servers.imap.host,
        ),
        row(
            "Server information",
            "Outgoing email server",
            &servers.smtp.host,
        ),
        row("Sign-in information", "Username", email),
        row(
            "Sign-in information",
            "Password",
            "the one you use to sign in to your email",
        ),
        row(
            "More settings",
            "Incoming server (IMAP) port",
            &servers.imap.port.to_string(),
        ),
        row(
            "More settings",
            "Outgoing server (SMTP) port",
            &servers.smtp.port.to_string(),
        ),
        row(
            "More settings",
            "SSL, incoming",
            servers.imap.security.name(),
        ),
        row("More settings", "SSL, outgoing", smtp_security),
        row(
            "More settings",
            "Outgoing server requires authentication",
            "yes; use the same settings as the incoming mail server",
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(email: &str) -> Option<(String, bool)> {
        servers(email).map(|servers| (servers.imap.host, servers.certain))
    }

    #[test]
    fn an_address_tells_its_servers() {
        let known = |host: &str, certain| Some((host.to_string(), certain));
        assert_eq!(hosts("jane@charter.net"), known("mobile.charter.net", true));
        assert_eq!(
            hosts("Jane@CHARTER.NET."),
            known("mobile.charter.net", true)
        );
        assert_eq!(hosts("j@bresnan.net"), known("mobile.charter.net", true));
        assert_eq!(hosts("j@twc.com"), known("mail.twc.com", true));
        assert_eq!(hosts("j@nyc.rr.com"), known("mail.twc.com", false));
        assert_eq!(
            hosts("j@tampabay.rr.com"),
            known("mail.brighthouse.com", false)
        );
        assert_eq!(hosts("j@example.org"), None);
        assert_eq!(hosts("charter.net"), None);
        assert_eq!(hosts("j@notrr.com"), None);
    }

    #[test]
    fn no_server_is_ever_reached_without_tls() {
        for email in [
            "a@charter.net",
            "a@twc.com",
            "a@brighthouse.com",
            "a@x.rr.com",
        ] {
            let servers = servers(email).unwrap();
            assert_eq!(
                (servers.imap.security, servers.imap.port),
                (Security::Tls, 993)
            );
            assert_eq!(servers.smtp.port, 587);
        }
    }

    #[test]
    fn the_table_is_the_one_of_the_support_page() {
        let table = table("jane@charter.net", &servers("jane@charter.net").unwrap());
        let value = |field| {
            table
                .iter()
                .find(|row| row.field == field)
                .map(|row| row.value.as_str())
        };
        assert_eq!(value("Account type"), Some("IMAP"));
        assert_eq!(value("Username"), Some("jane@charter.net"));
        assert_eq!(value("Incoming server (IMAP) port"), Some("993"));
        assert_eq!(value("Outgoing server (SMTP) port"), Some("587"));
        assert!(
            value("Outgoing server requires authentication").is_some_and(|v| v.starts_with("yes"))
        );
    }
}
