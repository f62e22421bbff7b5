//! Remembers what was found in a large mbox file, so that a second look at the unchanged file need not read it.
//!
//! It saves reading and decides nothing: what comes from it is marked in the plan, and the bytes of a
//! message are hashed again when they are sent. Any doubt means that the file is read. One file of lines
//! for each mbox file: who wrote it and for which state of which file, what was found, where the bytes
//! went, and a SHA-256 of all lines before. No subject and no text is in it.

use std::fs::{self, File, Metadata};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use crate::message::{
    Conversions, Digest, Flags, FolderId, Identity, Item, Keyword, Keywords, MailDate, Origin,
    Standing,
};
use crate::source::{ByteLedger, Damaged, Fault, Oddity, Scanned, walk};

/// To be raised whenever a scan finds something else in the same file, or says it in another way.
const VERSION: u32 = 1;

/// Shorter files are read faster than they are looked up.
pub(crate) const WORTH_IT: u64 = 1 << 20;

/// So much of a file's beginning and end is part of its stamp.
const END: u64 = 64 * 1024;

/// A file that was written to so short a time ago may be written again and keep its time.
const FRESH: Duration = Duration::from_secs(3);

/// The state of a file, by which a changed one is known.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    size: u64,
    seconds: u64,
    nanos: u32,
    /// Device and inode, where there are such.
    inode: Option<(u64, u64)>,
    ends: String,
}

impl Stamp {
    /// `None` where the file can't be read, or may be changed without a trace.
    fn of(path: &Path) -> Option<Stamp> {
        let (mut file, _) = walk::open_file(path).ok()?;
        let about = file.metadata().ok()?;
        let modified = about.modified().ok()?;
        if SystemTime::now().duration_since(modified).ok()? < FRESH || about.len() < WORTH_IT {
            return None;
        }
        let modified = modified.duration_since(UNIX_EPOCH).ok()?;
        let mut ends = Sha256::new();
        for start in [0, about.len().saturating_sub(END)] {
            let mut bytes = Vec::new();
            file.seek(SeekFrom::Start(start)).ok()?;
            (&mut file).take(END).read_to_end(&mut bytes).ok()?;
            ends.update(&bytes);
        }
        Some(Stamp {
            size: about.len(),
            seconds: modified.as_secs(),
            nanos: modified.subsec_nanos(),
            inode: inode(&about),
            ends: hex(ends),
        })
    }
}

#[cfg(unix)]
fn inode(about: &Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some((about.dev(), about.ino()))
}

#[cfg(not(unix))]
fn inode(_: &Metadata) -> Option<(u64, u64)> {
    None
}

/// Where the bytes of a file went, and what was noticed in it.
pub(crate) type Summary = (ByteLedger, Vec<(u64, Oddity)>);

/// Makes a directory that only its owner may look into: it tells who has which mail.
fn make_private(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(directory)
}

/// The first line: everything that must be the same.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    v: u32,
    tool: String,
    path: String,
    /// How the file was read, besides its own bytes.
    manner: String,
    stamp: Stamp,
}

impl Head {
    fn of(file: &Path, manner: &str) -> Option<Head> {
        Some(Head {
            v: VERSION,
            tool: env!("CARGO_PKG_VERSION").into(),
            path: fs::canonicalize(file).ok()?.to_str()?.into(),
            manner: manner.into(),
            stamp: Stamp::of(file)?,
        })
    }

    /// Where it is kept.
    fn index(&self, directory: &Path) -> PathBuf {
        let name = hex(Sha256::new().chain_update(&self.path));
        directory.join(format!("{}.jsonl", name.get(..32).unwrap_or_default()))
    }
}

/// One of the other lines.
#[derive(Serialize, Deserialize)]
enum Line {
    /// A message.
    M(Message),
    /// One that is none: place, length, fault and words.
    D(u64, u64, Fault, String),
    /// The end: how many lines there were, where the bytes went, and what was noticed.
    E(u64, ByteLedger, Vec<(u64, Oddity)>),
}

#[derive(Serialize, Deserialize)]
struct Message {
    at: u64,
    len: u64,
    size: u64,
    hu: String,
    hid: String,
    hc: String,
    has_id: bool,
    date: Option<(i64, i16)>,
    /// Atoms and names.
    tags: Vec<(String, String)>,
    flags: u8,
    conversions: u8,
    standing: Standing,
}

impl Line {
    /// `None` for what another scan may find to be otherwise.
    fn of(scanned: &Scanned) -> Option<Line> {
        match scanned {
            Ok(item) => Some(Line::M(Message {
                at: item.origin.start,
                len: item.origin.length,
                size: item.size,
                hu: item.identity.bytes.to_string(),
                hid: item.identity.content.to_string(),
                hc: item.identity.summary.to_string(),
                has_id: item.has_id,
                date: item.date.map(|date| (date.seconds, date.offset)),
                tags: (item.keywords.iter())
                    .map(|tag| (tag.atom().into(), tag.name().into()))
                    .collect(),
                flags: item.flags.bits(),
                conversions: item.conversions.bits(),
                standing: item.standing,
            })),
            Err(damaged) => matches!(damaged.fault, Fault::Empty | Fault::NotMail).then(|| {
                let (start, length) = (damaged.origin.start, damaged.origin.length);
                Line::D(start, length, damaged.fault, damaged.detail.clone())
            }),
        }
    }

