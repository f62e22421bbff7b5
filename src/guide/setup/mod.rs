//! Ready-made set-up files for step 3, from the settings of an address. None has a password in it.

mod apple;
mod thunderbird;

pub use apple::apple_profile;
pub use thunderbird::thunderbird_autoconfig;

/// A text as it may stand between tags or in quotes. XML has no way to write control
/// characters, so they are replaced.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod testing {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    /// Reads a document with Python's own readers. `None` where there is no Python, but never in CI.
    pub fn python(script: &str, document: &str) -> Option<String> {
        let child = Command::new("python3")
            .args(["-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut child = match child {
            Ok(child) => child,
            Err(error) => {
                assert!(
                    std::env::var("CI").as_deref() != Ok("true"),
                    "python3: {error}"
                );
                eprintln!("skipped: python3 can't be started ({error})");
                return None;
            }
        };
        let mut input = child.stdin.take().unwrap();
        input.write_all(document.as_bytes()).unwrap();
        drop(input);
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "python3 can't read:\n{document}");
        Some(String::from_utf8(output.stdout).unwrap().replace('\r', ""))
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn nothing_that_means_something_in_xml_gets_through() {
        assert_eq!(
            super::escaped("a<b>&\"'\u{0}\n"),
            "a&lt;b&gt;&amp;&quot;&apos;\u{fffd}\u{fffd}"
        );
    }
}
