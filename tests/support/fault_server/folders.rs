//! Commands on folders: LIST, CREATE, STATUS, EXAMINE and SELECT, and how much room there is.

use super::link::Ended;
use super::parse::{Words, quote};
use super::session::Session;
use super::traits::UidNext;

impl Session {
    pub fn list(&mut self, rest: &str) -> Result<(), Ended> {
        let mut words = Words(rest);
        let (_, pattern) = (words.next(), words.next().unwrap_or_default());
        if pattern.is_empty() {
            self.link.say("* LIST (\\Noselect) \"/\" \"\"\r\n")?;
            return self.ok("done");
        }
        for name in self.shared.truth.folders() {
            if pattern == "*" || pattern == name {
                let line = format!("* LIST (\\HasNoChildren) \"/\" {}\r\n", quote(&name));
                self.link.say(line)?;
            }
        }
        self.ok("done")
    }

    pub fn create(&mut self, rest: &str) -> Result<(), Ended> {
        let name = Words(rest).next().unwrap_or_default();
        if self.shared.truth.create(&name) {
            self.ok("created")
        } else {
            self.no("[ALREADYEXISTS] it is there")
        }
    }

    pub fn status(&mut self, rest: &str) -> Result<(), Ended> {
        let name = Words(rest).next().unwrap_or_default();
        let Some(room) = self.shared.truth.room(&name) else {
            return self.no("[NONEXISTENT] no such folder");
        };
        let line = format!(
            "* STATUS {} (MESSAGES {} UIDNEXT {} UIDVALIDITY {})\r\n",
            quote(&name),
            room.messages.len(),
            room.uid_next,
            room.uid_validity
        );
        self.link.say(line)?;
        self.ok("done")
    }

    pub fn quota(&mut self) -> Result<(), Ended> {
        let Some(room) = self.shared.traits.room else {
            self.link.say("* QUOTAROOT INBOX\r\n")?;
            return self.ok("done");
        };
        let used = self.shared.truth.used();
        let line = format!(
            "* QUOTAROOT INBOX \"\"\r\n* QUOTA \"\" (STORAGE {} {})\r\n",
            used / 1024,
            room / 1024
        );
        self.link.say(line)?;
        self.ok("done")
    }

    pub fn open(&mut self, command: &str, rest: &str) -> Result<(), Ended> {
        let name = Words(rest).next().unwrap_or_default();
        self.open = None;
        let Some(room) = self.shared.truth.room(&name) else {
            return self.no("[NONEXISTENT] no such folder");
        };
        let writing = command == "SELECT";
        let kept = match (writing, self.shared.traits.keeps_keywords) {
            (false, _) => "",
            (true, true) => "\\Answered \\Flagged \\Deleted \\Seen \\Draft \\*",
            (true, false) => "\\Answered \\Flagged \\Deleted \\Seen \\Draft",
        };
        let mut answer = format!(
            "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\r\n\
             * OK [PERMANENTFLAGS ({kept})] kept\r\n\
             * {} EXISTS\r\n* 0 RECENT\r\n\
             * OK [UIDVALIDITY {}] valid\r\n",
            room.messages.len(),
            room.uid_validity
        );
        match self.shared.traits.uid_next {
            UidNext::Told => answer += &format!("* OK [UIDNEXT {}] next\r\n", room.uid_next),
            UidNext::Zero => answer += "* OK [UIDNEXT 0] next\r\n",
            UidNext::Untold => {}
        }
        self.link.say(answer)?;
        self.open = Some(name);
        self.ok(if writing {
            "[READ-WRITE] open"
        } else {
            "[READ-ONLY] open"
        })
    }
}
