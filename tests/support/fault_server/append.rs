//! APPEND: one message or several, with and without waiting, and everything that can become of them.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::link::Ended;
use super::parse::{self, Words};
use super::script::{Action, At, Rewrite};
use super::session::{Course, Session};
use super::truth::Incoming;

/// More than this is never taken.
const MOST: u64 = 64 << 20;

impl Session {
    pub fn append(&mut self, rest: &str) -> Result<(), Ended> {
        let mut words = Words(rest);
        let folder = words.next().unwrap_or_default();
        let mut head = words.rest().to_string();
        let mut incoming = Vec::new();
        // A refusal of what does not wait for a `+` is said once its literals are read.
        let mut refusal = self.objection(&folder);
        let mut answered = false;
        if self.says_bad() {
            self.point(At::Before)?;
            return Ok(());
        }
        if let Course::Answered = self.point(At::Before)? {
            answered = true;
        }
        loop {
            let Some((message, size, waits)) = attributes(&head) else {
                return self.bad("no such APPEND");
            };
            if size > MOST || self.shared.traits.largest.is_some_and(|most| size > most) {
                refusal = refusal.or(Some("[TOOBIG] too large".into()));
            }
            if !waits && !self.shared.traits.can("LITERAL+") && !self.shared.traits.can("LITERAL-")
            {
                return self.bad("literals have to wait here");
            }
            if waits {
                // What was said already is the refusal that the client waits for.
                if answered {
                    return Ok(());
                }
                if let Course::Answered = self.point(At::BeforePlus)? {
                    return Ok(());
                }
                if let Some(text) = refusal {
                    return self.no(&text);
                }
                self.link.say("+ go on\r\n")?;
                self.link.flush()?;
            }
            let bytes = self.link.literal(size)?;
            incoming.push(Incoming { bytes, ..message });
            let more = self.link.line()?;
            if more.is_empty() {
                break;
            }
            head = String::from_utf8_lossy(&more).trim_start().to_string();
        }
        if answered {
            return Ok(());
        }
        let course = self.point(At::AfterLiteral)?;
        if let Course::Answered = course {
            return Ok(());
        }
        if let Some(text) = refusal.or_else(|| self.no_room(&incoming)) {
            return self.no(&text);
        }
        std::thread::sleep(self.shared.traits.per_command);
        std::thread::sleep(self.shared.traits.per_message * incoming.len() as u32);
        self.keep(&folder, incoming, course)
    }

    fn says_bad(&self) -> bool {
        let bad =
            |(at, action): &(At, Action)| *at == At::Before && matches!(action, Action::Bad(_));
        self.link.faults.iter().any(bad)
    }

    fn objection(&self, folder: &str) -> Option<String> {
        if !self.signed_in {
            return Some("sign in first".into());
        }
        let there = self.shared.truth.room(folder).is_some();
        (!there).then(|| "[TRYCREATE] no such folder".into())
    }

    fn no_room(&self, incoming: &[Incoming]) -> Option<String> {
        let bytes: u64 = incoming
            .iter()
            .map(|message| message.bytes.len() as u64)
            .sum();
        let room = self.shared.traits.room?;
        (self.shared.truth.used() + bytes > room).then(|| "[OVERQUOTA] the mailbox is full".into())
    }

    /// Stores, in the way that the script wants, and answers.
    fn keep(
        &mut self,
        folder: &str,
        mut incoming: Vec<Incoming>,
        course: Course,
    ) -> Result<(), Ended> {
        let (mut skip, mut backwards) = (Vec::new(), false);
        let bent = match course {
            Course::Bent(action) => Some(action),
            _ => None,
        };
        match &bent {
            Some(Action::DropSilently(n)) => skip.push(*n),
            Some(Action::Truncate(n, bytes)) => {
                if let Some(message) = incoming.get_mut(*n) {
                    message.bytes.truncate(*bytes);
                }
            }
            Some(Action::Rewrite(n, how)) => {
                if let Some(message) = incoming.get_mut(*n) {
                    message.bytes = rewritten(&message.bytes, *how);
                }
            }
            Some(Action::StoreBackwards) => backwards = true,
            Some(Action::StoreLate(after)) => {
                let (shared, folder, after) =
                    (Arc::clone(&self.shared), folder.to_string(), *after);
                shared.late.fetch_add(1, Ordering::SeqCst);
                std::thread::spawn(move || {
                    std::thread::sleep(after);
                    shared
                        .truth
                        .store(&shared.traits, &folder, &incoming, &[], false);
                    shared.late.fetch_sub(1, Ordering::SeqCst);
                });
                return self.link.perform(At::AfterLiteral, &Action::Reset);
            }
            _ => {}
        }
        let shared = Arc::clone(&self.shared);
        let stored = shared
            .truth
            .store(&shared.traits, folder, &incoming, &skip, backwards);
        let Some((validity, mut uids)) = stored else {
            return self.no("[TRYCREATE] no such folder");
        };
        match &bent {
            Some(Action::StoreThenReset) => {
                return self.link.perform(At::AfterLiteral, &Action::Reset);
            }
            Some(Action::SwapUids) => uids.reverse(),
            Some(Action::WrongUids) => uids.iter_mut().for_each(|uid| *uid += 1000),
            _ => {}
        }
        if !self.shared.traits.can("UIDPLUS") {
            return self.ok("stored");
        }
        let uids: Vec<String> = uids.iter().map(u32::to_string).collect();
        self.ok(&format!("[APPENDUID {validity} {}] stored", uids.join(",")))
    }
}

/// `(\Seen) "01-Jan-2009 10:00:00 +0000" {123+}`
fn attributes(head: &str) -> Option<(Incoming, u64, bool)> {
    let mut words = Words(head);
    let mut message = Incoming {
        bytes: Vec::new(),
        flags: Vec::new(),
        date: None,
    };
    if words.starts_with('(') {
        message.flags = parse::list(&words.next()?);
    }
    if words.starts_with('"') {
        message.date = words.next();
    }
    let (size, waits) = parse::literal(words.rest())?;
    Some((message, size, waits))
}

fn rewritten(bytes: &[u8], how: Rewrite) -> Vec<u8> {
    let mut out = bytes.to_vec();
    match how {
        Rewrite::HeaderAdded => [b"X-Server-Added: yes\r\n", bytes].concat(),
        Rewrite::Body => {
            out.extend_from_slice(b"-- \r\nscanned and found clean\r\n");
            out
        }
        Rewrite::Subject => {
            let text = String::from_utf8_lossy(bytes).replacen("Subject: ", "Subject: [list] ", 1);
            text.into_bytes()
        }
    }
}
