//! Reads commands: atoms, quoted strings, lists and literals (RFC 9051, 9), with bounds on everything.

/// Lists within lists, at most.
const DEPTH: usize = 20;

/// A piece of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A word without quotes. `BODY[...]` is one, whatever stands in its brackets.
    Atom(Vec<u8>),
    /// A quoted string or a literal, by its content.
    Text(Vec<u8>),
    /// What stands in parentheses.
    List(Vec<Token>),
}

/// A literal announced at the end of a line (RFC 9051, 4.3; RFC 7888).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Literal {
    /// Bytes that follow.
    pub(super) size: u64,
    /// Whether the client waits for our `+` before it sends them.
    pub(super) waits: bool,
}

/// Not a command; the words say why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed(pub(super) &'static str);

/// Gathers the tokens of one command, line by line and literal by literal.
#[derive(Default)]
pub(super) struct Parser {
    done: Vec<Token>,
    open: Vec<Vec<Token>>,
}

impl Parser {
    /// Takes one line. What it returns must follow as [`Parser::literal`] before the next line.
    pub(super) fn line(&mut self, line: &[u8]) -> Result<Option<Literal>, Malformed> {
        let mut rest = line;
        let mut apart = true;
        while let Some((first, after)) = rest.split_first() {
            let begins = std::mem::take(&mut apart);
            match first {
                b' ' => {
                    rest = after;
                    apart = true;
                }
                b'(' => {
                    if self.open.len() >= DEPTH {
                        return Err(Malformed("too many parentheses"));
                    }
                    self.open.push(Vec::new());
                    rest = after;
                    apart = true;
                }
                b')' => {
                    let list = self.open.pop().ok_or(Malformed("a parenthesis too many"))?;
                    self.push(Token::List(list));
                    rest = after;
                }
                _ if !begins => return Err(Malformed("a space is missing")),
                b'"' => {
                    let (text, after) = quoted(after).ok_or(Malformed("a quote is missing"))?;
                    self.push(Token::Text(text));
                    rest = after;
                }
                b'{' => {
                    return announced(rest).map(Some).ok_or(Malformed("not a literal"));
                }
                _ => {
                    let length = atom_length(rest);
                    let (atom, after) = rest.split_at_checked(length).unwrap_or((rest, b""));
                    if atom.is_empty() {
                        return Err(Malformed("a character that can't stand here"));
                    }
                    self.push(Token::Atom(atom.to_vec()));
                    rest = after;
                }
            }
        }
        Ok(None)
    }

    /// Takes the literal that the last line announced.
    pub(super) fn literal(&mut self, bytes: Vec<u8>) {
        self.push(Token::Text(bytes));
    }

    /// Hands over what was read so far; fails inside a list.
    pub(super) fn take(&mut self) -> Result<Vec<Token>, Malformed> {
        if !self.open.is_empty() {
            return Err(Malformed("a parenthesis is missing"));
        }
        Ok(std::mem::take(&mut self.done))
    }

    /// What is complete so far.
    pub(super) fn so_far(&self) -> &[Token] {
        &self.done
    }

    fn push(&mut self, token: Token) {
        self.open.last_mut().unwrap_or(&mut self.done).push(token);
    }
}

/// The literal that a line ends with, if any, whatever else is wrong with it: its bytes must be
/// passed over even after an error, or they would be taken for commands.
pub(super) fn trailing(line: &[u8]) -> Option<Literal> {
    if !line.ends_with(b"}") {
        return None;
    }
    announced(line.get(memchr::memrchr(b'{', line)?..)?)
}

/// Reads `{12}` or `{12+}`. A size beyond all bounds becomes the largest there is.
fn announced(text: &[u8]) -> Option<Literal> {
    let inner = text.strip_prefix(b"{")?.strip_suffix(b"}")?;
    let digits = inner.strip_suffix(b"+").unwrap_or(inner);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let size = digits.iter().fold(0u64, |size, digit| {
        size.saturating_mul(10)
            .saturating_add(u64::from(digit - b'0'))
    });
    Some(Literal {
        size,
        waits: digits.len() == inner.len(),
    })
}

/// Reads a quoted string after its first quote, and what follows it.
fn quoted(mut rest: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut text = Vec::new();
    loop {
        let (first, after) = rest.split_first()?;
        rest = after;
        match first {
            b'"' => return Some((text, rest)),
            b'\\' => {
                let (escaped, after) = rest.split_first()?;
                text.push(*escaped);
                rest = after;
            }
            _ => text.push(*first),
        }
    }
}

/// Wildcards are allowed for LIST, and 8-bit for whoever comes with it: the command decides.
fn atom_length(text: &[u8]) -> usize {
    let plain = |byte: &u8| *byte > b' ' && *byte != 0x7f && !b"()\"{".contains(byte);
    let length = text.iter().take_while(|byte| plain(byte)).count();
    let atom = text.get(..length).unwrap_or_default();
    // The section of a FETCH item holds blanks and parentheses: BODY[HEADER.FIELDS (DATE)]<0.99>.
    let in_section = starts_section(atom) && !atom.contains(&b']');
    match in_section.then(|| memchr::memchr(b']', text)).flatten() {
        None => length,
        Some(close) => {
            let after = text.get(close..).unwrap_or_default();
            close + after.iter().take_while(|byte| plain(byte)).count()
        }
    }
}

fn starts_section(atom: &[u8]) -> bool {
    let atom = atom.to_ascii_uppercase();
    atom.starts_with(b"BODY[") || atom.starts_with(b"BODY.PEEK[")
}

