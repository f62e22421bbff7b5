//! Sentences that several mail programs share.

/// Step 3: what to do about encryption that does not work.
pub(super) const ENCRYPTION: &str = "If the outgoing server does not answer, try STARTTLS in place of SSL/TLS, or the other way round. Never choose \"None\".";

/// Step 3: nobody is ever told to go on past this warning.
pub(super) const CERTIFICATE: &str = "If you see a warning about a certificate, do not go on. Choose \"Cancel\" or \"No\". Call no telephone number it shows.";

/// Step 3, at its end.
pub(super) const TWICE: &str =
    "See your address in the list twice. That is right; leave the old account alone for now.";

/// Step 5: the work is not theirs.
pub(super) const COPIES: &str =
    "Let this program copy your mail to Spectrum's server now. You need not drag anything.";

/// Step 4: how to tell two accounts with one address apart.
pub(super) const WHICH: &str = "Both accounts have the same address. The old one is called POP in its settings, the new one IMAP. If you cannot tell them apart, remove neither.";

/// Step 6, first.
pub(super) const MONTH: &str =
    "Keep the old files for a month. They do no harm; they only take up space.";

/// Step 6, second.
pub(super) const LOOK: &str =
    "In that month, look for some old messages in the new account or in webmail.";

/// Step 6, for the anxious.
pub(super) const NEVER_MUST: &str =
    "You do not have to delete anything, now or later. If you are unsure, keep the files.";
