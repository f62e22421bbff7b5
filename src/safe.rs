//! Text from mail, files or servers, made safe to show: no control character of theirs ever reaches a terminal.

use std::fmt::{self, Write as _};

/// Longest text shown, in characters.
const CAP: usize = 200;

/// Shows a text on one line: control characters, escapes and characters that
/// turn the direction of writing become visible codes, and a very long text is cut.
pub struct Safe<'a>(pub &'a str);

impl fmt::Display for Safe<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = String::new();
        for (index, c) in self.0.chars().enumerate() {
            if index == CAP {
                shown.push('…');
                break;
            }
            match c {
                '\t' => shown.push(' '),
                '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}' => {
                    write!(shown, "\\u{{{:x}}}", c as u32)?;
                }
                _ if c.is_control() => write!(shown, "\\x{:02x}", c as u32)?,
                _ => shown.push(c),
            }
        }
        f.pad(&shown)
    }
}

/// The same as a string.
pub fn safe(text: &str) -> String {
    Safe(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escapes_become_visible() {
        assert_eq!(
            safe("\x1b]0;owned\x07 \u{202e}gpj.exe\r\nx"),
            "\\x1b]0;owned\\x07 \\u{202e}gpj.exe\\x0d\\x0ax"
        );
        assert_eq!(safe("Ärger über Wäsche"), "Ärger über Wäsche");
    }

    proptest! {
        #[test]
        fn nothing_shown_can_move_the_cursor(text in any::<String>()) {
            let moves = safe(&text).chars().any(|c| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c));
            prop_assert!(!moves);
        }
    }
}
