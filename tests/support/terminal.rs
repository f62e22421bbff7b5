//! The program on a pseudo-terminal, which python3 makes.

use std::process::Command;

use serde_json::Value;

use super::python_is_here;

/// What was seen; `None`, said aloud, where there is no Python. Every step was reached, and the terminal is as it was.
pub fn run(steps: &Value, args: &[&str], environment: &[(&str, &str)]) -> Option<Value> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/terminal.py");
    if !python_is_here() {
        return None;
    }
    let mut python = Command::new("python3");
    python
        .arg(script)
        .arg(steps.to_string())
        .arg(env!("CARGO_BIN_EXE_spectrum-migrate"))
        .args(args);
    for name in ["EMAIL", "PASSWORD", "PASSWORD_FILE", "PLAIN"] {
        python.env_remove(format!("SPECTRUM_MIGRATE_{name}"));
    }
    let output = python
        .env_remove("CI")
        .env("TERM", "xterm")
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let seen = String::from_utf8_lossy(&output.stdout).into_owned();
    let seen: Value = serde_json::from_str(&seen).unwrap_or_else(|_| panic!("{seen}{output:?}"));
    assert_eq!(seen["steps_left"], 0, "{}", seen["shown"]);
    assert_eq!(seen["as_before"], true, "{}", seen["shown"]);
    Some(seen)
}
