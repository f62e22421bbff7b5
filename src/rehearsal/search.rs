//! SEARCH (RFC 9051, 6.4.4; RFC 3501's older keys too). Words are looked for in the raw bytes, with ASCII's cases alike.

use std::io::{self, Read};

use jiff::civil::Date;

use super::answer::Reply;
use super::line::Link;
use super::marks::{Marks, Table};
use super::messages::Meant;
use super::parse::Token;
use super::section::held_header;
use super::session::Session;
use super::sets::Set;
use super::spool::{Region, Spool};
use super::store::Message;
use crate::header;
use crate::mailbox::MailboxName;
use crate::message::{Flags, MailDate};

/// Keys within keys, at most.
const DEPTH: usize = 40;

/// What a message must be.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Key {
    All,
    /// Nothing is ever recent or new here, for no session is told first.
    Never,
    Flag(Flags),
    Deleted,
    Keyword(Option<u16>),
    Larger(u64),
    Smaller(u64),
    /// The day of INTERNALDATE, or of the Date field.
    Day {
        sent: bool,
        is: Compare,
        day: Date,
    },
    Field {
        name: String,
        words: Vec<u8>,
    },
    Body(Vec<u8>),
    Text(Vec<u8>),
    Among(Vec<u32>),
    Not(Box<Key>),
    Or(Box<Key>, Box<Key>),
    And(Vec<Key>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compare {
    Before,
    On,
    Since,
}

impl<L: Link> Session<'_, L> {
    /// Answers a SEARCH.
    pub(super) fn search(
        &mut self,
        folder: &MailboxName,
        args: &[Token],
        by_uid: bool,
    ) -> io::Result<Reply> {
        let args = match args {
            [charset, name, rest @ ..] if charset.word().as_deref() == Some("CHARSET") => {
                let known = name.text().is_some_and(|name| {
                    name.eq_ignore_ascii_case("UTF-8") || name.eq_ignore_ascii_case("US-ASCII")
                });
                if !known {
                    return Ok(Reply::no(
                        "[BADCHARSET (US-ASCII UTF-8)] that character set is not known here",
                    ));
                }
                rest
            }
            args => args,
        };
        let key = {
            let state = self.store.state();
            let among = |set: &Set, by_uid| {
                self.meant(set, by_uid)
                    .into_iter()
                    .map(|meant| meant.uid)
                    .collect()
            };
            let mut reader = Keys {
                rest: args,
                table: &state.keywords,
                among: &among,
            };
            reader.all(0)
        };
        let Some(key) = key else {
            return Ok(Reply::bad("SEARCH for what?"));
        };
        let everyone = Set::read("1:*")
            .map(|set| self.meant(&set, false))
            .unwrap_or_default();
        self.line.send(b"* SEARCH")?;
        for Meant { number, uid } in everyone {
            let message = {
                let state = self.store.state();
                let folder = state.folders.get(folder);
                folder.and_then(|folder| folder.message(uid)).cloned()
            };
            if let Some(message) = message
                && key.fits(&message, &self.store.spool)?
            {
                let shown = if by_uid {
                    format!(" {uid}")
                } else {
                    format!(" {number}")
                };
                self.line.send(shown.as_bytes())?;
            }
        }
        self.line.send(b"\r\n")?;
        Ok(Reply::ok("done"))
    }
}

/// Reads keys.
struct Keys<'a> {
    rest: &'a [Token],
    table: &'a Table,
    /// The UIDs of a set of UIDs or numbers.
    among: &'a dyn Fn(&Set, bool) -> Vec<u32>,
}

impl<'a> Keys<'a> {
    /// All keys that are left; a message must fit each.
    fn all(&mut self, depth: usize) -> Option<Key> {
        let mut keys = Vec::new();
        while !self.rest.is_empty() {
            keys.push(self.key(depth)?);
        }
        (!keys.is_empty()).then_some(Key::And(keys))
    }

