//! One session: greeting, commands one after the other, and the script's word at every step.

use std::sync::Arc;

use super::Shared;
use super::link::{Ended, Link};
use super::parse::Words;
use super::script::{Action, At, On};
use super::truth::Spoken;

/// A session under way.
pub struct Session {
    pub link: Link,
    pub shared: Arc<Shared>,
    pub tag: String,
    pub signed_in: bool,
    /// Whether the client was shown that this is the server it wants.
    secure: bool,
    /// The folder that is open.
    pub open: Option<String>,
}

/// What the script has done to a command.
pub enum Course {
    /// Nothing that changes what comes of it.
    Goes,
    /// It was answered, and is not to be done.
    Answered,
    /// Done in another way.
    Bent(Action),
}

impl Session {
    pub fn new(link: Link, shared: &Arc<Shared>, secure: bool) -> Session {
        Session {
            secure,
            link,
            shared: Arc::clone(shared),
            tag: String::new(),
            signed_in: false,
            open: None,
        }
    }

    /// Until the client or the script ends it.
    pub fn run(&mut self) -> Result<(), Ended> {
        self.greet()?;
        loop {
            let (command, rest) = self.command()?;
            let over = command == "LOGOUT";
            self.obey(&command, &rest)?;
            self.link.flush()?;
            let (name, nth) = match self.link.name.rsplit_once('#') {
                Some((name, nth)) => (name.to_string(), nth.parse().unwrap_or(0)),
                None => (self.link.name.clone(), 0),
            };
            self.shared.truth.note_spoken(Spoken {
                command: name,
                nth,
                asked: self.link.asked,
                answered: self.link.answered,
            });
            self.point(At::After)?;
            if over {
                self.link.hang_up();
                return Ok(());
            }
        }
    }

    fn greet(&mut self) -> Result<(), Ended> {
        self.link.begin();
        let (nth, faults) = self.shared.script.begin(&On::Greeting);
        self.link.name = format!("Greeting#{nth}");
        self.link.faults = faults;
        self.tag = "*".into();
        if self.shared.too_many() {
            self.link.say("* BYE too many connections\r\n")?;
            self.link.flush()?;
            return Err(self.link.hang_up());
        }
        if let Course::Goes = self.point(At::Before)? {
            self.link.say("* OK ready\r\n")?;
        }
        self.link.flush()
    }

