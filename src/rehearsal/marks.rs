//! Flags and keywords of a message, as small as they can be kept.

use super::parse::Token;
use crate::message::{Flags, Keyword};

/// Keywords that one mailbox may hold; Dovecot's older stores stop at 26.
const KEYWORDS: usize = 500;

/// The flags and keywords of one message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Marks {
    /// All system flags but `\Deleted`.
    pub(super) flags: Flags,
    /// `\Deleted`.
    pub(super) deleted: bool,
    /// Places in the table of keywords, in order.
    keywords: Box<[u16]>,
}

/// Why a list of flags is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WrongFlag {
    /// It is none.
    Unknown,
    /// There are too many keywords already.
    TooMany,
}

/// What STORE does with the flags it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// `FLAGS`
    Replace,
    /// `+FLAGS`
    Add,
    /// `-FLAGS`
    Remove,
}

impl Marks {
    /// Does what STORE asks for.
    pub(super) fn change(&mut self, how: Change, other: &Marks) {
        match how {
            Change::Replace => *self = other.clone(),
            Change::Add => {
                self.flags.insert(other.flags);
                self.deleted |= other.deleted;
                let mut all = [&*self.keywords, &*other.keywords].concat();
                all.sort_unstable();
                all.dedup();
                self.keywords = all.into();
            }
            Change::Remove => {
                self.flags = self.flags.without(other.flags);
                self.deleted &= !other.deleted;
                let kept = |place: &&u16| !other.keywords.contains(place);
                self.keywords = self.keywords.iter().filter(kept).copied().collect();
            }
        }
    }

    /// Whether it has the keyword at this place of the table.
    pub(super) fn has(&self, keyword: u16) -> bool {
        self.keywords.contains(&keyword)
    }
}

/// The keywords that the mailbox knows, each kept once.
#[derive(Default)]
pub(super) struct Table(Vec<Box<str>>);

impl Table {
    /// Reads flags as clients write them.
    pub(super) fn read(&mut self, tokens: &[Token]) -> Result<Marks, WrongFlag> {
        let mut marks = Marks::default();
        let mut keywords = Vec::new();
        for token in tokens {
            let Token::Atom(bytes) = token else {
                return Err(WrongFlag::Unknown);
            };
            let name = std::str::from_utf8(bytes).map_err(|_| WrongFlag::Unknown)?;
            if let Some(flag) = Flags::from_name(name) {
                marks.flags.insert(flag);
            } else if name.eq_ignore_ascii_case("\\Deleted") {
                marks.deleted = true;
            } else {
                keywords.push(self.place_or_new(name)?);
            }
        }
        keywords.sort_unstable();
        keywords.dedup();
        marks.keywords = keywords.into();
        Ok(marks)
    }

    /// Flags as they stand in an answer, without parentheses.
    pub(super) fn write(&self, marks: &Marks) -> String {
        let mut names: Vec<&str> = marks.flags.names().collect();
        if marks.deleted {
            names.push("\\Deleted");
        }
        names.extend(
            marks
                .keywords
                .iter()
                .filter_map(|place| self.0.get(usize::from(*place)).map(|name| &**name)),
        );
        names.join(" ")
    }

    /// The place of a keyword that is known.
    pub(super) fn place(&self, name: &str) -> Option<u16> {
        let at = self
            .0
            .iter()
            .position(|known| known.eq_ignore_ascii_case(name))?;
        u16::try_from(at).ok()
    }

    /// All keywords, each after a blank.
    pub(super) fn all(&self) -> String {
        self.0.iter().map(|name| format!(" {name}")).collect()
    }

    fn place_or_new(&mut self, name: &str) -> Result<u16, WrongFlag> {
        if let Some(place) = self.place(name) {
            return Ok(place);
        }
        // Everything that begins with a backslash and is not ours fails here: no atom holds one.
        let keyword = Keyword::new(name, name).ok_or(WrongFlag::Unknown)?;
        let place = u16::try_from(self.0.len()).map_err(|_| WrongFlag::TooMany)?;
        if self.0.len() >= KEYWORDS {
            return Err(WrongFlag::TooMany);
        }
        self.0.push(keyword.atom().into());
        Ok(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(names: &[&str]) -> Vec<Token> {
        names
            .iter()
            .map(|name| Token::Atom(name.as_bytes().to_vec()))
            .collect()
    }

    #[test]
    fn flags_and_keywords_come_back_as_they_were_written() {
        let mut table = Table::default();
        let marks = table
            .read(&tokens(&[
                "\\seen",
                "$Label1",
                "\\Deleted",
                "work",
                "$LABEL1",
            ]))
            .unwrap();
        assert_eq!(table.write(&marks), "\\Seen \\Deleted $Label1 work");
        assert_eq!(table.read(&tokens(&["\\Recent"])), Err(WrongFlag::Unknown));
        assert_eq!(table.read(&tokens(&["a]b"])), Err(WrongFlag::Unknown));
    }

    #[test]
    fn flags_are_added_taken_away_and_replaced() {
        let mut table = Table::default();
        let mut marks = table.read(&tokens(&["\\Seen", "a"])).unwrap();
        let other = table
            .read(&tokens(&["\\Deleted", "\\Flagged", "a", "b"]))
            .unwrap();
        marks.change(Change::Add, &other);
        assert_eq!(table.write(&marks), "\\Seen \\Flagged \\Deleted a b");
        marks.change(
            Change::Remove,
            &table.read(&tokens(&["b", "\\Seen", "\\Deleted"])).unwrap(),
        );
        assert_eq!(table.write(&marks), "\\Flagged a");
        marks.change(Change::Replace, &Marks::default());
        assert_eq!(table.write(&marks), "");
    }

    #[test]
    fn no_client_can_fill_the_memory_with_keywords() {
        let mut table = Table::default();
        let results: Vec<_> = (0..KEYWORDS + 5)
            .map(|n| table.read(&tokens(&[&format!("k{n}")])))
            .collect();
        assert_eq!(
            results
                .iter()
                .filter(|r| **r == Err(WrongFlag::TooMany))
                .count(),
            5
        );
    }
}
