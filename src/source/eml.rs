//! One directory of files with a message each: what mail programs save or export, whatever the files are called.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::error::Error;
use crate::header;
use crate::message::{Conversions, Flags, FolderId, Standing};
use crate::source::files::{self, Leaf, MessageFiles, Told};
use crate::source::folders::Folders;
use crate::source::marks::{Marks, TagNames};
use crate::source::mbox::{MboxFile, Writer};
use crate::source::mh;
use crate::source::part::Part;
use crate::source::roles::well_known;
use crate::source::sniff::{self, Content};
use crate::source::walk::{self, Entry, Root, What};
use crate::source::{Fault, Kind, Remark, Source, SourceFolder};

/// A file larger than this, in bytes, is not taken for a single message with a `From ` line on top
/// without looking: it would have to be read to its end.
const SINGLE: u64 = 64 << 20;

/// The message files of a directory, or one of them.
pub(crate) struct Eml {
    root: Arc<Root>,
    directory: Arc<Path>,
    /// Whether it is a folder of MH as well, whose messages are not of this one.
    beside_mh: bool,
    /// The one file that counts, where a single message was chosen.
    only: Option<Box<OsStr>>,
}

impl Eml {
    /// All messages in a directory.
    pub fn new(root: Arc<Root>, directory: &Path, beside_mh: bool) -> Eml {
        Eml {
            root,
            directory: directory.into(),
            beside_mh,
            only: None,
        }
    }

    /// A single message.
    pub fn single(root: Arc<Root>, directory: &Path, file: &OsStr) -> Eml {
        Eml {
            only: Some(file.into()),
            ..Eml::new(root, directory, false)
        }
    }
}

/// Opens a single message. Its folder is called like the directory that it lies in.
pub(crate) fn open(path: &Path) -> Result<Box<dyn Source>, Error> {
    let text = |name: &OsStr| name.to_string_lossy().into_owned();
    let real = std::fs::canonicalize(path).map_err(|error| super::refused(path, &error))?;
    let (directory, file) = match (real.parent(), real.file_name()) {
        (Some(directory), Some(file)) => (directory, file),
        _ => (real.as_path(), OsStr::new("")),
    };
    let root = Root::new(directory).map_err(|error| super::refused(path, &error))?;
    let folder = directory.file_name().map_or_else(|| "Mail".into(), text);
    let mut folders = Folders::new(Kind::Eml, text(file), path);
    let folder = SourceFolder {
        role: well_known(&folder),
        path: vec![folder],
        account: None,
    };
    let part = Part::files(Eml::single(Arc::new(root), directory, file));
    folders.add(folder, directory, part);
    Ok(Box::new(folders))
}

