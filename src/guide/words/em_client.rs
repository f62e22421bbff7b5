//! eM Client.

use super::shared::{CERTIFICATE, COPIES, ENCRYPTION, LOOK, MONTH, NEVER_MUST, TWICE, WHICH};
use super::{Page, Removing, Words};

pub(crate) const EM_CLIENT: Words = Words {
    name: "eM Client",
    leave: Page {
        clicks: &[
            "Open Menu > Accounts and choose your old account.",
            "Choose the tab \"POP3\".",
            "Look for the box that keeps a copy of messages on the server, and tick it.",
            "If you see a box that deletes them there after some days, untick it.",
            "If you see a box that deletes them there when you delete them here, untick it.",
            "Choose \"OK\" or \"Save\".",
        ],
        more: &[
            "The words in your version may differ a little. What matters: messages stay on the server.",
            "If there is no tab \"POP3\" but one named IMAP, the account is on the new way already. Leave it as it is.",
        ],
    },
    stop: Page {
        clicks: &[
            "Open Menu > Accounts and choose your old account.",
            "Untick \"Include when sending/receiving mails\". The words may differ in your version.",
            "Choose \"OK\" or \"Save\".",
        ],
        more: &[
            "If you do not find that box, close eM Client until step 3, and do not choose to send and receive for the old account.",
            "If you used Menu > Work Offline, turn it off again before step 3: the new account needs the connection.",
        ],
    },
    create: Page {
        clicks: &[
            "Open Menu > Accounts and choose \"Add account\".",
            "Choose Mail > Other. If you see an automatic set-up, do not use it.",
            "Type the email address shown above, and your name if you are asked.",
            "Choose \"IMAP\", never \"POP3\".",
            "Type the incoming server, the port and the user name shown above.",
            "Type the outgoing server, the port and the user name shown above.",
            "Type your password and finish with the button that is offered.",
            TWICE,
        ],
        more: &[
            "The button to finish may be called \"Next\", \"Finish\" or \"Save\".",
            "If eM Client does not allow another account, do not remove the old one. The copying works all the same, and you can read your mail in webmail.",
            ENCRYPTION,
            CERTIFICATE,
        ],
    },
    store: Page {
        clicks: &[
            "Export your mail first: Menu > File > Export > Emails to .eml.",
            "Choose the folders of the old account, and a new, empty folder on this computer.",
            "Write that folder down: this program reads your mail from there.",
            "Close eM Client, and leave it closed until the copying and the check have ended.",
            COPIES,
        ],
        more: &[
            "This program cannot read the files of eM Client themselves. That is why the export is needed here.",
            "Look also at \"Local Folders\": mail of the old account is often there. If you do not see it, look under Settings > General for \"Show Local Folders\".",
            "Exporting copies the mail; nothing is taken out of eM Client.",
        ],
    },
    remove: Page {
        clicks: &[
            "Best: leave the old account, switched off as in step 2. Then this step is done.",
            "To remove it all the same: open Menu > Accounts and choose the old account (POP3).",
            "Choose \"Remove\" and read the question before you answer.",
            "If the question speaks of deleting mail or data, answer \"No\" or \"Cancel\".",
        ],
        more: &[
            "The mail may be in \"Local Folders\" or in folders of the account itself. In folders of the account itself it may go with the account.",
            WHICH,
        ],
    },
    delete: Page {
        clicks: &[
            MONTH,
            "Keep the exported messages too.",
            LOOK,
            "After the month, delete the old mail folders in eM Client, if you want to.",
            "Delete only folders of the old account or \"Local Folders\", not of the new account.",
            "If you cannot tell which is which, delete nothing.",
        ],
        more: &[
            NEVER_MUST,
            "A mail folder deleted under the new account is deleted on Spectrum's server too. That is why it matters which one you choose.",
        ],
    },
    removing: Removing::MayRemoveMail(
        "Treat it as if removing the account removes its mail: where the mail lies in folders of the account itself, it may be gone.",
    ),
};
