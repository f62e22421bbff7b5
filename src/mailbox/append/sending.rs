//! The sending half: one command out of a batch, with its literals.

use std::io::{self, Read};
use std::time::Instant;

use super::{Append, Flight, MINUS, Trouble};
use crate::mailbox::wire::Stream;
use crate::mailbox::{Batch, Body, Literals, Outgoing};

/// Bytes of a message that are in memory at once.
const STEP: usize = 64 * 1024;

impl<S: Stream> Append<S> {
    /// Sends one command. A refusal in place of a `+` ends it.
    pub(super) fn send(&mut self, batch: Batch) -> Result<(), Trouble> {
        self.tags += 1;
        let tag = format!("B{}", self.tags);
        self.flying.push_back(Flight {
            tag: tag.clone(),
            tickets: batch
                .messages
                .iter()
                .map(|message| message.ticket)
                .collect(),
            bytes: batch.messages.iter().map(size).sum(),
            start: self.wire.accepted(),
            whole: false,
            sent: Instant::now(),
        });
        let mut head = format!("{tag} APPEND {}", batch.folder.quoted());
        for message in batch.messages {
            let size = size(&message);
            let unasked = !batch.cautious
                && match self.literals {
                    Literals::Plus => true,
                    Literals::Minus => size <= MINUS,
                    Literals::Synchronising => false,
                };
            head.push_str(&attributes(&message));
            head.push_str(&format!(
                " {{{size}{}}}\r\n",
                if unasked { "+" } else { "" }
            ));
            self.wire.put(head.as_bytes())?;
            head.clear();
            if unasked {
                self.exposed = true;
            } else if !self.may_go_on(&tag)? {
                return Ok(());
            }
            self.put_body(message)?;
        }
        self.wire.put(b"\r\n")?;
        if let Some(flight) = self.flying.iter_mut().find(|flight| flight.tag == tag) {
            flight.whole = true;
            flight.sent = Instant::now();
        }
        self.be_patient();
        Ok(())
    }

    /// Waits for the `+`; `false` where the command was refused instead.
    pub(super) fn may_go_on(&mut self, tag: &str) -> Result<bool, Trouble> {
        self.wire.send()?;
        self.be_patient();
        self.waiting = true;
        loop {
            if self.take_lines()? {
                return Ok(true);
            }
            if self.flying.back().is_none_or(|flight| flight.tag != tag) {
                self.waiting = false;
                return Ok(false);
            }
            if !self.wire.wait(self.deadline())? {
                return Err(Trouble::dead("the server has not answered in time"));
            }
        }
    }

    pub(super) fn put_body(&mut self, message: Outgoing) -> Result<(), Trouble> {
        let size = message.size;
        match message.body {
            Body::Held(bytes) => {
                self.squeeze.sample(&bytes);
                for part in bytes.chunks(STEP) {
                    self.wire.put(part)?;
                    self.take_lines()?;
                }
            }
            Body::Streamed(mut reader) => {
                self.put_streamed(&mut *reader, size)
                    .map_err(|trouble| Trouble {
                        detail: format!("message {}: {}", message.ticket.0, trouble.detail),
                        ..trouble
                    })?
            }
        }
        Ok(())
    }

    /// Sends exactly `size` bytes. The last piece is held back until it is certain that it is the last, since a literal
    /// that is not complete can't be stored (RFC 9051, 6.3.12).
    pub(super) fn put_streamed(&mut self, reader: &mut dyn Read, size: u64) -> Result<(), Trouble> {
        let torn =
            |detail: String| Trouble::dead(format!("broken off inside the message: {detail}"));
        let mut buffer = vec![0; STEP];
        let mut left = size;
        loop {
            let want = usize::try_from(left).unwrap_or(STEP).min(STEP);
            let filled = match buffer.get_mut(..want) {
                Some(part) => fill(reader, part).map_err(|error| torn(error.to_string()))?,
                None => 0,
            };
            left -= filled as u64;
            if filled < want {
                return Err(torn(format!("its file ended {left} bytes too early")));
            }
            if left == 0 && fill(reader, &mut [0]).map_err(|error| torn(error.to_string()))? > 0 {
                return Err(torn("its file has grown".into()));
            }
            self.wire.put(buffer.get(..filled).unwrap_or_default())?;
            self.take_lines()?;
            if left == 0 {
                return Ok(());
            }
        }
    }
}

