//! One piece of mail and who it is: what every room of the house passes around.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

/// The system flags of IMAP that a copy keeps (RFC 9051, 2.3.2).
///
/// `\Deleted` is not among them: a message that its mail program marked as
/// deleted is left out or copied as an ordinary one, never copied as deleted.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Flags(u8);

impl Flags {
    /// No flag at all: an unread message.
    pub const NONE: Flags = Flags(0);
    /// `\Seen`: the message was read.
    pub const SEEN: Flags = Flags(1);
    /// `\Answered`: a reply was sent.
    pub const ANSWERED: Flags = Flags(2);
    /// `\Flagged`: starred.
    pub const FLAGGED: Flags = Flags(4);
    /// `\Draft`: not finished.
    pub const DRAFT: Flags = Flags(8);

    const NAMES: [(Flags, &'static str); 4] = [
        (Flags::SEEN, "\\Seen"),
        (Flags::ANSWERED, "\\Answered"),
        (Flags::FLAGGED, "\\Flagged"),
        (Flags::DRAFT, "\\Draft"),
    ];

    /// Whether every flag of `other` is set here.
    pub const fn contains(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }

    /// The flags of both.
    #[must_use]
    pub const fn union(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }

    /// The flags of both.
    #[must_use]
    pub const fn intersection(self, other: Flags) -> Flags {
        Flags(self.0 & other.0)
    }

    /// The flags set here and not in `other`.
    #[must_use]
    pub const fn without(self, other: Flags) -> Flags {
        Flags(self.0 & !other.0)
    }

    /// Adds the flags of `other`.
    pub const fn insert(&mut self, other: Flags) {
        self.0 |= other.0;
    }

    /// As a number, for what this program writes for itself.
    pub(crate) const fn bits(self) -> u8 {
        self.0
    }

    /// The flags of a number that [`Flags::bits`] gave.
    pub(crate) const fn from_bits(bits: u8) -> Flags {
        Flags(bits & 15)
    }

    /// Whether no flag is set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The flag of this IMAP name, whatever its case.
    pub fn from_name(name: &str) -> Option<Flags> {
        Self::NAMES
            .iter()
            .find(|(_, known)| known.eq_ignore_ascii_case(name))
            .map(|(flag, _)| *flag)
    }

    /// The IMAP names of the flags that are set, as they go over the wire.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES
            .into_iter()
            .filter(move |(flag, _)| self.contains(*flag))
            .map(|(_, name)| name)
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

/// A tag of a mail program as an IMAP keyword (RFC 9051, 2.3.2), with the name
/// that people know it by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Keyword {
    atom: Box<str>,
    name: Box<str>,
}

impl Keyword {
    /// A keyword whose `atom` goes to the server and whose `name` is shown.
    ///
    /// `None` where `atom` is no IMAP atom: empty, longer than 250 bytes, not
    /// ASCII, or holding one of `(){ %*"\]` or a control character.
    pub fn new(atom: &str, name: &str) -> Option<Keyword> {
        let plain = |byte: u8| byte.is_ascii_graphic() && !b"(){%*\"\\]".contains(&byte);
        let fits = !atom.is_empty() && atom.len() <= 250 && atom.bytes().all(plain);
        fits.then(|| Keyword {
            atom: atom.into(),
            name: name.into(),
        })
    }

    /// The keyword for a label that is known only by its name, as other
    /// programs make one: what no atom can hold becomes `_`.
    pub fn from_label(label: &str) -> Option<Keyword> {
        let atom: String = label
            .chars()
            .map(|c| {
                if c.is_ascii_graphic() && !"(){%*\"\\]".contains(c) {
                    c
                } else {
                    '_'
                }
            })
            .take(100)
            .collect();
        Keyword::new(&atom, label)
    }

    /// What goes over the wire.
    pub fn atom(&self) -> &str {
        &self.atom
    }

    /// What the person called it.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// The tags of one message. Equal sets are shared, since most messages have none.
#[derive(Clone, Default, Debug, PartialEq, Eq)]
pub struct Keywords(Option<Arc<Vec<Keyword>>>);

impl Keywords {
    /// The set of these tags; doubles collapse.
    pub fn new(mut tags: Vec<Keyword>) -> Keywords {
        tags.sort();
        tags.dedup_by(|a, b| a.atom.eq_ignore_ascii_case(&b.atom));
        Keywords((!tags.is_empty()).then(|| Arc::new(tags)))
    }

    /// The tags in order of their atoms.
    pub fn iter(&self) -> impl Iterator<Item = &Keyword> {
        self.0.iter().flat_map(|tags| tags.iter())
    }

