//! What keeps a message from being lost or sent twice. The program never runs without any of it; a test that switches
//! one off and sees mail lost or doubled shows that the test would notice.

/// Which guards are up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Guards {
    /// Intents are on the disk, and not only on their way there, before the first byte is sent.
    pub sync: bool,
    /// A message in doubt is looked up only once nothing of it can be under way any more.
    pub quiet: bool,
    /// What the server should have is looked for at the end, and sent again if it is missing.
    pub verify: bool,
    /// Where header fields don't tell messages apart, their whole content decides.
    pub sure: bool,
}

impl Guards {
    /// As the program runs.
    pub const ALL: Guards = Guards {
        sync: true,
        quiet: true,
        verify: true,
        sure: true,
    };
}
