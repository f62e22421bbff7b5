//! Spectrum's six steps, under Spectrum's numbers and names, and the order in which the guide does them.

use serde::{Deserialize, Serialize};

/// One of the six steps of "Switching from POP to IMAP" (spectrum.net, support; looked at in 2026-11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// 1: "Leave messages on server" is switched on.
    Leave,
    /// 2: the old account sends and receives no more.
    Stop,
    /// 3: the same address is set up as IMAP.
    Create,
    /// 4: the old account is removed from the mail program.
    Remove,
    /// 5: a storage folder, and the mail that is to be kept.
    Copy,
    /// 6: the old mailbox is deleted.
    Delete,
}

impl Step {
    /// The order in which the guide does them. Spectrum lists removing the account (4) before saving the mail (5). In
    /// some programs the mail goes with the account, so here 5 comes before 4.
    pub const ORDER: [Step; 6] = [
        Step::Leave,
        Step::Stop,
        Step::Create,
        Step::Copy,
        Step::Remove,
        Step::Delete,
    ];

    /// Spectrum's number for it.
    pub fn number(self) -> u8 {
        match self {
            Step::Leave => 1,
            Step::Stop => 2,
            Step::Create => 3,
            Step::Remove => 4,
            Step::Copy => 5,
            Step::Delete => 6,
        }
    }

    /// What it is called on the screen.
    pub fn title(self) -> &'static str {
        match self {
            Step::Leave => "Leave your messages on the server",
            Step::Stop => "Stop sending and receiving in the old account",
            Step::Create => "Set up the new account (IMAP)",
            Step::Remove => "Take the old account out of your mail program",
            Step::Copy => "Copy your old mail, and check it",
            Step::Delete => "Delete the old mailbox",
        }
    }

    /// What Spectrum's page calls it.
    pub fn spectrums_name(self) -> &'static str {
        match self {
            Step::Leave => "Enable \"Leave messages on server\"",
            Step::Stop => "Disable Send/Receive",
            Step::Create => "Create an IMAP account",
            Step::Remove => "Delete the POP account",
            Step::Copy => "Create a storage or data folder, and move your mail",
            Step::Delete => "Delete the POP mailbox",
        }
    }

    /// Why it is done.
    pub fn why(self) -> &'static str {
        match self {
            Step::Leave => {
                "So that mail that comes from now on stays with Spectrum as well, and not only on this computer."
            }
            Step::Stop => "So that nothing changes in your old mail while it is copied.",
            Step::Create => {
                "So that your mail program shows the mailbox on Spectrum's server: the same mail on every device."
            }
            Step::Copy => {
                "So that everything you have kept on this computer is on the server too, before anything is removed."
            }
            Step::Remove => {
                "So that the old account does not fetch mail again. This comes only now, because your mail is copied \
                 and checked."
            }
            Step::Delete => {
                "The old mailbox takes up room on this computer, and does no harm. There is no hurry."
            }
        }
    }

    /// Whether it comes before `other` in the order of the guide.
    pub fn before(self, other: Step) -> bool {
        let at = |wanted| Step::ORDER.iter().position(|step| *step == wanted);
        at(self) < at(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_is_copied_before_anything_is_removed() {
        assert!(Step::Copy.before(Step::Remove) && Step::Copy.before(Step::Delete));
        let mut numbers: Vec<u8> = Step::ORDER.iter().map(|step| step.number()).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, [1, 2, 3, 4, 5, 6]);
    }
}
