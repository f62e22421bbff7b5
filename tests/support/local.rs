//! Faults of this computer that need a story each; here those of processes, and all of them one after the other.

use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::dovecot::Dovecot;
use super::faulty::{Act, DiskFault};
use super::proxy::{Cut, Place, Way};
use super::setting::{Fault, Setting};
use super::trial::{Result, finish};
use super::{journals, odd, sample};

pub type Note<'a> = &'a (dyn Fn(&str, &str, &Result) + Sync);
type Story<'a> = Box<dyn Fn() + Sync + Send + 'a>;

/// All of them, or a few; several at a time.
pub fn run_all(server: &Dovecot, whole: bool, note: Note<'_>) {
    let many = |all: u64, few: u64| if whole { all } else { few };
    let mut stories: Vec<Story<'_>> = vec![
        Box::new(move || second_process(server, note)),
        Box::new(move || no_place_for_the_journal(server, note)),
        Box::new(move || journals::torn_after_a_run(server, many(90, 3), note)),
        Box::new(move || odd::odd_files(server, note)),
        Box::new(move || odd::odd_messages(server, note)),
        Box::new(move || odd::changed_by_the_server(server, note)),
        Box::new(move || odd::other_mail_that_looks_alike(server, note)),
        Box::new(move || deaf_reader(server, note)),
    ];
    for (class, version, other) in [
        ("L3 a journal of a newer version", 2, false),
        ("L3 a journal of another account", 1, true),
    ] {
        stories.push(Box::new(move || {
            journals::not_our_journal(server, class, version, other, note)
        }));
    }
    for n in 0..many(45, 1) {
        let share = n * 1000 / many(45, 1);
        stories.push(Box::new(move || {
            journals::torn_after_a_kill(server, share, n, note)
        }));
    }
    for n in 0..many(12, 1) {
        stories.push(Box::new(move || journals::damaged_line(server, n, note)));
        stories.push(Box::new(move || journals::deleted_journal(server, n, note)));
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
        for _ in 0..6 {
            scope.spawn(|| {
                while let Some(story) = stories.get(next.fetch_add(1, Ordering::SeqCst)) {
                    story();
                }
            });
        }
    });
}

/// What may be there after a run over the whole source.
pub fn may(setting: &Setting<'_>) -> std::collections::BTreeMap<sample::Key, usize> {
    let mut may = sample::was_there();
    may.extend(sample::wanted(&setting.path("Mail")));
    may
}

pub fn end(setting: &Setting<'_>, class: &str, what: &str, wrong: Vec<String>, note: Note<'_>) {
    let mut result = Result {
        wrong,
        ..Result::default()
    };
    finish(setting, false, &may(setting), true, &mut result);
    note(class, what, &result);
}

/// Kept as `wrong` where it does not hold.
pub fn hold(wrong: &mut Vec<String>, holds: bool, what: impl std::fmt::Debug) {
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
