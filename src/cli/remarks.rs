//! What was noticed in the files while they were read: doubtful places, in words, each kind once.

use std::collections::BTreeMap;

use serde::Serialize;
use spectrum_migrate::amount::count;
use spectrum_migrate::source::{ByteLedger, Oddity, Remark, Source};

use super::layout::{clean, wrap};
use super::print::Printer;

/// Places that are listed of each kind, where more words are wanted.
const LISTED: usize = 20;

/// Says what was noticed in the sources.
pub fn show(printer: &Printer, sources: &[Box<dyn Source>]) {
    let remarks: Vec<Remark> = sources.iter().flat_map(|source| source.remarks()).collect();
    for remark in &remarks {
        printer.event("remark", &line(remark));
    }
    if let Some(text) = screen(&remarks, printer.look.verbose) {
        printer.say(&(text + "\n"));
    }
    show_bytes(printer, sources);
}

/// Where every byte of the mbox files went: for programs, and for people who want more words or have to know.
fn show_bytes(printer: &Printer, sources: &[Box<dyn Source>]) {
    for source in sources {
        let Some(bytes) = source.ledger() else {
            continue;
        };
        let path = source.path().display().to_string();
        printer.event(
            "bytes",
            &Bytes {
                path: &path,
                ledger: bytes,
                balances: bytes.balances(),
            },
        );
        if printer.look.verbose || !bytes.balances() {
            printer.say(&(bytes_screen(&path, &bytes) + "\n"));
        }
    }
}

#[derive(Serialize)]
struct Bytes<'a> {
    path: &'a str,
    #[serde(flatten)]
    ledger: ByteLedger,
    balances: bool,
}

fn bytes_screen(path: &str, bytes: &ByteLedger) -> String {
    let parts = [
        (bytes.messages, "in messages"),
        (bytes.separators, "in the lines between them (From ...)"),
        (bytes.padding, "in blank lines and fillers after them"),
        (bytes.preamble, "before the first message, and no message"),
    ];
    let line = |(number, what): &(u64, &str)| format!("{:>17}   {what}", count(*number));
    let lines: Vec<String> = parts.iter().map(line).collect();
    let sum = if bytes.balances() {
        "in the files: every byte is accounted for"
    } else {
        "in the files: the sum differs, a mistake of this program"
    };
    format!(
        "{}\n{}\n{}\n",
        wrap("", &format!("Bytes of the mbox files in {}", clean(path))),
        lines.join("\n"),
        line(&(bytes.file, sum))
    )
}

#[derive(Serialize)]
struct Line {
    path: String,
    at: u64,
    what: Oddity,
}

fn line(remark: &Remark) -> Line {
    Line {
        path: remark.path.display().to_string(),
        at: remark.at,
        what: remark.what,
    }
}

fn screen(remarks: &[Remark], verbose: bool) -> Option<String> {
    let mut kinds: BTreeMap<Oddity, Vec<&Remark>> = BTreeMap::new();
    for remark in remarks {
        kinds.entry(remark.what).or_default().push(remark);
    }
    let mut lines = Vec::new();
    for (oddity, places) in &kinds {
        let times = match places.len() as u64 {
            1 => String::new(),
            number => format!(" ({} times)", count(number)),
        };
        lines.push(wrap("!    ", &format!("{}{times}", words(*oddity))));
        let listed = if verbose { LISTED } else { 0 };
        for place in places.iter().take(listed) {
            let path = clean(&place.path.display().to_string());
            lines.push(format!("       {path}, at byte {}", place.at));
        }
    }
    if !lines.is_empty() && !verbose {
        lines.push("     With -v each place is listed.".into());
    }
    (!lines.is_empty()).then(|| format!("Noticed in your old mail\n{}\n", lines.join("\n")))
}

fn words(oddity: Oddity) -> &'static str {
    match oddity {
        Oddity::FromLineKept => {
            "A line inside a message looks like the start of another; it was taken as text of the message."
        }
        Oddity::NestedMessage => "A whole message stands inside another one, and stays there.",
        Oddity::LooseSeparator => {
            "The start of a message is not written as it should be, and was taken as one all the same."
        }
        Oddity::Preamble => {
            "There is text before the first message; it is copied as a message of its own."
        }
        Oddity::NulBytes => "A crash left a hole in a message; what is left of it is copied.",
        Oddity::CutShort => "A compressed file ends too early; what is before that is copied.",
        Oddity::ForeignFile => "A file among the mail is none; it was left alone.",
        Oddity::NameUnknown => {
            "The real name of a folder is not known; the name of its file is used."
        }
        Oddity::OnServer => {
            "An account keeps its mail on a server (IMAP, news, feeds); it is not copied from this computer."
        }
        Oddity::ProgramRunning => {
            "Your mail program seems to be running. Close all its windows first, so that nothing changes meanwhile."
        }
        Oddity::Grew => "New mail came in while we read; the next run copies it.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remark(path: &str, at: u64, what: Oddity) -> Remark {
        Remark {
            path: path.into(),
            at,
            what,
        }
    }

    #[test]
    fn what_was_noticed_is_said_once_for_each_kind_and_listed_on_request() {
        let all = [
            Oddity::NestedMessage,
            Oddity::LooseSeparator,
            Oddity::Preamble,
            Oddity::NulBytes,
            Oddity::CutShort,
            Oddity::ForeignFile,
            Oddity::NameUnknown,
            Oddity::OnServer,
            Oddity::ProgramRunning,
            Oddity::Grew,
        ];
        let mut remarks: Vec<Remark> = all
            .iter()
            .map(|what| remark("/home/jane/mail/In\x1bbox", 7, *what))
            .collect();
        remarks
            .extend((0..1_204).map(|at| remark("/home/jane/mail/Sent", at, Oddity::FromLineKept)));
        let shown = [
            screen(&remarks, false).unwrap(),
            screen(&remarks[9..12], true).unwrap(),
        ];
        insta::assert_snapshot!(shown.join("\n----\n"));
        assert_eq!(screen(&[], true), None);
    }

    #[test]
    fn the_bytes_of_mbox_files_are_told_on_request_and_where_they_do_not_add_up() {
        let mut bytes = ByteLedger {
            preamble: 0,
            separators: 4_096,
            messages: 1_204_000,
            padding: 99,
            file: 1_208_195,
        };
        let good = bytes_screen("/home/jane/mail\x1b", &bytes);
        bytes.file += 1;
        insta::assert_snapshot!(format!("{good}----\n{}", bytes_screen("/mail", &bytes)));
    }

    #[cfg(unix)]
    #[test]
    fn a_name_that_is_no_text_stops_no_line() {
        use std::os::unix::ffi::OsStrExt;
        let path = std::path::Path::new(std::ffi::OsStr::from_bytes(b"/mail/\xff"));
        let odd = Remark {
            path: path.into(),
            at: 0,
            what: Oddity::ForeignFile,
        };
        assert!(
            serde_json::to_string(&line(&odd))
                .unwrap()
                .contains("/mail/\u{fffd}")
        );
    }
}
