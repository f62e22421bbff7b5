//! Changes single preferences in the text of a `prefs.js`, and not a byte more.

use crate::source::thunderbird::prefs::call;

/// A preference to set; `None`: it shall not stand in the file.
pub(super) type Wish = (String, Option<String>);

/// A line before and after, without its line end; `None`: there was or will be none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineChange {
    /// As it is.
    pub before: Option<String>,
    /// As it will be.
    pub after: Option<String>,
}

/// The text with the wishes carried out, and the lines that differ. `Err`: the file is not
/// as the program writes it, and can't be changed with certainty; why.
pub(super) fn edit(bytes: &[u8], wishes: &[Wish]) -> Result<(Vec<u8>, Vec<LineChange>), String> {
    let mut lines = split(bytes)?;
    let mut changes = Vec::new();
    for (name, value) in wishes {
        one(&mut lines, name, value.as_deref(), &mut changes)?;
    }
    Ok((lines.concat(), changes))
}

/// The lines that set a preference, as they stand in the file; the last one counts.
pub(super) fn value(bytes: &[u8], name: &str) -> Result<Option<String>, String> {
    let lines = split(bytes)?;
    let found = lines.iter().rev().find_map(|line| {
        let (own, value) = call(&String::from_utf8_lossy(line))?;
        (own == name).then_some(value)
    });
    Ok(found)
}

fn split(bytes: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let mut comment = false;
    let lines: Vec<Vec<u8>> = (bytes.split_inclusive(|byte| *byte == b'\n'))
        .map(<[u8]>::to_vec)
        .collect();
    for line in &lines {
        let text = String::from_utf8_lossy(line);
        let text = text.trim();
        if comment || text.starts_with("/*") {
            comment = !text.contains("*/");
        } else if !text.is_empty() && !text.starts_with("//") && !text.starts_with('#') {
            if call(text).is_none() || !is_one_call(text) {
                return Err(format!("a line that is no setting: {text}"));
            }
            continue;
        }
        // What is switched off by a comment is no setting, though it may look like one.
        if comment && call(text).is_some() {
            return Err("settings inside a comment".into());
        }
    }
    Ok(lines)
}

/// Whether a line is one call, as the program writes it, and nothing more. Anything else was
/// written by hand, and may have a second call behind the first.
fn is_one_call(line: &str) -> bool {
    let after = |text| {
        let value = after_string(text)?.strip_prefix(", ")?;
        match value.strip_prefix('"') {
            Some(text) => after_string(text),
            None => Some(value.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '-')),
        }
    };
    line.strip_prefix("user_pref(\"").and_then(after) == Some(");")
}

/// What follows the string that begins here, its first quote already taken.
fn after_string(text: &str) -> Option<&str> {
    let mut escaped = false;
    let end = text.find(|c| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    })?;
    text.get(end + 1..)
}

fn one(
    lines: &mut Vec<Vec<u8>>,
    name: &str,
    value: Option<&str>,
    changes: &mut Vec<LineChange>,
) -> Result<(), String> {
    let wanted = value.map(|value| format!("user_pref(\"{name}\", {value});"));
    let mut found = false;
    let mut kept = Vec::with_capacity(lines.len() + 1);
    for line in lines.drain(..) {
        let text = String::from_utf8_lossy(&line).into_owned();
        if call(&text).is_none_or(|(own, _)| own != name) {
            kept.push(line);
            continue;
        }
        found = true;
        let (before, end) = body(&text);
        let plain = ["true", "false"].map(|value| format!("user_pref(\"{name}\", {value});"));
        if !plain.iter().any(|plain| plain == before) {
            return Err(format!(
                "a setting that is not as the program writes it: {before}"
            ));
        }
        if wanted.as_deref() == Some(before) {
            kept.push(line);
            continue;
        }
        changes.push(LineChange {
            before: Some(before.into()),
            after: wanted.clone(),
        });
        if let Some(wanted) = &wanted {
            kept.push(format!("{wanted}{end}").into_bytes());
        }
    }
    *lines = kept;
    if let Some(wanted) = wanted.filter(|_| !found) {
        insert(lines, &wanted);
        changes.push(LineChange {
            before: None,
            after: Some(wanted),
        });
    }
    Ok(())
}

/// A line without its end, and the end.
fn body(line: &str) -> (&str, &str) {
    let body = line.trim_end_matches(['\r', '\n']);
    (body, line.get(body.len()..).unwrap_or_default())
}

