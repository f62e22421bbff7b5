//! Windows Live Mail, Windows Mail (Vista) and Outlook Express.

use super::shared::{CERTIFICATE, COPIES, ENCRYPTION, LOOK, MONTH, NEVER_MUST, TWICE, WHICH};
use super::{Page, Removing, Words};

pub(crate) const WINDOWS_LIVE_MAIL: Words = Words {
    name: "Windows Live Mail",
    leave: Page {
        clicks: &[
            "Choose your old account, then the tab \"Accounts\" > \"Properties\".",
            "In Windows Mail and Outlook Express: Tools > Accounts, choose the account, \"Properties\".",
            "Choose the tab \"Advanced\".",
            "Tick \"Leave a copy of messages on server\".",
            "Untick \"Remove from server after\" so many days.",
            "If you see a box about mail deleted from \"Deleted Items\", untick that too.",
            "Choose \"OK\".",
        ],
        more: &[
            "In Windows Live Mail 2009, the way may be that of Windows Mail. If you see no menus, press the Alt key.",
            "In Outlook Express, the accounts are on the tab \"Mail\" of Tools > Accounts.",
            "If the account is shown as IMAP, it is on the new way already. Leave it as it is.",
        ],
    },
    stop: Page {
        clicks: &[
            "Open the \"Properties\" of your old account again, as in step 1.",
            "Stay on the tab \"General\".",
            "Untick \"Include this account when receiving mail or synchronizing\".",
            "Choose \"OK\".",
        ],
        more: &[
            "If the box is not there: look in the Options, tab \"General\", and untick \"Send and receive messages at startup\" and \"Check for new messages every ... minutes\".",
            "If you used Work offline, turn it off again before step 3: the new account needs the connection.",
        ],
    },
    create: Page {
        clicks: &[
            "Choose the tab \"Accounts\" > \"Email\". In Outlook Express: Tools > Accounts > Add > Mail.",
            "Type the email address shown above, your password and your name.",
            "Tick \"Manually configure server settings\" if you see it, then choose \"Next\".",
            "Choose the server type IMAP, and type the servers and ports shown above.",
            "Tick \"Requires a secure connection (SSL)\" for both servers, where you see it.",
            "Type the user name shown above, choose \"Next\", then \"Finish\".",
            TWICE,
        ],
        more: &[
            "This mail program is old. It may not be able to make a secure connection to Spectrum's server, above all on an old Windows. Then leave it: your mail is copied all the same, and you can read it in webmail or in a newer mail program.",
            "Never turn the secure connection off to make it work.",
            "If it asks whether to show or download folders, you can say yes.",
            ENCRYPTION,
            CERTIFICATE,
        ],
    },
    store: Page {
        clicks: &[
            COPIES,
            "For a copy of your own besides: choose File > Export > Email messages.",
            "If you can choose, choose \"Microsoft Windows Live Mail\", and a new, empty folder.",
            "Close Windows Live Mail, and leave it closed until the copying and the check have ended.",
        ],
        more: &[
            "Your own copy is not needed; it is there for your peace of mind.",
            "You can also make a folder under \"Storage folders\" (in Outlook Express under \"Local Folders\") and copy messages there. Copy, do not move.",
            "In Windows Mail or Outlook Express, close that program.",
        ],
    },
    remove: Page {
        clicks: &[
            "Leave the old account, switched off as in step 2. Then this step is done.",
            "Do not choose \"Remove account\": it may remove the old mail from this computer.",
            "Look at its \"Properties\", tab \"General\": the box to include this account is not ticked.",
        ],
        more: &[
            "In Outlook Express, mail that has been downloaded is said to stay when the account is removed. In Windows Live Mail and Windows Mail we do not know.",
            "If you must remove it, wait for the month of step 6 first. Then right-click the account and choose \"Remove account\".",
            WHICH,
        ],
    },
    delete: Page {
        clicks: &[
            MONTH,
            LOOK,
            "If the old account is still there, leave it switched off, and leave its files alone.",
            "If you made a copy under \"Storage folders\", you can delete that folder after the month.",
        ],
        more: &[
            NEVER_MUST,
            "The folder of Windows Live Mail on the disk may hold the mail of other accounts as well. Do not delete it by hand unless someone helps you who knows it.",
        ],
    },
    removing: Removing::MayRemoveMail(
        "We do not know whether removing the account removes its mail, so treat it as if it does: the mail on this computer may be gone.",
    ),
};
