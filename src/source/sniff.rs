//! Tells by its first bytes what a file is; names and endings are often wrong.

use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use crate::header;
use crate::message::Conversions;
use crate::source::mbox::{looks_like_mbox, lost_its_top};
use crate::source::takeout::looks_like_takeout;
use crate::source::upload::measure;
use crate::source::walk;

/// So much of a file is looked at.
const HEAD: u64 = 16 * 1024;

/// How an OLE file begins: Outlook's messages, and old Word and Excel documents.
const OLE: [u8; 8] = [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];

/// What is said of a zip file. Most have no mail in them.
pub(crate) const ZIP: &str = "a zip file; unpack it first";

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// No bytes.
    Empty,
    /// An mbox file, perhaps compressed.
    Mbox,
    /// An mbox file that Gmail's export made.
    Takeout,
    /// One message.
    Message,
    /// A text without a header.
    Text,
    /// Mail in a form that is not read; the words tell which.
    Unsupported(&'static str),
    /// Anything else.
    Other,
}

/// Fields that only mail has; one of them is enough.
const STRONG: [&str; 15] = [
    "received",
    "return-path",
    "message-id",
    "mime-version",
    "content-type",
    "delivered-to",
    "envelope-to",
    "x-unsent",
    "x-mozilla-status",
    "x-account-key",
    "x-uidl",
    "x-gm-thrid",
    "in-reply-to",
    "resent-from",
    "x-mailer",
];

/// Fields that a note may have as well; two different ones are needed.
const WEAK: [&str; 8] = [
    "from", "to", "subject", "date", "cc", "bcc", "reply-to", "sender",
];

/// What the file at a path is.
///
/// # Errors
/// It can't be opened or read.
pub(crate) fn file(path: &Path) -> std::io::Result<Content> {
    let (mut file, _) = walk::open_file(path)?;
    let mut head = Vec::new();
    (&mut file).take(HEAD).read_to_end(&mut head)?;
    if head.starts_with(&OLE) && !is_outlook_message(&mut file, &head) {
        return Ok(Content::Other);
    }
    let content = content(&head);
    let hole = !head.is_empty() && head.iter().all(|byte| *byte == 0);
    let doubtful = hole || matches!(content, Content::Message | Content::Text);
    Ok(if doubtful && lost_its_top(path) {
        Content::Mbox
    } else {
        content
    })
}

/// Whether an OLE file is a message of Outlook's, and no Word or Excel document: its directory, whose
/// place is in the header, names the message's properties (MS-CFB 2.2, MS-OXMSG 2.1).
fn is_outlook_message(file: &mut (impl Read + Seek), head: &[u8]) -> bool {
    let number = |at: usize| {
        let bytes = head.get(at..at + 4)?.try_into().ok()?;
        Some(u64::from(u32::from_le_bytes(bytes)))
    };
    let size: u64 = if head.get(30) == Some(&12) { 4096 } else { 512 };
    let Some(sector) = number(48) else {
        return false;
    };
    let mut directory = Vec::new();
    let found = file.seek(SeekFrom::Start((sector + 1) * size));
    let read = found.and_then(|_| file.take(4096).read_to_end(&mut directory));
    let marks = [
        "__properties_version1.0",
        "__substg1.0_",
        "__nameid_version1.0",
    ];
    read.is_ok()
        && marks.iter().any(|mark| {
            let wide: Vec<u8> = mark.encode_utf16().flat_map(u16::to_le_bytes).collect();
            memchr::memmem::find(&directory, &wide).is_some()
        })
}

/// Whether the file at a path is one message.
pub(crate) fn is_message(path: &Path) -> bool {
    matches!(file(path), Ok(Content::Message | Content::Mbox))
}

/// What a file with this beginning is.
pub(crate) fn content(head: &[u8]) -> Content {
    match head {
        [] => Content::Empty,
        [0x1f, 0x8b, ..] => packed(head),
        [b'!', b'B', b'D', b'N', ..] => Content::Unsupported("an Outlook data file (.pst or .ost)"),
        [0xcf, 0xad, 0x12, 0xfe, ..] => Content::Unsupported("an Outlook Express folder (.dbx)"),
        [b'P', b'K', 3, 4, ..] => Content::Unsupported(ZIP),
        _ if head.starts_with(&OLE) => Content::Unsupported("an Outlook message (.msg)"),
        _ if looks_like_takeout(head) => Content::Takeout,
        _ if looks_like_mbox(head) => Content::Mbox,
        _ if looks_like_message(head) => Content::Message,
        _ if looks_like_emlx(head) => Content::Unsupported("an Apple Mail message (.emlx)"),
        _ if looks_like_text(head) => Content::Text,
        _ => Content::Other,
    }
}

