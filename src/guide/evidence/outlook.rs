//! Outlook, the classic one: its accounts are keys of the registry, and its mail is in a data file (.pst).

use std::path::PathBuf;

use super::{Evidence, Family, Fetches, ImapAccount, Leaves, Owner, PopAccount};

/// The versions that there are, newest first: 2016 and later, 2013, 2010.
#[cfg(windows)]
const PROFILES: [&str; 3] = [
    r"Software\Microsoft\Office\16.0\Outlook\Profiles",
    r"Software\Microsoft\Office\15.0\Outlook\Profiles",
    r"Software\Microsoft\Windows NT\CurrentVersion\Windows Messaging Subsystem\Profiles",
];

/// The part of a profile that has the accounts, one key each.
#[cfg(windows)]
const ACCOUNTS: &str = "9375CFF0413111d3B88A00104B2A6676";

/// Looks at the accounts of whoever runs this program.
#[cfg(windows)]
pub(super) fn look(evidence: &mut Evidence) {
    use windows_registry::CURRENT_USER;
    for root in PROFILES {
        let Ok(profiles) = CURRENT_USER.open(root) else {
            continue;
        };
        for profile in profiles.keys().into_iter().flatten() {
            let path = format!(r"{root}\{profile}\{ACCOUNTS}");
            let Ok(accounts) = CURRENT_USER.open(&path) else {
                continue;
            };
            for account in accounts.keys().into_iter().flatten() {
                let values = accounts.open(&account).and_then(|key| {
                    let values = key.values()?;
                    Ok(values.map(|(name, value)| (name, value.to_vec())).collect())
                });
                if let Ok(values) = values {
                    add(&format!(r"{path}\{account}"), &Values(values), evidence);
                }
            }
        }
    }
}

/// There is no registry elsewhere.
#[cfg(not(windows))]
pub(super) fn look(_: &mut Evidence) {}

/// The values of an account's key, as they are stored.
struct Values(Vec<(String, Vec<u8>)>);

impl Values {
    fn get(&self, name: &str) -> Option<&[u8]> {
        let found = (self.0.iter()).find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_slice())
    }

    /// A text: UTF-16 with a zero at its end, which some versions store as binary.
    fn text(&self, name: &str) -> Option<String> {
        let units = units(self.get(name)?);
        let text: Vec<u16> = units.into_iter().take_while(|unit| *unit != 0).collect();
        (!text.is_empty()).then(|| String::from_utf16_lossy(&text))
    }

    fn number(&self, name: &str) -> Option<u32> {
        Some(u32::from_le_bytes(self.get(name)?.try_into().ok()?))
    }

    /// One number has it all (PROP_POP_LEAVE_ON_SERVER): bit 0 leaves mail, bit 1 removes it after
    /// the days in the upper half, bit 2 removes it with the copy here. Outlook's default changed
    /// between versions, so an absent one proves nothing.
    fn leaves(&self) -> Leaves {
        let Some(number) = self.number("Leave on Server") else {
            return Leaves::Unknown;
        };
        let days = (number & 2 != 0).then_some(number >> 16);
        Leaves::of(number & 1 != 0, days, number & 4 != 0)
    }

    /// The data file that mail is delivered to: its path stands at the end of the store's identifier.
    fn data_file(&self) -> Option<PathBuf> {
        let id = self.get("Delivery Store EntryID")?;
        // The part before the path may have an odd length.
        let wide = [0, 1].iter().find_map(|skip| {
            let units = units(id.get(*skip..)?);
            path_in(&String::from_utf16_lossy(&units))
        });
        wide.or_else(|| path_in(&String::from_utf8_lossy(id)))
    }
}

fn units(bytes: &[u8]) -> Vec<u16> {
    let pairs = bytes
        .chunks_exact(2)
        .filter_map(|pair| pair.try_into().ok());
    pairs.map(u16::from_le_bytes).collect()
}

