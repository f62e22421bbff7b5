//! Files and messages at the edge of what they can be, and mail that only looks like what is there.

use std::fs;
use std::time::Duration;

use super::child::Outcome;
use super::dovecot::Dovecot;
use super::local::{Note, hold, may};
use super::sample;
use super::setting::{Fault, Setting};
use super::tamper::Tamper;
use super::trial::{Result, finish};

/// Files that can't be read, or never end: they cost nothing but themselves, and nobody waits for them.
pub fn odd_files(server: &Dovecot, note: Note<'_>) {
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
pub fn odd_messages(server: &Dovecot, note: Note<'_>) {
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
pub fn changed_by_the_server(server: &Dovecot, note: Note<'_>) {
    let setting = Setting::new(server);
    let with_nul = "Message-ID: <n@example.org>\nSubject: NUL\n\nbefore\0after\n";
    let path = setting.path("Mail").join("Odd");
    fs::write(&path, sample::mbox(&[with_nul.to_string()])).unwrap();
    let mut wrong = Vec::new();
    for copied in [12, 0, 0] {
        let run = setting.child(&Fault::None).unwrap_or_default();
        // The run that finds it out may stop there.
        let stopped = run.error.as_deref().is_none_or(|error| error == "Altered");
        let told = stopped && !run.clean && run.copied == copied;
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

/// The source is other mail now, with the same headers and sizes: what is not there is sent, or missed at every run.
pub fn other_mail_that_looks_alike(server: &Dovecot, note: Note<'_>) {
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