    /// Whether there is no tag.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The tags of both.
    #[must_use]
    pub fn union(&self, other: &Keywords) -> Keywords {
        if other.is_empty() || self == other {
            return self.clone();
        }
        Keywords::new(self.iter().chain(other.iter()).cloned().collect())
    }
}

/// A moment with the zone it was written in: what INTERNALDATE carries
/// (RFC 9051, 2.3.3). Always between 1970 and the year 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MailDate {
    /// Seconds since 1970-01-01 00:00:00 UTC.
    pub seconds: i64,
    /// The zone, in minutes east of UTC.
    pub offset: i16,
}

impl PartialOrd for MailDate {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for MailDate {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.seconds, self.offset).cmp(&(other.seconds, other.offset))
    }
}

impl MailDate {
    /// The calendar year in the date's own zone.
    pub fn year(self) -> i16 {
        self.zoned().map_or(1970, |local| local.year())
    }

    /// `dd-Mmm-yyyy hh:mm:ss +hhmm`, the form that APPEND takes (RFC 9051, 9: date-time).
    pub fn imap(self) -> String {
        self.zoned().map_or_else(
            || "01-Jan-1970 00:00:00 +0000".into(),
            |local| local.strftime("%d-%b-%Y %H:%M:%S %z").to_string(),
        )
    }

    /// Reads the form of [`MailDate::imap`], whose day may be padded by a blank.
    pub fn from_imap(text: &str) -> Option<MailDate> {
        let text = text.trim();
        let padded = if text.as_bytes().get(1) == Some(&b'-') {
            format!("0{text}")
        } else {
            text.into()
        };
        let local = jiff::fmt::strtime::parse("%d-%b-%Y %H:%M:%S %z", &padded).ok()?;
        let zoned = local.to_zoned_datetime().ok()?;
        let offset = i16::try_from(zoned.offset().seconds() / 60).ok()?;
        Some(MailDate {
            seconds: zoned.timestamp().as_second(),
            offset,
        })
    }

    /// The day in the date's own zone, as `2009-05-17`.
    pub fn day(self) -> jiff::civil::Date {
        self.zoned()
            .map_or(jiff::civil::date(1970, 1, 1), |local| local.date())
    }

    fn zoned(self) -> Option<jiff::ZonedDateTime> {
        let offset = jiff::tz::Offset::from_seconds(i32::from(self.offset) * 60).ok()?;
        Some(
            jiff::Timestamp::from_second(self.seconds)
                .ok()?
                .to_zoned_datetime(offset.to_time_zone()),
        )
    }
}

/// Sixteen bytes of a SHA-256. The journal holds whole ones where it can.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 16]);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Digest {
    /// Reads at least thirty-two hexadecimal digits; more are allowed and not kept.
    pub fn from_hex(text: &str) -> Option<Digest> {
        let mut bytes = [0; 16];
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(index * 2..index * 2 + 2)?, 16).ok()?;
        }
        Some(Digest(bytes))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Who a message is, at three strengths. Never its Message-ID alone: drafts and
/// list copies share one, and old mail has none. See [`crate::identity`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    /// Of the very bytes that are uploaded (`hu` in the journal).
    pub bytes: Digest,
    /// Of what no server or mail program changes: chosen header fields and the
    /// body, line ends evened out (`hid`). Equal content means equal message.
    pub content: Digest,
    /// Of the five header fields that one cheap FETCH returns (`hc`). Equal
    /// summaries mean a candidate, no more.
    pub summary: Digest,
}

/// The place of a folder in the table of its source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FolderId(pub u32);

/// Where a message lies in its source.
#[derive(Clone, PartialEq, Eq)]
pub struct Origin {
    /// The file that holds it, or the directory of its file.
    pub place: Arc<Path>,
    /// Its own file in that directory, where a message is a file.
    pub file: Option<Box<OsStr>>,
    /// First byte of the message in the file, after any separator line.
    pub start: u64,
    /// Bytes in the file, before any conversion.
    pub length: u64,
}

impl Origin {
    /// The file to open.
    pub fn path(&self) -> PathBuf {
        self.file
            .as_ref()
            .map_or_else(|| self.place.to_path_buf(), |file| self.place.join(&**file))
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} at {}+{}",
            self.path().display(),
            self.start,
            self.length
        )
    }
}

/// The declared changes between the bytes in the file and the bytes uploaded.
/// The list is closed, and the report counts each.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Conversions(u8);

