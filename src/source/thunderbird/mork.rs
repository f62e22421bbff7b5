//! Finds the name of a folder in its `.msf` file, a database in Mozilla's Mork format.
//!
//! Only as much of Mork is read as that takes: dictionaries (`<(8A=value)>`), which
//! give numbers to names and values, and cells (`(^A7^8A)`, `(^A7=value)`), which use
//! them. The file may be of any size: it is read twice and never held.

use std::collections::HashSet;
use std::io::{self, BufRead};

/// No more than this of one name or value is kept.
const LONGEST: usize = 2000;

/// The columns with a folder's name, the better one last. `folderName` is there
/// where the name on the disk had to be another.
const COLUMNS: [&[u8]; 2] = [b"mailboxName", b"folderName"];

/// The name that the file gives to its folder. `open` yields the file from its beginning, each time.
///
/// # Errors
/// The file can't be opened or read.
pub(crate) fn folder_name<R: BufRead>(
    open: impl Fn() -> io::Result<R>,
) -> io::Result<Option<String>> {
    let mut columns: [HashSet<u64>; 2] = Default::default();
    let mut found: [Option<Value>; 2] = [None, None];
    each_token(open()?, |token| match token {
        Token::Alias {
            of_columns: true,
            number,
            text,
        } => {
            for (known, name) in columns.iter_mut().zip(COLUMNS) {
                // A number may be given to another name later on.
                if text == name {
                    known.insert(number);
                } else {
                    known.remove(&number);
                }
            }
        }
        Token::Alias { .. } => {}
        Token::Cell { column, value } => {
            for (known, found) in columns.iter().zip(&mut found) {
                if known.contains(&column) {
                    *found = Some(value.clone());
                }
            }
        }
    })?;
    let [mailbox, folder] = found;
    match folder.or(mailbox) {
        None => Ok(None),
        Some(Value::Literal(text)) => Ok(readable(text)),
        Some(Value::Number(wanted)) => {
            let mut last = None;
            each_token(open()?, |token| match token {
                Token::Alias {
                    of_columns: false,
                    number,
                    text,
                } if number == wanted => last = Some(text),
                _ => {}
            })?;
            Ok(last.and_then(readable))
        }
    }
}

fn readable(bytes: Vec<u8>) -> Option<String> {
    String::from_utf8(bytes)
        .ok()
        .filter(|name| !name.is_empty())
}

/// What a cell holds.
#[derive(Clone)]
enum Value {
    Literal(Vec<u8>),
    Number(u64),
}

enum Token {
    /// `(number=text)` in a dictionary.
    Alias {
        of_columns: bool,
        number: u64,
        text: Vec<u8>,
    },
    /// `(^column=text)` or `(^column^number)` in a row.
    Cell { column: u64, value: Value },
}

fn each_token(mut input: impl BufRead, mut take: impl FnMut(Token)) -> io::Result<()> {
    // Within a dictionary, `<(a=c)>` says that it gives numbers to columns.
    let (mut depth, mut of_columns) = (0u32, false);
    let mut before = 0;
    while let Some(byte) = next(&mut input)? {
        match byte {
            b'/' if before == b'/' => skip_line(&mut input)?,
            b'<' => depth += 1,
            b'>' => depth = depth.saturating_sub(1),
            b'(' => {
                let text = parenthesis(&mut input)?;
                match depth {
                    0 => cell(&text).into_iter().for_each(&mut take),
                    1 => alias(&text, of_columns).into_iter().for_each(&mut take),
                    _ => of_columns = text == b"a=c",
                }
            }
            _ => {}
        }
        of_columns &= depth > 0;
        before = byte;
    }
    Ok(())
}

fn alias(text: &[u8], of_columns: bool) -> Option<Token> {
    let at = memchr::memchr(b'=', text)?;
    Some(Token::Alias {
        of_columns,
        number: hexadecimal(text.get(..at)?)?,
        text: text.get(at + 1..)?.to_vec(),
    })
}

fn cell(text: &[u8]) -> Option<Token> {
    let text = text.strip_prefix(b"^")?;
    let at = memchr::memchr2(b'=', b'^', text)?;
    let (column, value) = (hexadecimal(text.get(..at)?)?, text.get(at + 1..)?);
    let value = match text.get(at) {
        Some(b'=') => Value::Literal(value.to_vec()),
        _ => Value::Number(hexadecimal(value)?),
    };
    Some(Token::Cell { column, value })
}