    fn key(&mut self, depth: usize) -> Option<Key> {
        if depth > DEPTH {
            return None;
        }
        let token = self.token()?;
        if let Token::List(tokens) = token {
            let mut inner = Keys {
                rest: tokens,
                ..*self
            };
            return inner.all(depth + 1);
        }
        let word = token.word()?;
        Some(match word.as_str() {
            "ALL" | "OLD" => Key::All,
            "NEW" | "RECENT" => Key::Never,
            "ANSWERED" => Key::Flag(Flags::ANSWERED),
            "DRAFT" => Key::Flag(Flags::DRAFT),
            "FLAGGED" => Key::Flag(Flags::FLAGGED),
            "SEEN" => Key::Flag(Flags::SEEN),
            "DELETED" => Key::Deleted,
            "UNANSWERED" => not(Key::Flag(Flags::ANSWERED)),
            "UNDRAFT" => not(Key::Flag(Flags::DRAFT)),
            "UNFLAGGED" => not(Key::Flag(Flags::FLAGGED)),
            "UNSEEN" => not(Key::Flag(Flags::SEEN)),
            "UNDELETED" => not(Key::Deleted),
            "KEYWORD" => Key::Keyword(self.table.place(self.token()?.text()?)),
            "UNKEYWORD" => not(Key::Keyword(self.table.place(self.token()?.text()?))),
            "LARGER" => Key::Larger(self.number()?),
            "SMALLER" => Key::Smaller(self.number()?),
            "BEFORE" => self.day(false, Compare::Before)?,
            "ON" => self.day(false, Compare::On)?,
            "SINCE" => self.day(false, Compare::Since)?,
            "SENTBEFORE" => self.day(true, Compare::Before)?,
            "SENTON" => self.day(true, Compare::On)?,
            "SENTSINCE" => self.day(true, Compare::Since)?,
            "BCC" | "CC" | "FROM" | "SUBJECT" | "TO" => self.field(word)?,
            "HEADER" => {
                let name = self.token()?.text()?.to_string();
                self.field(name)?
            }
            "BODY" => Key::Body(self.words()?),
            "TEXT" => Key::Text(self.words()?),
            "NOT" => not(self.key(depth + 1)?),
            "OR" => Key::Or(
                Box::new(self.key(depth + 1)?),
                Box::new(self.key(depth + 1)?),
            ),
            "UID" => Key::Among((self.among)(&Set::read(self.token()?.text()?)?, true)),
            set => Key::Among((self.among)(&Set::read(set)?, false)),
        })
    }

    fn token(&mut self) -> Option<&'a Token> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    fn number(&mut self) -> Option<u64> {
        self.token()?.text()?.parse().ok()
    }

    fn words(&mut self) -> Option<Vec<u8>> {
        Some(self.token()?.bytes()?.to_ascii_lowercase())
    }

    fn field(&mut self, name: String) -> Option<Key> {
        Some(Key::Field {
            name,
            words: self.words()?,
        })
    }

    fn day(&mut self, sent: bool, is: Compare) -> Option<Key> {
        let text = format!("{} 00:00:00 +0000", self.token()?.text()?);
        let day = MailDate::from_imap(&text)?.day();
        Some(Key::Day { sent, is, day })
    }
}

fn not(key: Key) -> Key {
    Key::Not(Box::new(key))
}

impl Key {
    /// Whether a message is what the key wants.
    fn fits(&self, message: &Message, spool: &Spool) -> io::Result<bool> {
        let marks: &Marks = &message.marks;
        Ok(match self {
            Key::All => true,
            Key::Never => false,
            Key::Flag(flag) => marks.flags.contains(*flag),
            Key::Deleted => marks.deleted,
            Key::Keyword(place) => place.is_some_and(|place| marks.has(place)),
            Key::Larger(size) => message.region.length > *size,
            Key::Smaller(size) => message.region.length < *size,
            Key::Day {
                sent: false,
                is,
                day,
            } => is.fits(message.date.day(), *day),
            Key::Day {
                sent: true,
                is,
                day,
            } => {
                let sent = header::find(&head(message, spool)?, "Date")
                    .and_then(|field| sent_day(&field.text()));
                sent.is_some_and(|sent| is.fits(sent, *day))
            }
            Key::Field { name, words } => {
                let head = head(message, spool)?;
                let named = header::fields(&head).filter(|field| field.is(name));
                let mut values = named.map(|field| field.text().to_ascii_lowercase());
                values.any(|value| holds(value.as_bytes(), words))
            }
            Key::Body(words) => {
                let body = message.region.part(message.header, message.region.length);
                region_holds(spool, body, words)?
            }
            Key::Text(words) => region_holds(spool, message.region, words)?,
            Key::Among(uids) => uids.binary_search(&message.uid).is_ok(),
            Key::Not(key) => !key.fits(message, spool)?,
            Key::Or(one, other) => one.fits(message, spool)? || other.fits(message, spool)?,
            Key::And(keys) => {
                for key in keys {
                    if !key.fits(message, spool)? {
                        return Ok(false);
                    }
                }
                true
            }
        })
    }
}

impl Compare {
    fn fits(self, day: Date, wanted: Date) -> bool {
        match self {
            Compare::Before => day < wanted,
            Compare::On => day == wanted,
            Compare::Since => day >= wanted,
        }
    }
}

fn head(message: &Message, spool: &Spool) -> io::Result<Vec<u8>> {
    held_header(spool, message.region.part(0, message.header))
}

fn sent_day(text: &str) -> Option<Date> {
    let date = mail_parser::DateTime::parse_rfc822(text)?;
    let (year, month, day) = (
        i16::try_from(date.year).ok()?,
        i8::try_from(date.month).ok()?,
        i8::try_from(date.day).ok()?,
    );
    Date::new(year, month, day).ok()
}

