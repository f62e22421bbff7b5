//! What kind of server this is: what it can do, what it keeps, and how fast it is.

use std::time::Duration;

/// How bytes are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StoreAs {
    /// As they came.
    #[default]
    AsIs,
    /// With bare LF.
    Lf,
    /// Without empty lines at the end.
    Trimmed,
    /// With a header field more.
    HeaderAdded,
}

/// What EXAMINE says of the next UID.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UidNext {
    /// What it is.
    #[default]
    Told,
    /// Nothing.
    Untold,
    /// 0.
    Zero,
}

/// The header field that [`StoreAs::HeaderAdded`] adds.
pub const ADDED: &str = "X-Server-Added: yes";

/// A server that can do everything, and keeps everything, unless told otherwise.
#[derive(Clone, Debug)]
pub struct Traits {
    pub capabilities: Vec<String>,
    pub store_as: StoreAs,
    pub keeps_date: bool,
    pub keeps_keywords: bool,
    pub uid_next: UidNext,
    pub most_connections: usize,
    /// Largest message taken, announced or not.
    pub largest: Option<u64>,
    /// Room in bytes.
    pub room: Option<u64>,
    pub per_message: Duration,
    pub per_command: Duration,
    pub user: String,
    pub password: String,
}

impl Default for Traits {
    fn default() -> Traits {
        let all = "NAMESPACE LITERAL+ MULTIAPPEND UIDPLUS UNSELECT QUOTA CHILDREN SPECIAL-USE";
        Traits {
            capabilities: all.split(' ').map(str::to_string).collect(),
            store_as: StoreAs::AsIs,
            keeps_date: true,
            keeps_keywords: true,
            uid_next: UidNext::Told,
            most_connections: usize::MAX,
            largest: None,
            room: None,
            per_message: Duration::ZERO,
            per_command: Duration::ZERO,
            user: "jane@charter.net".into(),
            password: "canary-Pa55word-never-written".into(),
        }
    }
}

impl Traits {
    /// One more capability.
    pub fn with(mut self, capability: &str) -> Traits {
        self.capabilities.push(capability.into());
        self
    }

    /// One capability less.
    pub fn without(mut self, capability: &str) -> Traits {
        self.capabilities.retain(|own| own != capability);
        self
    }

    /// Nothing but IMAP4rev1.
    pub fn bare(mut self) -> Traits {
        self.capabilities.clear();
        self
    }

    pub fn store_as(mut self, how: StoreAs) -> Traits {
        self.store_as = how;
        self
    }

    pub fn uid_next(mut self, told: UidNext) -> Traits {
        self.uid_next = told;
        self
    }

    pub fn forgets_dates(mut self) -> Traits {
        self.keeps_date = false;
        self
    }

    pub fn forgets_keywords(mut self) -> Traits {
        self.keeps_keywords = false;
        self
    }

    /// Takes no message larger than this; says so beforehand only with APPENDLIMIT among its capabilities.
    pub fn largest(mut self, bytes: u64) -> Traits {
        self.largest = Some(bytes);
        self
    }

    pub fn most_connections(mut self, most: usize) -> Traits {
        self.most_connections = most;
        self
    }

    /// A store that takes its time.
    pub fn slow(mut self, per_message: Duration, per_command: Duration) -> Traits {
        self.per_message = per_message;
        self.per_command = per_command;
        self
    }

    pub fn can(&self, capability: &str) -> bool {
        self.capabilities.iter().any(|own| own == capability)
    }
}
