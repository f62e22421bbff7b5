//! Looks into directories and opens files without being led astray: no pipes, no devices, no links that lead out.

use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::source::Fault;

/// Directories nest no deeper than this in mail that people have; the bound keeps
/// a walk from running out of stack.
pub(crate) const DEEPEST: usize = 64;

/// The words for a link that is not followed, though there may be mail behind it.
pub(crate) const OUTSIDE: &str = "a link that leads out of this place";

/// What lies at a name in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// A file that can be opened.
    File(Facts),
    /// A directory, and no link to one.
    Directory,
    /// A link to a directory inside the root, which is read where it really is.
    Shortcut,
    /// Anything that is never opened.
    Barred(Fault, &'static str),
}

/// What the directory tells of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Its length in bytes.
    pub length: u64,
    /// When it was last written, in seconds since 1970; 0 where unknown.
    pub modified: i64,
}

impl Facts {
    fn of(metadata: &Metadata) -> Facts {
        let since = |time: SystemTime| time.duration_since(UNIX_EPOCH).ok();
        let modified = metadata.modified().ok().and_then(since);
        Facts {
            length: metadata.len(),
            modified: modified.map_or(0, |time| time.as_secs().cast_signed()),
        }
    }
}

/// One name in a directory.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The name itself.
    pub name: OsString,
    /// What it names.
    pub what: What,
}

impl Entry {
    /// The name as text; bytes that are no text are replaced.
    pub fn text(&self) -> String {
        self.name.to_string_lossy().into_owned()
    }

    /// Whether this is a file that can be opened.
    pub fn is_file(&self) -> bool {
        matches!(self.what, What::File(_))
    }

    /// Whether programs hide it: its name begins with a dot.
    pub fn is_hidden(&self) -> bool {
        self.name.as_encoded_bytes().starts_with(b".")
    }
}

/// The directory that a source was opened by. Links out of it are not followed.
#[derive(Clone, Debug)]
pub(crate) struct Root(PathBuf);

impl Root {
    /// The root at this path, which may itself be a link.
    pub fn new(path: &Path) -> io::Result<Root> {
        Ok(Root(fs::canonicalize(path)?))
    }

    /// Its path without links.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// What lies in a directory, sorted by name.
    pub fn list(&self, directory: &Path) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let what = self.look(&entry.path());
            entries.push(Entry {
                name: entry.file_name(),
                what,
            });
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    /// What lies at a path.
    pub fn look(&self, path: &Path) -> What {
        match fs::symlink_metadata(path) {
            Ok(metadata) if metadata.is_symlink() => self.look_behind(path),
            Ok(metadata) if metadata.is_dir() => What::Directory,
            Ok(metadata) if metadata.is_file() => What::File(Facts::of(&metadata)),
            Ok(_) => What::Barred(Fault::SpecialFile, "a pipe, socket or device"),
            Err(error) => What::Barred(fault(&error), "its entry can't be read"),
        }
    }

    fn look_behind(&self, link: &Path) -> What {
        let Ok(target) = fs::canonicalize(link) else {
            return What::Barred(Fault::SpecialFile, "a link that leads nowhere");
        };
        if !target.starts_with(&self.0) {
            return What::Barred(Fault::SpecialFile, OUTSIDE);
        }
        match fs::metadata(&target) {
            Ok(metadata) if metadata.is_dir() => What::Shortcut,
            Ok(metadata) if metadata.is_file() => What::File(Facts::of(&metadata)),
            _ => What::Barred(Fault::SpecialFile, "a link to a pipe, socket or device"),
        }
    }
}

/// Opens a regular file, and nothing else: a pipe put in its place meanwhile is
/// refused, and never waited for.
pub(crate) fn open_file(path: &Path) -> io::Result<(File, Facts)> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
        options.custom_flags(flags.bits().cast_signed());
    }
    let file = options.open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "a pipe, socket or device",
        ));
    }
    Ok((file, Facts::of(&metadata)))
}

/// The longest settings file that is read; Thunderbird's seldom has a megabyte.
const SMALL: u64 = 32 << 20;

/// Reads a small regular file; nothing where there is none.
pub(crate) fn read_small(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Ok((file, _)) = open_file(path) {
        // What came before an error is as good as a file that ends there.
        let _ = file.take(SMALL).read_to_end(&mut bytes);
    }
    bytes
}

/// The fault that a system's error amounts to.
pub(crate) fn fault(error: &io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::PermissionDenied => Fault::NotAllowed,
        io::ErrorKind::NotFound => Fault::Changed,
        io::ErrorKind::Unsupported => Fault::SpecialFile,
        // What a broken compressed stream shows as; a plain file never does.
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
            Fault::Compression
        }
        io::ErrorKind::Other => Fault::Changed,
        _ => Fault::Device,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn pipes_and_links_that_lead_out_are_seen_and_never_opened() {
        use std::os::unix::fs::symlink;
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret"), "x").unwrap();
        let inside = tempfile::tempdir().unwrap();
        let at = |name: &str| inside.path().join(name);
        fs::write(at("a"), "mail").unwrap();
        fs::create_dir(at("d")).unwrap();
        symlink(outside.path().join("secret"), at("out")).unwrap();
        symlink(outside.path(), at("outdir")).unwrap();
        symlink("a", at("in")).unwrap();
        symlink("d", at("indir")).unwrap();
        symlink("loop", at("loop")).unwrap();
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        let fifo = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, at("pipe"), fifo, mode, 0).unwrap();

        let root = Root::new(inside.path()).unwrap();
        let seen: Vec<(String, bool)> = (root.list(inside.path()).unwrap().iter())
            .map(|entry| (entry.text(), matches!(entry.what, What::Barred(..))))
            .collect();
        let barred = |name: &str, is| (name.to_string(), is);
        let expected = [
            barred("a", false),
            barred("d", false),
            barred("in", false),
            barred("indir", false),
            barred("loop", true),
            barred("out", true),
            barred("outdir", true),
            barred("pipe", true),
        ];
        assert_eq!(seen, expected);
        assert_eq!(root.look(&at("indir")), What::Shortcut);
        assert_eq!(read_small(&at("pipe")), b"");
        assert_eq!(read_small(&at("in")), b"mail");
        let refused = open_file(&at("pipe")).unwrap_err();
        assert_eq!(fault(&refused), Fault::SpecialFile);
    }
}
