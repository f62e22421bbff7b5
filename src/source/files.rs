//! Folders whose messages are files of their own: what Maildir, MH, mail files and Thunderbird's maildir store share.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use flate2::read::MultiGzDecoder;

use crate::message::{Conversions, Flags, FolderId, Item, Keywords, MailDate, Origin, Standing};
use crate::source::marks;
use crate::source::upload::{Upload, measure};
use crate::source::walk::{self, Facts};
use crate::source::{Count, Damaged, Fault, Oddity, Remark, Scanned};

/// So much of a file is looked at before it is read.
const HEAD: u64 = 64 * 1024;

/// So much of a file is read to count it; headers are seldom longer.
const HEADER: u64 = 16 * 1024;

/// What is changed in any message that is a file.
pub(crate) const WANTED: Conversions = Conversions::LINE_ENDS
    .union(Conversions::FINAL_LINE_END)
    .union(Conversions::TEXT_ENCODING);

/// What a store knows of a message besides its bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    /// Read, answered, starred, draft.
    pub flags: Flags,
    /// Its tags.
    pub keywords: Keywords,
    /// Live, expunged, partial.
    pub standing: Standing,
    /// The date that the store gives it.
    pub date: Option<MailDate>,
}

/// A message's file, or one that stands where a message should be.
#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    /// Its directory, shared by all in it.
    pub place: Arc<Path>,
    /// Its name.
    pub file: Box<OsStr>,
    /// Its length and time, or why it is never opened.
    pub facts: Result<Facts, (Fault, String)>,
    /// What the store knows of it.
    pub told: Told,
}

impl Leaf {
    /// A directory that can't be read, in place of the messages in it.
    pub fn lost(directory: &Path, error: &io::Error) -> Leaf {
        Leaf {
            place: directory.parent().unwrap_or(directory).into(),
            file: directory.file_name().unwrap_or_default().into(),
            facts: Err((walk::fault(error), error.to_string())),
            told: Told::default(),
        }
    }

    fn origin(&self) -> Origin {
        Origin {
            place: self.place.clone(),
            file: Some(self.file.clone()),
            start: 0,
            length: self.facts.as_ref().map_or(0, |facts| facts.length),
        }
    }
}

/// What a format says about the messages of one folder.
pub(crate) trait MessageFiles: Send + Sync {
    /// Its messages in a fixed order, and what lies among them and is none.
    ///
    /// # Errors
    /// A directory can't be read.
    fn leaves(&self) -> io::Result<(Vec<Leaf>, Vec<Remark>)>;

    /// What is changed on the way from the file to the server.
    fn wanted(&self) -> Conversions {
        WANTED
    }

    /// Whether a message's header tells what the store thinks of it. Counting is
    /// much cheaper where it doesn't.
    fn asks_header(&self) -> bool {
        false
    }

    /// Adds what the header tells.
    fn read_header(&self, _header: &[u8], _told: &mut Told) {}
}

/// Counts a folder by names and headers, and adds up its bytes.
pub(crate) fn count(files: &dyn MessageFiles) -> Count {
    let mut count = Count::default();
    let Ok((leaves, _)) = files.leaves() else {
        return Count {
            messages: 1,
            damaged: 1,
            ..Count::default()
        };
    };
    for leaf in leaves {
        count.messages += 1;
        let told = match &leaf.facts {
            Ok(facts) if facts.length > 0 => {
                count.bytes += facts.length;
                told_by_head(files, &leaf)
            }
            _ => None,
        };
        let Some(told) = told else {
            count.damaged += 1;
            continue;
        };
        count.expunged += u64::from(told.standing == Standing::Expunged);
        count.newest = count.newest.max(told.date);
    }
    count
}

/// The bytes of a folder's files.
pub(crate) fn bytes(files: &dyn MessageFiles) -> u64 {
    let leaves = files
        .leaves()
        .map_or_else(|_| Vec::new(), |(leaves, _)| leaves);
    (leaves.iter().filter_map(|leaf| leaf.facts.as_ref().ok()))
        .map(|facts| facts.length)
        .sum()
}

/// What is known of a message without reading all of it.
fn told_by_head(files: &dyn MessageFiles, leaf: &Leaf) -> Option<Told> {
    let mut told = leaf.told.clone();
    if files.asks_header() {
        let stored = open(&leaf.origin().path()).ok()?;
        let head = stored.reader.take(HEADER);
        let header = measure(head, files.wanted()).ok()?.header;
        files.read_header(&header, &mut told);
        told.date = marks::date(told.date, &header, None);
    }
    Some(told)
}

/// Reads a folder's messages one by one. Remarks go to `remark`.
pub(crate) fn scan<'a>(
    files: &'a dyn MessageFiles,
    place: &Path,
    folder: FolderId,
    remark: impl Fn(Remark) + Send + 'a,
) -> Box<dyn Iterator<Item = Scanned> + Send + 'a> {
    match files.leaves() {
        Ok((leaves, remarks)) => {
            remarks.into_iter().for_each(&remark);
            let read = move |leaf: Leaf| {
                read(files, &leaf, folder, &remark).map_err(|(fault, detail)| Damaged {
                    folder,
                    origin: leaf.origin(),
                    fault,
                    detail,
                })
            };
            Box::new(leaves.into_iter().map(read))
        }
        Err(error) => {
            let lost = unreadable(place, folder, &error);
            Box::new(std::iter::once(Err(lost)))
        }
    }
}

