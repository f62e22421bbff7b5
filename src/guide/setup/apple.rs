//! A configuration profile for Apple's devices (`.mobileconfig`): opened on a Mac, an iPhone or an iPad, it adds the account.

use sha2::{Digest as _, Sha256};

use super::escaped;
use crate::settings::Servers;

/// The profile for an address. The device asks for the password when it is installed.
///
/// The same address always gives the same profile, so that installing it again replaces
/// the account and does not add a second one.
pub fn apple_profile(email: &str, servers: &Servers) -> String {
    let profile = uuid(email, "profile");
    let account = uuid(email, "account");
    let (imap, smtp) = (&servers.imap, &servers.smtp);
    let email = escaped(email);
    // "UseSSL" covers both ways of making a connection secure; the device finds out which.
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
	<key>PayloadContent</key>
	<array>
		<dict>
			<key>EmailAccountDescription</key>
			<string>{email}</string>
			<key>EmailAccountType</key>
			<string>EmailTypeIMAP</string>
			<key>EmailAddress</key>
			<string>{email}</string>
			<key>IncomingMailServerAuthentication</key>
			<string>EmailAuthPassword</string>
			<key>IncomingMailServerHostName</key>
			<string>{imap_host}</string>
			<key>IncomingMailServerPortNumber</key>
			<integer>{imap_port}</integer>
			<key>IncomingMailServerUseSSL</key>
			<true/>
			<key>IncomingMailServerUsername</key>
			<string>{email}</string>
			<key>OutgoingMailServerAuthentication</key>
			<string>EmailAuthPassword</string>
			<key>OutgoingMailServerHostName</key>
			<string>{smtp_host}</string>
			<key>OutgoingMailServerPortNumber</key>
			<integer>{smtp_port}</integer>
			<key>OutgoingMailServerUseSSL</key>
			<true/>
			<key>OutgoingMailServerUsername</key>
			<string>{email}</string>
			<key>OutgoingPasswordSameAsIncomingPassword</key>
			<true/>
			<key>PayloadDisplayName</key>
			<string>{email}</string>
			<key>PayloadIdentifier</key>
			<string>spectrum-migrate.{profile}.{account}</string>
			<key>PayloadType</key>
			<string>com.apple.mail.managed</string>
			<key>PayloadUUID</key>
			<string>{account}</string>
			<key>PayloadVersion</key>
			<integer>1</integer>
		</dict>
	</array>
	<key>PayloadDescription</key>
	<string>Adds the mailbox {email} (IMAP).</string>
	<key>PayloadDisplayName</key>
	<string>Mail for {email}</string>
	<key>PayloadIdentifier</key>
	<string>spectrum-migrate.{profile}</string>
	<key>PayloadRemovalDisallowed</key>
	<false/>
	<key>PayloadType</key>
	<string>Configuration</string>
	<key>PayloadUUID</key>
	<string>{profile}</string>
	<key>PayloadVersion</key>
	<integer>1</integer>
</dict>
</plist>
"#,
        imap_host = escaped(&imap.host),
        imap_port = imap.port,
        smtp_host = escaped(&smtp.host),
        smtp_port = smtp.port,
    )
}

/// A UUID of version 8 (RFC 9562, 5.8): bits of a hash, so that it follows from the address.
fn uuid(email: &str, part: &str) -> String {
    let text = format!("spectrum-migrate\n{part}\n{}", email.to_lowercase());
    let hash = Sha256::digest(text.as_bytes());
    let mut number = hash
        .iter()
        .take(16)
        .fold(0u128, |number, byte| number << 8 | u128::from(*byte));
    number = number & !(0xf << 76) | 8 << 76;
    number = number & !(3 << 62) | 2 << 62;
    let hex = format!("{number:032X}");
    let mut text = String::with_capacity(36);
    for (at, c) in hex.chars().enumerate() {
        if matches!(at, 8 | 12 | 16 | 20) {
            text.push('-');
        }
        text.push(c);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guide::setup::testing::python;
    use crate::settings::servers;

    const READ: &str = "import sys, plistlib, uuid
d = plistlib.loads(sys.stdin.buffer.read())
a = d['PayloadContent'][0]
for u in (d, a): assert uuid.UUID(u['PayloadUUID']).variant == uuid.RFC_4122
assert not any('assword' in k and k != 'OutgoingPasswordSameAsIncomingPassword' for k in a)
print(d['PayloadType'], a['PayloadType'], a['EmailAccountType'], ascii(a['EmailAddress']))
for way in ('Incoming', 'Outgoing'):
    print(*(a[way + 'MailServer' + key] for key in ('HostName', 'PortNumber', 'UseSSL')), ascii(a[way + 'MailServerUsername']))";

    #[test]
    fn a_profile_is_read_as_it_was_meant() {
        let servers = servers("jane@charter.net").unwrap();
        let Some(shown) = python(READ, &apple_profile("j<&\"ä@charter.net", &servers)) else {
            return;
        };
        let expected = "Configuration com.apple.mail.managed EmailTypeIMAP 'j<&\"\\xe4@charter.net'\n\
             mobile.charter.net 993 True 'j<&\"\\xe4@charter.net'\n\
             mobile.charter.net 587 True 'j<&\"\\xe4@charter.net'\n";
        assert_eq!(shown, expected);
    }

    #[test]
    fn the_same_address_gives_the_same_profile() {
        let servers = servers("jane@charter.net").unwrap();
        let profile = apple_profile("jane@charter.net", &servers);
        assert_eq!(profile, apple_profile("jane@charter.net", &servers));
        assert_eq!(uuid("Jane@charter.net", "x"), uuid("jane@charter.net", "x"));
        assert_ne!(uuid("jane@charter.net", "x"), uuid("jim@charter.net", "x"));
        let uuid = uuid("jane@charter.net", "x");
        assert_eq!((uuid.len(), uuid.get(14..15)), (36, Some("8")));
    }
}
