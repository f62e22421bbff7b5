//! mbox files: many messages in one file, each behind a `From ` line (RFC 4155).

mod ahead;
mod file;
mod line;
mod message;
mod plain;
mod split;
mod window;

use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use super::roles::well_known;
use super::separator::{self, Surroundings, Verdict};
use super::spool::Wrapping;
use super::upload::UTF8_MARK;
use super::walk;
use super::{ByteLedger, Count, Kind, Remark, Scanned, Source, SourceFolder, refused};
use crate::error::{Error, Unreadable};
use crate::message::{FolderId, Item};
pub(crate) use file::{MboxFile, Shelf, Writer};

/// What the fuzz targets look into.
#[cfg(fuzzing)]
pub(crate) mod fuzzing {
    pub(crate) use super::split::{Beginning, Manner, Piece, Splitter};
}

/// Endings of file names that are no part of a folder's name.
const ENDINGS: [&str; 4] = [".gz", ".mbox", ".mbx", ".mbs"];

/// One mbox file as a source with one folder.
pub struct MboxSource {
    file: MboxFile,
    folder: SourceFolder,
}

impl MboxSource {
    /// Opens an mbox file, whatever its name.
    ///
    /// # Errors
    /// [`Error::Source`] where nothing is there, it can't be read, or it is no mbox. An empty file
    /// is an empty folder.
    pub fn open(path: &Path) -> Result<MboxSource, Error> {
        let head = read_head(path).map_err(|error| refused(path, &error))?;
        if !head.is_empty() && !looks_like_mbox(&head) && !lost_its_top(path) {
            return Err(Error::Source {
                path: path.into(),
                why: Unreadable::NotMail,
                detail: "not an mbox file".into(),
            });
        }
        let name = folder_name(path);
        Ok(MboxSource {
            file: MboxFile::new(path, Writer::Unknown, Arc::default()),
            folder: SourceFolder {
                role: well_known(&name),
                path: vec![name],
                account: None,
            },
        })
    }
}

impl Source for MboxSource {
    fn kind(&self) -> Kind {
        Kind::Mbox
    }

    fn label(&self) -> String {
        self.folder.path.join("/")
    }

    fn path(&self) -> &Path {
        self.file.path()
    }

    fn folders(&self) -> Vec<SourceFolder> {
        vec![self.folder.clone()]
    }

    fn counts(&self) -> Result<Vec<Count>, Error> {
        let mut total = Count::default();
        self.file
            .count(&FolderId(0), |_, count| total.add(&count))
            .map_err(|error| refused(self.path(), &error))?;
        total.bytes = self.file.bytes();
        Ok(vec![total])
    }

    fn bytes(&self) -> u64 {
        self.file.bytes()
    }

    fn scan(&self) -> Result<Box<dyn Iterator<Item = Scanned> + Send + '_>, Error> {
        Ok(Box::new(self.file.items(FolderId(0))))
    }

    fn open(&self, item: &Item) -> io::Result<Box<dyn Read + Send>> {
        self.file.open(item)
    }

    fn remember_in(&self, directory: &Path) {
        self.file.remember_in(directory);
    }

    fn is_remembered(&self) -> bool {
        self.file.is_remembered()
    }

    fn remarks(&self) -> Vec<Remark> {
        self.file.remarks()
    }

    fn ledger(&self) -> Option<ByteLedger> {
        Some(self.file.ledger())
    }
}

/// Whether a file that begins with these bytes is an mbox: its first text is a separator with a message's
/// header behind it. Packed files are looked into.
pub(crate) fn looks_like_mbox(head: &[u8]) -> bool {
    let text = match Wrapping::of(head) {
        Some(wrapping) => wrapping.open_head(head),
        None => head.to_vec(),
    };
    let text = text.strip_prefix(UTF8_MARK).unwrap_or(&text);
    let blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0;
    let first = text.iter().take_while(|byte| blank(byte)).count();
    let text = text.get(first..).unwrap_or_default();
    let mut lines = text
        .split(|byte| *byte == b'\n' || *byte == b'\r' && !text.contains(&b'\n'))
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let Some(line) = lines.next().filter(|line| line.starts_with(b"From ")) else {
        return false;
    };
    let around = Surroundings {
        after_blank: true,
        next: lines.next(),
        second: lines.next(),
    };
    matches!(separator::judge(line, &around), Verdict::Separator { .. })
}

/// Whether a file that does not begin like an mbox is one all the same: its top was cut off, or a crash left a
/// hole there. Only a file that is named as an mbox may be: a message that quotes a separator is one message.
pub(crate) fn lost_its_top(path: &Path) -> bool {
    let file = MboxFile::new(path, Writer::Unknown, Arc::default());
    Path::new(&folder_name(path)).extension().is_none() && file.has_separator().unwrap_or(false)
}

/// As many bytes of a file's beginning as it takes to tell what it is.
pub(crate) fn read_head(path: &Path) -> io::Result<Vec<u8>> {
    let (file, _) = walk::open_file(path)?;
    let mut head = Vec::new();
    file.take(64 * 1024).read_to_end(&mut head)?;
    Ok(head)
}

/// The name of the folder that a file is the store of.
pub(crate) fn folder_name(path: &Path) -> String {
    let text = |path: &Path| {
        path.file_name()
            .map(|name| name.to_string_lossy().into_owned())
    };
    let name = text(path).unwrap_or_default();
    // Apple Mail exports a folder as "Name.mbox/mbox".
    let bundle = path.parent().and_then(text);
    let name = match bundle {
        Some(bundle) if name == "mbox" && bundle.ends_with(".mbox") => bundle,
        _ => name,
    };
    let plain = ENDINGS.iter().fold(name.as_str(), |name, ending| {
        let cut = name.len().saturating_sub(ending.len());
        match name.split_at_checked(cut) {
            Some((start, end)) if !start.is_empty() && end.eq_ignore_ascii_case(ending) => start,
            _ => name,
        }
    });
    plain.into()
}

#[cfg(test)]
mod tests;
