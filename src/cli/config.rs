//! The configuration file: flags that need not be typed each time. What is typed counts more than the environment, and
//! that more than the file. A password has no place in it.

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{ArgAction, CommandFactory};
use toml::{Table, Value};

use super::args::Cli;
use super::failure::Failure;

/// Flags that make no sense in a file, or no good.
const NOT_HERE: [&str; 4] = ["config", "help", "version", "password-stdin"];

/// The arguments, with those of the configuration file before them.
///
/// # Errors
/// A file that can't be read, or holds what it must not.
pub fn with_file(args: Vec<OsString>) -> Result<Vec<OsString>, Failure> {
    let Some(path) = named(&args).or_else(usual) else {
        return Ok(args);
    };
    let wrong = |what: String| {
        Failure::Mistyped {
        what: format!("the configuration file {}: {what}", path.display()),
        tries: vec![
            "The file has one setting a line, named like the flags without their dashes: email = \"jane@charter.net\""
                .into(),
        ],
    }
    };
    let text = std::fs::read_to_string(&path).map_err(|error| wrong(error.to_string()))?;
    let table: Table = text
        .parse()
        .map_err(|error: toml::de::Error| wrong(error.message().into()))?;
    let added = arguments(&table, &typed(&args), &path).map_err(wrong)?;
    let mut all = args;
    let at = all.len().min(1);
    all.splice(at..at, added);
    Ok(all)
}

/// The file that `--config` names.
fn named(args: &[OsString]) -> Option<PathBuf> {
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if arg == "--config" {
            return args.next().map(PathBuf::from);
        }
        if let Some(path) = arg.to_str().and_then(|arg| arg.strip_prefix("--config=")) {
            return Some(path.into());
        }
    }
    None
}

/// The file in the person's own configuration directory, if there is one.
fn usual() -> Option<PathBuf> {
    let dirs = directories::ProjectDirs::from("", "", "spectrum-migrate")?;
    let path = dirs.config_dir().join("config.toml");
    path.is_file().then_some(path)
}

/// The long names of the flags that were typed.
fn typed(args: &[OsString]) -> HashSet<String> {
    let name = |arg: &OsString| {
        let name = arg.to_str()?.strip_prefix("--")?;
        Some(name.split('=').next().unwrap_or(name).to_string())
    };
    args.iter().filter_map(name).collect()
}

/// The settings as flags, without those that were typed or that the environment has.
fn arguments(table: &Table, typed: &HashSet<String>, path: &Path) -> Result<Vec<OsString>, String> {
    let command = Cli::command();
    let mut added = Vec::new();
    for (key, value) in table {
        if key.contains("password") && key != "password-file" {
            return Err(
                "it holds a password, and such a file is no safe place for one. Take the password out of it; a file \
                 that only you can read can be named with password-file"
                    .into(),
            );
        }
        let known = command
            .get_arguments()
            .find(|arg| arg.get_long() == Some(key) && !NOT_HERE.contains(&key.as_str()));
        let Some(arg) = known else {
            return Err(format!("there is no setting called {key}"));
        };
        let in_the_environment = arg
            .get_env()
            .is_some_and(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
        if typed.contains(key) || in_the_environment {
            continue;
        }
        let switch = !matches!(arg.get_action(), ArgAction::Set | ArgAction::Append);
        let is_path = [
            "source",
            "ca-file",
            "password-file",
            "state-dir",
            "storage-folder",
        ]
        .contains(&key.as_str());
        let mut add = |value: &Value| -> Result<(), String> {
            match value {
                Value::Boolean(true) if switch => added.push(format!("--{key}").into()),
                Value::Boolean(false) if switch => {}
                Value::String(text) if !switch && is_path => {
                    // Relative to the file, wherever the program is started.
                    let place = path.parent().unwrap_or(Path::new("")).join(text);
                    added.push(format!("--{key}").into());
                    added.push(place.into());
                }
                Value::String(text) if !switch => added.push(format!("--{key}={text}").into()),
                Value::Integer(number) if !switch => added.push(format!("--{key}={number}").into()),
                Value::Datetime(day) if !switch => added.push(format!("--{key}={day}").into()),
                _ if switch => return Err(format!("{key} is true or false")),
                _ => return Err(format!("{key} is a text in quotes")),
            }
            Ok(())
        };
        match value {
            Value::Array(values) if matches!(arg.get_action(), ArgAction::Append) => {
                values.iter().try_for_each(&mut add)?;
            }
            value => add(value)?,
        }
    }
    Ok(added)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    fn parsed(file: &str, args: &[&str]) -> Result<Cli, Failure> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        std::fs::write(&path, file).unwrap();
        let mut all = vec!["spectrum-migrate".into(), "--config".into(), path.into()];
        all.extend(args.iter().map(OsString::from));
        Ok(Cli::try_parse_from(with_file(all)?).unwrap())
    }

    #[test]
    fn settings_of_the_file_stand_in_for_flags() {
        let file = "email = \"jane@charter.net\"\nsource = [\"Mail\", \"/old\"]\nsince = 2009-05-17\nonce = true\n\
                    keep-duplicates = false\nmax-rate = \"500K\"\nserver = \"localhost:1993\"\n";
        let flags = parsed(file, &["plan"]).unwrap().flags;
        assert_eq!(flags.email.as_deref(), Some("jane@charter.net"));
        assert!(flags.source[0].is_absolute() && flags.source[0].ends_with("Mail"));
        assert_eq!(flags.source.len(), 2);
        assert!(flags.once && !flags.keep_duplicates);
        assert_eq!(flags.max_rate, Some(500_000));
        assert_eq!(flags.since, Some(jiff::civil::date(2009, 5, 17)));
    }

    #[test]
    fn what_is_typed_counts_more_than_the_file() {
        let file = "email = \"jane@charter.net\"\nsource = [\"Mail\"]\n";
        let flags = parsed(file, &["--email=joe@charter.net", "--source", "Other"])
            .unwrap()
            .flags;
        assert_eq!(flags.email.as_deref(), Some("joe@charter.net"));
        assert_eq!(flags.source, [PathBuf::from("Other")]);
    }

    #[test]
    fn a_password_is_refused_and_so_is_what_is_unknown() {
        for (file, words) in [
            ("password = \"hunter2\"", "no safe place"),
            ("Password = \"hunter2\"", "no setting called Password"),
            ("password-stdin = true", "no safe place"),
            ("emial = \"x\"", "no setting called emial"),
            ("config = \"x\"", "no setting called config"),
            ("once = \"yes\"", "true or false"),
            ("email = true", "text in quotes"),
            ("email = ", "configuration file"),
        ] {
            let failure = parsed(file, &[]).unwrap_err();
            assert_eq!(failure.exit(), crate::cli::exit::Exit::Usage);
            let screen = crate::cli::words::screen(&failure);
            let flat = screen.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(flat.contains(words), "{flat}");
            assert!(!flat.contains("hunter2"), "{flat}");
        }
        let dir = tempfile::tempdir().unwrap();
        let args = vec![
            "x".into(),
            "--config".into(),
            dir.path().join("none").into(),
        ];
        assert!(with_file(args).is_err());
    }
}
