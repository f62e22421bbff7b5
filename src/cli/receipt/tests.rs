//! The receipt of a run in which everything happened that can, and of one in which all went well.

use super::*;
use crate::cli::samples;
use spectrum_migrate::transfer::report::Storage;

/// A folder that wants to be more than a name.
const HOSTILE: &str = "<script>alert(1)</script> & \"friends\"";

fn plan() -> Plan {
    let mut plan = samples::plan();
    for entry in plan
        .folders
        .iter_mut()
        .flat_map(|folder| &mut folder.entries)
    {
        entry.state = match entry.state {
            State::ToCopy => State::Copied(None),
            State::Refused(reason) => State::Kept(reason),
            state => state,
        };
    }
    plan
}

/// Three are damaged and stay, and one that is too big is kept.
fn report() -> Report {
    let mut report = samples::report();
    for counts in [&mut report.folders[0].counts, &mut report.counts] {
        (counts.kept, counts.refused) = (1, 0);
    }
    report.folders[1].folder = HOSTILE.into();
    report.folders[1].from = vec!["</title><img src=x onerror='alert(1)'>".into()];
    report.exceptions[3].kept_in = Some("Inbox.mbox".into());
    report.storage = Some(Storage {
        folder: "/home/jane/Documents/Kept & safe".into(),
        files: vec!["/home/jane/Documents/Kept & safe/Inbox.mbox".into()],
        messages: 1,
        bytes: 38_000_000,
        changed: Vec::new(),
    });
    report.sources_changed = vec!["/home/jane/mail/Inbox".into()];
    report
}

fn receipt<'a>(report: &'a Report, plan: &Plan) -> Receipt<'a> {
    Receipt::in_zone(report, plan, TimeZone::UTC)
}

#[test]
fn the_receipt_as_a_text() {
    let (report, plan) = (report(), plan());
    let shown = text::plain(&receipt(&report, &plan));
    assert!(
        shown.lines().all(|line| line.chars().count() <= 80),
        "{shown}"
    );
    insta::assert_snapshot!(shown);
}

#[test]
fn the_receipt_as_a_page() {
    let (report, plan) = (report(), plan());
    let page = page::page(&receipt(&report, &plan));
    assert!(
        !page.contains("<script") && !page.contains("<img") && !page.contains("://"),
        "{page}"
    );
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;friends&quot;"));
    insta::assert_snapshot!(page);
}

#[test]
fn only_a_proof_is_praised() {
    let plan = plan();
    let mut report = report();
    let words = |report: &Report| {
        let receipt = receipt(report, &plan);
        let text = text::plain(&receipt);
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert!(words(&report).contains("Keep the old files and the old account"));
    report.sources_changed.clear();
    report.counts.found -= report.counts.damaged;
    report.counts.damaged = 0;
    assert!(report.proof().is_some());
    let good = words(&report);
    assert!(good.contains("All of it was checked") && good.contains("nothing to undo"));
    report.verified = None;
    let unchecked = words(&report);
    assert!(unchecked.contains("has not been checked") && unchecked.contains("the old account"));
}

#[test]
fn no_receipt_is_ever_overwritten() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("Documents");
    let (report, plan) = (report(), plan());
    let receipt = receipt(&report, &plan);
    let (text, page) = write(&receipt, &dir).unwrap();
    assert_eq!(text, dir.join("Spectrum mail receipt 2026-11-23.txt"));
    assert_eq!(page, dir.join("Spectrum mail receipt 2026-11-23.html"));
    fs::remove_file(&text).unwrap();
    fs::write(&page, "mine").unwrap();
    let (text, second) = write(&receipt, &dir).unwrap();
    assert_eq!(text, dir.join("Spectrum mail receipt 2026-11-23 (2).txt"));
    assert_eq!(fs::read_to_string(page).unwrap(), "mine");
    assert!(
        fs::read_to_string(second)
            .unwrap()
            .starts_with("<!doctype html>")
    );
}

#[test]
fn a_day_is_that_of_the_persons_clock() {
    let (mut report, plan) = (report(), plan());
    report.made = "2026-11-26T02:10:05Z".into();
    let zone = TimeZone::fixed(jiff::tz::offset(-5));
    assert_eq!(Receipt::in_zone(&report, &plan, zone).day, "2026-11-25");
    report.made = "unknown".into();
    assert_eq!(Receipt::new(&report, &plan).day, "undated");
}
