//! Whole conversations, with the answers of a script: what is asked and said in each mail program.

use secrecy::SecretString;
use spectrum_migrate::guide::{MailProgram, Progress, Step};
use spectrum_migrate::rehearsal::{Limits, Practice};
use spectrum_migrate::source::find::{Home, Platform};
use spectrum_migrate::transfer::Depth;
use spectrum_migrate::transfer::plan::Reason;
use spectrum_migrate::transfer::report::{Counts, Report};

use super::Guide;
use super::places::Places;
use crate::cli::args::Flags;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::print::Look;
use crate::cli::room::Room;
use crate::cli::sign_in::SignedIn;

impl Guide<'_> {
    pub(super) fn sign_in_to(&mut self, practice: &Practice) -> Result<(), Failure> {
        let question = "Password for jane@charter.net (nothing will appear as you type)";
        let password = self.room.asker.line(&self.room.printer, question)?;
        self.say("ok   Signed in to mobile.charter.net");
        self.signed_in = Some(SignedIn {
            connect: Box::new(practice.connector()),
            password: SecretString::from(password),
        });
        Ok(())
    }
}

/// A computer with a little old mail, and a server without any.
struct World {
    dir: tempfile::TempDir,
    practice: Practice,
    platform: Platform,
}

/// What was said, and how it ended.
struct Talk {
    shown: String,
    exit: Exit,
}

impl World {
    fn new() -> World {
        World::with(Limits::default())
    }

    fn with(limits: Limits) -> World {
        let world = World {
            dir: tempfile::tempdir().unwrap(),
            practice: Practice::start(limits, None).unwrap(),
            platform: Platform::Linux,
        };
        for number in 0..3 {
            world.mail("Letters", number, 10);
        }
        world
    }

    fn mail(&self, folder: &str, number: u32, lines: usize) {
        use std::io::Write;
        let dir = self.dir.path().join("home/mail");
        std::fs::create_dir_all(&dir).unwrap();
        let mut file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(dir.join(folder))
            .unwrap();
        let body = "All is well here.\n".repeat(lines);
        write!(
            file,
            "From jane Mon Jan  5 10:00:00 2009\nMessage-ID: <{folder}{number}@x>\nFrom: jane@charter.net\n\
             Date: Mon, 5 Jan 2009 10:00:00 +0000\nSubject: Letter {number}\n\n{body}\n"
        )
        .unwrap();
    }

    fn state(&self) -> std::path::PathBuf {
        self.dir.path().join("state")
    }

    fn home(&self) -> Home {
        let home = self.dir.path().join("home");
        Home {
            platform: self.platform,
            roaming: None,
            local: None,
            documents: Some(home.join("Documents")),
            spool: home.join("no-spool"),
            user: None,
            home,
        }
    }

    /// Answers a guide that begins, or goes on, with these lines.
    fn talk(&self, answers: &str) -> Talk {
        let answers: &'static str = answers.to_string().leak();
        let (room, written) = Room::pretend(Look::default(), Some(answers));
        let flags = Flags::default();
        let mut guide = Guide::new(&room, &flags, self.state(), Some(self.home()));
        guide.practice = Some(&self.practice);
        let result = guide.run();
        let shown = written.both();
        let exit = result.unwrap_or_else(|failure| failure.exit());
        Talk {
            shown: self.readable(&shown),
            exit,
        }
    }

    /// The ledger of a conversation that went well, for a guide to judge.
    fn judged(&self, spoil: impl FnOnce(&mut Report)) -> (Option<Exit>, bool, String) {
        let answers: &'static str = to_the_end().leak();
        let (room, written) = Room::pretend(Look::default(), Some(answers));
        let mut guide = Guide::new(&room, &Flags::default(), self.state(), Some(self.home()));
        guide.practice = Some(&self.practice);
        assert_eq!(guide.run().unwrap(), Exit::Done);
        guide.opened = None;
        let mut report = guide.report.take().unwrap();
        spoil(&mut report);
        let exit = guide.judge(report, &Places::default());
        (exit, guide.opened.is_some(), written.both())
    }

    /// Without what differs from run to run.
    fn readable(&self, shown: &str) -> String {
        let here = self.dir.path().display().to_string();
        let shown = shown
            .replace(&here, "…")
            .replace(env!("CARGO_PKG_VERSION"), "0.0.0");
        let same = |line: &str| match line.split_once("  ") {
            Some(("Saved as", _)) => "Saved as  …".to_string(),
            _ if line.contains("Spectrum mail receipt") => {
                "      …/Spectrum mail receipt …".to_string()
            }
            _ if line.starts_with("Made on ") => "Made on …".to_string(),
            _ if line.starts_with("You stopped here on ") => "You stopped here on …".to_string(),
            _ => line.to_string(),
        };
        shown.lines().map(same).collect::<Vec<_>>().join("\n")
    }
}

