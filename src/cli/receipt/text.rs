//! The receipt as a text.

use spectrum_migrate::amount::count;

use super::story::{self, Chapter};
use super::{Receipt, Share};
use crate::cli::layout::{Align, Table, wrap};

/// The text, with the line ends of this system.
pub(super) fn text(receipt: &Receipt) -> String {
    let text = plain(receipt);
    if cfg!(windows) {
        text.replace('\n', "\r\n")
    } else {
        text
    }
}

pub(super) fn plain(receipt: &Receipt) -> String {
    let mut blocks = vec![format!("Spectrum mail: receipt\n{}", receipt.moment)];
    blocks.extend(story::before(receipt).iter().map(block));
    blocks.push(format!("Folder by folder\n{}", by_folder(receipt)));
    if !receipt.years.is_empty() {
        blocks.push(format!("Year by year\n{}", by_year(receipt)));
    }
    blocks.extend(story::after(receipt).iter().map(block));
    blocks.join("\n\n") + "\n"
}

fn block(chapter: &Chapter) -> String {
    let first = if chapter.list { "     - " } else { "     " };
    let lines = chapter.lines.iter().map(|line| wrap(first, line));
    let lines: Vec<String> = lines.collect();
    format!("{}\n{}", chapter.title, lines.join("\n"))
}

fn by_folder(receipt: &Receipt) -> String {
    let mut table = Table::new(&[
        ("Folder", Align::Left),
        ("Years", Align::Left),
        ("Copied", Align::Right),
        ("There before", Align::Right),
        ("Kept here", Align::Right),
        ("Not copied", Align::Right),
    ]);
    for folder in &receipt.folders {
        let share = Share::of(&folder.counts);
        table.row(&[
            folder.name.clone(),
            folder.years.clone(),
            count(folder.counts.copied),
            count(folder.counts.already_there),
            count(share.kept),
            count(share.stayed),
        ]);
    }
    let counts = &receipt.report.counts;
    let share = Share::of(counts);
    table.total(&[
        "Together".into(),
        String::new(),
        count(counts.copied),
        count(counts.already_there),
        count(share.kept),
        count(share.stayed),
    ]);
    let mut lines = vec![table.show(false)];
    for folder in &receipt.folders {
        if let Some(from) = &folder.from {
            lines.push(wrap(
                "     ",
                &format!("{} comes from {from}.", folder.name),
            ));
        }
    }
    lines.join("\n")
}

fn by_year(receipt: &Receipt) -> String {
    let mut table = Table::new(&[
        ("Year", Align::Left),
        ("On the server", Align::Right),
        ("Kept here", Align::Right),
        ("Not copied", Align::Right),
    ]);
    for (year, share) in &receipt.years {
        table.row(&[
            year.clone(),
            count(share.server),
            count(share.kept),
            count(share.stayed),
        ]);
    }
    table.show(false)
}
