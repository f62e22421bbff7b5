//! A file of Thunderbird's autoconfiguration (`clientConfig`, version 1.1), as a domain or a computer's administrator offers it.

use super::escaped;
use crate::settings::{Endpoint, Security, Servers};

/// The file for the domain of an address. It has nothing of the person: the program fills the address in.
///
/// Thunderbird looks for it under the domain's name in the directory `isp` beside its program, and
/// at `autoconfig.<domain>`; it can't be opened with a double click.
pub fn thunderbird_autoconfig(email: &str, servers: &Servers) -> String {
    let domain = email.rsplit_once('@').map_or(email, |(_, domain)| domain);
    let domain = escaped(&domain.trim().trim_end_matches('.').to_lowercase());
    let incoming = server("incomingServer", "imap", &servers.imap);
    let outgoing = server("outgoingServer", "smtp", &servers.smtp);
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<clientConfig version="1.1">
  <emailProvider id="{domain}">
    <domain>{domain}</domain>
    <displayName>Spectrum</displayName>
    <displayShortName>Spectrum</displayShortName>
{incoming}{outgoing}  </emailProvider>
</clientConfig>
"#
    )
}

fn server(element: &str, kind: &str, endpoint: &Endpoint) -> String {
    let socket = match endpoint.security {
        Security::Tls => "SSL",
        Security::StartTls => "STARTTLS",
    };
    let (host, port) = (escaped(&endpoint.host), endpoint.port);
    // The password is clear inside the secure connection.
    format!(
        r#"    <{element} type="{kind}">
      <hostname>{host}</hostname>
      <port>{port}</port>
      <socketType>{socket}</socketType>
      <authentication>password-cleartext</authentication>
      <username>%EMAILADDRESS%</username>
    </{element}>
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guide::setup::testing::python;
    use crate::settings::servers;

    const READ: &str = "import sys, xml.etree.ElementTree as E
root = E.fromstring(sys.stdin.buffer.read())
p = root.find('emailProvider')
print(root.tag, root.get('version'), p.get('id'), p.findtext('domain'))
for s in (p.find('incomingServer'), p.find('outgoingServer')):
    print(s.get('type'), *(c.text for c in s))";

    #[test]
    fn a_file_is_read_as_it_was_meant() {
        let shown = |email: &str| {
            let servers = servers(email).unwrap();
            python(READ, &thunderbird_autoconfig(email, &servers))
        };
        let Some(charter) = shown("jane@Charter.net.") else {
            return;
        };
        let expected = "clientConfig 1.1 charter.net charter.net\n\
             imap mobile.charter.net 993 SSL password-cleartext %EMAILADDRESS%\n\
             smtp mobile.charter.net 587 SSL password-cleartext %EMAILADDRESS%\n";
        assert_eq!(charter, expected);
        let twc = shown("jane@twc.com").unwrap();
        assert!(
            twc.ends_with("smtp mail.twc.com 587 STARTTLS password-cleartext %EMAILADDRESS%\n"),
            "{twc}"
        );
    }

    #[test]
    fn a_strange_domain_stays_inside_its_element() {
        let servers = servers("jane@charter.net").unwrap();
        let file = thunderbird_autoconfig("jane@a\"<b>", &servers);
        assert!(file.contains("<domain>a&quot;&lt;b&gt;</domain>"), "{file}");
    }
}
