//! FETCH: reads the items a client asks for, and writes them for each message (RFC 9051, 6.4.5).

use std::io::{self, Read};

use super::answer::Reply;
use super::line::Link;
use super::messages::Meant;
use super::parse::Token;
use super::section::{self, Section};
use super::session::Session;
use super::spool::{Region, Spool};
use super::store::Message;
use super::structure;
use super::{body, envelope};
use crate::mailbox::MailboxName;
use crate::message::Flags;

/// Items that one FETCH may ask for.
const ITEMS: usize = 100;

/// One item of a FETCH.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    Flags,
    Uid,
    Size,
    Date,
    Envelope,
    /// `BODYSTRUCTURE`, or `BODY` without the newer parts.
    Structure {
        newer: bool,
    },
    /// Bytes of the message.
    Section(Section),
}

/// What an item answers.
enum Value {
    Words(Vec<u8>),
    /// A literal: of bytes that are at hand, or that lie in the spool.
    Held(Vec<u8>),
    Spooled(Region),
}

impl Item {
    /// Reads the items of a FETCH. `None` where one is not known.
    pub(super) fn read_all(tokens: &[Token]) -> Option<Vec<Item>> {
        let tokens = match tokens {
            [Token::List(tokens)] => tokens,
            tokens => tokens,
        };
        let mut items = Vec::new();
        for token in tokens {
            let word = token.word()?;
            match word.as_str() {
                "ALL" | "FAST" | "FULL" => {
                    items.extend([Item::Flags, Item::Date, Item::Size]);
                    if word != "FAST" {
                        items.push(Item::Envelope);
                    }
                    if word == "FULL" {
                        items.push(Item::Structure { newer: false });
                    }
                }
                "FLAGS" => items.push(Item::Flags),
                "UID" => items.push(Item::Uid),
                "RFC822.SIZE" => items.push(Item::Size),
                "INTERNALDATE" => items.push(Item::Date),
                "ENVELOPE" => items.push(Item::Envelope),
                "BODY" => items.push(Item::Structure { newer: false }),
                "BODYSTRUCTURE" => items.push(Item::Structure { newer: true }),
                _ => items.push(Item::Section(Section::read(&word)?)),
            }
        }
        (!items.is_empty() && items.len() <= ITEMS).then_some(items)
    }

    /// Whether reading this makes the message a read one.
    fn marks_seen(&self) -> bool {
        matches!(self, Item::Section(section) if !section.peek)
    }
}