    /// Reads a command up to the end of its first line: its name, and its arguments.
    fn command(&mut self) -> Result<(String, String), Ended> {
        self.link.begin();
        let mut line = Vec::new();
        let mut name: Option<String> = None;
        loop {
            let byte = self.link.byte()?;
            if name.is_none() && matches!(byte, b' ' | b'\r' | b'\n') {
                name = name_in(&line);
                if let Some(name) = &name {
                    let (nth, faults) = self.shared.script.begin(&On::Command(name.clone()));
                    self.link.name = format!("{name}#{nth}");
                    self.link.faults = faults;
                    self.link.reached_byte()?;
                }
            }
            if byte == b'\n' {
                break;
            }
            line.push(byte);
            if line.len() > 1 << 16 {
                return Err(Ended);
            }
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end_matches('\r');
        let mut words = Words(text);
        self.tag = words.next().unwrap_or_default();
        let mut command = words.next().unwrap_or_default().to_ascii_uppercase();
        if command == "UID" {
            command = format!(
                "UID {}",
                words.next().unwrap_or_default().to_ascii_uppercase()
            );
        }
        if name.is_none() || !is_known(&command) {
            if !self.link.plain {
                self.shared.truth.note_poison(text.to_string());
            }
            command = String::new();
        }
        Ok((command, words.rest().to_string()))
    }

    /// The script's word at this step.
    pub fn point(&mut self, at: At) -> Result<Course, Ended> {
        let mut course = Course::Goes;
        while let Some(found) = self.link.faults.iter().position(|(own, _)| *own == at) {
            let (_, action) = self.link.faults.remove(found);
            match &action {
                Action::No(text) => self.instead(at, &action, &format!("{{tag}} NO {text}\r\n"))?,
                Action::Bad(text) => {
                    self.instead(at, &action, &format!("{{tag}} BAD {text}\r\n"))?;
                }
                Action::Instead(text) => self.instead(at, &action, text)?,
                Action::StoreThenReset
                | Action::StoreLate(_)
                | Action::DropSilently(_)
                | Action::Truncate(..)
                | Action::Rewrite(..)
                | Action::SwapUids
                | Action::WrongUids
                | Action::StoreBackwards => {
                    self.link.note(at, &action);
                    course = Course::Bent(action);
                    continue;
                }
                _ => {
                    self.link.perform(at, &action)?;
                    continue;
                }
            }
            course = Course::Answered;
        }
        Ok(course)
    }

    fn instead(&mut self, at: At, action: &Action, text: &str) -> Result<(), Ended> {
        self.link.note(at, action);
        let text = text.replace("{tag}", &self.tag);
        self.link.say(text)
    }

    /// Does what the command asks.
    fn obey(&mut self, command: &str, rest: &str) -> Result<(), Ended> {
        if command.is_empty() {
            return self.bad("Unknown command");
        }
        if matches!(command, "LOGIN" | "AUTHENTICATE") {
            self.shared.truth.note_credentials(self.secure);
        }
        // An APPEND has literals to be skipped even if it is refused.
        if command == "APPEND" {
            return self.append(rest);
        }
        for step in [At::Before, At::AfterLiteral] {
            if let Course::Answered = self.point(step)? {
                return Ok(());
            }
        }
        std::thread::sleep(self.shared.traits.per_command);
        match command {
            "CAPABILITY" => self.capability(),
            "LOGIN" => self.login(rest),
            "AUTHENTICATE" => self.authenticate(),
            "NOOP" => self.ok("done"),
            "LOGOUT" => {
                self.link.say("* BYE see you\r\n")?;
                self.ok("bye")
            }
            _ if !self.signed_in => self.no("sign in first"),
            "NAMESPACE" => {
                self.link.say("* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n")?;
                self.ok("done")
            }
            "LIST" => self.list(rest),
            "CREATE" => self.create(rest),
            "SUBSCRIBE" => {
                self.shared
                    .truth
                    .subscribe(&Words(rest).next().unwrap_or_default());
                self.ok("done")
            }
            "STATUS" => self.status(rest),
            "GETQUOTAROOT" => self.quota(),
            "EXAMINE" | "SELECT" => self.open(command, rest),
            "UNSELECT" | "CLOSE" => {
                // CLOSE expunges; nothing here ever has \Deleted.
                self.open = None;
                self.ok("closed")
            }
            "COMPRESS" if self.shared.traits.can("COMPRESS=DEFLATE") => {
                self.ok("compressed from here on")?;
                self.link.flush()?;
                self.link.compress();
                Ok(())
            }
            "UID FETCH" => self.fetch(rest),
            "UID STORE" => self.store_flags(rest),
            _ => self.bad("Unknown command"),
        }
    }

    fn capability(&mut self) -> Result<(), Ended> {
        let traits = &self.shared.traits;
        let mut line = "* CAPABILITY IMAP4rev1 AUTH=PLAIN".to_string();
        for capability in &traits.capabilities {
            if capability == "APPENDLIMIT" {
                line += &format!(
                    " APPENDLIMIT={}",
                    traits.largest.unwrap_or(u64::from(u32::MAX))
                );
            } else {
                line += &format!(" {capability}");
            }
        }
        self.link.say(line + "\r\n")?;
        self.ok("done")
    }

    fn login(&mut self, rest: &str) -> Result<(), Ended> {
        let mut words = Words(rest);
        let (user, password) = (words.next(), words.next());
        let traits = &self.shared.traits;
        let good =
            user.as_deref() == Some(&traits.user) && password.as_deref() == Some(&traits.password);
        self.admit(good)
    }

    fn authenticate(&mut self) -> Result<(), Ended> {
        self.link.say("+ \r\n")?;
        self.link.flush()?;
        let answer = self.link.line()?;
        let traits = &self.shared.traits;
        let plain = format!("\0{}\0{}", traits.user, traits.password);
        let good = base64(plain.as_bytes()).as_bytes() == answer;
        self.admit(good)
    }

    fn admit(&mut self, good: bool) -> Result<(), Ended> {
        self.shared.truth.note_login(good);
        if !good {
            return self.no("[AUTHENTICATIONFAILED] wrong user name or password");
        }
        self.signed_in = true;
        if let Course::Answered = self.point(At::AfterStore)? {
            return Ok(());
        }
        self.ok("welcome")
    }

    pub fn ok(&mut self, text: &str) -> Result<(), Ended> {
        if let Course::Answered = self.point(At::AfterStore)? {
            return Ok(());
        }
        let line = format!("{} OK {text}\r\n", self.tag);
        self.link.say(line)
    }

    pub fn no(&mut self, text: &str) -> Result<(), Ended> {
        let line = format!("{} NO {text}\r\n", self.tag);
        self.link.say(line)
    }

    pub fn bad(&mut self, text: &str) -> Result<(), Ended> {
        let tag = if self.tag.is_empty() { "*" } else { &self.tag };
        let line = format!("{tag} BAD {text}\r\n");
        self.link.say(line)
    }
}

/// The name of the command, once it is there whole.
fn name_in(line: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(line);
    let mut words = text.split(' ');
    let (_, name) = (words.next()?, words.next()?.to_ascii_uppercase());
    match (name.as_str(), words.next()) {
        ("", _) | ("UID", None) => None,
        ("UID", Some(second)) => Some(format!("UID {}", second.to_ascii_uppercase())),
        ("AUTHENTICATE", _) => Some("LOGIN".into()),
        _ => Some(name),
    }
}

fn is_known(command: &str) -> bool {
    let known = [
        "CAPABILITY",
        "LOGIN",
        "AUTHENTICATE",
        "NOOP",
        "LOGOUT",
        "NAMESPACE",
        "LIST",
        "CREATE",
        "SUBSCRIBE",
        "STATUS",
        "GETQUOTAROOT",
        "EXAMINE",
        "SELECT",
        "UNSELECT",
        "CLOSE",
        "UID FETCH",
        "UID STORE",
        "APPEND",
        "COMPRESS",
    ];
    known.contains(&command)
}

/// Base64, for the one place that needs it.
pub fn base64(bytes: &[u8]) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for three in bytes.chunks(3) {
        let bits = three
            .iter()
            .fold(0u32, |bits, byte| bits << 8 | u32::from(*byte))
            << (8 * (3 - three.len()));
        for n in 0..4 {
            if n <= three.len() {
                out.push(SIGNS[(bits >> (18 - 6 * n) & 63) as usize] as char);
            } else {
                out.push('=');
            }
        }
    }
    out
}