fn packed(head: &[u8]) -> Content {
    let mut inner = Vec::new();
    // The end of the head cuts the stream; what came before it is enough.
    let _ = MultiGzDecoder::new(head).take(HEAD).read_to_end(&mut inner);
    match inner.as_slice() {
        [0x1f, 0x8b, ..] => Content::Other,
        inner => match content(inner) {
            Content::Mbox | Content::Takeout => Content::Mbox,
            Content::Message => Content::Message,
            _ => Content::Other,
        },
    }
}

/// Whether a text begins with the header of a message. It need not have `From` or
/// `Date`; pictures, calendars and web pages are refused.
pub(crate) fn looks_like_message(head: &[u8]) -> bool {
    let head = without_separator(head);
    let Ok(measured) = measure(head, Conversions::TEXT_ENCODING) else {
        return false;
    };
    let header = measured.header.as_slice();
    let first = header.split(|byte| *byte == b'\n' || *byte == b'\r').next();
    let named = first.and_then(header::split_name);
    if memchr::memchr(0, header).is_some() || !named.is_some_and(|(name, _)| plain(name)) {
        return false;
    }
    let (mut strong, mut weak) = (false, [false; WEAK.len()]);
    for field in header::fields(header).take(200) {
        // A web page that a browser saved (.mht).
        if field.is("Snapshot-Content-Location") || field.value.starts_with(b" <Saved by ") {
            return false;
        }
        strong |= STRONG.iter().any(|name| field.is(name));
        for (seen, name) in weak.iter_mut().zip(WEAK) {
            *seen |= field.is(name);
        }
    }
    strong || weak.iter().filter(|seen| **seen).count() >= 2
}

/// A first line of `From ` or `>From ` is no part of the message.
fn without_separator(head: &[u8]) -> &[u8] {
    if !head.starts_with(b"From ") && !head.starts_with(b">From ") {
        return head;
    }
    let end = memchr::memchr2(b'\n', b'\r', head).unwrap_or(head.len());
    let rest = head.get(end + 1..).unwrap_or_default();
    rest.strip_prefix(b"\n").unwrap_or(rest)
}

fn plain(name: &[u8]) -> bool {
    let letter = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    name.len() <= 76 && name.iter().all(letter)
}

/// A number alone on the first line, then a message.
fn looks_like_emlx(head: &[u8]) -> bool {
    let Some(end) = memchr::memchr(b'\n', head) else {
        return false;
    };
    let (number, rest) = head.split_at(end);
    let number = number.trim_ascii();
    let digits = !number.is_empty() && number.iter().all(u8::is_ascii_digit);
    digits && looks_like_message(rest.get(1..).unwrap_or_default())
}

fn looks_like_text(head: &[u8]) -> bool {
    let control = |byte: &&u8| **byte < b' ' && !b"\t\n\x0c\r\x1b".contains(byte);
    !head.iter().any(|byte| control(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn messages_are_known_by_their_header() {
        for message in [
            "Content-Type: multipart/mixed; boundary=ABCDE\n\n",
            "\u{feff}From: a\r\nTo: b\r\n\r\n",
            "From foo@bar  Fri Nov 26 21:40:36 2004\nX-VM-v5-Data: ([nil nil])\nReceived: x\n",
            ">From a@b Fri Nov 26 21:40:36 2004\r\nReceived: x\r\n",
            "Subject: a\rDate: b\r\rbody",
            "X-Unsent: 1\r\nTo: \r\n",
            "Subject: a\nFrom: b\nno empty line here",
        ] {
            assert!(looks_like_message(message.as_bytes()), "{message}");
        }
        let wide: Vec<u8> = ("\u{feff}From: a\r\nTo: b\r\n".encode_utf16())
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(content(&wide), Content::Message);
    }

    #[test]
    fn other_files_are_no_messages() {
        for (other, what) in [
            ("", Content::Empty),
            (
                "Send mailing list submissions to\n\tppp@zzz.org\n",
                Content::Text,
            ),
            ("#define x_width 16\n", Content::Text),
            ("{\"from\": 1,\n\"to\": 2}", Content::Text),
            ("Date: 1 May\nMilk: 2\n", Content::Text),
            ("BEGIN:VCARD\nFN:x\n", Content::Text),
            ("P5\n16 16\n255\n\0\0", Content::Other),
            (
                "From: <Saved by Blink>\nSubject: x\nMIME-Version: 1.0\n\n",
                Content::Text,
            ),
            ("From: a\0\nTo: b\n\n", Content::Other),
            (
                "!BDNxxxx",
                Content::Unsupported("an Outlook data file (.pst or .ost)"),
            ),
            (
                "1234   \nFrom: a\nTo: b\n\n",
                Content::Unsupported("an Apple Mail message (.emlx)"),
            ),
            (
                "PK\x03\x04",
                Content::Unsupported("a zip file; unpack it first"),
            ),
        ] {
            assert_eq!(content(other.as_bytes()), what, "{other}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_something(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = content(&bytes);
            let _ = content(&[&[0x1f, 0x8b, 8], bytes.as_slice()].concat());
        }
    }
}
