//! Any other mail program, or mail files without one.

use super::shared::{CERTIFICATE, COPIES, ENCRYPTION, LOOK, MONTH, NEVER_MUST, TWICE, WHICH};
use super::{Page, Removing, Words};

const ONLY_FILES: &str =
    "If you have only mail files and no mail program, you can pass over this step.";

pub(crate) const OTHER: Words = Words {
    name: "your mail program",
    leave: Page {
        clicks: &[
            ONLY_FILES,
            "Open the settings of your mail program and choose your old account (POP).",
            "Look for a box such as \"Leave messages on server\" or \"Keep a copy\", and tick it.",
            "If the box is called \"Remove messages from server\", untick it instead.",
            "If you see boxes that delete messages there after some days, untick them.",
            "Save the settings.",
        ],
        more: &[
            "The box is often on a page called \"Server\", \"Receive\" or \"Advanced\".",
            "If the account is shown as IMAP, it is on the new way already. Leave it as it is.",
        ],
    },
    stop: Page {
        clicks: &[
            ONLY_FILES,
            "Open the settings of your old account again.",
            "Untick what gets new mail by itself: at the start, or every few minutes.",
            "From now on, do not get new mail by hand for the old account.",
        ],
        more: &[
            "If you do not find such a setting, close your mail program and leave it closed until step 3.",
            "If you worked offline, go online again before step 3: the new account needs the connection.",
        ],
    },
    create: Page {
        clicks: &[
            "If you have no mail program, pass over this step: you can read your mail in webmail.",
            "In your mail program, look for \"Add account\" or \"New account\".",
            "Choose to enter the settings by hand, if you can.",
            "Choose the type IMAP, never POP.",
            "Type the incoming and the outgoing server, the ports and the user name shown above.",
            "Type your password and save.",
            TWICE,
        ],
        more: &[
            "The new account is added beside the old one. Do not change the old account into the new one, and do not remove it.",
            ENCRYPTION,
            CERTIFICATE,
        ],
    },
    store: Page {
        clicks: &[
            COPIES,
            "For a copy of your own besides: copy the mail files to a USB stick or another folder.",
            "If this program does not find your mail, look in your mail program for \"Export\".",
            "Export the mail to a new, empty folder and write that folder down.",
            "Close your mail program, and leave it closed until the copying and the check have ended.",
        ],
        more: &[
            "When you are asked for a file or folder, you can give the folder with the exported mail.",
            "Choose an export as .eml or mbox files if you are asked for a kind.",
            "Exporting should copy the mail. If it offers to move the mail, say no.",
        ],
    },
    remove: Page {
        clicks: &[
            "Leave the old account, switched off as in step 2. Then this step is done.",
            "If your mail program can switch an account off altogether, use that if you like.",
            "Do not remove the account: it may take the old mail on this computer with it.",
        ],
        more: &[
            "In some mail programs removing an account removes its mail as well, often without asking twice.",
            "If you must remove it, wait for the month of step 6, and copy the mail files to another place first.",
            WHICH,
        ],
    },
    delete: Page {
        clicks: &[
            MONTH,
            LOOK,
            "If the old account is still in your mail program, leave its files alone.",
            "Otherwise you can move the old mail files to a USB stick, or delete them, after the month.",
        ],
        more: &[
            NEVER_MUST,
            "Mail files of one mail program often lie side by side. Delete only files that you know.",
        ],
    },
    removing: Removing::MayRemoveMail(
        "We do not know your mail program, so treat it as if removing the account removes its mail: it may.",
    ),
};