impl<L: Link> Session<'_, L> {
    /// Answers a FETCH.
    pub(super) fn fetch(
        &mut self,
        folder: &MailboxName,
        meant: &[Meant],
        args: &[Token],
        by_uid: bool,
        read_only: bool,
    ) -> io::Result<Reply> {
        let Some(mut items) = Item::read_all(args) else {
            return Ok(Reply::bad("FETCH of what?"));
        };
        if by_uid && !items.contains(&Item::Uid) {
            items.insert(0, Item::Uid);
        }
        let marks_seen = !read_only && items.iter().any(Item::marks_seen);
        for message in meant {
            let mut state = self.store.state();
            let stored = state
                .folders
                .get_mut(folder)
                .and_then(|folder| folder.message_mut(message.uid));
            // Another client may have taken it away; the news say so later.
            let Some(stored) = stored else {
                continue;
            };
            let newly_seen = marks_seen && !stored.marks.flags.contains(Flags::SEEN);
            if newly_seen {
                stored.marks.flags.insert(Flags::SEEN);
            }
            let stored = stored.clone();
            let flags = state.keywords.write(&stored.marks);
            drop(state);
            self.line
                .send(format!("* {} FETCH (", message.number).as_bytes())?;
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    self.line.send(b" ")?;
                }
                self.item(item, &stored, &flags)?;
            }
            if newly_seen && !items.contains(&Item::Flags) {
                self.line.send(format!(" FLAGS ({flags})").as_bytes())?;
            }
            self.line.send(b")\r\n")?;
        }
        Ok(Reply::ok("done"))
    }

    fn item(&mut self, item: &Item, message: &Message, flags: &str) -> io::Result<()> {
        let spool = &self.store.spool;
        let (label, value) = match item {
            Item::Flags => ("FLAGS", words(format!("({flags})"))),
            Item::Uid => ("UID", words(message.uid.to_string())),
            Item::Size => ("RFC822.SIZE", words(message.region.length.to_string())),
            Item::Date => (
                "INTERNALDATE",
                words(format!("\"{}\"", message.date.imap())),
            ),
            Item::Envelope => {
                let header = section::held_header(spool, message.region.part(0, message.header))?;
                ("ENVELOPE", Value::Words(envelope::write(&header)))
            }
            Item::Structure { newer } => {
                let root = structure::scan(spool, message.region)?;
                let label = if *newer { "BODYSTRUCTURE" } else { "BODY" };
                (
                    label,
                    Value::Words(body::write(spool, message.region, &root, *newer)?),
                )
            }
            Item::Section(section) => (section.label.as_str(), value_of(spool, section, message)?),
        };
        self.line.send(label.as_bytes())?;
        self.line.send(b" ")?;
        match value {
            Value::Words(words) => self.line.send(&words),
            Value::Held(bytes) => {
                self.line
                    .send(format!("{{{}}}\r\n", bytes.len()).as_bytes())?;
                self.line.send(&bytes)
            }
            Value::Spooled(region) => self.spooled(region),
        }
    }

    /// Sends a literal out of the spool, in pieces.
    fn spooled(&mut self, region: Region) -> io::Result<()> {
        self.line
            .send(format!("{{{}}}\r\n", region.length).as_bytes())?;
        let mut reader = self.store.spool.read(region);
        let mut piece = vec![0; 64 * 1024];
        let mut left = region.length;
        while left > 0 {
            let got = reader.read(&mut piece)?;
            if got == 0 {
                // The literal can't be completed, so the connection can't go on.
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.line.send(piece.get(..got).unwrap_or_default())?;
            left = left.saturating_sub(got as u64);
        }
        Ok(())
    }
}

fn words(words: String) -> Value {
    Value::Words(words.into_bytes())
}

fn value_of(spool: &Spool, section: &Section, message: &Message) -> io::Result<Value> {
    let Some((region, filter)) = section.place(spool, message)? else {
        // A part that is not there (RFC 9051, 6.4.5: NIL or an empty string).
        return Ok(words("NIL".into()));
    };
    let (start, length) = section.partial.unwrap_or((0, u64::MAX));
    let end = start.saturating_add(length);
    let Some(filter) = filter else {
        return Ok(Value::Spooled(region.part(start, end)));
    };
    let fields = filter.pick(&section::held_header(spool, region)?);
    let clamp = |at: u64| usize::try_from(at).map_or(fields.len(), |at| at.min(fields.len()));
    Ok(Value::Held(
        fields
            .get(clamp(start)..clamp(end))
            .unwrap_or_default()
            .to_vec(),
    ))
}

#[cfg(test)]
mod tests {
    use crate::rehearsal::testing::{append, append_raw, small_store, talk};

    const MAIL: &str = "Date: Sun, 17 May 2009 12:34:56 +0200\r\nSubject: one\r\n two\r\nFROM: a@b\r\n\r\nbody\r\nend\r\n";

    fn fetch(what: &str) -> String {
        let store = small_store();
        let heard = talk(
            &store,
            format!("{}a SELECT INBOX\r\nb FETCH 1 {what}\r\n", append_raw(MAIL)),
        );
        heard
            .split_once("a OK [READ-WRITE] open\r\n")
            .unwrap()
            .1
            .into()
    }

