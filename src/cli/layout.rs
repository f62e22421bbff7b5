//! Lines of at most 80 columns: wrapping, and plain tables that can also be read aloud.

use std::sync::atomic::{AtomicUsize, Ordering};

use dialoguer::console::{measure_text_width, truncate_str};
use spectrum_migrate::safe::safe;

/// Columns of a screen, at most.
pub const WIDTH: usize = 80;

/// Fewer than this are no screen for text.
const NARROW: usize = 40;

/// Where tables need more columns than there are, their rows become sentences.
const FOR_TABLES: usize = 64;

/// Columns of this screen.
static COLUMNS: AtomicUsize = AtomicUsize::new(WIDTH);

/// How wide texts are: as the screen, from 40 to 80 columns.
pub fn width() -> usize {
    COLUMNS.load(Ordering::Relaxed)
}

/// Whether this screen has too few columns for tables.
pub fn is_narrow() -> bool {
    width() < FOR_TABLES
}

/// Learns how wide the screen is; once, before anything is shown.
pub fn fit_screen() {
    let term = dialoguer::console::Term::stderr();
    if term.is_term()
        && let Some((_, columns)) = term.size_checked()
    {
        COLUMNS.store(usize::from(columns).clamp(NARROW, WIDTH), Ordering::Relaxed);
    }
}

/// Breaks a text between words; the first line begins with `first`, every other with as many blanks.
pub fn wrap(first: &str, text: &str) -> String {
    let screen = self::width();
    let indent = " ".repeat(measure_text_width(first));
    let mut lines = Vec::new();
    let mut line = first.to_string();
    let mut empty = true;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let width = measure_text_width(&line) + measure_text_width(word) + usize::from(!empty);
        if !empty && width > screen {
            lines.push(std::mem::replace(&mut line, indent.clone()));
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    lines.push(line);
    lines.join("\n").trim_end().to_string()
}

/// On a narrow screen, breaks the lines that are too long for it; the rest of such a line keeps its indent.
pub fn fit(text: &str) -> String {
    if width() >= WIDTH {
        return text.into();
    }
    let line = |line: &str| {
        if measure_text_width(line) <= width() {
            return line.to_string();
        }
        let start = line.len() - line.trim_start().len();
        let mark = ["ok   ", "!    ", "x  ", "Saved as  "]
            .iter()
            .find(|mark| line.starts_with(**mark))
            .map_or(start, |mark| mark.len());
        let (first, rest) = line.split_at(mark);
        wrap(first, rest)
    };
    let lines: Vec<String> = text.split('\n').map(line).collect();
    lines.join("\n")
}

/// A text of any length as one harmless line.
pub fn clean(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    // In pieces that `safe` does not cut.
    chars
        .chunks(100)
        .map(|piece| safe(&piece.iter().collect::<String>()))
        .collect()
}

/// A folder's name on the server, as people know it: INBOX is how IMAP writes Inbox.
pub fn folder(name: &str) -> String {
    match name.strip_prefix("INBOX") {
        Some(below) if below.is_empty() || below.starts_with(['/', '.']) => {
            clean(&format!("Inbox{below}"))
        }
        _ => clean(name),
    }
}

/// Where the text of a column stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Names; cut where the table would be too wide.
    Left,
    /// Numbers; never cut.
    Right,
}