/// A directory that can't be read, as a damaged place.
pub(crate) fn unreadable(place: &Path, folder: FolderId, error: &io::Error) -> Damaged {
    Damaged {
        folder,
        origin: Origin {
            place: place.into(),
            file: None,
            start: 0,
            length: 0,
        },
        fault: walk::fault(error),
        detail: error.to_string(),
    }
}

fn read(
    files: &dyn MessageFiles,
    leaf: &Leaf,
    folder: FolderId,
    remark: &impl Fn(Remark),
) -> Result<Item, (Fault, String)> {
    leaf.facts.clone()?;
    let failed = |error: io::Error| (walk::fault(&error), error.to_string());
    let whole = leaf.origin();
    let mut stored = open(&whole.path()).map_err(failed)?;
    if stored.facts.length == 0 {
        return Err((Fault::Empty, "the file has no bytes".into()));
    }
    let mut head = Vec::new();
    let mut beginning = stored.reader.by_ref().take(HEAD);
    beginning.read_to_end(&mut head).map_err(failed)?;
    if head.iter().all(|byte| *byte == 0) {
        let words = "nothing but NUL bytes: a crash left it so";
        return Err((Fault::NotMail, words.into()));
    }
    let separator = if stored.packed {
        0
    } else {
        separator_length(&head)
    };
    let mut wanted = files.wanted();
    let has = |byte| memchr::memchr(byte, &head).is_some();
    if has(b'\r') && !has(b'\n') {
        wanted.insert(Conversions::CR_LINES);
    }
    let rest = head.get(separator..).unwrap_or_default();
    let measured = measure(rest.chain(stored.reader), wanted).map_err(failed)?;
    if measured.has_nul {
        remark(Remark {
            path: whole.path(),
            at: 0,
            what: Oddity::NulBytes,
        });
    }
    let mut told = leaf.told.clone();
    files.read_header(&measured.header, &mut told);
    Ok(Item {
        origin: Origin {
            start: separator as u64,
            length: stored.facts.length.saturating_sub(separator as u64),
            ..whole
        },
        folder,
        size: measured.fingerprint.size,
        identity: measured.fingerprint.identity,
        date: marks::date(told.date, &measured.header, None),
        keywords: told.keywords,
        flags: told.flags,
        conversions: measured.applied,
        standing: told.standing,
        has_id: measured.fingerprint.has_id,
    })
}

/// The length of a `From ` line on top, which mbox writers left in a single message.
fn separator_length(head: &[u8]) -> usize {
    if !head.starts_with(b"From ") {
        return 0;
    }
    let Some(end) = memchr::memchr2(b'\n', b'\r', head) else {
        return 0;
    };
    let crlf = head
        .get(end..)
        .is_some_and(|rest| rest.starts_with(b"\r\n"));
    end + if crlf { 2 } else { 1 }
}

/// The bytes to upload.
///
/// # Errors
/// The file can't be opened, or has another length now.
pub(crate) fn upload(item: &Item) -> io::Result<Box<dyn Read + Send>> {
    let mut stored = open(&item.origin.path())?;
    if stored.facts.length != item.origin.start + item.origin.length {
        return Err(io::Error::other("the file changed since it was read"));
    }
    let mut separator = stored.reader.by_ref().take(item.origin.start);
    io::copy(&mut separator, &mut io::sink())?;
    Ok(Box::new(Upload::new(stored.reader, item.conversions)))
}

/// A message's file, opened at its start.
struct Stored {
    reader: Box<dyn Read + Send>,
    facts: Facts,
    /// Dovecot keeps compressed messages; they are unpacked on the way.
    packed: bool,
}

fn open(path: &Path) -> io::Result<Stored> {
    let (mut file, facts) = walk::open_file(path)?;
    let mut magic = Vec::new();
    (&mut file).take(4).read_to_end(&mut magic)?;
    file.seek(SeekFrom::Start(0))?;
    let unknown = |words| Err(io::Error::new(io::ErrorKind::InvalidData, words));
    let packed = magic.starts_with(&[0x1f, 0x8b]);
    let reader: Box<dyn Read + Send> = match magic.as_slice() {
        _ if packed => Box::new(MultiGzDecoder::new(BufReader::new(file))),
        [0x28, 0xb5, 0x2f, 0xfd] => return unknown("compressed with Zstandard, which is not read"),
        [b'B', b'Z', b'h', _] => return unknown("compressed with bzip2, which is not read"),
        [0xfd, b'7', b'z', b'X'] => return unknown("compressed with xz, which is not read"),
        _ => Box::new(Whole {
            file,
            left: facts.length,
        }),
    };
    Ok(Stored {
        reader,
        facts,
        packed,
    })
}

/// Reads a file up to the length it had when it was opened, and not a byte less.
struct Whole {
    file: File,
    left: u64,
}

impl Read for Whole {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let count = (self.file).read(buffer.get_mut(..most).unwrap_or_default())?;
        if count == 0 && most > 0 {
            return Err(io::Error::other(
                "the file became shorter while it was read",
            ));
        }
        self.left -= count as u64;
        Ok(count)
    }
}