    fn scanned(self, place: &Arc<Path>, folder: FolderId) -> Option<Scanned> {
        let origin = |start, length| Origin {
            place: place.clone(),
            file: None,
            start,
            length,
        };
        match self {
            Line::M(message) => {
                let tags = message.tags.iter();
                let tags: Option<Vec<Keyword>> =
                    tags.map(|(atom, name)| Keyword::new(atom, name)).collect();
                Some(Ok(Item {
                    origin: origin(message.at, message.len),
                    folder,
                    size: message.size,
                    identity: Identity {
                        bytes: Digest::from_hex(&message.hu)?,
                        content: Digest::from_hex(&message.hid)?,
                        summary: Digest::from_hex(&message.hc)?,
                    },
                    date: (message.date).map(|(seconds, offset)| MailDate { seconds, offset }),
                    keywords: Keywords::new(tags?),
                    flags: Flags::from_bits(message.flags),
                    conversions: Conversions::from_bits(message.conversions),
                    standing: message.standing,
                    has_id: message.has_id,
                }))
            }
            Line::D(start, length, fault, detail) => Some(Err(Damaged {
                folder,
                origin: origin(start, length),
                fault,
                detail,
            })),
            Line::E(..) => None,
        }
    }
}

/// Writes down what a scan finds. It counts once the scan was finished, and the file is still what it was.
pub(crate) struct Recorder {
    head: Head,
    file: PathBuf,
    index: PathBuf,
    to: BufWriter<NamedTempFile>,
    sum: Sha256,
    count: u64,
}

impl Recorder {
    /// Begins before the file is read. `None` where it is better not remembered.
    pub(crate) fn begin(directory: &Path, file: &Path, manner: &str) -> Option<Recorder> {
        let head = Head::of(file, manner)?;
        make_private(directory).ok()?;
        let mut recorder = Recorder {
            file: file.into(),
            index: head.index(directory),
            // Only its owner may read it.
            to: BufWriter::new(NamedTempFile::new_in(directory).ok()?),
            sum: Sha256::new(),
            count: 0,
            head,
        };
        let first = serde_json::to_vec(&recorder.head).ok()?;
        recorder.write(first)?;
        Some(recorder)
    }

    /// Takes what was found. `None`: this file can't be remembered.
    pub(crate) fn note(&mut self, scanned: &Scanned) -> Option<()> {
        self.count += 1;
        self.write(serde_json::to_vec(&Line::of(scanned)?).ok()?)
    }

    /// Keeps all of it, unless something changed. That it could not be kept is no error.
    pub(crate) fn finish(mut self, ledger: ByteLedger, oddities: Vec<(u64, Oddity)>) -> Option<()> {
        let end = Line::E(self.count, ledger, oddities);
        self.write(serde_json::to_vec(&end).ok()?)?;
        let unchanged = Head::of(&self.file, &self.head.manner)? == self.head;
        writeln!(self.to, "{}", hex(self.sum)).ok()?;
        let file = self.to.into_inner().ok()?;
        (unchanged && file.as_file().sync_data().is_ok()).then_some(())?;
        file.persist(&self.index).ok().map(|_| ())
    }

    fn write(&mut self, mut line: Vec<u8>) -> Option<()> {
        line.push(b'\n');
        self.sum.update(&line);
        self.to.write_all(&line).ok()
    }
}

/// What an earlier scan found, in its order.
pub(crate) struct Recalled {
    lines: BufReader<File>,
    left: u64,
    /// What was told behind the last one.
    pub(crate) end: Summary,
}

impl Recalled {
    /// What is remembered of a file, if it is whole and the file is what it was.
    pub(crate) fn open(directory: &Path, file: &Path, manner: &str) -> Option<Recalled> {
        let head = Head::of(file, manner)?;
        let (index, _) = walk::open_file(&head.index(directory)).ok()?;
        let mut lines = BufReader::new(index);
        let first = next_line(&mut lines)?;
        if serde_json::from_slice::<Head>(&first).ok()? != head {
            return None;
        }
        let start = first.len() as u64;
        let (left, end) = check(&mut lines, Sha256::new().chain_update(&first))?;
        lines.seek(SeekFrom::Start(start)).ok()?;
        Some(Recalled { lines, left, end })
    }

    /// The next message; `None` behind the last one.
    ///
    /// # Errors
    /// What was whole a moment ago is not any more.
    pub(crate) fn next(
        &mut self,
        place: &Arc<Path>,
        folder: FolderId,
    ) -> io::Result<Option<Scanned>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let line = next_line(&mut self.lines);
        let line = line.and_then(|line| serde_json::from_slice::<Line>(&line).ok());
        let scanned = line.and_then(|line| line.scanned(place, folder));
        let gone = || io::Error::other("what was known of this file is damaged");
        scanned.map(Some).ok_or_else(gone)
    }
}

/// Reads the lines behind the first to their end.
fn check(lines: &mut impl BufRead, mut sum: Sha256) -> Option<(u64, Summary)> {
    let place = Arc::from(Path::new(""));
    let mut count = 0;
    loop {
        let raw = next_line(lines)?;
        sum.update(&raw);
        match serde_json::from_slice(&raw).ok()? {
            Line::E(told, ledger, oddities) => {
                let right = next_line(lines)? == format!("{}\n", hex(sum)).as_bytes();
                let whole = right && told == count && next_line(lines).is_none();
                return (whole && ledger.balances()).then_some((count, (ledger, oddities)));
            }
            message => message.scanned(&place, FolderId(0)).map(|_| ())?,
        }
        count += 1;
    }
}

/// A line with its end; `None` where there is no whole one.
fn next_line(lines: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut line = Vec::new();
    lines.read_until(b'\n', &mut line).ok()?;
    line.ends_with(b"\n").then_some(line)
}

fn hex(sum: Sha256) -> String {
    sum.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests;
