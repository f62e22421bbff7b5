//! What a message's own header says of it: flags, tags, standing and date, as mail programs write them there.

use std::collections::HashMap;

use jiff::{Timestamp, ToSpan};

use super::date;
use super::upload::MOZILLA_FIELDS;
use crate::header::{self, Field};
use crate::message::{Flags, Keyword, Keywords, MailDate, Standing};

/// Longest list of tags that is looked at, in tags.
const TAGS_CAP: usize = 100;

/// What a mail program noted about a message in its header. Without a note nothing
/// is known, and the message counts as unread.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    pub(crate) flags: Flags,
    pub(crate) keywords: Keywords,
    pub(crate) standing: Standing,
}

impl Marks {
    /// Reads Thunderbird's fields where they stand on top; else what Unix programs
    /// write anywhere in the header.
    pub(crate) fn read(header: &[u8], tags: &TagNames) -> Marks {
        Marks::mozilla(header, tags).unwrap_or_else(|| Marks::unix(header, tags))
    }

    /// Reads Thunderbird's fields. They count only in the leading run that Thunderbird itself writes: a
    /// mail may have come with an `X-Mozilla-Status` of its sender's further down.
    pub(crate) fn mozilla(header: &[u8], tags: &TagNames) -> Option<Marks> {
        let run: Vec<Field<'_>> = header::fields(header)
            .take_while(|field| MOZILLA_FIELDS.iter().any(|name| field.is(name)))
            .take(MOZILLA_FIELDS.len())
            .collect();
        let value = |name| run.iter().find(|field| field.is(name)).map(Field::text);
        let number = |name| value(name).and_then(|text| u32::from_str_radix(&text, 16).ok());
        let status = number("X-Mozilla-Status")?;
        let status2 = number("X-Mozilla-Status2").unwrap_or(0);

        let flags = [(1, Flags::SEEN), (2, Flags::ANSWERED), (4, Flags::FLAGGED)]
            .into_iter()
            .filter(|(bit, _)| status & bit != 0)
            .fold(Flags::NONE, |all, (_, flag)| all.union(flag));
        let mut keywords =
            value("X-Mozilla-Keys").map_or_else(Vec::new, |keys| tags.keywords(&keys));
        // Forwarded. IMAP keeps that as a keyword (RFC 5788), and Thunderbird does so too.
        if status & 0x1000 != 0 {
            keywords.extend(Keyword::new("$Forwarded", "$Forwarded"));
        }
        // The one label a message could have before there were tags (Thunderbird 1).
        let label = status2 >> 25 & 7;
        if (1..=5).contains(&label) {
            keywords.extend(tags.keyword(&format!("$label{label}")));
        }
        let standing = if status & 8 != 0 || status2 & 0x0020_0000 != 0 {
            Standing::Expunged
        } else if status & 0x400 != 0 {
            Standing::Partial
        } else {
            Standing::Live
        };
        Some(Marks {
            flags,
            keywords: Keywords::new(keywords),
            standing,
        })
    }

    /// Reads `Status`, `X-Status` and `X-Keywords`: Pine, mutt, Dovecot, and everything that came after them.
    fn unix(header: &[u8], tags: &TagNames) -> Marks {
        let mut marks = Marks::default();
        if is_internal(header) {
            marks.standing = Standing::Internal;
            return marks;
        }
        let letters =
            |name| header::find(header, name).map_or_else(String::new, |field| field.text());
        for letter in letters("Status").chars() {
            if letter == 'R' {
                marks.flags.insert(Flags::SEEN);
            }
        }
        for letter in letters("X-Status").chars() {
            match letter {
                'A' => marks.flags.insert(Flags::ANSWERED),
                'F' => marks.flags.insert(Flags::FLAGGED),
                'T' => marks.flags.insert(Flags::DRAFT),
                'D' => marks.standing = Standing::Marked,
                _ => {}
            }
        }
        marks.keywords = Keywords::new(tags.keywords(&letters("X-Keywords")));
        marks
    }
}

/// Whether this is the record that UW IMAP, Pine and their relatives keep as the first message of a file.
fn is_internal(header: &[u8]) -> bool {
    let text = |name| header::find(header, name).map_or_else(String::new, |field| field.text());
    let counts = header::fields(header).any(|field| field.is("X-IMAP") || field.is("X-IMAPbase"));
    counts
        && text("Subject").starts_with("DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA")
        && text("From").to_ascii_uppercase().contains("MAILER-DAEMON")
}

