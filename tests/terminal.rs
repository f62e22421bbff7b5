//! Ctrl-C at every kind of question and in the middle of the work: the right words, the right code, and a terminal
//! that is left as it was found.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod support;

use serde_json::{Value, json};

const CTRL_C: &str = "\x03";
const SIGTERM: u8 = 15;

fn on_a_terminal(steps: &Value, args: &[&str]) -> Option<Value> {
    support::terminal::run(steps, args, &[])
}

fn mail(number: usize) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    let message = |n: usize| {
        let body = "All is well here.\n".repeat(500);
        format!(
            "From jane Mon Jan  5 10:00:00 2009\nMessage-ID: <{n}@x>\nSubject: Letter {n}\n\n{body}\n"
        )
    };
    std::fs::write(file.path(), (0..number).map(message).collect::<String>()).unwrap();
    file
}

fn says(seen: &Value, words: &str) -> bool {
    seen["shown"].as_str().unwrap().contains(words)
}

#[test]
fn at_a_password_ctrl_c_leaves_and_the_echo_comes_back() {
    let mail = mail(1);
    let path = mail.path().to_str().unwrap();
    let args = ["plan", "--email", "jane@charter.net", "--source", path];
    let Some(seen) = on_a_terminal(&json!([["as you type", CTRL_C, 0.3]]), &args) else {
        return;
    };
    assert_eq!(seen["status"], 130, "{seen}");
    assert!(says(&seen, "Stopped. Nothing was changed."), "{seen}");
}

#[test]
fn at_a_question_ctrl_c_and_sigterm_leave_with_codes_of_their_own() {
    let mail = mail(3);
    let args = ["rehearse", "--source", mail.path().to_str().unwrap()];
    for (stop, code) in [(json!(CTRL_C), 130), (json!(SIGTERM), 143)] {
        let Some(seen) = on_a_terminal(&json!([["Copy now?", stop, 0.3]]), &args) else {
            return;
        };
        assert_eq!(seen["status"], code, "{seen}");
        assert!(says(&seen, "Stopped. Nothing was changed."), "{seen}");
    }
}

#[test]
fn enter_copies_and_the_bar_leaves_nothing_behind() {
    let mail = mail(3);
    let args = ["rehearse", "--source", mail.path().to_str().unwrap()];
    let Some(seen) = on_a_terminal(&json!([["Copy now?", "\n", 0]]), &args) else {
        return;
    };
    assert_eq!(seen["status"], 0, "{seen}");
    assert!(says(&seen, "Every message is there: 3 of 3"), "{seen}");
}

#[test]
fn in_the_middle_of_a_copy_ctrl_c_lets_it_end_well() {
    let mail = mail(8_000);
    let args = ["rehearse", "--source", mail.path().to_str().unwrap()];
    let steps = json!([["Copy now?", "\n", 0], ["Copying", CTRL_C, 0]]);
    let Some(seen) = on_a_terminal(&steps, &args) else {
        return;
    };
    assert_eq!(seen["status"], 130, "{seen}");
    assert!(says(&seen, "what is on its way may still arrive"), "{seen}");
    assert!(says(&seen, "not tried yet"), "{seen}");
}
