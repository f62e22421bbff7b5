//! Apple Mail on a Mac.

use super::shared::{CERTIFICATE, COPIES, ENCRYPTION, LOOK, MONTH, NEVER_MUST, TWICE, WHICH};
use super::{Page, Removing, Words};

pub(crate) const APPLE_MAIL: Words = Words {
    name: "Apple Mail",
    leave: Page {
        clicks: &[
            "Open Mail > Settings > Accounts. In older versions: Mail > Preferences > Accounts.",
            "Choose your old account, the one that says POP.",
            "Choose \"Account Information\". In older versions: \"Advanced\".",
            "Untick \"Remove copy from server after retrieving a message\".",
            "Close the window. If you are asked, save the changes.",
        ],
        more: &[
            "If the box is not there, look on the other pages of the same account: the place differs between versions.",
            "If your account says IMAP, it is on the new way already. Leave it as it is.",
        ],
    },
    stop: Page {
        clicks: &[
            "Open Mail > Settings > General. In older versions: Mail > Preferences > General.",
            "Set \"Check for new messages\" to \"Manually\".",
            "If you see \"Include when automatically checking\" for the old account, untick it.",
            "Do not untick \"Enable this account\" yet: it hides the mail of the account.",
            "From now on, do not get new mail by hand until step 5 is done.",
        ],
        more: &[
            "\"Include when automatically checking\" is in older versions only, under Accounts > Advanced.",
            "If you untick \"Enable this account\" by mistake, tick it again: its mail comes back into view.",
            "If you used Mailbox > Take All Accounts Offline, go online again before step 3.",
            "When everything is done, set \"Check for new messages\" back as it was.",
        ],
    },
    create: Page {
        clicks: &[
            "Open Mail > Add Account, choose \"Other Mail Account\", then \"Continue\".",
            "Type your name, the email address shown above and your password; choose \"Sign In\".",
            "If you see \"Unable to verify\", do not worry: that is normal here, and more fields appear.",
            "Set \"Account Type\" to IMAP and type the incoming and outgoing server shown above.",
            "Look at \"User Name\" again. If it is empty, type the user name shown above.",
            "Choose \"Sign In\". If you are asked what to use it for, leave Mail ticked; choose \"Done\".",
            TWICE,
        ],
        more: &[
            "To check the ports: Mail > Settings > Accounts > the new account > \"Server Settings\". Untick \"Automatically manage connection settings\", type the ports shown above, and tick \"Use TLS/SSL\".",
            "If Mail says that it has this account already, do not remove the old one. Stop here and ask someone you trust.",
            ENCRYPTION,
            CERTIFICATE,
        ],
    },
    store: Page {
        clicks: &[
            COPIES,
            "For a copy of your own besides: choose Mailbox > New Mailbox, Location \"On My Mac\".",
            "Mark messages and drag them there while you hold the Option key: that copies them.",
            "Close Mail with Mail > Quit Mail, and leave it closed until copying and check have ended.",
        ],
        more: &[
            "Your own copy is not needed; it is there for your peace of mind.",
            "You can also choose Mailbox > Export Mailbox (in older versions it may be called Archive Mailbox) and save to a USB stick.",
            "Dragging without the Option key may move the messages.",
            "If this program is not allowed to read your mail, your Mac must permit it. Look in the Mac's settings under Privacy for \"Full Disk Access\", and turn it on for Terminal (or whatever window you see this in).",
        ],
    },
    remove: Page {
        clicks: &[
            "Open Mail > Settings > Accounts. In older versions: Mail > Preferences > Accounts.",
            "Choose the old account: the one that says POP, not IMAP.",
            "Untick \"Enable this account\". Its mail is hidden, not deleted.",
            "Do not choose \"-\" (remove) now. Then this step is done.",
        ],
        more: &[
            "To see the old mail again, tick \"Enable this account\" again.",
            "If you do not see \"Enable this account\", leave the old account as it is, switched off as in step 2.",
            WHICH,
        ],
    },
    delete: Page {
        clicks: &[
            MONTH,
            LOOK,
            "Know that removing the account may delete its old mail from this Mac for good.",
            "First copy the folder Mail, in the Library of your home folder, to another disk.",
            "After the month: Mail > Settings > Accounts, choose the old account (POP), then \"-\".",
            "If it asks about all your devices, choose this Mac only, or \"Cancel\".",
        ],
        more: &[
            NEVER_MUST,
            "The account may also be in System Settings > Internet Accounts. If iCloud Keychain is on, the Mac may offer to remove it from all your devices: do not.",
            "Mail that you copied to \"On My Mac\" should stay. You can remove it later with Mailbox > Delete Mailbox.",
            WHICH,
        ],
    },
    removing: Removing::MayRemoveMail(
        "Treat it as if removing the account removes its mail from this Mac: it may. Switching the account off does not.",
    ),
};
