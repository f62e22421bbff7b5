//! Windows Live Mail and Windows Mail: one `.oeaccount` file an account, XML with numbers in hexadecimal.

use std::path::Path;

use super::sections;
use super::{Evidence, Family, Fetches, Home, ImapAccount, Leaves, Owner, PopAccount};
use crate::source::walk;

pub(super) fn look(home: &Home, evidence: &mut Evidence) {
    let Some(local) = &home.local else {
        return;
    };
    for program in ["Windows Live Mail", "Windows Mail"] {
        let root = local.join("Microsoft").join(program);
        // One directory an account, with its settings and its folders.
        for directory in sections::files(&root, |_| true) {
            let wanted = |name: &str| name.to_ascii_lowercase().ends_with(".oeaccount");
            for settings in sections::files(&directory, wanted) {
                read(program, &settings, evidence);
            }
        }
    }
}

fn read(program: &str, settings: &Path, evidence: &mut Evidence) {
    let account = Account(text(&walk::read_small(settings)));
    let get = |tag: &str| account.get(tag).unwrap_or_default();
    let owner = |user: &str, server: &str| Owner {
        user: get(user),
        server: get(server),
        addresses: account.get("SMTP_Email_Address").into_iter().collect(),
    };
    if account.get("POP3_Server").is_some() {
        evidence.pop.push(PopAccount {
            program: program.into(),
            family: Family::WindowsMail,
            name: get("Account_Name"),
            owner: owner("POP3_User_Name", "POP3_Server"),
            leaves: account.leaves(),
            fetches: account.fetches(),
            settings: settings.into(),
            key: settings
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into(),
            mail: settings.parent().map(Path::to_path_buf),
        });
    } else if account.get("IMAP_Server").is_some() {
        evidence.imap.push(ImapAccount {
            program: program.into(),
            name: get("Account_Name"),
            owner: owner("IMAP_User_Name", "IMAP_Server"),
            settings: settings.into(),
        });
    }
}

/// The text of the file, which may be UTF-16.
fn text(bytes: &[u8]) -> String {
    let units = |of: fn([u8; 2]) -> u16| {
        let pairs = bytes
            .chunks_exact(2)
            .filter_map(|pair| pair.try_into().ok());
        String::from_utf16_lossy(&pairs.map(of).collect::<Vec<u16>>())
    };
    match bytes {
        [0xff, 0xfe, ..] | [b'<', 0, ..] => units(u16::from_le_bytes),
        [0xfe, 0xff, ..] | [0, b'<', ..] => units(u16::from_be_bytes),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

struct Account(String);

impl Account {
    /// What stands between `<tag type="…">` and `</tag>`. The elements lie flat in one.
    fn get(&self, tag: &str) -> Option<String> {
        let open = format!("<{tag}");
        let begin = self.0.match_indices(&open).find_map(|(at, _)| {
            let rest = self.0.get(at + open.len()..)?;
            rest.starts_with(['>', ' ', '\t', '\r', '\n'])
                .then_some(rest)
        })?;
        let (attributes, rest) = begin.split_once('>')?;
        if attributes.ends_with('/') {
            return None;
        }
        let (value, _) = rest.split_once(&format!("</{tag}"))?;
        let value = unescaped(value.trim());
        (!value.is_empty()).then_some(value)
    }

    fn number(&self, tag: &str) -> Option<u32> {
        u32::from_str_radix(&self.get(tag)?, 16).ok()
    }

    /// Only what was changed is written, and it is not certain what the program does
    /// with nothing: an absent `Leave_Mail_On_Server` proves neither.
    fn leaves(&self) -> Leaves {
        let Some(stays) = self.number("Leave_Mail_On_Server") else {
            return Leaves::Unknown;
        };
        let is_on = |tag: &str| self.number(tag).is_some_and(|number| number != 0);
        let days = self.number("Expire_Days");
        let expires = is_on("Remove_When_Expired");
        let until_deleted = is_on("Remove_When_Deleted");
        if stays != 0 && expires && days.is_none() {
            return Leaves::Limited {
                days: None,
                until_deleted,
            };
        }
        Leaves::of(stays != 0, days.filter(|_| expires), until_deleted)
    }

    /// An account can be left out of fetching; when the program fetches for the others is not in this file.
    fn fetches(&self) -> Fetches {
        match self.number("POP3_Skip_Account") {
            Some(1..) => Fetches::No,
            _ => Fetches::Unknown,
        }
    }
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&apos;", "'")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guide::evidence::testing::{home, write};

    fn file(inner: &str) -> String {
        format!(
            "<?xml version=\"1.0\" encoding=\"utf-16\" ?>\r\n<MessageAccount>\r\n\
             <Account_Name type=\"SZ\">Jane &amp; Jim</Account_Name>\r\n\
             <POP3_Server type=\"SZ\">pop.charter.net</POP3_Server>\r\n\
             <POP3_User_Name type=\"SZ\">jane</POP3_User_Name>\r\n{inner}</MessageAccount>\r\n"
        )
    }

    #[test]
    fn an_account_is_read_from_either_encoding() {
        let directory = tempfile::tempdir().unwrap();
        let text = file(
            "<Leave_Mail_On_Server type=\"DWORD\">00000001</Leave_Mail_On_Server>\
             <Remove_When_Expired type=\"DWORD\">00000001</Remove_When_Expired>\
             <Expire_Days type=\"DWORD\">0000000e</Expire_Days>\
             <POP3_Skip_Account type=\"DWORD\">00000001</POP3_Skip_Account>",
        );
        let wide: Vec<u8> = std::iter::once('\u{feff}')
            .chain(text.chars())
            .flat_map(|c| (c as u16).to_le_bytes())
            .collect();
        let at = |below: &str| format!("Local/Microsoft/Windows Live Mail/{below}");
        write(directory.path(), &at("Charter/account{1}.oeaccount"), wide);
        write(
            directory.path(),
            &at("Other/account{2}.oeaccount"),
            file("<Leave_Mail_On_Server/>"),
        );
        let mut evidence = Evidence::default();
        look(&home(directory.path()), &mut evidence);
        let [account, other] = evidence.pop.as_slice() else {
            panic!("{evidence:?}");
        };
        assert_eq!(account.name, "Jane & Jim");
        assert!(account.owner.is("jane@charter.net"));
        assert_eq!(account.leaves, Leaves::of(true, Some(14), false));
        assert_eq!(account.fetches, Fetches::No);
        assert_eq!(
            (other.leaves, &other.fetches),
            (Leaves::Unknown, &Fetches::Unknown)
        );
    }
}
