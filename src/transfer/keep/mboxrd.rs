//! Writes messages into an mbox file so that every program reads them back as they were: each `From ` line of a text is
//! quoted, whatever stands before it (mboxrd).

use std::io::{self, Read, Write};

use crate::message::MailDate;

const FROM: &[u8] = b"From ";

/// Bytes handled at once.
const PIECE: usize = 64 * 1024;

/// Writes a separator, a message as it would be uploaded, and the empty line after it.
pub(crate) fn write_message(
    date: Option<MailDate>,
    mut message: impl Read,
    to: &mut impl Write,
) -> io::Result<()> {
    to.write_all(separator(date).as_bytes())?;
    let mut quoter = Quoter::new(to);
    let mut piece = vec![0; PIECE];
    loop {
        match message.read(&mut piece) {
            Ok(0) => return quoter.finish(),
            Ok(count) => quoter.push(piece.get(..count).unwrap_or_default())?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Nobody takes the time in a line of "From -" for that of the message.
fn separator(date: Option<MailDate>) -> String {
    let moment = date.and_then(|date| jiff::Timestamp::from_second(date.seconds).ok());
    match moment {
        Some(moment) => moment
            .strftime("From MAILER-DAEMON %a %b %e %H:%M:%S %Y\n")
            .to_string(),
        None => "From - Thu Jan  1 00:00:00 1970\n".into(),
    }
}

/// Quotes, and writes every line with the line end that mbox files have.
struct Quoter<W> {
    to: W,
    /// In the `>` or the `From ` at the beginning of a line, of which so many bytes are held back.
    start: Option<usize>,
    /// Whether there is nothing in the line yet.
    empty: bool,
    /// A CR that may be half of a line end.
    after_cr: bool,
    /// Readers take quoting back in the text only.
    in_body: bool,
}

impl<W: Write> Quoter<W> {
    fn new(to: W) -> Quoter<W> {
        Quoter {
            to,
            start: Some(0),
            empty: true,
            after_cr: false,
            in_body: false,
        }
    }

    fn push(&mut self, mut rest: &[u8]) -> io::Result<()> {
        while let Some(first) = rest.first() {
            if std::mem::take(&mut self.after_cr) && *first != b'\n' {
                self.text(b"\r")?;
            }
            let used = match (*first, self.start) {
                (b'\n', _) => self.end_line().map(|()| 1)?,
                (b'\r', _) => {
                    self.after_cr = true;
                    1
                }
                // All `>` are alike, so it doesn't matter which of them is the added one.
                (b'>', Some(0)) if self.in_body => {
                    self.empty = false;
                    self.to.write_all(b">")?;
                    1
                }
                (byte, Some(seen)) if self.in_body && FROM.get(seen) == Some(&byte) => {
                    self.start = Some(seen + 1);
                    self.empty = false;
                    if seen + 1 == FROM.len() {
                        self.start = None;
                        self.to.write_all(b">From ")?;
                    }
                    1
                }
                _ => {
                    let end = memchr::memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
                    self.text(rest.get(..end).unwrap_or_default())?;
                    end
                }
            };
            rest = rest.get(used..).unwrap_or_default();
        }
        Ok(())
    }

    /// Text that quotes nothing, after what was held back.
    fn text(&mut self, text: &[u8]) -> io::Result<()> {
        let held = self.start.take().unwrap_or_default();
        self.empty = false;
        self.to.write_all(FROM.get(..held).unwrap_or_default())?;
        self.to.write_all(text)
    }

    fn end_line(&mut self) -> io::Result<()> {
        self.in_body |= self.empty;
        let held = self.start.unwrap_or_default();
        self.to.write_all(FROM.get(..held).unwrap_or_default())?;
        self.to.write_all(b"\n")?;
        (self.start, self.empty) = (Some(0), true);
        Ok(())
    }

    fn finish(mut self) -> io::Result<()> {
        if !self.empty || self.after_cr {
            self.end_line()?;
        }
        self.to.write_all(b"\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity;
    use crate::source::open;
    use proptest::prelude::*;

    fn quoted(message: &[u8], size: usize) -> String {
        let mut to = Vec::new();
        let mut quoter = Quoter::new(&mut to);
        message
            .chunks(size)
            .for_each(|piece| quoter.push(piece).unwrap());
        quoter.finish().unwrap();
        String::from_utf8_lossy(&to).into()
    }

    #[test]
    fn from_lines_of_the_text_are_quoted_and_nothing_else_is() {
        let message = b"A: b\r\nFrom x\r\n\r\nFrom a\r\n>From b\r\n>>Fro\r\n From c\r\nFrom\r\nx From d\r\n>>From e";
        let written =
            "A: b\nFrom x\n\n>From a\n>>From b\n>>Fro\n From c\nFrom\nx From d\n>>>From e\n\n";
        for size in 1..9 {
            assert_eq!(quoted(message, size), written, "pieces of {size}");
        }
        assert_eq!(quoted(b"", 1), "\n");
        assert_eq!(quoted(b"A: b\r\n\r\n", 3), "A: b\n\n\n");
        assert_eq!(quoted(b"A: b\r", 3), "A: b\n\n");
    }

    #[test]
    fn the_date_of_a_message_is_in_its_separator() {
        let date = MailDate {
            seconds: 1_242_556_496,
            offset: 120,
        };
        assert_eq!(
            separator(Some(date)),
            "From MAILER-DAEMON Sun May 17 10:34:56 2009\n"
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn our_own_reader_gives_back_what_was_written(
            bodies in proptest::collection::vec(proptest::collection::vec(prop_oneof![
                Just("From a@x Sun May 17 12:34:56 2009"), Just(">From b"), Just("From "), Just(""), Just(">>"),
                Just("Subject: x"), Just("text"), Just("> quoted"),
            ], 0..12), 1..5),
        ) {
            let place = tempfile::tempdir().unwrap();
            let path = place.path().join("x.mbox");
            let mut file = std::fs::File::create(&path).unwrap();
            let mut wanted = Vec::new();
            for (number, body) in bodies.iter().enumerate() {
                let message = format!("Message-ID: <{number}@x>\r\nSubject: x\r\n\r\n{}\r\nend\r\n", body.join("\r\n"));
                wanted.push(identity::of(message.as_bytes()).identity.content);
                write_message(None, message.as_bytes(), &mut file).unwrap();
            }
            let source = open(&path).unwrap();
            let read: Vec<_> = source.scan().unwrap().map(|item| item.unwrap().identity.content).collect();
            prop_assert_eq!(read, wanted);
        }
    }
}
