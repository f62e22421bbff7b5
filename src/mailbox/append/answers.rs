//! The listening half: which message each answer is about, and whether the server still knows what it does.

use std::time::Instant;

use super::{Append, Trouble};
use crate::mailbox::response::{Answer, Line, Status, line, literal_at_end};
use crate::mailbox::wire::{SILENCE, Stream};
use crate::mailbox::{Fate, Refusal, RefusalClass, uids};

/// Longest literal in data that nobody asked for.
const LONGEST_LITERAL: u64 = 64 * 1024;

impl<S: Stream> Append<S> {
    pub(super) fn take_lines(&mut self) -> Result<bool, Trouble> {
        let mut go_on = false;
        while let Some(raw) = self.wire.take_line()? {
            go_on |= self.take(&raw)?;
        }
        Ok(go_on)
    }

    /// Makes sense of a line of the server; `true` for a `+`.
    pub(super) fn take(&mut self, raw: &[u8]) -> Result<bool, Trouble> {
        self.wire.heard(|heard| heard.note(raw));
        match line(raw) {
            Line::Tagged(tag, answer) => {
                let Some(at) = self
                    .flying
                    .iter()
                    .position(|flight| flight.tag.as_bytes() == tag)
                else {
                    return Err(self.senseless(raw));
                };
                self.answered(at, answer)?;
                self.be_patient();
                Ok(false)
            }
            Line::Status(answer) => match answer.status {
                // A BAD without a tag is about a line that the server could not even take for a command.
                Status::Bad if self.exposed => Err(self.senseless(raw)),
                Status::Bye => {
                    self.bye.get_or_insert_with(Instant::now);
                    Ok(false)
                }
                _ => Ok(false),
            },
            Line::Data(_) => {
                self.skip_literals(raw)?;
                Ok(false)
            }
            Line::Continue if std::mem::take(&mut self.waiting) => Ok(true),
            Line::Continue | Line::Strange => Err(self.senseless(raw)),
        }
    }

    fn skip_literals(&mut self, raw: &[u8]) -> Result<(), Trouble> {
        let mut next = literal_at_end(raw);
        while let Some(mut left) = next {
            if left > LONGEST_LITERAL {
                return Err(self.senseless(raw));
            }
            let limit = Instant::now() + SILENCE;
            let mut scrap = [0; 4096];
            while left > 0 {
                let most = usize::try_from(left)
                    .unwrap_or(scrap.len())
                    .min(scrap.len());
                left -= self
                    .wire
                    .some(scrap.get_mut(..most).unwrap_or_default(), limit)?
                    as u64;
            }
            next = literal_at_end(&self.wire.line(limit)?);
        }
        Ok(())
    }

    fn answered(&mut self, at: usize, answer: Answer) -> Result<(), Trouble> {
        let exposed = self.exposed;
        let Some(flight) = self.flying.get(at) else {
            return Ok(());
        };
        let class = match answer.status {
            Status::Ok if flight.whole => {
                let uids = appended(&answer, flight.tickets.len());
                self.land(at, |n| Fate::Stored {
                    uid: uids
                        .as_ref()
                        .and_then(|(v, uids)| Some((*v, *uids.get(n)?))),
                });
                return Ok(());
            }
            Status::No => answer.class(),
            // Nothing can have been taken for a command: every literal was asked for.
            Status::Bad if !exposed => RefusalClass::Syntax,
            _ => {
                let detail = format!(
                    "the server lost its way: {} {}",
                    answer.status.name(),
                    answer.words
                );
                return Err(Trouble {
                    poisoned: exposed,
                    dead: false,
                    detail,
                });
            }
        };
        let shared = flight.tickets.len() > 1;
        self.land(at, |_| {
            Fate::Refused(Refusal {
                class,
                text: answer.words.clone(),
                shared,
            })
        });
        Ok(())
    }

    fn land(&mut self, at: usize, fate: impl Fn(usize) -> Fate) {
        if let Some(flight) = self.flying.remove(at) {
            if flight.whole {
                let round_trip = self.wire.round_trip();
                self.squeeze
                    .answered(flight.bytes, flight.sent, round_trip, Instant::now());
            }
            // A command refused before its end still has literals on the way: only the answer to a later one shows
            // that the server skipped them.
            self.exposed &= !(flight.whole && self.flying.is_empty());
            self.settled.extend(
                flight
                    .tickets
                    .into_iter()
                    .enumerate()
                    .map(|(n, ticket)| (ticket, fate(n))),
            );
        }
    }

    fn senseless(&self, raw: &[u8]) -> Trouble {
        let words: String = String::from_utf8_lossy(raw).chars().take(200).collect();
        Trouble {
            poisoned: self.exposed,
            dead: false,
            detail: format!("the server lost its way: {words}"),
        }
    }
}

