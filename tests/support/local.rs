//! Faults of this computer that need a story each: a second process, a journal that is not what it was, odd files,
//! signals.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::child::{Act, DiskFault, Outcome, Tamper};
use super::dovecot::Dovecot;
use super::proxy::{Cut, Place, Way};
use super::sample;
use super::trial::{Fault, Result, Setting, finish};

type Note<'a> = &'a (dyn Fn(&str, &str, &Result) + Sync);
type Story<'a> = Box<dyn Fn() + Sync + Send + 'a>;

/// All of them, or a few; several at a time.
pub fn run_all(server: &Dovecot, whole: bool, note: Note<'_>) {
    let many = |all: u64, few: u64| if whole { all } else { few };
    let mut stories: Vec<Story<'_>> = vec![
        Box::new(move || second_process(server, note)),
        Box::new(move || no_place_for_the_journal(server, note)),
        Box::new(move || torn_after_a_run(server, many(90, 3), note)),
        Box::new(move || odd_files(server, note)),
        Box::new(move || odd_messages(server, note)),
        Box::new(move || changed_by_the_server(server, note)),
        Box::new(move || other_mail_that_looks_alike(server, note)),
        Box::new(move || deaf_reader(server, note)),
    ];
    for (class, version, other) in [
        ("L3 a journal of a newer version", 2, false),
        ("L3 a journal of another account", 1, true),
    ] {
        stories.push(Box::new(move || {
            not_our_journal(server, class, version, other, note)
        }));
    }
    for n in 0..many(45, 1) {
        let share = n * 1000 / many(45, 1);
        stories.push(Box::new(move || torn_after_a_kill(server, share, n, note)));
    }
    for n in 0..many(12, 1) {
        stories.push(Box::new(move || damaged_line(server, n, note)));
        stories.push(Box::new(move || deleted_journal(server, n, note)));
    }
    for (class, number, codes) in [
        ("C1 Ctrl-C", 2, [130, 0]),
        ("C2 SIGTERM", 15, [143, 0]),
        ("C2 SIGHUP", 1, [143, 0]),
    ] {
        for n in 0..many(12, 1) {
            stories.push(Box::new(move || {
                signal(server, class, number, codes, n, note)
            }));
        }
    }
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(story) = stories.get(next.fetch_add(1, Ordering::SeqCst)) {
                    story();
                }
            });
        }
    });
}

/// What may be there after a run over the whole source.
fn may(setting: &Setting<'_>) -> std::collections::BTreeMap<sample::Key, usize> {
    let mut may = sample::was_there();
    may.extend(sample::wanted(&setting.path("Mail")));
    may
}

fn end(setting: &Setting<'_>, class: &str, what: &str, wrong: Vec<String>, note: Note<'_>) {
    let mut result = Result {
        wrong,
        ..Result::default()
    };
    finish(setting, false, &may(setting), true, &mut result);
    note(class, what, &result);
}

/// Kept as `wrong` where it does not hold.
fn hold(wrong: &mut Vec<String>, holds: bool, what: impl std::fmt::Debug) {
    if !holds {
        wrong.push(format!("{what:?}"));
    }
}

fn second_process(server: &Dovecot, note: Note<'_>) {
    let setting = Setting::new(server);
    let mut wrong = Vec::new();
    let fault = DiskFault {
        at: 9,
        act: Act::Hang,
    };
    let order = setting.order(&Fault::Disk(fault));
    let mut first = setting
        .child_command(&order)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let limit = Instant::now() + Duration::from_secs(20);
    while !order.fired.exists() && Instant::now() < limit {
        std::thread::sleep(Duration::from_millis(5));
    }
    let code = setting.wait(setting.program("copy"), Duration::from_secs(60));
    let said = setting.said();
    hold(&mut wrong, code == Some(15), (code, &said));
    hold(
        &mut wrong,
        said.contains(&format!("{}", first.id())),
        "it does not name the other process",
    );
    first.kill().unwrap();
    first.wait().unwrap();
    end(&setting, "L1 a second process", "", wrong, note);
}

