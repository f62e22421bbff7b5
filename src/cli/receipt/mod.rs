//! The receipt of a move, for the person's own papers: a text file, and a page to read or to print.

mod chart;
mod page;
mod story;
#[cfg(test)]
mod tests;
mod text;

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use spectrum_migrate::transfer::plan::{Entry, Plan, State};
use spectrum_migrate::transfer::report::{Counts, Report};

use super::layout::{clean, folder as folder_name};

/// What every receipt is called at its beginning.
const NAME: &str = "Spectrum mail receipt";

/// So many receipts of one day are thought possible.
const MOST: u32 = 1_000;

/// How many of a number of messages went where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Share {
    /// On the server, by this run or before it.
    server: u64,
    /// In the storage folder on this computer.
    kept: u64,
    /// Only in the old files.
    stayed: u64,
}

impl Share {
    fn of(counts: &Counts) -> Share {
        let server = counts.copied + counts.already_there;
        Share {
            server,
            kept: counts.kept,
            stayed: counts.found.saturating_sub(server + counts.kept),
        }
    }

    fn add(&mut self, state: State) {
        match state {
            State::Copied(_) | State::AlreadyThere(_) | State::AlreadyElsewhere => self.server += 1,
            State::Kept(_) => self.kept += 1,
            _ => self.stayed += 1,
        }
    }

    fn sum(self) -> u64 {
        self.server + self.kept + self.stayed
    }
}

/// A folder on the server, in the words of the receipt.
struct Folder {
    name: String,
    /// The folders it comes from, where their name is another.
    from: Option<String>,
    /// The years of its mail, as far as it has a date.
    years: String,
    counts: Counts,
}

/// Everything that a receipt tells.
pub struct Receipt<'a> {
    report: &'a Report,
    folders: Vec<Folder>,
    /// By year; those without a date last.
    years: Vec<(String, Share)>,
    /// The places with the old mail.
    places: Vec<String>,
    /// When the report was made: the day as part of a file's name, and in words with the time.
    day: String,
    moment: String,
}

impl<'a> Receipt<'a> {
    /// Of a finished run, by the clock of this computer.
    pub fn new(report: &'a Report, plan: &Plan) -> Receipt<'a> {
        Receipt::in_zone(report, plan, TimeZone::system())
    }

    fn in_zone(report: &'a Report, plan: &Plan, zone: TimeZone) -> Receipt<'a> {
        let (day, moment) = match report.made.parse::<Timestamp>() {
            Ok(made) => {
                let made = made.to_zoned_datetime(zone);
                let words = made.strftime("%A, %-d %B %Y, %H:%M").to_string();
                (made.strftime("%Y-%m-%d").to_string(), words)
            }
            Err(_) => ("undated".into(), clean(&report.made)),
        };
        Receipt {
            report,
            folders: folders(report, plan),
            years: years(plan),
            places: places(plan),
            day,
            moment,
        }
    }

    /// The name of its files, without the ending.
    fn stem(&self, number: u32) -> String {
        match number {
            1 => format!("{NAME} {}", self.day),
            _ => format!("{NAME} {} ({number})", self.day),
        }
    }
}

/// The report's folders, each with what the plan knows besides.
fn folders(report: &Report, plan: &Plan) -> Vec<Folder> {
    let planned: BTreeMap<String, &[Entry]> = (plan.folders.iter())
        .map(|folder| (folder.target.display(), folder.entries.as_slice()))
        .collect();
    let folder = |one: &spectrum_migrate::transfer::report::FolderReport| {
        let name = folder_name(&one.folder);
        let from: Vec<String> = one.from.iter().map(|from| clean(from)).collect();
        let from = from.join(", ");
        let entries = planned.get(&one.folder).copied().unwrap_or_default();
        let years = entries
            .iter()
            .filter_map(|entry| Some(entry.item.date?.year()));
        let (first, last) = (years.clone().min(), years.max());
        let years = match first.zip(last) {
            Some((first, last)) if first == last => first.to_string(),
            Some((first, last)) => format!("{first} to {last}"),
            None => String::new(),
        };
        Folder {
            from: (!from.is_empty() && !from.eq_ignore_ascii_case(&name)).then_some(from),
            name,
            years,
            counts: one.counts,
        }
    };
    report.folders.iter().map(folder).collect()
}

fn years(plan: &Plan) -> Vec<(String, Share)> {
    let mut years: BTreeMap<i16, Share> = BTreeMap::new();
    let mut undated = Share::default();
    let kept = plan.reached.kept.as_ref();
    for (at, folder) in (0u16..).zip(&plan.folders) {
        for entry in &folder.entries {
            match entry.item.date {
                Some(date) => years.entry(date.year()).or_default().add(entry.state),
                None => undated.add(entry.state),
            }
        }
        let damaged = folder.damaged.len() as u64;
        let kept = kept.map_or(0, |kept| kept.damaged_in(at)).min(damaged);
        undated.kept += kept;
        undated.stayed += damaged - kept;
    }
    let mut rows: Vec<(String, Share)> = (years.into_iter())
        .map(|(year, share)| (year.to_string(), share))
        .collect();
    if undated.sum() > 0 {
        rows.push(("no date".into(), undated));
    }
    rows
}

fn places(plan: &Plan) -> Vec<String> {
    let name = |source: &spectrum_migrate::transfer::plan::PlannedSource| {
        let path = clean(&source.path.display().to_string());
        format!("{path} ({})", source.kind.name())
    };
    plan.sources.iter().map(name).collect()
}

/// Writes a receipt into a folder, as text and as a page, and tells where. No file is ever overwritten.
///
/// # Errors
/// The folder can't be written.
pub fn write(receipt: &Receipt, dir: &Path) -> io::Result<(PathBuf, PathBuf)> {
    fs::create_dir_all(dir)?;
    for number in 1..=MOST {
        let stem = receipt.stem(number);
        let text = dir.join(format!("{stem}.txt"));
        let page = dir.join(format!("{stem}.html"));
        if [&text, &page]
            .iter()
            .any(|path| path.symlink_metadata().is_ok())
        {
            continue;
        }
        match write_new(&page, &page::page(receipt)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            written => written?,
        }
        write_new(&text, &text::text(receipt))?;
        return Ok((text, page));
    }
    Err(io::Error::other("no name is left for the receipt"))
}

/// A new file that only its owner can read: it names folders and the mailbox.
fn write_new(path: &Path, content: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(content.as_bytes())?;
    file.sync_all()
}
