//! The mail programs that the guide knows, and what it says about each.

use serde::{Deserialize, Serialize};

use super::step::Step;
use super::words::{self, Page, Removing, Words};
use crate::source::Kind;

/// A mail program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailProgram {
    /// Classic Outlook (2007 to Microsoft 365).
    Outlook,
    /// The new Outlook for Windows.
    NewOutlook,
    /// Thunderbird, and programs made from it.
    Thunderbird,
    /// Apple Mail.
    AppleMail,
    /// Windows Live Mail, Windows Mail, Outlook Express.
    WindowsLiveMail,
    /// eM Client.
    EmClient,
    /// Another one, or only files.
    Other,
}

impl MailProgram {
    /// All of them, in the order in which they are offered.
    pub const ALL: [MailProgram; 7] = [
        MailProgram::Outlook,
        MailProgram::NewOutlook,
        MailProgram::Thunderbird,
        MailProgram::AppleMail,
        MailProgram::WindowsLiveMail,
        MailProgram::EmClient,
        MailProgram::Other,
    ];

    pub(super) fn words(self) -> &'static Words {
        match self {
            MailProgram::Outlook => &words::OUTLOOK,
            MailProgram::NewOutlook => &words::NEW_OUTLOOK,
            MailProgram::Thunderbird => &words::THUNDERBIRD,
            MailProgram::AppleMail => &words::APPLE_MAIL,
            MailProgram::WindowsLiveMail => &words::WINDOWS_LIVE_MAIL,
            MailProgram::EmClient => &words::EM_CLIENT,
            MailProgram::Other => &words::OTHER,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.words().name
    }

    /// What to do in a step; `None` for the steps that are shut until everything is verified
    /// ([`Opened`](super::gate::Opened) has those).
    pub fn page(self, step: Step) -> Option<Page> {
        let words = self.words();
        match step {
            Step::Leave => Some(words.leave),
            Step::Stop => Some(words.stop),
            Step::Create => Some(words.create),
            Step::Copy => Some(words.store),
            Step::Remove | Step::Delete => None,
        }
    }

    /// Whether removing an account takes its mail along.
    pub fn removing(self) -> Removing {
        self.words().removing
    }

    /// The program that keeps its mail like this; `None` where several do.
    pub fn of(kind: Kind) -> Option<MailProgram> {
        match kind {
            Kind::Thunderbird => Some(MailProgram::Thunderbird),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_to_remove_things_is_not_told_without_a_proof() {
        for program in MailProgram::ALL {
            for step in Step::ORDER {
                let shut = matches!(step, Step::Remove | Step::Delete);
                assert_eq!(program.page(step).is_none(), shut, "{program:?} {step:?}");
            }
        }
    }
}