fn number(program: MailProgram) -> usize {
    MailProgram::ALL
        .iter()
        .position(|one| *one == program)
        .unwrap()
        + 1
}

/// Start; the address; the program; step 1; step 2; step 3 without files, with the password.
fn up_to_copying(program: MailProgram) -> String {
    format!("\njane@charter.net\n{}\n\n\n\nsecret\n\n", number(program))
}

fn whole(program: MailProgram) -> String {
    let world = World::new();
    let talk = world.talk(&format!("{}\n\n\nd\n", up_to_copying(program)));
    assert_eq!(talk.exit, Exit::Done, "{}", talk.shown);
    assert_eq!(Progress::load(&world.state()).unwrap().next_step(), None);
    talk.shown
}

#[test]
fn the_conversation_about_outlook() {
    insta::assert_snapshot!(whole(MailProgram::Outlook));
}

#[test]
fn the_conversation_about_new_outlook() {
    insta::assert_snapshot!(whole(MailProgram::NewOutlook));
}

#[test]
fn the_conversation_about_thunderbird() {
    insta::assert_snapshot!(whole(MailProgram::Thunderbird));
}

#[test]
fn the_conversation_about_apple_mail() {
    insta::assert_snapshot!(whole(MailProgram::AppleMail));
}

#[test]
fn the_conversation_about_windows_live_mail() {
    insta::assert_snapshot!(whole(MailProgram::WindowsLiveMail));
}

#[test]
fn the_conversation_about_em_client() {
    insta::assert_snapshot!(whole(MailProgram::EmClient));
}

#[test]
fn the_conversation_about_another_program() {
    insta::assert_snapshot!(whole(MailProgram::Other));
}

/// The heads of the steps that were shown.
fn heads(shown: &str) -> Vec<u8> {
    shown
        .lines()
        .filter_map(|line| {
            line.strip_prefix("Step ")?
                .split_once(" of 6 ")?
                .0
                .parse()
                .ok()
        })
        .collect()
}

#[test]
fn it_can_be_left_at_every_question_and_taken_up_there() {
    let all = format!("{}\n\n\n\n", up_to_copying(MailProgram::Other));
    let answers: Vec<&str> = all.lines().collect();
    for stop in 1..answers.len() {
        let world = World::new();
        let first: String = answers[..stop]
            .iter()
            .map(|line| format!("{line}\n"))
            .collect();
        let left = world.talk(&first);
        assert_eq!(left.exit, Exit::Unfinished, "{}", left.shown);
        let before = Progress::load(&world.state());
        let step = before.as_ref().and_then(Progress::next_step);
        // The address and the program are not asked again, the password is; Enter to everything else.
        let asked = |shown: &str, what: &str| shown.contains(what);
        let again = match (&before, step) {
            (None, _) => all.clone(),
            (Some(known), _) if known.program.is_none() => "\n7\n\n\n\nsecret\n\n\n\n\n\n".into(),
            (_, Some(Step::Leave)) => "\n\n\n\nsecret\n\n\n\n\n\n".into(),
            (_, Some(Step::Stop)) => "\n\n\nsecret\n\n\n\n\n\n".into(),
            (_, Some(Step::Create)) => "\n\nsecret\n\n\n\n\n\n".into(),
            (Some(known), _) if known.sources.is_empty() => "\n\nsecret\n\n\n\n".into(),
            _ => "\nsecret\n\n\n\n\n".into(),
        };
        let talk = world.talk(&again);
        assert_eq!(talk.exit, Exit::Done, "left after {stop}:\n{}", talk.shown);
        if before.is_some() {
            assert!(asked(&talk.shown, "You stopped here"), "{}", talk.shown);
            let expected: Vec<u8> = Step::ORDER
                .iter()
                .filter(|one| step.is_none_or(|step| !one.before(step)))
                .map(|one| one.number())
                .collect();
            let mut seen = heads(&talk.shown);
            // Steps 4 and 6 have everything compared again first.
            seen.retain(|number| expected.contains(number));
            assert_eq!(seen, expected, "{}", talk.shown);
        }
        assert_eq!(world.practice.stats().messages, 3, "left after {stop}");
    }
}

