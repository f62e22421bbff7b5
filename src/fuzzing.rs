//! The doors through which the fuzz targets reach the parsers, and what must hold for any bytes.

#![allow(missing_docs, clippy::unwrap_used)]

use std::io::{self, BufReader, Cursor, ErrorKind, Read};
use std::path::Path;

use crate::header::{self, FIELDS_CAP};
use crate::identity::{self, Fingerprinter};
use crate::mailbox::fuzzing::{Attribute, Content, Fetch, Input, Line, line};
use crate::mailbox::{MailboxName, Namespace};
use crate::message::Conversions;
use crate::source::mbox::fuzzing::{Beginning, Manner, Piece, Splitter};
use crate::source::thunderbird::fuzzing::{Prefs, accounts, folder_name, special_folders};
use crate::source::upload::{Upload, measure};
use crate::source::{ByteLedger, Oddity};
use crate::transfer::journal::fuzzing::{line as journal_line, look, parse};
use crate::utf7;

type Split = (Vec<Piece>, ByteLedger, Vec<(u64, Oddity)>);

/// Every byte is accounted for, every message lies in the file, and the short cut finds what the long way does.
pub fn mbox(data: &[u8]) {
    let Some((first, file)) = data.split_first() else {
        return;
    };
    let manner = Manner {
        quotes: first & 1 == 1,
    };
    let new = || Splitter::new(Cursor::new(file), file.len() as u64, manner).unwrap();
    let (pieces, ledger, oddities) = split(new());
    assert!(ledger.balances());
    assert_eq!(ledger.file, file.len() as u64);
    let (mut end, mut bytes) = (0, 0);
    for piece in &pieces {
        assert!(piece.start >= end);
        end = piece.start + piece.length;
        assert!(end <= file.len() as u64);
        if piece.beginning != Beginning::NotMail {
            bytes += piece.length;
        }
        let stored = &file[piece.start as usize..end as usize];
        let wanted = Conversions::LINE_ENDS
            .union(Conversions::FINAL_LINE_END)
            .union(Conversions::UNQUOTED)
            .union(Conversions::MOZILLA_HEADERS);
        let measured = measure(stored, wanted).unwrap();
        let mut uploaded = Vec::new();
        Upload::new(stored, measured.applied)
            .read_to_end(&mut uploaded)
            .unwrap();
        assert_eq!(measured.fingerprint, identity::of(&uploaded));
    }
    assert_eq!(bytes, ledger.messages);
    assert_eq!(split(new().line_by_line()), (pieces, ledger, oddities));
}

fn split(mut splitter: Splitter<Cursor<&[u8]>>) -> Split {
    let mut pieces = Vec::new();
    while let Some(piece) = splitter.next_piece().unwrap() {
        pieces.push(piece);
    }
    (pieces, splitter.ledger(), splitter.oddities().to_vec())
}

/// Fields lie in the header, one behind another; the identity is the same for pieces of any size.
pub fn header(data: &[u8]) {
    let place = |part: &[u8]| part.as_ptr() as usize - data.as_ptr() as usize;
    let (mut count, mut at) = (0, 0);
    for field in header::fields(data) {
        count += 1;
        assert!(!field.name.is_empty() && !field.name.contains(&b':'));
        if !field.value.is_empty() {
            assert!(place(field.name) >= at && place(field.value) > place(field.name));
            at = place(field.value) + field.value.len();
            assert!(at <= data.len());
        }
        let text = field.text();
        assert!(!text.contains(['\r', '\n', '\t']) && !text.contains("  "));
    }
    assert!(count <= FIELDS_CAP);
    let whole = identity::of(data);
    for size in [1, 7, 1000] {
        let mut pieces = Fingerprinter::new();
        data.chunks(size).for_each(|piece| pieces.update(piece));
        assert_eq!(pieces.finish(), whole);
    }
    let lines = data
        .iter()
        .filter(|byte| matches!(byte, b'\r' | b'\n'))
        .count();
    if lines < FIELDS_CAP - 1 && !matches!(data.first(), None | Some(b' ' | b'\t')) {
        let received = identity::of(&[b"Received: by x\r\n", data].concat());
        assert_eq!(received.content, whole.content);
        assert_eq!(received.summary, whole.summary);
    }
}

/// A journal of any bytes is read to its end; what is read can be written and read again.
pub fn journal(data: &[u8]) {
    let _ = look(data);
    // Most lines have no right sum; given one, they are looked into.
    let mut summed = Vec::new();
    for body in data.split(|byte| *byte == b'\n') {
        let sum = crc32fast::hash(body);
        let line = [body, format!(",\"crc\":\"{sum:08x}\"}}").as_bytes()].concat();
        if let Some(record) = parse(&line) {
            let written = journal_line(&record).unwrap();
            assert_eq!(written.last(), Some(&b'\n'));
            assert_eq!(parse(written.trim_ascii_end()), Some(record));
        }
        summed.extend_from_slice(&line);
        summed.push(b'\n');
    }
    let _ = look(&summed);
}