    #[test]
    fn the_items_of_a_message() {
        assert_eq!(
            fetch("(FLAGS UID RFC822.SIZE)"),
            format!(
                "* 1 FETCH (FLAGS () UID 1 RFC822.SIZE {})\r\nb OK done\r\n",
                MAIL.len()
            )
        );
        assert!(fetch("FAST").contains("(FLAGS () INTERNALDATE \""));
        assert!(
            fetch("ALL").contains("ENVELOPE (\"Sun, 17 May 2009 12:34:56 +0200\" \"one two\" ")
        );
        assert!(
            fetch("FULL").contains(
                "BODY (\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 11 2)"
            ),
            "{}",
            fetch("FULL")
        );
        assert!(fetch("FROB").starts_with("b BAD"));
        assert!(fetch("()").starts_with("b BAD"));
    }

    #[test]
    fn sections_of_a_message() {
        for (asked, answered) in [
            ("BODY.PEEK[]", format!("BODY[] {{{}}}\r\n{MAIL}", MAIL.len())),
            ("BODY.PEEK[]<4.10>", "BODY[]<4> {10}\r\n: Sun, 17 ".into()),
            ("BODY.PEEK[]<9999.10>", "BODY[]<9999> {0}\r\n".into()),
            ("body.peek[text]", "BODY[TEXT] {11}\r\nbody\r\nend\r\n".into()),
            ("BODY.PEEK[1]", "BODY[1] {11}\r\nbody\r\nend\r\n".into()),
            ("BODY.PEEK[2]", "BODY[2] NIL".into()),
            ("BODY.PEEK[HEADER]", format!("BODY[HEADER] {{{}}}\r\n{}", MAIL.len() - 11, &MAIL[..MAIL.len() - 11])),
            ("BODY.PEEK[HEADER.FIELDS (Subject \"From\" X)]", "BODY[HEADER.FIELDS (SUBJECT FROM X)] {33}\r\nSubject: one\r\n two\r\nFROM: a@b\r\n\r\n".into()),
            ("BODY.PEEK[HEADER.FIELDS.NOT (Subject Date)]", "BODY[HEADER.FIELDS.NOT (SUBJECT DATE)] {13}\r\nFROM: a@b\r\n\r\n".into()),
            ("BODY.PEEK[HEADER.FIELDS (FROM)]<2.3>", "BODY[HEADER.FIELDS (FROM)]<2> {3}\r\nOM:".into()),
            ("RFC822.HEADER", format!("RFC822.HEADER {{{}}}\r\n", MAIL.len() - 11)),
        ] {
            let heard = fetch(asked);
            assert_eq!(heard, format!("* 1 FETCH ({answered}{}", &heard[heard.len().min(11 + answered.len())..]), "{asked}");
            assert!(heard.ends_with(")\r\nb OK done\r\n") && !heard.contains("FLAGS"), "{heard}");
        }
    }

    #[test]
    fn reading_without_peeking_marks_as_read() {
        for asked in ["BODY[]", "RFC822", "RFC822.TEXT", "BODY[TEXT]<0.1>"] {
            assert!(
                fetch(asked).ends_with(" FLAGS (\\Seen))\r\nb OK done\r\n"),
                "{asked}"
            );
        }
        let said = format!("{}a EXAMINE INBOX\r\nb FETCH 1 BODY[]\r\n", append("x"));
        assert!(
            !talk(&small_store(), said)
                .contains("FETCH (BODY[] {17}\r\nSubject: x\r\n\r\nx\r\n FLAGS")
        );
    }

    #[test]
    fn uids_are_told_where_they_were_asked_by() {
        let said = format!(
            "{0}{0}a SELECT INBOX\r\nb UID FETCH 2:* FLAGS\r\nc UID FETCH 9:* (UID)\r\nd UID FETCH 1:9 (UID FLAGS)\r\n",
            append("x")
        );
        let heard = talk(&small_store(), said);
        assert!(
            heard.contains("* 2 FETCH (UID 2 FLAGS ())\r\nb OK"),
            "{heard}"
        );
        assert!(heard.contains("* 2 FETCH (UID 2)\r\nc OK"));
        assert!(heard.contains("* 1 FETCH (UID 1 FLAGS ())\r\n* 2 FETCH (UID 2 FLAGS ())\r\nd OK"));
    }
}
