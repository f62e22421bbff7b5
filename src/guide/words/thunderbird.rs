//! Thunderbird, from 115 on.
//!
//! From 155 on, the window that removes an account opens with "Remove message data" ticked. Everybody is told to look.

use super::shared::{CERTIFICATE, COPIES, ENCRYPTION, LOOK, MONTH, NEVER_MUST, TWICE, WHICH};
use super::{Page, Removing, Words};

pub(crate) const THUNDERBIRD: Words = Words {
    name: "Thunderbird",
    leave: Page {
        clicks: &[
            "Open Menu (the button with three lines) > Account Settings.",
            "Under your old account, choose \"Server Settings\".",
            "Tick \"Leave messages on server\".",
            "Untick \"For at most ... days\" and \"Until I delete them\".",
        ],
        more: &[
            "If you do not see the button with three lines, press the Alt key: a row of menus may appear at the top.",
            "If there is no box \"Leave messages on server\" and the page says IMAP, the account is on the new way already. Leave it as it is.",
        ],
    },
    stop: Page {
        clicks: &[
            "Stay on the page \"Server Settings\" of your old account.",
            "Untick \"Check for new messages at startup\".",
            "Untick \"Check for new messages every ... minutes\".",
            "Untick \"Automatically download new messages\".",
            "From now on, do not get messages for the old account by hand.",
        ],
        more: &[
            "If the page has \"Message Storage\" with a button \"Advanced...\": look there for \"Include this server when getting new mail\" and untick it if you see it.",
            "If you used File > Offline > Work Offline, turn it off again before step 3: the new account needs the connection.",
        ],
    },
    create: Page {
        clicks: &[
            "Open Menu > Add Account > Email. In older versions: New Account > Email, or Existing Email.",
            "Type your name and the email address shown above.",
            "Choose \"Configure Manually\" if you see it; else \"Continue\" or \"Find settings\" first.",
            "If asked for a type, choose IMAP: it may be called \"Sync across devices\". Never choose POP.",
            "Incoming server: IMAP, and the server, port, SSL/TLS and user name shown above.",
            "Outgoing server: the server, port, encryption and user name shown above.",
            "Choose \"Test\" if you see it, then \"Continue\" or \"Done\". Type your password if asked.",
            TWICE,
        ],
        more: &[
            "You can also start with File > New > Email Account... in the row of menus.",
            "\"Download to device\" is the old way (POP). If you chose it by mistake, go back and choose the other.",
            "If Thunderbird fills in servers by itself, compare them with the values shown above and correct them.",
            ENCRYPTION,
            CERTIFICATE,
        ],
    },
    store: Page {
        clicks: &[
            COPIES,
            "For a copy of your own besides: right-click \"Local Folders\" and choose \"New Folder...\".",
            "Mark the messages you want, right-click them, choose \"Copy To\" and the new folder.",
            "Close Thunderbird, all its windows, and leave it closed until copying and check have ended.",
        ],
        more: &[
            "Your own copy is not needed; it is there for your peace of mind.",
            "Dragging messages with the mouse may move them. Hold the Ctrl key to copy, or use \"Copy To\".",
            "If Thunderbird offers to compact folders, you can say no.",
        ],
    },
    remove: Page {
        clicks: &[
            "Best: leave the old account, switched off as in step 2. Then this step is done.",
            "To remove it all the same: open Menu > Account Settings and choose the old account (POP).",
            "On its first page choose \"Delete\". In older versions: Account Actions > Remove Account.",
            "If you see \"Show data location\" (maybe under more information), write that folder down.",
            "Make sure that \"Remove message data\" is not ticked. In version 155 and later it is: untick it.",
            "Make sure that \"Remove outgoing server\" and \"Remove password\", if shown, are not ticked.",
            "If \"Remove message data\" is ticked and cannot be unticked, choose \"Cancel\" and keep the account.",
            "Look once more: \"Remove message data\" is not ticked. Only then choose \"Remove\".",
        ],
        more: &[
            "The window is called \"Remove Account and Data\". In older versions \"Remove message data\" is not ticked when it opens, in newer ones it is. Look at it whichever version you have.",
            "If \"Remove message data\" stays ticked, your mail is deleted at once, and it does not go to a bin.",
            "\"Remove outgoing server\" and \"Remove password\" exist only in newer versions. The new account may need both, so they stay.",
            "\"Remove account information\" is always ticked and cannot be changed. That is right.",
            WHICH,
        ],
    },
    delete: Page {
        clicks: &[
            MONTH,
            LOOK,
            "If you left the old account in Thunderbird, leave its files too.",
            "Otherwise close Thunderbird, all its windows.",
            "Open the folder that you wrote down in step 4.",
            "If it is called \"Local Folders\", stop here: it may hold other mail too.",
            "If not, move that folder to a USB stick, or delete it. Touch nothing beside it.",
        ],
        more: &[
            NEVER_MUST,
            "If you did not write the folder down, keep the files. Deleting the wrong folder would delete other mail.",
        ],
    },
    removing: Removing::MayRemoveMail(
        "Removing the account may remove its mail from this computer: version 155 and later does so unless you untick \"Remove message data\", older versions if you tick it.",
    ),
};