fn holds(text: &[u8], words: &[u8]) -> bool {
    memchr::memmem::find(text, words).is_some()
}

/// Looks for words, already in small letters, in bytes of any number.
fn region_holds(spool: &Spool, region: Region, words: &[u8]) -> io::Result<bool> {
    let finder = memchr::memmem::Finder::new(words);
    let mut reader = spool.read(region);
    let mut piece = vec![0; 64 * 1024];
    let mut window: Vec<u8> = Vec::new();
    if words.is_empty() {
        return Ok(true);
    }
    loop {
        let got = reader.read(&mut piece)?;
        if got == 0 {
            return Ok(false);
        }
        let fresh = piece.get_mut(..got).unwrap_or_default();
        fresh.make_ascii_lowercase();
        window.extend_from_slice(fresh);
        if finder.find(&window).is_some() {
            return Ok(true);
        }
        // What could be the beginning of the words stays.
        let passed = window.len().saturating_sub(words.len() - 1);
        window.drain(..passed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rehearsal::testing::{small_store, talk};

    const ONE: &str = "From: Jane <jane@example.org>\r\nSubject: Apple pie\r\nDate: Sun, 17 May 2009 23:34:56 -0400\r\n\r\nTake six apples.\r\n";
    const TWO: &str = "From: bob@example.org\r\nSubject: Bill\r\n for May\r\n\r\nPlease pay.\r\n";

    fn found(keys: &str) -> String {
        let store = small_store();
        let said = format!(
            "a APPEND INBOX (\\Seen Work) \"17-May-2009 12:00:00 +0200\" {{{}+}}\r\n{ONE} (\\Deleted) \"18-May-2009 12:00:00 +0200\" {{{}+}}\r\n{TWO}\r\n\
             b SELECT INBOX\r\nc SEARCH {keys}\r\n",
            ONE.len(),
            TWO.len()
        );
        let heard = talk(&store, said);
        heard
            .split_once("[READ-WRITE] open\r\n")
            .unwrap()
            .1
            .replace("\r\nc OK done\r\n", "")
    }

    #[test]
    fn every_key_finds_what_it_should() {
        for (keys, numbers) in [
            ("ALL", " 1 2"),
            ("SEEN", " 1"),
            ("UNSEEN", " 2"),
            ("DELETED", " 2"),
            ("UNDELETED UNANSWERED", " 1"),
            ("NEW", ""),
            ("OLD", " 1 2"),
            ("KEYWORD work", " 1"),
            ("UNKEYWORD Work", " 2"),
            ("KEYWORD other", ""),
            ("1", " 1"),
            ("2:*", " 2"),
            ("UID 1", " 1"),
            ("UID 5:*", " 2"),
            ("LARGER 100", " 1"),
            ("SMALLER 100", " 2"),
            ("SINCE 18-May-2009", " 2"),
            ("BEFORE 18-May-2009", " 1"),
            ("ON \"17-May-2009\"", " 1"),
            ("SENTON 17-May-2009", " 1"),
            ("SENTSINCE 18-May-2009", ""),
            ("SENTBEFORE 1-Jan-2010", " 1"),
            ("FROM JANE@", " 1"),
            ("SUBJECT \"bill for\"", " 2"),
            ("HEADER Subject \"\"", " 1 2"),
            ("HEADER Date \"\"", " 1"),
            ("BODY apple", " 1"),
            ("BODY pie", ""),
            ("TEXT pie", " 1"),
            ("NOT FROM bob", " 1"),
            ("OR FROM bob SEEN", " 1 2"),
            ("OR (SEEN DELETED) (DELETED)", " 2"),
            ("CHARSET UTF-8 TEXT \"pay\"", " 2"),
        ] {
            assert_eq!(found(keys), format!("* SEARCH{numbers}"), "{keys}");
        }
    }

    #[test]
    fn what_is_no_search_is_refused() {
        for keys in [
            "",
            "FROB",
            "NOT",
            "OR SEEN",
            "FROM",
            "LARGER x",
            "SINCE yesterday",
            "UID x",
            "()",
            &"NOT ".repeat(5000),
            "0",
        ] {
            assert!(
                found(keys).starts_with("c BAD"),
                "{}",
                &keys[..keys.len().min(20)]
            );
        }
        assert!(found("CHARSET KOI8-R ALL").starts_with("c NO [BADCHARSET"));
    }

    #[test]
    fn words_are_found_across_pieces() {
        let spool = Spool::new(1_000_000).unwrap();
        let region = spool.reserve(200_000).unwrap();
        spool.write(region.start, &vec![b'.'; 200_000]).unwrap();
        spool.write(region.start + 65_530, b"Needle Here").unwrap();
        assert!(region_holds(&spool, region, b"needle here").unwrap());
        assert!(!region_holds(&spool, region, b"needle there").unwrap());
    }
}