/// The UIDVALIDITY and the UIDs of an APPENDUID code, where they can be believed.
fn appended(answer: &Answer, count: usize) -> Option<(u32, Vec<u32>)> {
    let (validity, set) = answer
        .arguments()
        .split_once(' ')
        .filter(|_| answer.is_code("APPENDUID"))?;
    let validity = validity.parse().ok().filter(|validity| *validity > 0)?;
    Some((validity, uids::expand(set.trim(), count)?))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{SOON, append, batch, broken, fates, message, refused, stored};
    use super::*;
    use crate::mailbox::Literals;

    #[test]
    fn untagged_lines_before_the_go_ahead_confuse_nobody() {
        let (mut append, server) = append(Literals::Synchronising, false, |server| {
            server.line();
            server.say(
                "* 23 EXISTS\r\n* OK [ALERT] nearly full\r\n* LIST () \"/\" {3}\r\n+ x\r\n+ go\r\n",
            );
            server.bytes(1);
            server.line();
            server.say("* CAPABILITY IMAP4rev1\r\n* X-NEW (a b\r\n* BYE going\r\n");
            server.say(b"B1 OK [APPENDUID 1 7] \xe9\r\n".as_slice());
        });
        append.submit(batch(vec![message(1, "a")], true));
        assert_eq!(fates(&mut append), [stored(1, Some((1, 7)))]);
        assert_eq!(server.join().unwrap()[1..], ["a", ""]);
        append.submit(batch(vec![message(2, "b")], true));
        let (in_doubt, poisoned, detail) = broken(&mut append);
        assert!(
            in_doubt.is_empty() && !poisoned && detail.contains("going"),
            "{detail}"
        );
    }

    #[test]
    fn a_refused_batch_is_refused_for_all_of_it() {
        let (mut append, _server) = append(Literals::Plus, true, |server| {
            server.line();
            // Before the rest has come, as Dovecot does.
            server.say("B1 NO [LIMIT] too large\r\n");
            server.bytes(1);
            server.line();
            server.bytes(1);
            server.line();
            server.line();
            server.bytes(1);
            server.line();
            server.say("B2 OK\r\n");
        });
        append.submit(batch(vec![message(1, "a"), message(2, "b")], false));
        append.submit(batch(vec![message(3, "c")], false));
        let mut all = fates(&mut append);
        while all.len() < 3 {
            all.extend(fates(&mut append));
        }
        let no = |ticket| refused(ticket, RefusalClass::TooBig, "[LIMIT] too large", true);
        assert_eq!(all, [no(1), no(2), stored(3, None)]);
    }

    #[test]
    fn a_bad_or_a_strange_tag_while_literals_are_out_closes_the_connection_at_once() {
        for said in [
            "B1 BAD Error in IMAP command APPEND\r\n",
            "Subject: BAD Error in IMAP command X: Unknown command\r\n",
            "x OK DELETE completed\r\n",
            "* BAD what?\r\n",
            "+ go\r\n",
        ] {
            let (mut append, server) = append(Literals::Plus, true, move |server| {
                server.line();
                server.say(said);
                server.until_closed();
            });
            append.submit(batch(
                vec![message(1, "x DELETE Archive\r\n"), message(2, "b")],
                false,
            ));
            append.submit(batch(vec![message(3, "c")], false));
            let (in_doubt, poisoned, detail) = broken(&mut append);
            assert!(poisoned, "{said}: {detail}");
            assert_eq!(in_doubt, [1, 2, 3], "{said}");
            assert_eq!(append.in_flight(), 0);
            assert!(append.settle(SOON).unwrap_err().in_doubt.is_empty());
            server.join().unwrap();
        }
    }

    #[test]
    fn a_bad_to_a_cautious_message_refuses_only_that() {
        let (mut append, _server) = append(Literals::Plus, true, |server| {
            server.line();
            server.say("+\r\n");
            server.bytes(1);
            server.line();
            server.say("B1 BAD NUL in message\r\n");
            server.line();
            server.say("B2 BAD again\r\n");
        });
        append.submit(batch(vec![message(1, "a")], true));
        assert_eq!(
            fates(&mut append),
            [refused(1, RefusalClass::Syntax, "NUL in message", false)]
        );
        append.submit(batch(vec![message(2, "b")], true));
        assert_eq!(
            fates(&mut append),
            [refused(2, RefusalClass::Syntax, "again", false)]
        );
    }

    #[test]
    fn an_appenduid_that_does_not_fit_counts_for_nothing() {
        for code in [
            "[APPENDUID 1]",
            "[APPENDUID 1 7]",
            "[APPENDUID 0 7:8]",
            "[APPENDUID 1 8:7]",
            "[APPENDUID x 7:8]",
            "[UIDNEXT 7]",
        ] {
            let (mut append, _server) = append(Literals::Plus, true, move |server| {
                server.line();
                server.bytes(1);
                server.line();
                server.bytes(1);
                server.line();
                server.say(format!("B1 OK {code} done\r\n"));
            });
            append.submit(batch(vec![message(1, "a"), message(2, "b")], false));
            assert_eq!(
                fates(&mut append),
                [stored(1, None), stored(2, None)],
                "{code}"
            );
        }
    }
}
