//! Stories about the receipt as a browser shows it: the page of the unit tests, loaded in headless Chromium where there is one.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The page with a folder that would rather be a script.
const PAGE: &str = include_str!(
    "../src/cli/receipt/snapshots/spectrum_migrate__cli__receipt__tests__the_receipt_as_a_page.snap"
);

/// What the page says of what it may load and run.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// The page itself, behind the snapshot's own head.
fn page() -> &'static str {
    let start = PAGE.find("<!doctype html>").expect("a page");
    &PAGE[start..]
}

fn browser() -> Option<&'static str> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let runs = |name: &&str| {
        let asked = Command::new(name).arg("--version").output();
        asked.is_ok_and(|answer| answer.status.success())
    };
    let found = names.into_iter().find(runs);
    if found.is_none() {
        println!("skipped: there is no Chromium here");
    }
    found
}

/// Writes a page, and runs the browser on it.
fn run(browser: &str, place: &Path, page: &str, flags: &[&str]) -> String {
    let path = place.join("receipt.html");
    std::fs::write(&path, page).expect("a place");
    let output = Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
        ])
        .arg(format!(
            "--user-data-dir={}",
            place.join("profile").display()
        ))
        .args(flags)
        .arg(format!("file://{}", path.display()))
        .output()
        .expect("the browser ran a moment ago");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}");
    String::from_utf8_lossy(&output.stdout).into()
}

#[test]
fn a_browser_finds_what_was_written_and_nothing_that_runs() {
    let Some(browser) = browser() else { return };
    let place = tempfile::tempdir().expect("a place");
    let dom = run(browser, place.path(), page(), &["--dump-dom"]);
    assert!(dom.contains("<h1>Spectrum mail: receipt</h1>"), "{dom}");
    assert_eq!(dom.matches("<svg").count(), 2);
    assert_eq!(dom.matches("<table").count(), 2);
    assert!(!dom.contains("<script") && !dom.contains("<img"), "{dom}");
    assert!(
        dom.contains("&lt;script&gt;alert(1)&lt;/script&gt;"),
        "{dom}"
    );
    // Each picture has a name and a description, and each bar that is told of is there.
    assert_eq!(dom.matches("<title id=").count(), 2);
    assert_eq!(dom.matches("<desc id=").count(), 2);
    assert!(dom.matches("<rect class=").count() >= 8, "{dom}");
}

#[test]
fn a_phone_shows_the_whole_width_of_it() {
    let Some(browser) = browser() else { return };
    let place = tempfile::tempdir().expect("a place");
    // The page lets nothing run; this copy of it may measure itself. A browser's window has a least width, a frame has none.
    assert!(page().contains(POLICY));
    let measure = "<script>parent.postMessage(document.documentElement.scrollWidth, '*')</script>";
    let measured = page()
        .replace(
            POLICY,
            "script-src 'unsafe-inline'; style-src 'unsafe-inline'",
        )
        .replace("</body>", &format!("{measure}</body>"));
    std::fs::write(place.path().join("framed.html"), measured).expect("a place");
    let around = "<!doctype html><body><script>onmessage = e => document.body.dataset.wide = e.data</script>\
                  <iframe src=framed.html style='width: 320px; height: 9000px; border: 0'></iframe>";
    let flags = ["--virtual-time-budget=5000", "--dump-dom"];
    let dom = run(browser, place.path(), around, &flags);
    assert!(dom.contains("data-wide=\"320\""), "{dom}");
}

#[test]
fn a_browser_makes_a_picture_of_it() {
    let Some(browser) = browser() else { return };
    let place = tempfile::tempdir().expect("a place");
    let picture: PathBuf = place.path().join("receipt.png");
    let shot = format!("--screenshot={}", picture.display());
    run(
        browser,
        place.path(),
        page(),
        &["--window-size=800,1600", &shot],
    );
    let bytes = std::fs::read(&picture).expect("a picture");
    assert!(bytes.starts_with(b"\x89PNG"));
    // A blank page of this size has less than 10,000 bytes.
    assert!(bytes.len() > 30_000, "{}", bytes.len());
}
