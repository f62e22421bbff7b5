//! Classic Outlook: the one with a File menu and a data file.

use super::shared::{CERTIFICATE, COPIES, ENCRYPTION, LOOK, MONTH, NEVER_MUST, TWICE, WHICH};
use super::{Page, Removing, Words};

pub(crate) const OUTLOOK: Words = Words {
    name: "Outlook",
    leave: Page {
        clicks: &[
            "Open File > Account Settings > \"Account Name and Sync Settings\" for your old account.",
            "In older versions: File > Account Settings > Account Settings, tab \"Email\".",
            "There, choose the old account (POP), \"Change\", \"More Settings\", and the tab \"Advanced\".",
            "Tick \"Leave a copy of messages on the server\".",
            "Untick \"Remove from server after\" so many days.",
            "If you see a box about mail deleted from \"Deleted Items\", untick that too.",
            "Close the windows with \"Next\" and \"Done\", or with \"OK\", \"Next\" and \"Finish\".",
        ],
        more: &[
            "If you do not find these boxes: close Outlook and open the Control Panel of Windows, then Mail (Microsoft Outlook) > Email Accounts. If you see \"Show Profiles\" first, you may have to choose your profile there.",
            "If there is no File menu at the top left, you may have the new Outlook. Stop here, start this program again and choose the new Outlook.",
            "If your account is shown as IMAP, it is on the new way already. Leave it as it is.",
        ],
    },
    stop: Page {
        clicks: &[
            "Press Ctrl+Alt+S. A window about send and receive groups opens.",
            "Choose the group \"All Accounts\", then \"Edit\".",
            "Choose your old account in the list on the left.",
            "Untick \"Include the selected account in this group\".",
            "Choose \"OK\", then \"Close\".",
        ],
        more: &[
            "If Ctrl+Alt+S does nothing: look under Send/Receive > Send/Receive Groups > Define Send/Receive Groups. The names may differ a little in your version.",
            "If there are more groups than \"All Accounts\", do the same in each of them.",
            "If you used Work Offline, turn it off again before step 3: the new account needs the connection.",
        ],
    },
    create: Page {
        clicks: &[
            "Open File > Add Account and type the email address shown above.",
            "Open \"Advanced options\", tick \"Let me set up my account manually\", and choose \"Connect\".",
            "Choose \"IMAP\".",
            "Incoming mail: type the server and port shown above; encryption method SSL/TLS.",
            "Outgoing mail: type the server and port shown above; choose the encryption shown there.",
            "Choose \"Next\", type your password, choose \"Connect\", then \"Done\".",
            TWICE,
        ],
        more: &[
            "If it does not connect: choose \"Change Account Settings\" and compare every value with those shown above.",
            "In older versions \"Add Account\" may ask first: choose the way by hand, then POP or IMAP, then the type IMAP.",
            "If Outlook says that it has this address already, do not remove anything. Close Outlook and add the account in the Control Panel of Windows, under Mail (Microsoft Outlook) > Email Accounts.",
            ENCRYPTION,
            CERTIFICATE,
        ],
    },
    store: Page {
        clicks: &[
            COPIES,
            "For a copy of your own besides: File > Open & Export > Import/Export > Export to a file.",
            "Choose \"Outlook Data File (.pst)\", the old account, and tick \"Include subfolders\".",
            "Save it under a new name, on a USB stick or in another folder. Do not replace a file.",
            "Close Outlook, and leave it closed until the copying and the check have ended.",
        ],
        more: &[
            "Your own copy is not needed; it is there for your peace of mind.",
            "Spectrum's own page speaks of a storage folder: Home > New Items > More Items > Outlook Data File makes one. Then right-click a mail folder and choose \"Copy Folder\". Dragging moves the folder; copying is safer.",
        ],
    },
    remove: Page {
        clicks: &[
            "Best: leave the old account, switched off as in step 2. Then this step is done.",
            "To remove it all the same: File > Account Settings > Account Settings, tab \"Data Files\".",
            "Write down the name and the folder of the old account's file. It ends in .pst.",
            "Close Outlook, copy that file to a USB stick or another folder, and open Outlook again.",
            "If that file is the default on \"Data Files\": choose another file, then \"Set as Default\".",
            "On the tab \"Email\", choose the old account: the one of type POP, not IMAP.",
            "Choose \"Remove\", read the question, and answer \"Yes\".",
        ],
        more: &[
            WHICH,
            "Outlook may warn that offline cached content is deleted. As far as we know that does not concern your .pst file. If you are unsure, answer \"No\" and leave the account switched off.",
            "If Outlook does not let you choose another default file, leave the account switched off.",
            "The old file may also hold your contacts and your calendar. They are not copied to Spectrum's server.",
        ],
    },
    delete: Page {
        clicks: &[
            MONTH,
            LOOK,
            "If you left the old account in Outlook, leave its file too: Outlook still uses it.",
            "If you keep contacts or a calendar in the old file, keep the file: they were not copied.",
            "Otherwise: File > Account Settings > Account Settings > Data Files; choose the old file.",
            "Choose \"Remove\". This only closes the file; it stays on this computer.",
            "Close Outlook and move the old .pst file to a USB stick, or delete it.",
        ],
        more: &[
            NEVER_MUST,
            "The file is often in the folder \"Outlook Files\" in your Documents. Delete only the file that you wrote down in step 4.",
        ],
    },
    removing: Removing::KeepsMail(
        "As far as we know, removing the account leaves its mail on this computer, in the data file (.pst). Copy that file first all the same.",
    ),
};
