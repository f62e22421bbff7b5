//! A pretend source for the tests of the engine.

use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};

use super::clock::Clock;
use super::plan::folders::Targets;
use super::plan::gather::gather;
use super::plan::{Plan, Reached};
use super::{Choices, Stop};
use crate::error::Error;
use crate::event::Silent;
use crate::identity;
use crate::mailbox::Namespace;
use crate::message::{
    Conversions, Flags, FolderId, Item, Keyword, Keywords, MailDate, Origin, Standing,
};
use crate::source::{Count, Kind, Scanned, Source, SourceFolder};

/// A made-up message.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    pub folder: String,
    pub bytes: Vec<u8>,
    flags: Flags,
    keywords: Keywords,
    date: Option<MailDate>,
    standing: Standing,
}

impl Mail {
    /// A message whose Message-ID, subject and body come from `text`.
    pub fn new(folder: &str, text: &str) -> Mail {
        let bytes = format!(
            "Message-ID: <{text}@x>\r\nFrom: a@x\r\nSubject: {text}\r\n\r\nbody of {text}\r\n"
        );
        Mail::raw(folder, bytes.as_bytes())
    }

    pub fn raw(folder: &str, bytes: &[u8]) -> Mail {
        Mail {
            folder: folder.into(),
            bytes: bytes.into(),
            flags: Flags::NONE,
            keywords: Keywords::default(),
            date: None,
            standing: Standing::Live,
        }
    }

    pub fn flagged(mut self, flags: Flags) -> Mail {
        self.flags = flags;
        self
    }

    pub fn tagged(mut self, tag: &str) -> Mail {
        self.keywords = Keywords::new(Keyword::new(tag, tag).into_iter().collect());
        self
    }

    pub fn tagged_as(mut self, tag: &str, name: &str) -> Mail {
        self.keywords = Keywords::new(Keyword::new(tag, name).into_iter().collect());
        self
    }

    pub fn dated(mut self, seconds: i64) -> Mail {
        self.date = Some(MailDate { seconds, offset: 0 });
        self
    }

    pub fn expunged(mut self) -> Mail {
        self.standing = Standing::Expunged;
        self
    }
}

/// A source made of [`Mail`].
pub(crate) struct Pretend {
    folders: Vec<String>,
    mails: Vec<Mail>,
    /// What a scan tells; made once, since a simulation scans a hundred thousand times.
    items: Vec<Item>,
    path: PathBuf,
}

impl Pretend {
    pub fn new(mails: Vec<Mail>) -> Pretend {
        let mut folders: Vec<String> = Vec::new();
        for mail in &mails {
            if !folders.contains(&mail.folder) {
                folders.push(mail.folder.clone());
            }
        }
        let items = mails
            .iter()
            .enumerate()
            .map(|(index, mail)| Pretend::item(&folders, index, mail))
            .collect();
        Pretend {
            folders,
            mails,
            items,
            path: "pretend".into(),
        }
    }

    fn item(folders: &[String], index: usize, mail: &Mail) -> Item {
        let mut item = item(&mail.bytes);
        let folder = folders
            .iter()
            .position(|name| *name == mail.folder)
            .unwrap_or_default();
        item.folder = FolderId(folder as u32);
        item.origin.start = index as u64;
        item.date = mail.date;
        item.keywords = mail.keywords.clone();
        item.flags = mail.flags;
        item.standing = mail.standing;
        item
    }
}

/// A plain message of these bytes.
pub(crate) fn item(bytes: &[u8]) -> Item {
    let print = identity::of(bytes);
    Item {
        origin: Origin {
            place: Path::new("pretend").into(),
            file: None,
            start: 0,
            length: print.size,
        },
        folder: FolderId(0),
        size: print.size,
        identity: print.identity,
        date: None,
        keywords: Keywords::default(),
        flags: Flags::NONE,
        conversions: Conversions::NONE,
        standing: Standing::Live,
        has_id: print.has_id,
    }
}

impl Source for Pretend {
    fn kind(&self) -> Kind {
        Kind::Mixed
    }

    fn label(&self) -> String {
        "pretend".into()
    }

    fn path(&self) -> &Path {
        &self.path
    }

    fn folders(&self) -> Vec<SourceFolder> {
        let folder = |name: &String| SourceFolder {
            path: name.split('/').map(str::to_string).collect(),
            account: None,
            role: crate::source::roles::well_known(name),
        };
        self.folders.iter().map(folder).collect()
    }

    fn counts(&self) -> Result<Vec<Count>, Error> {
        Ok(vec![Count::default(); self.folders.len()])
    }

    fn bytes(&self) -> u64 {
        self.mails.iter().map(|mail| mail.bytes.len() as u64).sum()
    }

    fn scan(&self) -> Result<Box<dyn Iterator<Item = Scanned> + Send + '_>, Error> {
        Ok(Box::new(self.items.iter().cloned().map(Ok)))
    }

    fn open(&self, item: &Item) -> io::Result<Box<dyn Read + Send>> {
        let mail = self
            .mails
            .get(item.origin.start as usize)
            .ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(Cursor::new(mail.bytes.clone())))
    }
}

/// A plan for a server that has nothing.
pub(crate) fn planned(mails: Vec<Mail>) -> Plan {
    let sources: Vec<Box<dyn Source>> = vec![Box::new(Pretend::new(mails))];
    let namespace = Namespace {
        prefix: String::new(),
        delimiter: Some('/'),
    };
    let choices = Choices::default();
    let mut targets = Targets::new(&choices, &namespace, &[]).unwrap();
    let gathered = gather(&sources, &mut targets, &choices, &Stop::default(), &Silent).unwrap();
    Plan {
        account: "jane@mail.example:993".into(),
        sources: gathered.sources,
        folders: gathered.folders,
        server_folders: Vec::new(),
        quota: None,
        append_limit: None,
        made: 0,
        reached: Reached::default(),
    }
}

/// A clock whose sleep costs nothing.
#[derive(Default)]
pub(crate) struct QuickClock(std::sync::Mutex<std::time::Duration>);

impl Clock for QuickClock {
    fn now(&self) -> std::time::Duration {
        *self.0.lock().unwrap()
    }

    fn wall(&self) -> u64 {
        1_795_440_000 + self.now().as_secs()
    }

    fn sleep(&self, time: std::time::Duration) {
        *self.0.lock().unwrap() += time;
    }
}