fn no_place_for_the_journal(server: &Dovecot, note: Note<'_>) {
    use std::os::unix::fs::PermissionsExt;
    let setting = Setting::new(server);
    let mut wrong = Vec::new();
    let root = rustix::process::geteuid().is_root();
    let place = setting.path("read only");
    fs::create_dir(&place).unwrap();
    fs::set_permissions(&place, fs::Permissions::from_mode(0o555)).unwrap();
    // Root may write everywhere but where nobody can.
    let place = if root { Path::new("/proc") } else { &place };
    let before = setting.stored();
    let program = setting.program_with("copy", &place.join("state"));
    let code = setting.wait(program, Duration::from_secs(60));
    hold(&mut wrong, code == Some(16), (code, setting.said()));
    hold(&mut wrong, setting.stored() == before, "something was sent");
    end(&setting, "L2 a read-only directory", "", wrong, note);
}

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
fn torn_after_a_run(server: &Dovecot, number: u64, note: Note<'_>) {
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
fn torn_after_a_kill(server: &Dovecot, share: u64, n: u64, note: Note<'_>) {
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

fn damaged_line(server: &Dovecot, n: u64, note: Note<'_>) {
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

fn deleted_journal(server: &Dovecot, n: u64, note: Note<'_>) {
    let setting = killed_half_way(server, 8000 + 2500 * n);
    let _ = fs::remove_file(journal(&setting));
    end(&setting, "L3 the journal was deleted", "", Vec::new(), note);
}

/// A journal that is not for us stops the run, and stays as it is.
fn not_our_journal(server: &Dovecot, class: &str, version: u32, other: bool, note: Note<'_>) {
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

/// The source is other mail now, with the same headers and sizes: what is not there is sent, or missed at every run.
fn other_mail_that_looks_alike(server: &Dovecot, note: Note<'_>) {
    let setting = Setting::new(server);
    let mut may = may(&setting);
    let mut wrong = Vec::new();
    let first = setting.child(&Fault::None);
    hold(
        &mut wrong,
        first.as_ref().is_some_and(Outcome::well),
        &first,
    );
    let mail = setting.path("Mail");
    Tamper::RewriteAlike.act(&mail);
    let wanted = sample::wanted(&mail);
    may.extend(wanted.clone());
    for _ in 0..2 {
        let run = setting.child(&Fault::None).unwrap_or_default();
        let there = super::tally(setting.stored().into_values());
        let missing = wanted
            .keys()
            .filter(|key| !there.contains_key(*key))
            .count();
        hold(&mut wrong, missing == 0 || !run.well(), (missing, &run));
    }
    sample::write(&mail);
    let mut result = Result {
        wrong,
        ..Result::default()
    };
    finish(&setting, false, &may, true, &mut result);
    note("S2 other mail that looks alike", "", &result);
}

/// Files that can't be read, or never end: they cost nothing but themselves, and nobody waits for them.
fn odd_files(server: &Dovecot, note: Note<'_>) {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let setting = Setting::new(server);
    let mail = setting.path("Mail");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        mail.join("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RWXU,
        0,
    )
    .unwrap();
    symlink(&mail, mail.join("loop")).unwrap();
    symlink("/dev/zero", mail.join("zero")).unwrap();
    fs::write(mail.join("Private"), sample::mbox(&[sample::newcomer()])).unwrap();
    fs::set_permissions(mail.join("Private"), fs::Permissions::from_mode(0o000)).unwrap();
    fs::write(mail.join("family"), sample::mbox(&[other_newcomer()])).unwrap();
    let mut wrong = Vec::new();
    let code = setting.wait(setting.program("copy"), Duration::from_secs(60));
    hold(
        &mut wrong,
        matches!(code, Some(0 | 3)),
        (code, setting.said()),
    );
    let hash = sample::hash(other_newcomer().as_bytes());
    let copies = setting
        .stored()
        .into_values()
        .filter(|key| key.1 == hash)
        .count();
    hold(
        &mut wrong,
        copies == 1,
        "the folder whose name differs by case only",
    );
    for name in ["pipe", "zero", "Private", "family", "loop"] {
        fs::remove_file(mail.join(name)).unwrap();
    }
    let mut result = Result {
        wrong,
        ..Result::default()
    };
    let mut may = may(&setting);
    for message in [other_newcomer(), sample::newcomer()] {
        for folder in ["family", "Family", "Private"] {
            may.insert((folder.into(), sample::hash(message.as_bytes())), 1);
        }
    }
    for (_, (folder, hash)) in setting.stored() {
        if hash == sample::hash(other_newcomer().as_bytes()) {
            may.insert((folder, hash), 1);
        }
    }
    finish(&setting, false, &may, true, &mut result);
    note("S4 odd files", "", &result);
}

fn other_newcomer() -> String {
    sample::newcomer().replace("50", "51")
}

/// Messages at the edge of what a message is, and dates outside of the usual time (C4).
fn odd_messages(server: &Dovecot, note: Note<'_>) {
    let dated = |number: u32, date: &str| {
        format!(
            "Message-ID: <d{number}@example.org>\nFrom: jane@example.org\nDate: {date}\nSubject: {number}\n\ntext\n"
        )
    };
    let odd: [(&str, Vec<String>); 2] = [
        (
            "S5 odd messages",
            vec![
                "Subject: only a header\nMessage-ID: <h@example.org>\n".into(),
                "Message-ID: <l@example.org>\nSubject: a long line\n\n".to_string()
                    + &"x".repeat(1 << 20)
                    + "\n",
                "Message-ID: <m@example.org>\nSubject: two megabytes\n\n".to_string()
                    + &"a line of text\n".repeat(140_000),
                "Message-ID: <e@example.org>\nSubject: eight bits \u{fc}\n\n\u{fc}\u{1f4e7}\n"
                    .into(),
            ],
        ),
        (
            "C4 odd dates",
            vec![
                dated(1, "Mon, 1 Jan 1951 10:00:00 +0000"),
                dated(2, "Fri, 1 Jan 2100 10:00:00 +0000"),
                dated(3, "yesterday at noon"),
                dated(4, "Mon, 99 Foo 99999 99:99:99 +9999"),
                "Message-ID: <d5@example.org>\nSubject: no date at all\n\ntext\n".into(),
            ],
        ),
    ];
    for (class, messages) in odd {
        let setting = Setting::new(server);
        fs::write(setting.path("Mail").join("Odd"), sample::mbox(&messages)).unwrap();
        let mut wrong = Vec::new();
        let run = setting.child(&Fault::None);
        hold(&mut wrong, run.as_ref().is_some_and(Outcome::well), &run);
        let refused = run.map_or(0, |run| run.refused + run.damaged);
        let there = super::tally(setting.stored().into_values());
        let keys: Vec<_> = messages
            .iter()
            .map(|message| ("Odd".to_string(), sample::hash(message.as_bytes())))
            .collect();
        let arrived = keys.iter().filter(|key| there.get(key) == Some(&1)).count() as u64;
        hold(
            &mut wrong,
            arrived + refused == keys.len() as u64,
            (arrived, refused, &there),
        );
        let mut result = Result {
            wrong,
            ..Result::default()
        };
        let mut may = may(&setting);
        may.extend(keys.into_iter().map(|key| (key, 1)));
        finish(&setting, false, &may, true, &mut result);
        note(class, "", &result);
    }
}

/// Dovecot keeps no NUL and puts another byte in its place. That is told at every run, and never leads to a second copy.
fn changed_by_the_server(server: &Dovecot, note: Note<'_>) {
    let setting = Setting::new(server);
    let with_nul = "Message-ID: <n@example.org>\nSubject: NUL\n\nbefore\0after\n";
    let path = setting.path("Mail").join("Odd");
    fs::write(&path, sample::mbox(&[with_nul.to_string()])).unwrap();
    let mut wrong = Vec::new();
    for copied in [12, 0, 0] {
        let run = setting.child(&Fault::None).unwrap_or_default();
        let told = run.error.is_none() && !run.clean && run.copied == copied;
        hold(&mut wrong, told, &run);
    }
    let odd = setting
        .stored()
        .into_values()
        .filter(|key| key.0 == "Odd")
        .collect::<Vec<_>>();
    hold(&mut wrong, odd.len() == 1, &odd);
    fs::remove_file(path).unwrap();
    let mut result = Result {
        wrong,
        ..Result::default()
    };
    let mut may = may(&setting);
    may.extend(odd.into_iter().map(|key| (key, 1)));
    finish(&setting, false, &may, true, &mut result);
    note("S5 a message that the server changes", "", &result);
}

/// Signals that ask to stop, while mail is on its way.
fn signal(server: &Dovecot, class: &str, number: i32, codes: [i32; 2], n: u64, note: Note<'_>) {
    let setting = Setting::new(server);
    let mut wrong = Vec::new();
    setting.proxy.arm(Some(Place {
        connection: None,
        way: Way::ToServer,
        after: 6000 + n * 2800,
        cut: Cut::Signal(number),
    }));
    let code = setting.wait(setting.program("copy"), Duration::from_secs(60));
    hold(&mut wrong, setting.proxy.fired(), "no signal was sent");
    let ended = code.is_some_and(|code| codes.contains(&code));
    hold(&mut wrong, ended, (code, setting.said()));
    setting.proxy.arm(None);
    end(&setting, class, &format!("{n}"), wrong, note);
}

/// Whoever read the output went away.
fn deaf_reader(server: &Dovecot, note: Note<'_>) {
    let setting = Setting::new(server);
    let mut wrong = Vec::new();
    let err = File::create(setting.path("err.0")).unwrap();
    let mut child = setting
        .program("copy")
        .stdout(Stdio::piped())
        .stderr(err)
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let code = child.wait().unwrap().code();
    File::create(setting.path("out.0")).unwrap();
    hold(&mut wrong, code.is_some(), "it was ended by a signal");
    hold(&mut wrong, code != Some(101), "it panicked");
    end(&setting, "C2 nobody reads the output", "", wrong, note);
}