/// The path of a data file in a text that is padded with zeros.
fn path_in(text: &str) -> Option<PathBuf> {
    text.split('\0').find_map(|part| {
        let named = part.to_ascii_lowercase().ends_with(".pst");
        let drive = part.find(":\\").and_then(|at| at.checked_sub(1));
        let begin = drive.or_else(|| part.find("\\\\"))?;
        named.then(|| part.get(begin..).map(PathBuf::from))?
    })
}

/// Adds what the values of one key say. Address books and Exchange have keys there, too.
#[cfg_attr(
    not(any(windows, test)),
    expect(dead_code, reason = "only Windows has a registry")
)]
fn add(key: &str, values: &Values, evidence: &mut Evidence) {
    let text = |name: &str| values.text(name).unwrap_or_default();
    let owner = |kind: &str| {
        Some(Owner {
            server: values.text(&format!("{kind} Server"))?,
            // Without a user name of its own, Outlook signs in with the address.
            user: (values
                .text(&format!("{kind} User"))
                .or_else(|| values.text("Email")))?,
            addresses: values.text("Email").into_iter().collect(),
        })
    };
    let number = key.rsplit('\\').next().unwrap_or_default();
    if let Some(owner) = owner("POP3") {
        evidence.pop.push(PopAccount {
            program: "Outlook".into(),
            family: Family::Outlook,
            name: text("Account Name"),
            owner,
            leaves: values.leaves(),
            // The groups of Send/Receive are in a file of their own form (.srs).
            fetches: Fetches::Unknown,
            settings: key.into(),
            key: number.into(),
            mail: values.data_file(),
        });
    } else if let Some(owner) = owner("IMAP") {
        evidence.imap.push(ImapAccount {
            program: "Outlook".into(),
            name: text("Account Name"),
            owner,
            settings: key.into(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide(text: &str) -> Vec<u8> {
        let units = text.encode_utf16().chain([0]);
        units.flat_map(u16::to_le_bytes).collect()
    }

    fn account(leave: Option<u32>, id: Vec<u8>) -> PopAccount {
        let mut values = vec![
            ("Account Name".to_string(), wide("jane@charter.net")),
            ("Email".to_string(), wide("jane@charter.net")),
            ("POP3 Server".to_string(), wide("pop.charter.net")),
            ("POP3 User".to_string(), wide("jane")),
            ("Delivery Store EntryID".to_string(), id),
        ];
        if let Some(leave) = leave {
            values.push(("Leave on Server".into(), leave.to_le_bytes().into()));
        }
        let mut evidence = Evidence::default();
        add(
            r"Software\Profiles\Outlook\00000002",
            &Values(values),
            &mut evidence,
        );
        evidence.pop.remove(0)
    }

    #[test]
    fn one_number_says_whether_and_how_long_mail_stays() {
        let leaves = |number| account(number, Vec::new()).leaves;
        assert_eq!(leaves(None), Leaves::Unknown);
        assert_eq!(leaves(Some(0)), Leaves::No);
        assert_eq!(leaves(Some(1)), Leaves::Yes);
        // The days stay in the number when the box before them is cleared.
        assert_eq!(leaves(Some(0x000e_0001)), Leaves::Yes);
        assert_eq!(leaves(Some(0x000e_0003)), Leaves::of(true, Some(14), false));
        assert_eq!(leaves(Some(0x000e_0007)), Leaves::of(true, Some(14), true));
    }

    #[test]
    fn the_data_file_is_at_the_end_of_the_stores_identifier() {
        let path = r"C:\Users\Jane\Documents\Outlook Files\jane@charter.net.pst";
        let start = [
            &[0u8; 4][..],
            &[0x38, 0xa1, 0xbb, 0x10],
            b"mspst.dll\0\0\0NITA",
        ]
        .concat();
        for gap in [0, 1] {
            let id = [start.as_slice(), &vec![0; gap], &wide(path)].concat();
            let account = account(Some(1), id);
            assert_eq!(account.mail, Some(PathBuf::from(path)), "{gap}");
            assert!(account.owner.is("jane@charter.net"));
        }
        assert_eq!(account(None, start).mail, None);
    }
}