/// The names that tags have on the screen.
#[derive(Clone, Debug)]
pub(crate) struct TagNames(HashMap<String, String>);

impl TagNames {
    /// All of them as one text, which differs where any name differs.
    pub(crate) fn told(&self) -> String {
        let mut names: Vec<_> = self.0.iter().collect();
        names.sort();
        format!("{names:?}")
    }
}

impl Default for TagNames {
    /// The tags that a new Thunderbird has.
    fn default() -> TagNames {
        let tags = [
            ("$label1", "Important"),
            ("$label2", "Work"),
            ("$label3", "Personal"),
            ("$label4", "To Do"),
            ("$label5", "Later"),
        ];
        TagNames(tags.map(|(key, name)| (key.into(), name.into())).into())
    }
}

impl TagNames {
    /// Says what a tag is called (`mailnews.tags.<key>.tag` in Thunderbird's settings).
    pub(crate) fn insert(&mut self, key: &str, name: &str) {
        self.0.insert(key.to_ascii_lowercase(), name.into());
    }

    /// The keyword of one tag.
    pub(crate) fn keyword(&self, key: &str) -> Option<Keyword> {
        let name = match self.0.get(&key.to_ascii_lowercase()) {
            Some(name) => name.clone(),
            None => unescaped(key).unwrap_or_else(|| key.into()),
        };
        Keyword::new(key, &name).or_else(|| Keyword::from_label(&name))
    }

    /// The keywords of a list with blanks between them.
    fn keywords(&self, keys: &str) -> Vec<Keyword> {
        keys.split_ascii_whitespace()
            .take(TAGS_CAP)
            .filter_map(|key| self.keyword(key))
            .collect()
    }
}