#[test]
fn starting_over_sends_nothing_twice() {
    let world = World::new();
    let all = format!("{}\n\n\n\n", up_to_copying(MailProgram::Other));
    world.talk(&all);
    let again = world.talk(&format!("2\n{}\n\n\n", up_to_copying(MailProgram::Other)));
    assert_eq!(again.exit, Exit::Done, "{}", again.shown);
    assert!(again.shown.contains("Good news"), "{}", again.shown);
    assert_eq!(world.practice.stats().messages, 3);
}

/// What is only to be seen when steps 4 and 6 are open.
fn assert_shut(talk: &Talk) {
    assert!(talk.shown.contains("stay shut for now"), "{}", talk.shown);
    assert!(
        !heads(&talk.shown).iter().any(|step| [4, 6].contains(step)),
        "{}",
        talk.shown
    );
    assert_ne!(talk.exit, Exit::Done);
}

#[test]
fn steps_4_and_6_stay_shut_while_mail_can_not_be_read() {
    let world = World {
        platform: Platform::Windows,
        ..World::new()
    };
    let outlook = world.dir.path().join("home/Documents/Outlook Files");
    std::fs::create_dir_all(&outlook).unwrap();
    std::fs::write(outlook.join("old.pst"), b"!BDN rest").unwrap();
    let mail = world.dir.path().join("home/mail");
    let answers = format!(
        "{}{}\n\n\n\n",
        up_to_copying(MailProgram::Other),
        mail.display()
    );
    let talk = world.talk(&answers);
    assert!(talk.shown.contains("identical"), "{}", talk.shown);
    assert!(talk.shown.contains("cannot read: "), "{}", talk.shown);
    assert_shut(&talk);
}

/// Up to step 5 with all places, and Enter to what follows.
fn to_the_end() -> String {
    format!("{}\n\n\n\n", up_to_copying(MailProgram::Other))
}

#[test]
fn what_is_too_large_or_does_not_fit_is_kept_here_and_checked_before_step_4_opens() {
    let world = World::with(Limits {
        message: 20_000,
        mailbox: 60_000,
    });
    world.mail("Films", 0, 2_000);
    for number in 0..12 {
        world.mail("Letters", 100 + number, 500);
    }
    let talk = world.talk(&to_the_end());
    assert_eq!(talk.exit, Exit::Done, "{}", talk.shown);
    assert!(talk.shown.contains("Step 4 of 6"), "{}", talk.shown);
    let kept = world
        .dir
        .path()
        .join("home/Documents/Spectrum mail kept on this computer");
    let letters = |path: std::path::PathBuf| {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.matches("\nMessage-ID: ").count() as u64
    };
    let films = letters(kept.join("Films.mbox"));
    let rest = letters(kept.join("Letters.mbox"));
    assert_eq!(films, 1, "{}", talk.shown);
    assert!(rest > 0, "{}", talk.shown);
    assert_eq!(world.practice.stats().messages + films + rest, 16);
    insta::assert_snapshot!(talk.shown);
}

#[test]
fn steps_4_and_6_stay_shut_while_a_message_is_neither_there_nor_kept() {
    let world = World::with(Limits {
        message: 20_000,
        mailbox: 1 << 30,
    });
    world.mail("Films", 0, 2_000);
    // A file stands where the storage folder should be.
    let documents = world.dir.path().join("home/Documents");
    std::fs::create_dir_all(&documents).unwrap();
    std::fs::write(
        documents.join("Spectrum mail kept on this computer"),
        "mine",
    )
    .unwrap();
    let talk = world.talk(&to_the_end());
    assert_ne!(talk.exit, Exit::Done, "{}", talk.shown);
    assert!(
        !heads(&talk.shown).iter().any(|step| [4, 6].contains(step)),
        "{}",
        talk.shown
    );
    let again = world.talk("\nsecret\n\n\n\n");
    assert!(
        !heads(&again.shown).iter().any(|step| [4, 6].contains(step)),
        "{}",
        again.shown
    );
}

#[test]
fn mail_filed_here_and_in_the_servers_inbox_is_asked_about_once() {
    let world = World::new();
    let first = world.talk(&to_the_end());
    assert_eq!(first.exit, Exit::Done, "{}", first.shown);
    let mail = world.dir.path().join("home/mail");
    std::fs::rename(mail.join("Letters"), mail.join("Family")).unwrap();
    let talk = world.talk(&format!(
        "2\n{}\n2\n\n\n",
        up_to_copying(MailProgram::Other)
    ));
    assert_eq!(talk.exit, Exit::Done, "{}", talk.shown);
    assert!(
        talk.shown.contains("3 messages that you have filed"),
        "{}",
        talk.shown
    );
    assert_eq!(world.practice.stats().messages, 3, "{}", talk.shown);
}