impl Conversions {
    /// Nothing is changed.
    pub const NONE: Conversions = Conversions(0);
    /// One level of `>From ` is taken back (mboxrd).
    pub const UNQUOTED: Conversions = Conversions(1);
    /// The leading run of Thunderbird's own header fields is left out.
    pub const MOZILLA_HEADERS: Conversions = Conversions(2);
    /// A bare LF or CR became CRLF.
    pub const LINE_ENDS: Conversions = Conversions(4);
    /// A CRLF was put at the end.
    pub const FINAL_LINE_END: Conversions = Conversions(8);
    /// A UTF-8 byte order mark was left out, or UTF-16 was read as UTF-8.
    pub const TEXT_ENCODING: Conversions = Conversions(16);
    /// Carriage returns alone end the lines (classic Mac OS).
    pub const CR_LINES: Conversions = Conversions(32);

    /// Whether every conversion of `other` is in here.
    pub const fn contains(self, other: Conversions) -> bool {
        self.0 & other.0 == other.0
    }

    /// Adds those of `other`.
    pub const fn insert(&mut self, other: Conversions) {
        self.0 |= other.0;
    }

    /// Those of both.
    #[must_use]
    pub const fn union(self, other: Conversions) -> Conversions {
        Conversions(self.0 | other.0)
    }

    /// As a number, for what this program writes for itself.
    pub(crate) const fn bits(self) -> u8 {
        self.0
    }

    /// The conversions of a number that [`Conversions::bits`] gave.
    pub(crate) const fn from_bits(bits: u8) -> Conversions {
        Conversions(bits & 63)
    }

    /// Each conversion that is in here, with its name in the report.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        const NAMES: [(Conversions, &str); 6] = [
            (Conversions::UNQUOTED, "from_unquoted"),
            (Conversions::MOZILLA_HEADERS, "mozilla_headers_left_out"),
            (Conversions::LINE_ENDS, "line_ends"),
            (Conversions::FINAL_LINE_END, "final_line_end"),
            (Conversions::TEXT_ENCODING, "text_encoding"),
            (Conversions::CR_LINES, "cr_lines"),
        ];
        NAMES
            .into_iter()
            .filter(move |(one, _)| self.contains(*one))
            .map(|(_, name)| name)
    }
}

impl fmt::Debug for Conversions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

/// What the mail program thinks of a message in its file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Mail that the person can see.
    #[default]
    Live,
    /// Moved or deleted, not to be seen any more, and still in the file until the program tidies it
    /// (Thunderbird's `X-Mozilla-Status` 0008).
    Expunged,
    /// Marked to be deleted one day, and still to be seen in its folder (Maildir's `T`, `X-Status: D`).
    /// It is mail like any other until its program deletes it.
    Marked,
    /// Not mail: a record that a program keeps for itself in the file.
    Internal,
    /// Only the first lines were fetched; the rest is still on the POP server
    /// (`X-Mozilla-Status` 0400).
    Partial,
}

/// A small handle on one message in a source. Its bytes stay where they are.
#[derive(Clone, Debug)]
pub struct Item {
    /// Where it lies.
    pub origin: Origin,
    /// The folder of the source that it belongs to.
    pub folder: FolderId,
    /// Bytes as uploaded.
    pub size: u64,
    /// Who it is.
    pub identity: Identity,
    /// The date that INTERNALDATE gets, if any can be believed.
    pub date: Option<MailDate>,
    /// Its tags.
    pub keywords: Keywords,
    /// Read, answered, starred, draft.
    pub flags: Flags,
    /// What is changed on the way.
    pub conversions: Conversions,
    /// Live, expunged, partial.
    pub standing: Standing,
    /// Whether it has a Message-ID: without one, the summary alone never counts.
    pub has_id: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_stays_small() {
        assert!(size_of::<Item>() <= 144, "{}", size_of::<Item>());
    }

    #[test]
    fn imap_dates_are_written_and_read_back() {
        let date = MailDate {
            seconds: 1_242_556_496,
            offset: 120,
        };
        assert_eq!(date.imap(), "17-May-2009 12:34:56 +0200");
        assert_eq!(MailDate::from_imap(&date.imap()), Some(date));
        assert_eq!(
            MailDate::from_imap(" 7-May-2009 12:34:56 +0200").map(|d| d.imap()),
            Some("07-May-2009 12:34:56 +0200".into())
        );
    }

    #[test]
    fn a_keyword_can_never_carry_syntax() {
        for atom in [
            "", "a b", "a(b", "a)b", "a\"b", "a\\b", "a*b", "a%b", "a]b", "é", "a\r\nb",
        ] {
            assert_eq!(Keyword::new(atom, ""), None, "{atom:?}");
            assert!(Keyword::from_label(atom).is_none_or(|k| Keyword::new(k.atom(), "").is_some()));
        }
        assert!(Keyword::new("kunde=20m=c3=bcller", "Kunde Müller").is_some());
    }
}