/// The files of a directory, told apart by their contents.
#[derive(Debug, Default)]
pub(crate) struct Sorted {
    /// Messages, and files that can't be opened among them.
    pub messages: Vec<Entry>,
    /// mbox files.
    pub mboxes: Vec<Entry>,
    /// mbox files that Gmail's export made.
    pub exports: Vec<Entry>,
    /// Mail in a form that is not read.
    pub unsupported: Vec<(Entry, &'static str)>,
    /// Anything else.
    pub others: Vec<Entry>,
}

/// Tells the files of a directory apart. Hidden ones are no mail; beside MH, its numbered files are left out.
pub(crate) fn sort(directory: &Path, entries: &[Entry], beside_mh: bool) -> Sorted {
    let mut sorted = Sorted::default();
    let mut doubtful = Vec::new();
    let taken = |entry: &Entry| entry.is_hidden() || (beside_mh && mh::is_own(entry));
    for entry in entries.iter().filter(|entry| !taken(entry)) {
        let content = match entry.what {
            What::Directory | What::Shortcut => continue,
            What::Barred(..) => {
                doubtful.push((entry.clone(), Content::Other));
                continue;
            }
            What::File(_) => sniff::file(&directory.join(&entry.name)),
        };
        match content {
            Ok(Content::Message) => sorted.messages.push(entry.clone()),
            Ok(Content::Takeout) => sorted.exports.push(entry.clone()),
            Ok(Content::Unsupported(words)) => sorted.unsupported.push((entry.clone(), words)),
            Ok(content) => doubtful.push((entry.clone(), content)),
            Err(error) => {
                let what = What::Barred(walk::fault(&error), "it can't be opened");
                let name = entry.name.clone();
                doubtful.push((Entry { name, what }, Content::Other));
            }
        }
    }
    // A message without any header is known by the names of its neighbours.
    let patterns: BTreeSet<_> = sorted.messages.iter().map(pattern).collect();
    for (entry, content) in doubtful {
        let named = has_ending(Path::new(&entry.name), "eml");
        let alike = named || patterns.contains(&pattern(&entry));
        let barred = matches!(entry.what, What::Barred(..)) && !patterns.is_empty();
        match content {
            Content::Text | Content::Empty if alike => sorted.messages.push(entry),
            Content::Mbox if alike && is_single(&directory.join(&entry.name)) => {
                sorted.messages.push(entry);
            }
            Content::Mbox => sorted.mboxes.push(entry),
            _ if barred => sorted.messages.push(entry),
            // What a crash left of a message, perhaps; the person must know.
            Content::Other if named && entry.is_file() => {
                let what = What::Barred(Fault::NotMail, "called .eml, but no mail is in it");
                let name = entry.name;
                sorted.messages.push(Entry { name, what });
            }
            _ => sorted.others.push(entry),
        }
    }
    sorted.messages.sort_by(|a, b| a.name.cmp(&b.name));
    sorted
}

/// What the names of exported messages have in common: all up to the first digit, and the ending.
fn pattern(entry: &Entry) -> (String, String) {
    let text = entry.text().to_lowercase();
    let (stem, ending) = text.rsplit_once('.').unwrap_or((&text, ""));
    let letters = stem.split(|c: char| c.is_ascii_digit()).next();
    (letters.unwrap_or_default().into(), ending.into())
}

/// Whether a file's name ends like this, in either case.
pub(crate) fn has_ending(path: &Path, ending: &str) -> bool {
    let found = path.extension();
    found.is_some_and(|found| found.eq_ignore_ascii_case(ending))
}

/// Whether a file that begins like an mbox holds one message: some programs put the `From ` line
/// on top of each message that they save.
fn is_single(path: &Path) -> bool {
    let file = MboxFile::new(path, Writer::Unknown, Arc::default());
    let mut messages = 0;
    let small = file.bytes() <= SINGLE;
    small
        && file
            .count(&FolderId(0), |_, count| messages += count.messages)
            .is_ok()
        && messages == 1
}

impl MessageFiles for Eml {
    fn leaves(&self) -> io::Result<(Vec<Leaf>, Vec<Remark>)> {
        let entries = match &self.only {
            None => {
                let entries = self.root.list(&self.directory)?;
                sort(&self.directory, &entries, self.beside_mh).messages
            }
            Some(file) => {
                let what = self.root.look(&self.directory.join(&**file));
                let name = file.into();
                vec![Entry { name, what }]
            }
        };
        let leaf = |entry: Entry| Leaf {
            place: self.directory.clone(),
            file: entry.name.into(),
            facts: match entry.what {
                What::File(facts) => Ok(facts),
                What::Barred(fault, why) => Err((fault, why.to_string())),
                What::Directory | What::Shortcut => Ok(walk::Facts::default()),
            },
            told: Told::default(),
        };
        Ok((entries.into_iter().map(leaf).collect(), Vec::new()))
    }

    fn wanted(&self) -> Conversions {
        files::WANTED.union(Conversions::MOZILLA_HEADERS)
    }

    fn asks_header(&self) -> bool {
        true
    }

