//! What the name of a file in a Maildir tells: `seconds.unique.host:2,flags`.

use std::ffi::OsStr;

use crate::message::{Flags, MailDate};

/// 1995, when Maildir was invented. A name that begins with a smaller number begins
/// with something else than a time.
const FIRST: i64 = 788_918_400;

/// What a file's name tells of its message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Name {
    /// Read, answered, starred, draft.
    pub flags: Flags,
    /// `T`: deleted, and not yet removed.
    pub trashed: bool,
    /// `P`: forwarded, bounced or resent.
    pub passed: bool,
    /// The lower-case letters, which Dovecot and its clients use for keywords.
    pub letters: Vec<u8>,
    /// When the message was delivered.
    pub delivered: Option<MailDate>,
}

impl Name {
    /// Reads a name. What it does not tell is left at its default.
    pub fn read(name: &OsStr) -> Name {
        let name = name.as_encoded_bytes();
        let mut told = Name {
            delivered: delivered(name),
            ..Name::default()
        };
        for letter in info(name)
            .iter()
            .take_while(|byte| byte.is_ascii_alphabetic())
        {
            match letter {
                b'P' => told.passed = true,
                b'R' => told.flags.insert(Flags::ANSWERED),
                b'S' => told.flags.insert(Flags::SEEN),
                b'T' => told.trashed = true,
                b'D' => told.flags.insert(Flags::DRAFT),
                b'F' => told.flags.insert(Flags::FLAGGED),
                b'a'..=b'z' => told.letters.push(*letter),
                _ => {}
            }
        }
        told
    }
}

/// The flags: what follows the last `:2,`, or what stands for it on Windows, where no
/// name can have a colon. A `2,` elsewhere is the end of another field.
fn info(name: &[u8]) -> &[u8] {
    let separators: [&[u8]; 3] = [b":2,", b";2,", b"!2,"];
    let last = (name.windows(3)).rposition(|three| separators.contains(&three));
    let info = last.and_then(|at| name.get(at + 3..)).unwrap_or_default();
    // `,S=1234` is Dovecot's size field.
    if info.contains(&b'=') { b"" } else { info }
}

fn delivered(name: &[u8]) -> Option<MailDate> {
    let digits = name.split(|byte| *byte == b'.').next()?;
    let plain = digits.len() <= 11 && digits.iter().all(u8::is_ascii_digit);
    let seconds: i64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    (plain && seconds >= FIRST).then_some(MailDate { seconds, offset: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(name: &str) -> Name {
        Name::read(OsStr::new(name))
    }

    #[test]
    fn flags_stand_after_the_last_separator_and_nowhere_else() {
        let all = read("1276533073.M242911P3632.kurkku;2,DFPRSTab");
        let four = [Flags::DRAFT, Flags::FLAGGED, Flags::ANSWERED, Flags::SEEN];
        assert_eq!(all.flags, four.into_iter().fold(Flags::NONE, Flags::union));
        assert!(all.trashed && all.passed);
        assert_eq!(all.letters, b"ab");
        assert_eq!(all.delivered.map(|date| date.seconds), Some(1_276_533_073));
        for name in [
            "1.host,S=102,W=112,FS",
            "1.host:1,S",
            "1.host:2,",
            "1.host,S=2,",
            "1.host:2,S=2,F",
            "",
            "2,S",
        ] {
            assert_eq!(read(name), Name::default(), "{name}");
        }
        assert_eq!(read("1.host:2,F!2,S").flags, Flags::SEEN);
        assert_eq!(read("1035478339.27041_118.foo.org,S=1000;2,RDF,S").flags, {
            Flags::ANSWERED.union(Flags::DRAFT).union(Flags::FLAGGED)
        });
    }

    #[test]
    fn only_a_time_since_1995_is_one() {
        for name in [
            "1.x",
            "99999999999999999999.x",
            "+1276533073.x",
            "a.b",
            ".1276533073",
        ] {
            assert_eq!(read(name).delivered, None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn flags_come_back_whatever_the_rest_of_the_name(
            base in "[!-9;-~]{0,30}", bits in 0u8..32, separator in "[:;!]",
        ) {
            let letters: String = ["P", "R", "S", "T", "a"].iter().enumerate()
                .filter(|(bit, _)| bits >> bit & 1 == 1).map(|(_, letter)| *letter).collect();
            let told = read(&format!("{base}{separator}2,{letters}"));
            prop_assert_eq!(told.passed, letters.contains('P'));
            prop_assert_eq!(told.trashed, letters.contains('T'));
            prop_assert_eq!(told.flags.contains(Flags::ANSWERED), letters.contains('R'));
            prop_assert_eq!(told.flags.contains(Flags::SEEN), letters.contains('S'));
            prop_assert_eq!(told.letters.len(), usize::from(letters.contains('a')));
        }

        #[test]
        fn any_name_can_be_read(name in any::<String>()) {
            let _ = read(&name);
        }
    }
}
