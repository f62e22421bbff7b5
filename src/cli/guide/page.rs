//! How a step is shown: its number and name, why, and what to click.

use spectrum_migrate::guide::Step;
use spectrum_migrate::guide::words::{self, Page};

use crate::cli::layout::{width, wrap};

/// The head of a step.
pub fn head(step: Step) -> String {
    let title = wrap(&format!("Step {} of 6   ", step.number()), step.title());
    let rule = "-".repeat(width().saturating_sub(2).min(66));
    let spectrum = wrap(
        "",
        &format!("On Spectrum's page: {}", step.spectrums_name()),
    );
    let why = wrap("Why   ", step.why());
    format!("\n\n{title}\n{rule}\n{spectrum}\n\n{why}")
}

/// What to click.
pub fn clicks(program: &str, page: &Page) -> String {
    let head = wrap("Do    ", &format!("In {program}:"));
    format!("\n{head}{}", numbered(page.clicks))
}

/// Each on a line of its own, numbered.
fn numbered(clicks: &[&str]) -> String {
    let line =
        |(number, click): (usize, &&str)| format!("\n{}", wrap(&format!("{number:>8}. "), click));
    (1..).zip(clicks).map(line).collect()
}

/// What to click on phones and tablets.
pub fn phones() -> String {
    let mut text = String::from("Phones and tablets\n\n");
    text.push_str(&wrap("", "Set up the new account like this:"));
    for phone in words::phones::PHONES {
        text.push_str(&format!(
            "\n\n{}{}",
            wrap("", phone.name),
            numbered(phone.clicks)
        ));
    }
    format!("{text}\n\n{}", wrap("", words::phones::OLD_ACCOUNT))
}

/// The help behind `s`.
pub fn more(page: &Page) -> String {
    let lines: Vec<String> = page
        .more
        .iter()
        .map(|line| wrap("      - ", line))
        .collect();
    lines.join("\n")
}
