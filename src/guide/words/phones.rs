//! Phones and tablets: they fetch mail too, and one on POP empties the server as well.

/// How the new account is added on one kind of phone, with the values of the settings card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phone {
    /// The phone or the mail app on it, as people call it.
    pub name: &'static str,
    /// What to tap, one short instruction each.
    pub clicks: &'static [&'static str],
}

/// To be read before step 3, in this order.
pub const CHECK_FIRST: &[&str] = &[
    "Do you read this mail on a phone or tablet too? If it still uses POP, it also takes messages off the server.",
    "Look at each phone and tablet before step 3: open the settings of the account and look for POP or IMAP.",
    "If it says IMAP, leave it as it is.",
    "If it says POP, switch the account off there. Do not delete it: some of its mail may be only on the phone.",
    "If you cannot switch it off or cannot tell, ask someone you trust to look before you go on.",
    "Add the account again on the phone, as IMAP, when you like. The old one stays switched off.",
];

/// On deleting an old account from a phone.
pub const OLD_ACCOUNT: &str = "Deleting an account from a phone may delete the mail that is only there. Switch it off instead, and look through it first.";

/// The phones, by how people know them.
pub const PHONES: &[Phone] = &[
    Phone {
        name: "iPhone or iPad",
        clicks: &[
            "Open Settings > Apps > Mail > Mail Accounts. In older versions: Settings > Mail > Accounts.",
            "Tap Add Account > Other > Add Mail Account.",
            "Type your name, the email address shown above and your password, then tap \"Next\".",
            "Tap \"IMAP\" at the top.",
            "Type the incoming server, user name and password shown above under \"Incoming Mail Server\".",
            "Do the same under \"Outgoing Mail Server\", even if it says \"Optional\".",
            "Tap \"Next\", leave Mail switched on, and tap \"Save\".",
            "Old account (POP): open it in the same list and switch it off. Do not delete it.",
        ],
    },
    Phone {
        name: "Gmail app on Android",
        clicks: &[
            "Tap the menu > Settings > \"Add account\". It may be under your picture: \"Add another account\".",
            "Tap \"Other\" and type the email address shown above.",
            "Choose \"Personal (IMAP)\", never POP3, and type your password.",
            "Incoming: type the user name, server, port and security type shown above, then \"Next\".",
            "Outgoing: type the outgoing server and port shown above, then \"Next\".",
            "Go on with \"Next\" until it is done.",
            "If the outgoing server does not answer, choose STARTTLS. Never choose \"None\".",
        ],
    },
    Phone {
        name: "Outlook app on a phone",
        clicks: &[
            "Tap \"+\" > \"Add Account\", type the email address shown above, and tap \"Continue\".",
            "Choose \"IMAP\". If you do not see it: tap \"?\", then \"Change account provider\".",
            "If you see \"Advanced settings\", tick or open it.",
            "Type the IMAP server, port, security type, user name and password shown above.",
            "Type the same for SMTP, with the outgoing server and port shown above.",
            "Check every value before you go on: the servers cannot be changed later.",
            "Tap the tick mark.",
        ],
    },
    Phone {
        name: "Samsung or another mail app",
        clicks: &[
            "Open Settings > Accounts > Add Account > Email. Words and places may differ.",
            "Type the email address shown above and your password. Look for manual set-up or \"Sign In\".",
            "Choose \"IMAP account\", never POP3.",
            "Type the IMAP server, port and security type shown above.",
            "Type the outgoing (SMTP) server, port and security type shown above.",
            "Finish with \"Sign In\", \"Next\" or the button that is offered.",
        ],
    },
];