/// Puts a line where Mozilla's own order has it: lines are sorted by their bytes
/// (`Preferences::SavePrefFile`).
fn insert(lines: &mut Vec<Vec<u8>>, wanted: &str) {
    let is_call = |line: &[u8]| line.starts_with(b"user_pref(");
    let later =
        (lines.iter()).position(|line| is_call(line) && line.as_slice() > wanted.as_bytes());
    let last = || {
        lines
            .iter()
            .rposition(|line| is_call(line))
            .map(|at| at + 1)
    };
    let at = later.or_else(last).unwrap_or(lines.len());
    let windows = (lines.iter()).any(|line| line.ends_with(b"\r\n"));
    let end = if windows { "\r\n" } else { "\n" };
    // Only the file's last line may lack an end: it gets one, and the new line has none.
    let open = at.checked_sub(1).and_then(|before| lines.get_mut(before));
    let open = open.filter(|line| !line.ends_with(b"\n"));
    let mut new = wanted.as_bytes().to_vec();
    match open {
        Some(line) => line.extend_from_slice(end.as_bytes()),
        None => new.extend_from_slice(end.as_bytes()),
    }
    lines.insert(at, new);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wish(name: &str, value: Option<&str>) -> Wish {
        (name.into(), value.map(str::to_string))
    }

    fn edited(text: &str, wishes: &[Wish]) -> String {
        String::from_utf8(edit(text.as_bytes(), wishes).unwrap().0).unwrap()
    }

    #[test]
    fn a_line_is_changed_where_it_is_and_a_new_one_goes_where_the_order_has_it() {
        for end in ["\n", "\r\n"] {
            let lines = |lines: &[&str]| lines.join(end);
            let before = lines(&[
                "// Mozilla User Preferences",
                "",
                r#"user_pref("a", "say \"hi\" );\\");"#,
                r#"user_pref("m.b", false);"#,
                r#"user_pref("m.z", 1);"#,
                "",
            ]);
            let after = lines(&[
                "// Mozilla User Preferences",
                "",
                r#"user_pref("a", "say \"hi\" );\\");"#,
                r#"user_pref("m.b", true);"#,
                r#"user_pref("m.c", false);"#,
                r#"user_pref("m.z", 1);"#,
                r#"user_pref("n", true);"#,
                "",
            ]);
            let there = [
                wish("m.b", Some("true")),
                wish("m.c", Some("false")),
                wish("n", Some("true")),
            ];
            assert_eq!(edited(&before, &there), after);
            let back = [
                wish("m.b", Some("false")),
                wish("m.c", None),
                wish("n", None),
            ];
            assert_eq!(edited(&after, &back), before);
        }
    }

    #[test]
    fn a_last_line_without_an_end_stays_readable() {
        let after = edited("user_pref(\"a\", 1);", &[wish("b", Some("true"))]);
        assert_eq!(after, "user_pref(\"a\", 1);\nuser_pref(\"b\", true);");
    }

    #[test]
    fn bytes_that_are_no_text_stay() {
        let text = b"user_pref(\"a\", \"\xff\xfe\");\nuser_pref(\"b\", false);\n";
        let (after, _) = edit(text, &[wish("b", Some("true"))]).unwrap();
        assert_eq!(
            after,
            b"user_pref(\"a\", \"\xff\xfe\");\nuser_pref(\"b\", true);\n"
        );
    }

    #[test]
    fn a_setting_that_stands_twice_is_changed_twice() {
        let text = "user_pref(\"b\", false);\nuser_pref(\"b\", false);\n";
        let after = edited(text, &[wish("b", Some("true"))]);
        assert_eq!(after, text.replace("false", "true"));
    }

    #[test]
    fn what_was_written_by_hand_is_left_alone() {
        for text in [
            "user_pref('b', false);\n",
            "user_pref(\"b\", false); user_pref(\"c\", 1);\n",
            "user_pref(\"a\", \"\"); user_pref(\"b\", false);\n",
            "/* off:\nuser_pref(\"b\", false);\n*/\n",
            "user_pref(\"b\", 7);\n",
            "if (x) {\n",
            "user_pref(\"b\",\n  false);\n",
        ] {
            let done = edit(text.as_bytes(), &[wish("b", Some("true"))]);
            assert!(done.is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_other_line_stays_and_the_way_back_leads_home(
            texts in proptest::collection::vec(any::<String>(), 0..6),
            switches in proptest::collection::vec((0..12u8, any::<bool>()), 0..8),
            wanted in proptest::collection::vec((0..12u8, any::<bool>()), 1..6),
            windows in any::<bool>(),
        ) {
            let end = if windows { "\r\n" } else { "\n" };
            let strings = texts.iter().enumerate().map(|(at, text)| {
                let text = text.replace('\\', "\\\\").replace('"', "\\\"");
                format!("user_pref(\"k{at}\", \"{}\");", text.replace('\n', "\\n").replace('\r', "\\r"))
            });
            let switches: std::collections::BTreeMap<_, _> = switches.into_iter().collect();
            let switches = switches.iter().map(|(at, on)| format!("user_pref(\"m{at}\", {on});"));
            let mut lines: Vec<String> = strings.chain(switches).collect();
            lines.sort();
            let before = lines.iter().fold(format!("// x{end}"), |text, line| text + line + end);

            let wanted: std::collections::BTreeMap<_, _> = wanted.into_iter().collect();
            let there: Vec<Wish> = wanted.iter().map(|(at, on)| (format!("m{at}"), Some(on.to_string()))).collect();
            let back: Vec<Wish> = there.iter()
                .map(|(name, _)| (name.clone(), value(before.as_bytes(), name).unwrap()))
                .collect();
            let (after, changes) = edit(before.as_bytes(), &there).unwrap();
            for (name, wish) in &there {
                prop_assert_eq!(&value(&after, name).unwrap(), wish);
            }
            let (home, ways) = edit(&after, &back).unwrap();
            prop_assert_eq!(String::from_utf8(home).unwrap(), before);
            prop_assert_eq!(ways.len(), changes.len());
        }
    }
}