    /// A message that somebody saved is taken for read, unless its program left a note.
    fn read_header(&self, header: &[u8], told: &mut Told) {
        let noted = ["Status", "X-Status", "X-Mozilla-Status"];
        if noted
            .iter()
            .any(|name| header::find(header, name).is_some())
        {
            let marks = Marks::read(header, &TagNames::default());
            told.flags = marks.flags;
            told.keywords = marks.keywords;
            told.standing = marks.standing;
        } else {
            told.flags = Flags::SEEN;
        }
        // The person kept the file, whatever the program thought when it wrote it.
        if told.standing == Standing::Expunged {
            told.standing = Standing::Live;
        }
        // Windows Live Mail and Outlook mark what was never sent.
        let unsent = header::find(header, "X-Unsent").is_some_and(|field| field.text() == "1");
        if unsent {
            told.flags.insert(Flags::DRAFT);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::testing::{MAIL, directory, expected, folders, read};
    use crate::source::{Oddity, open};

    #[test]
    fn messages_are_known_by_their_content_and_headerless_ones_by_their_neighbours() {
        let mail = MAIL.as_bytes();
        let place = directory(&[
            ("Letters/msg_1.txt", mail),
            ("Letters/msg_2.txt", b"just a text\n"),
            ("Letters/msg_3.txt", b""),
            ("Letters/notes.txt", b"just a text\n"),
            ("Letters/picture.jpg", b"\xff\xd8\xff\0\0\0"),
            ("Letters/a.msg", mail),
            ("Letters/b.eml", b"no header at all"),
            ("Letters/.DS_Store", b"\0\0\0\x01"),
            ("Letters/2009/c.eml", mail),
        ]);
        let source = open(&place.path().join("Letters")).unwrap();
        assert_eq!(source.kind(), Kind::Eml);
        let names = expected(&[("Letters", 4, 1), ("2009", 1, 0)]);
        assert_eq!(folders(source.as_ref()), names);
        let (_, lost) = read(source.as_ref());
        assert_eq!(lost[0].fault, Fault::Empty);
        let foreign: Vec<_> = (source.remarks().iter())
            .map(|remark| (remark.what, remark.path.file_name().unwrap().to_owned()))
            .collect();
        let names = ["notes.txt", "picture.jpg"].map(|name| (Oddity::ForeignFile, name.into()));
        assert_eq!(foreign, names);
    }

    #[test]
    fn a_file_called_eml_that_holds_no_mail_is_told_as_damaged() {
        let place = directory(&[
            ("x/1.eml", MAIL.as_bytes()),
            ("x/2.eml", &[0; 50]),
            ("x/3.EML", b"\xff\xd8\xff\0\0\0"),
            ("x/4.jpg", b"\xff\xd8\xff\0\0\0"),
            ("x/._1.eml", b"\0\x05\x16\x07"),
        ]);
        let source = open(&place.path().join("x")).unwrap();
        let (items, lost) = read(source.as_ref());
        let faults: Vec<_> = lost.iter().map(|lost| lost.fault).collect();
        assert_eq!((items.len(), faults), (1, vec![Fault::NotMail; 2]));
        assert_eq!(source.remarks().len(), 1);
    }

    #[test]
    fn a_separator_line_on_top_is_no_part_of_the_message() {
        let separated = format!("From a@b Mon Jan  1 00:00:00 2001\r\n{MAIL}");
        let place = directory(&[
            ("x/1.eml", separated.as_bytes()),
            ("x/2.eml", MAIL.as_bytes()),
        ]);
        let (items, _) = read(open(&place.path().join("x")).unwrap().as_ref());
        assert_eq!(items[0].identity, items[1].identity);
        assert_eq!(items[0].origin.start, 35);
    }

    #[test]
    fn an_mbox_among_message_files_stays_an_mbox() {
        let mbox = format!("From a@b Mon Jan  1 00:00:00 2001\n{MAIL}\n").repeat(3);
        let place = directory(&[("x/all.eml", mbox.as_bytes()), ("x/2.eml", MAIL.as_bytes())]);
        let source = open(&place.path().join("x")).unwrap();
        assert_eq!(source.kind(), Kind::Mixed);
        let names = expected(&[("x", 1, 0), ("all.eml", 3, 0)]);
        assert_eq!(folders(source.as_ref()), names);
    }

    #[test]
    fn text_in_any_encoding_and_with_any_line_end_is_the_same_message() {
        let crlf = MAIL.replace('\n', "\r\n");
        let wide = |text: &str| {
            let units = "\u{feff}".encode_utf16().chain(text.encode_utf16());
            units.flat_map(u16::to_le_bytes).collect::<Vec<u8>>()
        };
        let place = directory(&[
            ("x/1.eml", MAIL.as_bytes()),
            ("x/2.eml", crlf.as_bytes()),
            ("x/3.eml", MAIL.replace('\n', "\r").as_bytes()),
            ("x/4.eml", &wide(&crlf)),
            ("x/5.eml", format!("\u{feff}{MAIL}").as_bytes()),
        ]);
        let (items, _) = read(open(&place.path().join("x")).unwrap().as_ref());
        assert_eq!(items.len(), 5);
        let date = items[0].date;
        assert_eq!(
            date.map(|date| date.imap()),
            Some("17-May-2009 12:34:56 +0200".into())
        );
        for item in &items {
            assert_eq!((item.identity, item.date), (items[1].identity, date));
        }
        assert_eq!(items[1].conversions, Conversions::NONE);
        assert!(items[2].conversions.contains(Conversions::CR_LINES));
        assert!(items[3].conversions.contains(Conversions::TEXT_ENCODING));
    }

    #[test]
    fn a_saved_message_is_read_unless_its_program_says_otherwise() {
        let with = |fields: &str| format!("{fields}{MAIL}").into_bytes();
        let place = directory(&[
            ("Drafts/1.eml", &with("")),
            ("Drafts/2.eml", &with("X-Unsent: 1\n")),
            (
                "Drafts/3.eml",
                &with("X-Mozilla-Status: 0008\nX-Mozilla-Status2: 00000000\n"),
            ),
            ("Drafts/4.eml", &with("Status: RO\nX-Status: A\n")),
        ]);
        let path = place.path().join("Drafts");
        let (items, _) = read(open(&path).unwrap().as_ref());
        let flags: Vec<_> = items
            .iter()
            .map(|item| (item.flags, item.standing))
            .collect();
        let live = |flags| (flags, Standing::Live);
        let expected = [
            live(Flags::SEEN),
            live(Flags::SEEN.union(Flags::DRAFT)),
            live(Flags::NONE),
            live(Flags::SEEN.union(Flags::ANSWERED)),
        ];
        assert_eq!(flags, expected);

        let single = open(&path.join("2.eml")).unwrap();
        assert_eq!(folders(single.as_ref()), [("Drafts".to_string(), 1, 0)]);
    }
}