impl Token {
    /// An atom or a string (RFC 9051, 9: astring), as bytes.
    pub(super) fn bytes(&self) -> Option<&[u8]> {
        match self {
            Token::Atom(bytes) | Token::Text(bytes) => Some(bytes),
            Token::List(_) => None,
        }
    }

    /// The same as text; 8-bit bytes that are no UTF-8 don't count.
    pub(super) fn text(&self) -> Option<&str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    /// An atom in capitals: the name of a command, an item, a search key.
    pub(super) fn word(&self) -> Option<String> {
        match self {
            Token::Atom(bytes) => Some(std::str::from_utf8(bytes).ok()?.to_ascii_uppercase()),
            _ => None,
        }
    }

    /// What stands in parentheses.
    pub(super) fn list(&self) -> Option<&[Token]> {
        match self {
            Token::List(tokens) => Some(tokens),
            _ => None,
        }
    }

    /// A list, or a single token as a list of one, as many clients write it.
    pub(super) fn several(&self) -> &[Token] {
        self.list().unwrap_or(std::slice::from_ref(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn atom(text: &str) -> Token {
        Token::Atom(text.as_bytes().to_vec())
    }

    fn text(text: &str) -> Token {
        Token::Text(text.as_bytes().to_vec())
    }

    fn read(line: &str) -> Result<Vec<Token>, Malformed> {
        let mut parser = Parser::default();
        parser.line(line.as_bytes())?;
        parser.take()
    }

    #[test]
    fn commands_come_apart_into_tokens() {
        assert_eq!(
            read(r#"a1 LIST "" "x\"\\y" (A (B) "")"#),
            Ok(vec![
                atom("a1"),
                atom("LIST"),
                text(""),
                text("x\"\\y"),
                Token::List(vec![atom("A"), Token::List(vec![atom("B")]), text("")]),
            ])
        );
        assert_eq!(read(""), Ok(vec![]));
        assert_eq!(
            read("a LIST % *"),
            Ok(vec![atom("a"), atom("LIST"), atom("%"), atom("*")])
        );
        assert_eq!(
            read("SELECT [Gmail]/a[b x"),
            Ok(vec![atom("SELECT"), atom("[Gmail]/a[b"), atom("x")])
        );
    }

    #[test]
    fn a_section_is_one_token() {
        assert_eq!(
            read("(UID body.peek[HEADER.FIELDS (DATE \"FROM\")]<0.99> BODY[])"),
            Ok(vec![Token::List(vec![
                atom("UID"),
                atom("body.peek[HEADER.FIELDS (DATE \"FROM\")]<0.99>"),
                atom("BODY[]"),
            ])])
        );
    }

    #[test]
    fn literals_join_the_command_where_they_stand() {
        let mut parser = Parser::default();
        let literal = parser.line(b"a LOGIN {4}").unwrap();
        assert_eq!(
            literal,
            Some(Literal {
                size: 4,
                waits: true
            })
        );
        parser.literal(b"ja\r\n".to_vec());
        let literal = parser.line(b" ({3+}").unwrap();
        assert_eq!(
            literal,
            Some(Literal {
                size: 3,
                waits: false
            })
        );
        parser.literal(b"x)\"".to_vec());
        assert_eq!(parser.line(b")").unwrap(), None);
        assert_eq!(
            parser.take().unwrap(),
            [
                atom("a"),
                atom("LOGIN"),
                text("ja\r\n"),
                Token::List(vec![text("x)\"")])
            ]
        );
    }

    #[test]
    fn what_is_no_command_is_refused() {
        for line in [
            "a (", "a )", "a \"x", "a \"x\"y", "a {", "a {4} b", "a {x}", "a b{4}", "a \x01",
            "a ~{4}",
        ] {
            assert!(read(line).is_err(), "{line:?}");
        }
        assert!(read(&"(".repeat(21)).is_err());
    }

    #[test]
    fn the_literal_of_a_wrong_line_is_still_seen() {
        assert_eq!(
            trailing(b"a ((\"x {12+}"),
            Some(Literal {
                size: 12,
                waits: false
            })
        );
        assert_eq!(
            trailing(b"a ~{7}"),
            Some(Literal {
                size: 7,
                waits: true
            })
        );
        assert_eq!(
            trailing(b"{99999999999999999999999+}").map(|l| l.size),
            Some(u64::MAX)
        );
        for none in ["", "a {}", "a {+}", "a {1-}", "a {1} ", "}"] {
            assert_eq!(trailing(none.as_bytes()), None, "{none}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_end(line in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut parser = Parser::default();
            let _ = parser.line(&line);
            let _ = parser.take();
            let _ = trailing(&line);
        }

        #[test]
        fn lines_of_syntax_end_too(line in "[ ()\"{}\\[\\]+0-9a\\\\]{0,60}") {
            let mut parser = Parser::default();
            if let Ok(Some(literal)) = parser.line(line.as_bytes()) {
                prop_assert_eq!(trailing(line.as_bytes()), Some(literal));
            }
        }

        #[test]
        fn a_quoted_string_comes_back(words in proptest::collection::vec(any::<u8>(), 0..60)) {
            let mut line = b"\"".to_vec();
            for byte in &words {
                if b"\"\\".contains(byte) {
                    line.push(b'\\');
                }
                line.push(*byte);
            }
            line.push(b'"');
            let mut parser = Parser::default();
            prop_assert_eq!(parser.line(&line), Ok(None));
            prop_assert_eq!(parser.take(), Ok(vec![Token::Text(words)]));
        }
    }
}