#[test]
fn a_receipt_is_written_once() {
    let world = World::new();
    let talk = world.talk(&to_the_end());
    assert!(talk.shown.contains("Your receipt"), "{}", talk.shown);
    let documents = world.dir.path().join("home/Documents");
    let receipts = || std::fs::read_dir(&documents).unwrap().count();
    assert_eq!(receipts(), 2);
    world.talk("1\nsecret\n\n\n");
    assert_eq!(receipts(), 2);
}

#[test]
fn nothing_but_a_whole_and_clean_comparison_opens_steps_4_and_6() {
    let judged = |spoil: fn(&mut Report)| {
        let (exit, open, shown) = World::new().judged(spoil);
        assert_eq!(exit.is_none(), open, "{shown}");
        open
    };
    assert!(judged(|_| {}));
    assert!(!judged(|report| report.verified = None));
    assert!(!judged(|report| report
        .verified
        .as_mut()
        .unwrap()
        .missing = 1));
    assert!(!judged(|report| report
        .verified
        .as_mut()
        .unwrap()
        .altered = 1));
    assert!(!judged(|report| report
        .verified
        .as_mut()
        .unwrap()
        .surplus = 1));
    assert!(!judged(
        |report| report.verified.as_mut().unwrap().how = Depth::Headers
    ));
    assert!(!judged(
        |report| report.verified.as_mut().unwrap().sample = Some(99)
    ));
    assert!(!judged(|report| report.read_anew = false));
    assert!(!judged(|report| report
        .sources_changed
        .push("Inbox".into())));
    assert!(!judged(|report| {
        report.counts.copied -= 1;
        report.counts.refused += 1;
    }));
    assert!(!judged(|report| {
        report.counts.copied -= 1;
        report.counts.damaged += 1;
    }));
    assert!(!judged(|report| {
        report.counts.copied -= 1;
        report.counts.waiting += 1;
    }));
    assert!(!judged(|report| {
        report.counts.copied -= 1;
        report.counts.left_out += 1;
        report.reasons.insert(Reason::RemovedSince, 1);
    }));
    assert!(judged(|report| {
        report.counts.copied -= 1;
        report.counts.left_out += 1;
        report.reasons.insert(Reason::Deleted, 1);
    }));
    assert!(!judged(|report| report.counts = Counts::default()));
}

#[test]
fn mail_that_was_not_chosen_is_asked_about_and_the_answer_is_kept() {
    let world = World::new();
    let other = world.dir.path().join("elsewhere.mbox");
    let mail = world.dir.path().join("home/mail/Letters");
    std::fs::copy(mail, &other).unwrap();
    // Another file is typed, and then only that one is chosen.
    let places = format!("{}\n2\n", other.display());
    let talk = world.talk(&format!(
        "{}{places}n\n\n\n\n",
        up_to_copying(MailProgram::Other)
    ));
    assert!(talk.shown.contains("There is more mail"), "{}", talk.shown);
    assert_eq!(talk.exit, Exit::Done, "{}", talk.shown);
    assert_eq!(Progress::load(&world.state()).unwrap().unwanted.len(), 1);
    let again = world.talk(&format!(
        "2\n{}{places}n\n\n\n",
        up_to_copying(MailProgram::Other)
    ));
    assert_eq!(again.exit, Exit::Done, "{}", again.shown);
}

#[test]
fn a_place_that_is_not_there_is_not_passed_over() {
    let world = World::new();
    let stick = world.dir.path().join("stick.mbox");
    std::fs::copy(world.dir.path().join("home/mail/Letters"), &stick).unwrap();
    let answers = format!(
        "{}{}\n\nq\n",
        up_to_copying(MailProgram::Other),
        stick.display()
    );
    world.talk(&answers);
    assert_eq!(Progress::load(&world.state()).unwrap().sources.len(), 2);
    std::fs::rename(&stick, world.dir.path().join("unplugged")).unwrap();
    let talk = world.talk("\nn\n\n");
    assert!(talk.shown.contains("is not there now"), "{}", talk.shown);
    assert_eq!(talk.exit, Exit::Unfinished, "{}", talk.shown);
    assert!(!heads(&talk.shown).contains(&4), "{}", talk.shown);
}
