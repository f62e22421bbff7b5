//! Reads `prefs.js`: settings as calls of `user_pref("name", value);`, one a line.

use std::collections::HashMap;

/// The settings that tell about mail. What is at its default stands in no file.
#[derive(Debug, Default)]
pub(crate) struct Prefs(HashMap<String, String>);

impl Prefs {
    /// Reads all calls that are well formed, and passes over everything else.
    /// The last call of a name counts, as in Mozilla's own parser.
    pub fn parse(bytes: &[u8]) -> Prefs {
        let text = String::from_utf8_lossy(bytes);
        let mut prefs = HashMap::new();
        for line in text.lines() {
            if let Some((name, value)) = call(line)
                && name.starts_with("mail")
            {
                prefs.insert(name, value);
            }
        }
        Prefs(prefs)
    }

    /// A setting, as text whatever its type; empty ones count as absent.
    pub fn get(&self, name: &str) -> Option<&str> {
        let value = self.0.get(name).map(String::as_str);
        value.filter(|value| !value.is_empty())
    }

    /// A setting of a server, an account or an identity.
    pub fn of(&self, kind: &str, key: &str, field: &str) -> Option<&str> {
        self.get(&format!("mail.{kind}.{key}.{field}"))
    }

    /// The keys of all servers, accounts or identities that have a setting, sorted.
    pub fn keys(&self, kind: &str) -> Vec<&str> {
        let start = format!("mail.{kind}.");
        let mut keys: Vec<&str> = (self.0.keys())
            .filter_map(|name| Some(name.strip_prefix(&start)?.split_once('.')?.0))
            .filter(|key| *key != "default")
            .collect();
        // `server2` comes before `server10`.
        keys.sort_by_key(|key| (key.len(), *key));
        keys.dedup();
        keys
    }

    /// Every setting that was kept.
    #[cfg(fuzzing)]
    pub fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        (self.0.iter()).map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The names that people gave to tags, by the tags' keys.
    pub fn tags(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter_map(|(name, value)| {
            let key = name.strip_prefix("mailnews.tags.")?.strip_suffix(".tag")?;
            Some((key, value.as_str()))
        })
    }
}

/// The name and the value of `user_pref("name", value);`.
pub(crate) fn call(line: &str) -> Option<(String, String)> {
    let (function, rest) = line.split_once('(')?;
    // Administrators' files have the others.
    let known = ["user_pref", "pref", "lockPref", "sticky_pref"];
    if !known.contains(&function.trim()) {
        return None;
    }
    let (name, rest) = string(rest.trim_start())?;
    let value = rest.trim_start().strip_prefix(',')?.trim_start();
    match string(value) {
        Some((value, rest)) => rest.trim_start().starts_with(')').then_some((name, value)),
        None => {
            let (value, _) = value.split_once(')')?;
            let value = value.trim();
            let plain = value == "true" || value == "false" || value.parse::<i64>().is_ok();
            plain.then(|| (name, value.to_string()))
        }
    }
}

/// A JavaScript string in either quotes, and what follows it.
fn string(text: &str) -> Option<(String, &str)> {
    let quote = text.chars().next().filter(|c| *c == '"' || *c == '\'')?;
    let mut units: Vec<u16> = Vec::new();
    let mut rest = text.get(1..)?;
    loop {
        let c = rest.chars().next()?;
        rest = rest.get(c.len_utf8()..)?;
        if c == quote {
            return Some((String::from_utf16_lossy(&units), rest));
        }
        if c == '\\' {
            let (unit, after) = escape(rest)?;
            units.push(unit);
            rest = after;
        } else {
            units.extend_from_slice(c.encode_utf16(&mut [0; 2]));
        }
    }
}

/// What an escape stands for, backslash already taken, and what follows it.
fn escape(text: &str) -> Option<(u16, &str)> {
    let hex = |digits: usize| {
        let unit = u16::from_str_radix(text.get(1..=digits)?, 16).ok()?;
        Some((unit, text.get(1 + digits..)?))
    };
    match text.as_bytes().first()? {
        b'x' => hex(2),
        b'u' => hex(4),
        b'n' => Some((u16::from(b'\n'), text.get(1..)?)),
        b'r' => Some((u16::from(b'\r'), text.get(1..)?)),
        plain @ (b'"' | b'\'' | b'\\') => Some((u16::from(*plain), text.get(1..)?)),
        // Paths typed by hand have lone backslashes: `C:\Mail`.
        _ => Some((u16::from(b'\\'), text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn settings_are_read_and_everything_else_is_passed_over() {
        let file = r#"// Mozilla User Preferences
/* mail.comment */
user_pref("mail.server.server1.name", "a \"b\" \\ \u00e4\ud83d\ude00\x41");
  user_pref( 'mail.server.server1.port' , 110 ) ;
user_pref("mail.server.server10.type", "pop3");
user_pref("mail.server.server2.type", "imap");
user_pref("mail.server.default.type", "none");
user_pref("mail.cut, "no");
user_pref("mail.open", "no
user_pref("mail.code", alert(1));
user_pref("mail.twice", true);
user_pref("mail.twice", false);
user_pref("mail.empty", "");
user_pref("mail.path", "C:\Mail\post");
user_pref("browser.secret", "x");
user_pref("mailnews.tags.kunde=20m=c3=bcller.tag", "Kunde Müller");"#;
        let prefs = Prefs::parse(file.as_bytes());
        assert_eq!(
            prefs.of("server", "server1", "name"),
            Some("a \"b\" \\ ä😀A")
        );
        assert_eq!(prefs.of("server", "server1", "port"), Some("110"));
        assert_eq!(prefs.keys("server"), ["server1", "server2", "server10"]);
        assert_eq!(prefs.get("mail.twice"), Some("false"));
        assert_eq!(prefs.get("mail.path"), Some("C:\\Mail\\post"));
        for absent in [
            "mail.cut",
            "mail.open",
            "mail.code",
            "mail.empty",
            "browser.secret",
        ] {
            assert_eq!(prefs.get(absent), None, "{absent}");
        }
        let tags: Vec<_> = prefs.tags().collect();
        assert_eq!(tags, [("kunde=20m=c3=bcller", "Kunde Müller")]);
    }

    /// Writes a value as Mozilla's `StrEscape` does.
    fn written(value: &str) -> String {
        value
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n")
            .replace('\r', "\\r")
    }

    proptest! {
        #[test]
        fn every_value_comes_back(value in ".{1,20}") {
            let line = format!("user_pref(\"mail.x\", \"{}\");\n", written(&value));
            let prefs = Prefs::parse(line.as_bytes());
            prop_assert_eq!(prefs.get("mail.x"), Some(value.as_str()));
        }

        #[test]
        fn any_bytes_end(bytes in proptest::collection::vec(prop_oneof![Just(b'\\'), Just(b'"'), Just(b'u'), any::<u8>()], 0..200)) {
            let line = [b"user_pref(\"mail.".as_slice(), &bytes].concat();
            let prefs = Prefs::parse(&line);
            prop_assert!(prefs.tags().count() == 0);
        }
    }
}
