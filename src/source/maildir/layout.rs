//! How directories of a Maildir tree name the folders that they hold: Maildir++, Evolution, KMail and plain ones.

use crate::source::escapes;
use crate::source::walk::{Entry, What};
use crate::utf7;

/// Whether a directory with these entries holds messages as a Maildir does. `new` or
/// `tmp` may be missing: Thunderbird makes no `new`.
pub(crate) fn is_maildir(entries: &[Entry]) -> bool {
    let has = |name: &str| {
        (entries.iter()).any(|entry| entry.name == name && entry.what == What::Directory)
    };
    has("cur") || (has("new") && has("tmp"))
}

/// Whether this is one of the directories that make a Maildir.
pub(crate) fn is_own(name: &str) -> bool {
    matches!(name, "cur" | "new" | "tmp")
}

/// Whether Evolution keeps this Maildir: it spells the folders' names in its own way.
pub(crate) fn is_evolution(entries: &[Entry]) -> bool {
    let marks = ["..maildir++", "..cmeta"];
    (entries.iter()).any(|entry| marks.iter().any(|mark| entry.name == *mark))
}

/// The names from the top down of the folder in `.A.B` (Maildir++); `None` where the
/// directory's name is no such name.
pub(crate) fn dotted(name: &str, evolution: bool) -> Option<Vec<String>> {
    let names = name.strip_prefix('.')?.split('.');
    let decode = |name: &str| {
        if evolution {
            unescaped(name)
        } else {
            plain(name)
        }
    };
    let names: Vec<String> = names.map(decode).collect();
    names.iter().all(|name| !name.is_empty()).then_some(names)
}

/// The folder whose sub-folders KMail keeps in `.name.directory`.
pub(crate) fn kmail(name: &str) -> Option<&str> {
    let name = name.strip_prefix('.')?.strip_suffix(".directory")?;
    (!name.is_empty()).then_some(name)
}

/// A directory's name as people see it: Dovecot and Courier write it in modified UTF-7.
pub(crate) fn plain(name: &str) -> String {
    utf7::decode(name).unwrap_or_else(|| name.to_string())
}

/// Evolution writes bytes that could be taken for something else as `_5F`.
fn unescaped(name: &str) -> String {
    String::from_utf8(escapes::resolve(name, b'_')).unwrap_or_else(|_| name.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folder_names_of_each_program() {
        let names = |names: &[&str]| Some(names.iter().map(|name| name.to_string()).collect());
        assert_eq!(
            dotted(".My Folder.Nested", false),
            names(&["My Folder", "Nested"])
        );
        assert_eq!(
            dotted(".&ZeVnLIqe-.a_2Eb", false),
            names(&["日本語", "a_2Eb"])
        );
        assert_eq!(
            dotted(".a_2Eb.INBOX._C3_84_", true),
            names(&["a.b", "INBOX", "Ä_"])
        );
        assert_eq!(dotted("._zz_+1", true), names(&["_zz_+1"]));
        for no in ["plain", ".", "..", ".a..b", ".a."] {
            assert_eq!(dotted(no, false), None, "{no}");
        }
        assert_eq!(kmail(".inbox.directory"), Some("inbox"));
        assert_eq!(kmail("..directory"), None);
        assert_eq!(plain("Q1 & Q2"), "Q1 & Q2");
    }
}