/// A table without lines or boxes. Its cells may come from mail or server: they are made safe here.
pub struct Table {
    columns: Vec<(&'static str, Align)>,
    rows: Vec<Vec<String>>,
    total: Option<Vec<String>>,
}

/// Blanks before each row.
const INDENT: usize = 5;

/// Blanks between columns.
const GAP: usize = 2;

/// No column gets narrower than this.
const NARROWEST: usize = 8;

impl Table {
    /// A table with these columns.
    pub fn new(columns: &[(&'static str, Align)]) -> Table {
        Table {
            columns: columns.to_vec(),
            rows: Vec::new(),
            total: None,
        }
    }

    /// Adds a row, one cell for each column.
    pub fn row(&mut self, cells: &[String]) {
        self.rows
            .push(cells.iter().map(|cell| safe(cell)).collect());
    }

    /// Sets the row of the sums.
    pub fn total(&mut self, cells: &[String]) {
        self.total = Some(cells.iter().map(|cell| safe(cell)).collect());
    }

    /// The table: columns for the eye, or a sentence a row for the ear.
    pub fn show(&self, plain: bool) -> String {
        if plain || is_narrow() {
            self.sentences()
        } else {
            self.grid()
        }
    }

    fn all_rows(&self) -> impl Iterator<Item = &Vec<String>> {
        self.rows.iter().chain(&self.total)
    }

    fn sentences(&self) -> String {
        let sentence = |row: &Vec<String>| {
            let name = row.first().map(String::as_str).unwrap_or_default();
            let rest = self
                .columns
                .iter()
                .zip(row)
                .skip(1)
                .filter(|(_, cell)| !cell.is_empty());
            let rest: Vec<String> = rest.map(|((title, _), cell)| said(title, cell)).collect();
            wrap("", &format!("{name}: {}.", rest.join(", ")))
        };
        self.all_rows().map(sentence).collect::<Vec<_>>().join("\n")
    }

    fn grid(&self) -> String {
        let widths = self.widths();
        let titles: Vec<String> = self
            .columns
            .iter()
            .map(|(title, _)| title.to_string())
            .collect();
        let mut lines = vec![self.line(&titles, &widths)];
        lines.extend(self.rows.iter().map(|row| self.line(row, &widths)));
        if let Some(total) = &self.total {
            lines.push(self.rule(&widths));
            lines.push(self.line(total, &widths));
        }
        lines.join("\n")
    }

    /// The widest cell of each column; then the widest names give way until the table fits.
    fn widths(&self) -> Vec<usize> {
        let mut widths: Vec<usize> = self
            .columns
            .iter()
            .map(|(title, _)| measure_text_width(title))
            .collect();
        for row in self.all_rows() {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(measure_text_width(cell));
            }
        }
        loop {
            let whole =
                INDENT + widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
            let names = widths
                .iter_mut()
                .zip(&self.columns)
                .filter(|(_, (_, align))| *align == Align::Left);
            match names.map(|(width, _)| width).max() {
                Some(widest) if whole > WIDTH && *widest > NARROWEST => *widest -= 1,
                _ => return widths,
            }
        }
    }

    fn line(&self, cells: &[String], widths: &[usize]) -> String {
        let mut line = " ".repeat(INDENT);
        for (((_, align), cell), width) in self.columns.iter().zip(cells).zip(widths) {
            if line.len() > INDENT {
                line.push_str(&" ".repeat(GAP));
            }
            let cell = truncate_str(cell, *width, "…");
            let blanks = " ".repeat(width.saturating_sub(measure_text_width(&cell)));
            match align {
                Align::Left => line.extend([&*cell, &blanks]),
                Align::Right => line.extend([&*blanks, &cell]),
            }
        }
        line.trim_end().to_string()
    }

    /// A line under the numbers, from the first column of numbers on.
    fn rule(&self, widths: &[usize]) -> String {
        let names = self
            .columns
            .iter()
            .take_while(|(_, align)| *align == Align::Left)
            .count();
        let (left, right) = widths.split_at(names.min(widths.len()));
        let start = INDENT + left.iter().map(|width| width + GAP).sum::<usize>();
        let length = right
            .iter()
            .map(|width| width + GAP)
            .sum::<usize>()
            .saturating_sub(GAP);
        format!("{}{}", " ".repeat(start), "-".repeat(length))
    }
}

/// One cell as part of a sentence: `found 4,002`, or `new` where the title is a blank.
fn said(title: &str, cell: &str) -> String {
    match title.trim() {
        "" => cell.trim_matches(['(', ')']).to_string(),
        title => format!("{} {cell}", title.to_lowercase()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample() -> Table {
        let mut table = Table::new(&[
            ("Folder", Align::Left),
            ("", Align::Left),
            ("Found", Align::Right),
            ("Size", Align::Right),
        ]);
        let cells = |row: [&str; 4]| row.map(String::from);
        table.row(&cells(["Inbox", "", "4,002", "0.9 GB"]));
        table.row(&cells(["Taxes\x1b[31m", "(new)", "1,117", "0.2 GB"]));
        table.row(&cells([
            &"A very long folder name, ".repeat(5),
            "(new)",
            "1",
            "1 KB",
        ]));
        table.total(&cells(["Together", "", "5,120", "1.1 GB"]));
        table
    }

    #[test]
    fn a_table_has_neither_boxes_nor_more_than_80_columns() {
        insta::assert_snapshot!(sample().show(false));
    }

    #[test]
    fn read_aloud_every_row_makes_sense_alone() {
        insta::assert_snapshot!(sample().show(true));
    }

    #[test]
    fn the_inbox_and_what_is_below_it_are_written_as_people_know_them() {
        let names = [
            "INBOX",
            "INBOX/Taxes",
            "INBOX.Taxes",
            "INBOXES",
            "Old/INBOX",
        ]
        .map(folder);
        let known = [
            "Inbox",
            "Inbox/Taxes",
            "Inbox.Taxes",
            "INBOXES",
            "Old/INBOX",
        ];
        assert_eq!(names, known);
    }

    #[test]
    fn a_text_is_broken_between_words_and_hangs_under_its_first_line() {
        let text = wrap("  - ", &"copy ".repeat(30));
        assert!(text.lines().all(|line| line.len() <= WIDTH));
        assert!(
            text.lines()
                .skip(1)
                .all(|line| line.starts_with("    copy"))
        );
        assert_eq!(wrap("", ""), "");
    }

    proptest! {
        #[test]
        fn whatever_a_folder_is_called_the_table_stays_a_table(name in any::<String>(), count in any::<u32>()) {
            let mut table = Table::new(&[("Folder", Align::Left), ("Found", Align::Right)]);
            table.row(&[name, count.to_string()]);
            let shown = table.show(false);
            prop_assert_eq!(shown.lines().count(), 2);
            prop_assert!(shown.lines().all(|line| measure_text_width(line) <= WIDTH), "{}", shown);
            prop_assert!(table.show(true).chars().all(|c| c == '\n' || !c.is_control()));
        }

        #[test]
        fn wrapping_loses_no_word(words in proptest::collection::vec("[a-z]{1,12}", 0..60)) {
            let text = words.join(" ");
            let wrapped = wrap("> ", &text);
            let back: Vec<&str> = wrapped.trim_start_matches("> ").split_whitespace().collect();
            let back: Vec<&str> = back.into_iter().filter(|word| *word != ">").collect();
            prop_assert_eq!(back, words.iter().map(String::as_str).collect::<Vec<_>>());
            prop_assert!(wrapped.lines().all(|line| line.len() <= WIDTH));
        }
    }
}