/// Bytes that are announced: of what is held, as many as there are.
pub(super) fn size(message: &Outgoing) -> u64 {
    match &message.body {
        Body::Held(bytes) => bytes.len() as u64,
        Body::Streamed(_) => message.size,
    }
}

/// What stands before the literal. Every part of it is known to be harmless: names of flags that we know, atoms
/// that were checked, a date that we wrote.
fn attributes(message: &Outgoing) -> String {
    let mut head = String::new();
    let mut flags: Vec<&str> = message.flags.names().collect();
    flags.extend(message.keywords.iter().map(|tag| tag.atom()));
    if !flags.is_empty() {
        head.push_str(&format!(" ({})", flags.join(" ")));
    }
    if let Some(date) = message.date {
        head.push_str(&format!(" \"{}\"", date.imap()));
    }
    head
}

/// Reads until the buffer is full or the reader ends.
fn fill(reader: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{SOON, append, batch, broken, fates, message, refused, stored};
    use super::*;
    use crate::mailbox::scripted::Server;
    use crate::mailbox::{MailboxName, Namespace, RefusalClass};
    use crate::message::{Flags, Keyword, Keywords, MailDate};
    use proptest::prelude::*;

    #[test]
    fn a_batch_is_one_command_without_a_pause() {
        let (mut append, server) = append(Literals::Plus, true, |server| {
            server.line();
            server.bytes(3);
            server.line();
            server.bytes(2);
            server.line();
            server.say("* 2 EXISTS\r\nB1 OK [APPENDUID 7 10:11] done\r\n");
        });
        let mut first = message(1, "a\r\n");
        first.flags = Flags::SEEN.union(Flags::FLAGGED);
        first.keywords = Keywords::new(vec![Keyword::new("$label1", "Important").unwrap()]);
        first.date = MailDate::from_imap("17-May-2009 12:34:56 +0200");
        append.submit(batch(vec![first, message(2, "bb")], false));
        assert_eq!(append.in_flight(), 1);
        assert_eq!(
            fates(&mut append),
            [stored(1, Some((7, 10))), stored(2, Some((7, 11)))]
        );
        assert_eq!(append.in_flight(), 0);
        let log = server.join().unwrap();
        assert_eq!(
            log[0],
            "B1 APPEND \"a\\\"b\" (\\Seen \\Flagged $label1) \"17-May-2009 12:34:56 +0200\" {3+}"
        );
        assert_eq!(log[1..], ["a\r\n", " {2+}", "bb", ""]);
    }

    #[test]
    fn with_literal_minus_only_small_messages_go_unasked() {
        let (mut append, server) = append(Literals::Minus, true, |server| {
            server.line();
            server.bytes(4096);
            server.line();
            server.line();
            server.say("B1 OK\r\n+ go\r\n");
            server.bytes(4097);
            server.line();
            server.say("B2 OK\r\n");
        });
        append.submit(batch(
            vec![message(1, &"x".repeat(4096)), message(2, &"x".repeat(4097))],
            false,
        ));
        let mut all = fates(&mut append);
        while all.len() < 2 {
            all.extend(fates(&mut append));
        }
        assert_eq!(all, [stored(1, None), stored(2, None)]);
        let log = server.join().unwrap();
        assert!(
            log[0].ends_with("{4096+}") && log[3].ends_with("{4097}"),
            "{log:?}"
        );
    }

    #[test]
    fn a_refusal_in_place_of_the_go_ahead_costs_nothing() {
        for (words, class) in [
            ("[OVERQUOTA] mailbox full", RefusalClass::OverQuota),
            ("[LIMIT] Too many identical emails", RefusalClass::TooBig),
            ("[TRYCREATE] no such mailbox", RefusalClass::NoFolder),
            ("[UNAVAILABLE] temporary", RefusalClass::Later),
            ("[CANNOT] bad keyword", RefusalClass::NotAllowed),
        ] {
            let (mut append, server) = append(Literals::Plus, true, move |server| {
                server.line();
                server.say(format!("B1 NO {words}\r\n"));
                server.line();
                server.say("+\r\n");
                server.bytes(1);
                server.line();
                server.say("B2 OK\r\n");
            });
            append.submit(batch(vec![message(1, "secret")], true));
            append.submit(batch(vec![message(2, "b")], true));
            let mut all = fates(&mut append);
            if all.len() == 1 {
                all.extend(fates(&mut append));
            }
            assert_eq!(all, [refused(1, class, words, false), stored(2, None)]);
            assert!(!server.join().unwrap().concat().contains("secret"));
        }
    }

    #[test]
    fn a_message_that_is_not_as_long_as_announced_is_broken_off_inside() {
        for (size, given) in [(5u64, "abc"), (2, "abc"), (100_000, "abc")] {
            let (mut append, server) = append(Literals::Plus, true, Server::until_closed);
            let body = Body::Streamed(Box::new(given.as_bytes()));
            append.submit(batch(
                vec![Outgoing {
                    size,
                    body,
                    ..message(9, "")
                }],
                false,
            ));
            let (in_doubt, poisoned, detail) = broken(&mut append);
            assert!(
                in_doubt.len() <= 1 && !poisoned && detail.contains("message 9"),
                "{detail}"
            );
            drop(append);
            let sent = server.join().unwrap().concat();
            assert!(
                sent.split("}\r\n")
                    .nth(1)
                    .is_none_or(|literal| (literal.len() as u64) < size),
                "{sent}"
            );
        }
    }

    #[test]
    fn a_streamed_message_arrives_byte_for_byte() {
        let text = "0123456789abcde\r\n".repeat(20_000);
        let size = text.len() as u64;
        let copy = text.clone();
        let (mut append, server) = append(Literals::Plus, true, move |server| {
            server.line();
            server.say("+\r\n");
            server.bytes(size as usize);
            server.line();
            server.say("B1 OK\r\n");
        });
        let body = Body::Streamed(Box::new(io::Cursor::new(copy.into_bytes())));
        append.submit(batch(
            vec![Outgoing {
                size,
                body,
                ..message(1, "")
            }],
            true,
        ));
        assert_eq!(fates(&mut append), [stored(1, None)]);
        assert_eq!(server.join().unwrap()[1], text);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn no_folder_no_keyword_and_no_date_can_change_a_command(
            path in proptest::collection::vec(any::<String>(), 1..3),
            labels in proptest::collection::vec(any::<String>(), 0..4),
            seconds in any::<i64>(),
            offset in any::<i16>(),
        ) {
            let namespace = Namespace { prefix: String::new(), delimiter: Some('/') };
            let folder = MailboxName::from_path(&path, &namespace);
            let head = format!("B1 APPEND {}", folder.quoted());
            let (mut append, server) = append(Literals::Plus, true, |server| {
                server.line();
                server.bytes(1);
                server.line();
                server.say("B1 OK\r\n");
                server.until_closed();
            });
            let keywords = Keywords::new(labels.iter().filter_map(|label| Keyword::from_label(label)).collect());
            let date = Some(MailDate { seconds, offset });
            append.submit(Batch { folder, messages: vec![Outgoing { keywords, date, ..message(1, "a") }], cautious: false });
            prop_assert_eq!(append.settle(SOON).unwrap(), [stored(1, None)]);
            drop(append);
            let log = server.join().unwrap();
            prop_assert_eq!(&log[1..], ["a", ""]);
            let rest = log[0].strip_prefix(&head).unwrap();
            let rest = rest.strip_suffix(" {1+}").unwrap();
            let plain = rest.bytes().all(|byte| (b' '..=b'~').contains(&byte) && !b"{\\%*".contains(&byte));
            prop_assert!(plain && rest.matches(['(', ')', '"']).count() <= 4, "{}", rest);
        }
    }
}