/// A number, which may be followed by blanks or by its scope (`8A:c`).
fn hexadecimal(digits: &[u8]) -> Option<u64> {
    let number = digits.split(|byte| *byte == b':').next()?;
    u64::from_str_radix(std::str::from_utf8(number.trim_ascii()).ok()?, 16).ok()
}

/// What stands up to the closing parenthesis, escapes resolved.
fn parenthesis(input: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    while let Some(byte) = next(input)? {
        let plain = match byte {
            b')' => break,
            b'\\' => match next(input)? {
                // A line is broken by a backslash at its end.
                Some(b'\n') | None => continue,
                Some(b'\r') => {
                    if input.fill_buf()?.first() == Some(&b'\n') {
                        input.consume(1);
                    }
                    continue;
                }
                Some(escaped) => escaped,
            },
            b'$' => {
                let digits = [
                    next(input)?.unwrap_or_default(),
                    next(input)?.unwrap_or_default(),
                ];
                let Some(value) = hexadecimal(&digits) else {
                    continue;
                };
                u8::try_from(value).unwrap_or_default()
            }
            _ => byte,
        };
        if text.len() < LONGEST {
            text.push(plain);
        }
    }
    Ok(text)
}

fn skip_line(input: &mut impl BufRead) -> io::Result<()> {
    while let Some(byte) = next(input)? {
        if byte == b'\n' || byte == b'\r' {
            break;
        }
    }
    Ok(())
}

fn next(input: &mut impl BufRead) -> io::Result<Option<u8>> {
    let byte = input.fill_buf()?.first().copied();
    if byte.is_some() {
        input.consume(1);
    }
    Ok(byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name(file: &[u8]) -> Option<String> {
        folder_name(|| Ok(file)).unwrap()
    }

    const HEAD: &str = "// <!-- <mdb:mork:z v=\"1.4\"/> -->\n< <(a=c)> // (f=iso-8859-1)\n  (80=ns:msg)(A7=mailboxName)(AF\n   =folderName)>\n";

    #[test]
    fn the_last_name_counts_and_folder_name_more_than_mailbox_name() {
        let file = format!(
            "{HEAD}<(81=old)(83=$C3$84rger \\) a\\\nb)(AF=no column)>\n[1:^80(^A7^81)]\n@$${{1{{@\n[1:^80(^A7^83)]\n@$$}}1}}@"
        );
        assert_eq!(name(file.as_bytes()).as_deref(), Some("Ärger ) ab"));
        let file = format!("{file}[1:^80(^AF=50% off * sale)]\n[1:^80(^A7=x)]");
        assert_eq!(name(file.as_bytes()).as_deref(), Some("50% off * sale"));
        let file = format!("{file}<(83=later)>[1:^80(^AF^83:c)]");
        assert_eq!(name(file.as_bytes()).as_deref(), Some("later"));
    }

    #[test]
    fn a_file_without_a_name_or_with_a_broken_one() {
        for file in [
            "",
            "(",
            "<<(a=c)>(A7=mailboxName",
            "(^A7=x)",
            &format!("{HEAD}(^A7^99)"),
            &format!("{HEAD}(^A7=$FF$)"),
        ] {
            assert_eq!(name(file.as_bytes()), None, "{file}");
        }
    }

    proptest! {
        #[test]
        fn every_name_comes_back(text in "\\PC{1,20}") {
            let written: String = text.bytes().map(|byte| format!("${byte:02X}")).collect();
            let file = format!("{HEAD}[1:^80(^AF={written})]");
            prop_assert_eq!(name(file.as_bytes()), Some(text));
        }

        #[test]
        fn any_bytes_end(bytes in proptest::collection::vec(prop_oneof![
            Just(b'<'), Just(b'>'), Just(b'('), Just(b')'), Just(b'^'), Just(b'='), Just(b'$'), Just(b'\\'), any::<u8>()
        ], 0..300)) {
            let _ = name(&[HEAD.as_bytes(), &bytes].concat());
        }
    }
}