/// The name in a key like `kunde=20m=c3=bcller`, as Thunderbird makes one for a tag of the person's own.
fn unescaped(key: &str) -> Option<String> {
    let mut parts = key.split('=');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

/// The date for INTERNALDATE: the store's own; else that of the topmost `Received` with
/// one; else `Date`; else that of the separator line. Only what lies between 1970 and tomorrow counts.
pub(crate) fn date(
    store: Option<MailDate>,
    header: &[u8],
    separator: Option<MailDate>,
) -> Option<MailDate> {
    let tomorrow = Timestamp::now()
        .checked_add(24.hours())
        .map_or(i64::MAX, Timestamp::as_second);
    date_until(tomorrow, store, header, separator)
}

/// Whether a message's date will be the same on any later day: none in it lies in the future.
pub(crate) fn is_settled(header: &[u8], separator: Option<MailDate>) -> bool {
    date(None, header, separator) == date_until(i64::MAX, None, header, separator)
}

fn date_until(
    latest: i64,
    store: Option<MailDate>,
    header: &[u8],
    separator: Option<MailDate>,
) -> Option<MailDate> {
    let believable = |date: &MailDate| (0..=latest).contains(&date.seconds);
    let received = |field: Field<'_>| {
        let text = field.text();
        date::parse(text.rsplit_once(';')?.1).filter(believable)
    };
    let written = |field: Field<'_>| date::parse(&field.text()).filter(believable);
    store
        .filter(believable)
        .or_else(|| {
            header::fields(header)
                .filter(|field| field.is("Received"))
                .find_map(received)
        })
        .or_else(|| {
            header::fields(header)
                .filter(|field| field.is("Date"))
                .find_map(written)
        })
        .or_else(|| separator.filter(believable))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: &str) -> Marks {
        Marks::read(header.as_bytes(), &TagNames::default())
    }

    fn tags(marks: &Marks) -> Vec<(&str, &str)> {
        marks
            .keywords
            .iter()
            .map(|tag| (tag.atom(), tag.name()))
            .collect()
    }

    #[test]
    fn thunderbirds_status_becomes_flags_and_standing() {
        let marks = read("X-Mozilla-Status: 1007\nX-Mozilla-Status2: 00000000\nSubject: x\n\n");
        assert_eq!(
            marks.flags,
            Flags::SEEN.union(Flags::ANSWERED).union(Flags::FLAGGED)
        );
        assert_eq!(tags(&marks), [("$Forwarded", "$Forwarded")]);
        assert_eq!(marks.standing, Standing::Live);
        assert_eq!(
            read("X-Mozilla-Status: 0409\n\n").standing,
            Standing::Expunged
        );
        assert_eq!(
            read("X-Mozilla-Status: 0401\n\n").standing,
            Standing::Partial
        );
        let deleted = "X-UIDL: 1\nX-Mozilla-Status: 0000\nX-Mozilla-Status2: 00200000\n\n";
        assert_eq!(read(deleted).standing, Standing::Expunged);
    }

    #[test]
    fn only_thunderbirds_own_first_status_counts() {
        let marks = read("X-Mozilla-Status: 0001\nX-Mozilla-Status: 0008\n\n");
        assert_eq!((marks.flags, marks.standing), (Flags::SEEN, Standing::Live));
        let foreign = "Received: by x\nX-Mozilla-Status: 0009\n\n";
        assert_eq!(read(foreign), Marks::default());
        assert_eq!(
            read("Subject: x\n\nX-Mozilla-Status: 0009\n"),
            Marks::default()
        );
    }

    #[test]
    fn tags_have_the_names_that_people_gave_them() {
        let padded = format!(
            "X-Mozilla-Status: 0\nX-Mozilla-Keys: $label1 kunde=20m=c3=bcller{}\n\n",
            " ".repeat(50)
        );
        assert_eq!(
            tags(&read(&padded)),
            [
                ("$label1", "Important"),
                ("kunde=20m=c3=bcller", "kunde müller")
            ]
        );
        let mut names = TagNames::default();
        names.insert("kunde=20m=c3=bcller", "Kunde Müller");
        let marks = Marks::read(padded.as_bytes(), &names);
        assert_eq!(tags(&marks)[1].1, "Kunde Müller");
        assert_eq!(
            tags(&read("X-Mozilla-Status: 0\nX-Mozilla-Keys: a(b)\n\n")),
            [("a_b_", "a(b)")]
        );
        assert_eq!(
            tags(&read(
                "X-Mozilla-Status: 0\nX-Mozilla-Status2: 06000000\n\n"
            )),
            [("$label3", "Personal")]
        );
    }

    #[test]
    fn status_lines_of_unix_programs() {
        let marks = read("Subject: x\nStatus: RO\nX-Status: AFT\nX-Keywords: $label2 Muenchen\n\n");
        let all = Flags::SEEN
            .union(Flags::ANSWERED)
            .union(Flags::FLAGGED)
            .union(Flags::DRAFT);
        assert_eq!(marks.flags, all);
        assert_eq!(
            tags(&marks),
            [("$label2", "Work"), ("Muenchen", "Muenchen")]
        );
        assert_eq!(
            read("X-Status: D\nStatus: O\n\n").standing,
            Standing::Marked
        );
        assert!(read("Status: O\n\n").flags.is_empty());
    }

    #[test]
    fn the_record_of_the_folder_is_no_mail_and_a_mail_about_it_is() {
        let record = "From: Mail System Internal Data <MAILER-DAEMON@x>\nSubject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA\nX-IMAP: 1 2\nStatus: RO\n\n";
        assert_eq!(read(record).standing, Standing::Internal);
        for part in ["X-IMAP", "MAILER-DAEMON", "DON'T"] {
            assert_eq!(
                read(&record.replace(part, "y")).standing,
                Standing::Live,
                "{part}"
            );
        }
    }

    #[test]
    fn the_date_comes_from_the_best_place_that_has_one() {
        let at = |seconds| Some(MailDate { seconds, offset: 0 });
        let seconds = |found: Option<MailDate>| found.map(|date| date.seconds);
        let header = b"Received: by x; nonsense\nReceived: by y (a; b)\n ; 2 Jan 1970 00:00:00 +0000\nDate: 3 Jan 1970 00:00:00 +0000\n\n";
        assert_eq!(date(at(5), header, at(7)), at(5));
        assert_eq!(seconds(date(None, header, at(7))), Some(86_400));
        assert_eq!(
            seconds(date(None, b"Date: 3 Jan 70 00:00\n\n", at(7))),
            Some(2 * 86_400)
        );
        assert_eq!(date(None, b"Date: soon\n\n", at(7)), at(7));
        assert_eq!(date(None, b"", None), None);
        let far = at(9_000_000_000);
        assert_eq!(date(far, b"Date: 1 Jan 2150 00:00\n\n", far), None);
    }
}