/// What a server says is read the same however it arrives.
pub fn response(data: &[u8]) {
    let whole = answers(data, usize::MAX);
    for step in [1, 3] {
        assert_eq!(answers(data, step), whole);
    }
}

/// What is made of a server's words that come in pieces of this size, and where it ends.
fn answers(data: &[u8], step: usize) -> (Vec<String>, usize) {
    let mut said = Said { rest: data, step };
    let mut told = Vec::new();
    while let Ok(raw) = said.line() {
        let read = line(&raw);
        if let Line::Tagged(tag, answer) = &read {
            assert!(!tag.is_empty() && tag.iter().all(u8::is_ascii_alphanumeric));
            told.push(format!("{:?}", answer.class()));
        }
        told.push(format!("{read:?}"));
        if let Line::Data(rest) = read
            && fetched(rest, &mut said, &mut told).is_err()
        {
            told.push("broken".into());
            break;
        }
    }
    (told, said.rest.len())
}

fn fetched(data: &[u8], said: &mut Said<'_>, told: &mut Vec<String>) -> io::Result<()> {
    let Some(mut fetch) = Fetch::begin(data, said) else {
        return Ok(());
    };
    while let Some(attribute) = fetch.next()? {
        told.push(format!("{attribute:?}"));
        if let Attribute::Body(Content::Literal(length)) = attribute {
            let mut bytes = Vec::new();
            // What came of a literal without its end is of no use to anybody.
            fetch.read_to_end(&mut bytes)?;
            told.push(format!("{bytes:?}"));
            assert_eq!(bytes.len() as u64, length);
        }
    }
    Ok(())
}

struct Said<'a> {
    rest: &'a [u8],
    step: usize,
}

impl Input for Said<'_> {
    fn line(&mut self) -> io::Result<Vec<u8>> {
        let end = memchr::memchr(b'\n', self.rest).ok_or(ErrorKind::UnexpectedEof)?;
        let (line, rest) = self.rest.split_at(end);
        self.rest = &rest[1..];
        Ok(line.strip_suffix(b"\r").unwrap_or(line).to_vec())
    }

    fn some(&mut self, buffer: &mut [u8], _: u64) -> io::Result<usize> {
        let most = buffer.len().min(self.step);
        match self.rest.read(&mut buffer[..most])? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            count => Ok(count),
        }
    }
}

/// Whatever a folder is called, its name on the wire is one line, safe in quotes, and comes back.
pub fn mailbox_name(data: &[u8]) {
    if let Some(name) = MailboxName::from_wire(data) {
        safe(&name);
    }
    let Some((first, rest)) = data.split_first() else {
        return;
    };
    let text = String::from_utf8_lossy(rest);
    let mut parts = text.split('\u{1}').map(str::to_string);
    let prefix = if first & 1 == 1 {
        parts.next().unwrap_or_default()
    } else {
        String::new()
    };
    let delimiter = Some(char::from(first >> 1)).filter(|c| (' '..='~').contains(c));
    let namespace = Namespace { prefix, delimiter };
    let path: Vec<String> = parts.collect();
    let name = MailboxName::from_path(&path, &namespace);
    assert_eq!(utf7::decode(name.wire()), Some(name.display()));
    assert_eq!(utf7::encode(&name.display()), name.wire());
    safe(&name);
    if let Some(plainer) = name.plainer(&namespace) {
        safe(&plainer);
    }
}

fn safe(name: &MailboxName) {
    let plain = |text: &str| text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    assert!(plain(name.wire()) && plain(&name.quoted()));
    let quoted = name.quoted();
    let inner = quoted.strip_prefix('"').unwrap().strip_suffix('"').unwrap();
    let (mut read, mut bytes) = (String::new(), inner.chars());
    while let Some(c) = bytes.next() {
        assert_ne!(c, '"');
        read.push(if c == '\\' { bytes.next().unwrap() } else { c });
    }
    assert_eq!(read, name.wire());
    if !name.wire().is_empty() {
        assert_eq!(MailboxName::from_wire(read.as_bytes()).as_ref(), Some(name));
    }
}

/// Settings come back when they are written again; a folder's name is the same however its file is read.
pub fn thunderbird(data: &[u8]) {
    let prefs = Prefs::parse(data);
    for account in accounts(&prefs, Path::new("p")) {
        assert!(!account.label.contains('\0') || data.contains(&0) || data.contains(&b'\\'));
    }
    let _ = special_folders(&prefs);
    for (name, value) in prefs.all() {
        let line = format!("user_pref({}, {});", quoted(name), quoted(value));
        let again = Prefs::parse(line.as_bytes());
        assert_eq!(again.all().collect::<Vec<_>>(), [(name, value)]);
    }
    let whole = folder_name(|| Ok(data)).unwrap();
    let drips = folder_name(|| Ok(BufReader::with_capacity(1, data))).unwrap();
    assert_eq!(whole, drips);
}

fn quoted(text: &str) -> String {
    let plain = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", plain.replace('\n', "\\n").replace('\r', "\\r"))
}
