//! Journals that are not what a run left: torn, damaged, deleted, of another version or account.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use super::child::Outcome;
use super::dovecot::Dovecot;
use super::local::{Note, end, hold};
use super::proxy::{Cut, Place, Way};
use super::sample;
use super::setting::{Fault, Setting};
use super::trial::Result;

/// Kills a run when the server has a part of the mail.
fn killed_half_way(server: &Dovecot, after: u64) -> Setting<'_> {
    let setting = Setting::new(server);
    setting.proxy.arm(Some(Place {
        connection: None,
        way: Way::ToServer,
        after,
        cut: Cut::Kill,
    }));
    setting.child(&Fault::None);
    setting.proxy.arm(None);
    // What is done to the journal now happens later, when nothing is under way any more.
    std::thread::sleep(Duration::from_millis(300));
    setting
}

fn journal(setting: &Setting<'_>) -> PathBuf {
    setting.state().join("journal.jsonl")
}

/// At places over the whole file. One mailbox serves for all, since nothing may be sent.
pub fn torn_after_a_run(server: &Dovecot, number: u64, note: Note<'_>) {
    let class = "L3 a journal torn after a run";
    let setting = Setting::new(server);
    assert!(setting.child(&Fault::None).is_some_and(|run| run.well()));
    let path = journal(&setting);
    let whole = fs::read(&path).unwrap();
    let there = setting.stored();
    for n in 0..number as usize {
        let at = (whole.len() * n / number as usize + n % 7).min(whole.len());
        fs::write(&path, &whole[..at]).unwrap();
        let run = setting.child(&Fault::None);
        let mut wrong = Vec::new();
        let nothing_sent = |run: &Outcome| run.well() && run.copied == 0;
        hold(&mut wrong, run.as_ref().is_some_and(nothing_sent), &run);
        hold(&mut wrong, setting.stored() == there, "the mailbox changed");
        let what = format!("after {at} of {} bytes", whole.len());
        if n + 1 == number as usize {
            end(&setting, class, &what, wrong, note);
        } else {
            let mut result = Result::default();
            result.figure.injected = 1;
            result.figure.fired = 1;
            result.figure.survived = u64::from(wrong.is_empty());
            result.wrong = wrong;
            note(class, &what, &result);
        }
    }
}

/// What a run left that was killed is torn as well, though it was synced.
pub fn torn_after_a_kill(server: &Dovecot, share: u64, n: u64, note: Note<'_>) {
    let setting = killed_half_way(server, 6000 + 30 * share);
    let path = journal(&setting);
    let left = fs::read(&path).unwrap_or_default();
    let at = left.len() * (n as usize * 37 % 100) / 100;
    fs::write(&path, &left[..at]).unwrap();
    let what = format!("after {at} of {} bytes", left.len());
    end(
        &setting,
        "L3 a journal torn after a kill",
        &what,
        Vec::new(),
        note,
    );
}

pub fn damaged_line(server: &Dovecot, n: u64, note: Note<'_>) {
    let setting = killed_half_way(server, 9000 + 2000 * n);
    let path = journal(&setting);
    let mut content = fs::read(&path).unwrap();
    // Somewhere before the last line.
    let last = content[..content.len() - 1]
        .iter()
        .rposition(|byte| *byte == b'\n')
        .unwrap_or(1);
    content[last * (n as usize + 1) / (n as usize + 2)] ^= 1 << (n % 7);
    fs::write(&path, content).unwrap();
    let mut wrong = Vec::new();
    let run = setting.child(&Fault::None);
    hold(&mut wrong, run.as_ref().is_some_and(Outcome::well), &run);
    let aside = sample::walk(&setting.state())
        .iter()
        .any(|path| path.to_string_lossy().contains("journal.damaged-"));
    hold(&mut wrong, aside, "it is not set aside");
    end(&setting, "L3 a damaged line in the middle", "", wrong, note);
}

pub fn deleted_journal(server: &Dovecot, n: u64, note: Note<'_>) {
    let setting = killed_half_way(server, 8000 + 2500 * n);
    let _ = fs::remove_file(journal(&setting));
    end(&setting, "L3 the journal was deleted", "", Vec::new(), note);
}

/// A journal that is not for us stops the run, and stays as it is.
pub fn not_our_journal(server: &Dovecot, class: &str, version: u32, other: bool, note: Note<'_>) {
    let setting = killed_half_way(server, 12_000);
    let path = journal(&setting);
    let kept = fs::read(&path).unwrap();
    let ours = format!("{}@localhost:{}", setting.user, setting.proxy.port());
    let whose = if other { "john@elsewhere:993" } else { &ours };
    let body = format!(
        "{{\"k\":\"run\",\"v\":{version},\"id\":\"0\",\"account\":\"{whose}\",\"tool\":\"9\""
    );
    let sum = crc32fast::hash(body.as_bytes());
    let first = format!("{body},\"crc\":\"{sum:08x}\"}}\n");
    fs::write(&path, [first.as_bytes(), &kept].concat()).unwrap();
    let (there, written) = (setting.stored(), fs::read(&path).unwrap());
    let mut wrong = Vec::new();
    let run = setting.child(&Fault::None);
    let refused = run.as_ref().and_then(|run| run.error.as_deref()) == Some("Journal");
    hold(&mut wrong, refused, &run);
    hold(&mut wrong, setting.stored() == there, "something was sent");
    hold(
        &mut wrong,
        fs::read(&path).unwrap() == written,
        "it was changed",
    );
    fs::write(&path, kept).unwrap();
    end(&setting, class, "", wrong, note);
}
