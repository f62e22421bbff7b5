//! Reads the arguments of commands: only as much of the grammar as clients of these tests use.

/// A look into a command line.
pub struct Words<'a>(pub &'a str);

impl<'a> Words<'a> {
    /// The next word, quoted string or parenthesis, and skips the space after it.
    pub fn next(&mut self) -> Option<String> {
        let rest = self.0.trim_start_matches(' ');
        let (word, rest) = match rest.chars().next()? {
            '"' => quoted(rest)?,
            '(' => {
                let end = rest.find(')')?;
                (rest[..=end].to_string(), &rest[end + 1..])
            }
            _ => {
                let end = rest.find(' ').unwrap_or(rest.len());
                (rest[..end].to_string(), &rest[end..])
            }
        };
        self.0 = rest;
        Some(word)
    }

    pub fn starts_with(&self, what: char) -> bool {
        self.0.trim_start_matches(' ').starts_with(what)
    }

    /// Everything that is left.
    pub fn rest(&self) -> &'a str {
        self.0.trim_start_matches(' ')
    }
}

fn quoted(text: &str) -> Option<(String, &str)> {
    let mut out = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((out, &text[at + 1..])),
            '\\' => out.push(chars.next()?.1),
            c => out.push(c),
        }
    }
    None
}

/// `(\Seen $label1)`
pub fn list(text: &str) -> Vec<String> {
    let inner = text.trim_start_matches('(').trim_end_matches(')');
    inner
        .split(' ')
        .filter(|word| !word.is_empty())
        .map(str::to_string)
        .collect()
}

/// What a literal announces: its size, and whether it waits for a `+`.
pub fn literal(text: &str) -> Option<(u64, bool)> {
    let inner = text.strip_prefix('{')?.strip_suffix('}')?;
    match inner.strip_suffix('+') {
        Some(digits) => Some((digits.parse().ok()?, false)),
        None => Some((inner.parse().ok()?, true)),
    }
}

/// `3:5,9,12:*`: pairs of first and last.
pub fn uid_set(text: &str, last: u32) -> Option<Vec<(u32, u32)>> {
    let number = |word: &str| {
        if word == "*" {
            Some(last)
        } else {
            word.parse().ok()
        }
    };
    let range = |part: &str| {
        let (from, to) = part.split_once(':').unwrap_or((part, part));
        let (from, to) = (number(from)?, number(to)?);
        Some((from.min(to), from.max(to)))
    };
    text.split(',').map(range).collect()
}

/// The string as a quoted one.
pub fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
}
