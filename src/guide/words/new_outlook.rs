//! The new Outlook for Windows: no files to read, and its mail goes by way of Microsoft.

use super::shared::{CERTIFICATE, COPIES, ENCRYPTION, LOOK, MONTH, NEVER_MUST, TWICE, WHICH};
use super::{Page, Removing, Words};

const CLOUD: &str = "The new Outlook copies your mail to Microsoft's computers as well. If you do not want that, use classic Outlook or another mail program.";

pub(crate) const NEW_OUTLOOK: Words = Words {
    name: "Outlook (new)",
    leave: Page {
        clicks: &[
            "Go back to classic Outlook first. If you see a switch \"New Outlook\" at the top, turn it off.",
            "If there is no switch, look in the Start menu for \"Outlook (classic)\" and open that.",
            "If you see your old mail there: stop here, start this program again, and choose Outlook.",
            "If there is no classic Outlook: look under Settings for the settings of your old account.",
            "If you see a setting to leave messages on the server, turn it on.",
        ],
        more: &[
            "The new Outlook keeps no mail files on this computer that this program can read. Classic Outlook does; that is why it is better to go back to it first.",
            CLOUD,
            "If you see no such setting, change nothing. The names in the new Outlook change often.",
        ],
    },
    stop: Page {
        clicks: &[
            "Close the new Outlook, and leave it closed until step 3.",
            "If you use classic Outlook too, stop here and choose Outlook in this program instead.",
        ],
        more: &[
            "The new Outlook may have no setting to stop one account only. If you see one for your old account, you can use it.",
            "It is possible that Microsoft fetches mail for you even while the new Outlook is closed. We do not know. That is why step 1 matters.",
        ],
    },
    create: Page {
        clicks: &[
            "Know first: the new Outlook copies your mail to Microsoft. You can stay with classic Outlook.",
            "If you do not mind: look for \"Add account\". It may be in Settings, under Accounts.",
            "Type the email address shown above and choose \"Continue\".",
            "If you can choose between IMAP and POP, choose \"IMAP\", never \"POP\".",
            "Type the servers, ports and your password as shown above, then choose \"Continue\".",
            "If it asks about copying your mail to the Microsoft Cloud, read it and decide.",
            TWICE,
        ],
        more: &[
            CLOUD,
            "If you say no to the Microsoft Cloud, the new Outlook may not add the account. Your mail on Spectrum's server is there all the same: use webmail or another mail program.",
            "If you are not asked for IMAP or POP, look for a way to enter the settings by hand. The button may be called \"Show more\" or \"Advanced\".",
            ENCRYPTION,
            CERTIFICATE,
        ],
    },
    store: Page {
        clicks: &[
            COPIES,
            "Know that it can copy only files on this computer, such as those of classic Outlook.",
            "If you see old mail only in the new Outlook, keep the old account and remove nothing.",
            "For a copy of your own: go back to classic Outlook and choose File > Open & Export there.",
            "Close both Outlooks, and leave them closed until the copying and the check have ended.",
        ],
        more: &[
            "The new Outlook may open old data files under Settings > Data files. It needs classic Outlook on the same computer for that.",
            "If you have old data files (ending in .pst), show them to this program as mail files.",
        ],
    },
    remove: Page {
        clicks: &[
            "Leave the old account in the new Outlook. Then this step is done.",
            "If you see a way to switch the old account off without removing it, use that.",
            "Do not choose \"Remove\" while any mail can be seen only in the new Outlook.",
        ],
        more: &[
            "Nobody could tell us what the new Outlook does with the mail of an account that is removed.",
            WHICH,
        ],
    },
    delete: Page {
        clicks: &[
            MONTH,
            LOOK,
            "Delete no files of the new Outlook by hand; it looks after them itself.",
            "If you copied mail from a file of classic Outlook, keep that file for the month too.",
        ],
        more: &[
            NEVER_MUST,
            "A data file (.pst) may also hold contacts and a calendar. They were not copied.",
        ],
    },
    removing: Removing::MayRemoveMail(
        "We do not know whether removing the account removes its mail, so treat it as if it does: the mail may be gone for good.",
    ),
};
