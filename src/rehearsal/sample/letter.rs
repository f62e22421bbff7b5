//! One made-up message.

use jiff::civil::{Date, date};

/// Who all of it is sent to.
pub(super) const JANE: &str = "Jane Sample <jane.sample@charter.net>";

/// A message, by its parts. Empty ones are left out.
#[derive(Clone)]
pub(super) struct Letter {
    pub(super) from: &'static str,
    pub(super) to: &'static str,
    pub(super) subject: &'static str,
    pub(super) id: &'static str,
    pub(super) day: Date,
    /// Header fields at the very top, as Thunderbird adds its own.
    pub(super) top: &'static str,
    /// Header fields at the end.
    pub(super) more: &'static str,
    pub(super) body: &'static str,
}

impl Letter {
    /// Nothing yet, but for a day and the two people.
    pub(super) fn on(year: i16, month: i8, day: i8) -> Letter {
        Letter {
            from: "Rose Sample <rose@example.org>",
            to: JANE,
            subject: "",
            id: "",
            day: date(year, month, day),
            top: "",
            more: "",
            body: "",
        }
    }

    /// The day as separators have it.
    pub(super) fn asctime(&self) -> String {
        self.day
            .at(9, 41, 7, 0)
            .strftime("%a %b %e %H:%M:%S %Y")
            .to_string()
    }

    /// With LF at the ends of lines.
    pub(super) fn lf(&self) -> Vec<u8> {
        let date = self
            .day
            .at(9, 41, 7, 0)
            .strftime("%a, %d %b %Y %H:%M:%S -0500")
            .to_string();
        let mut text = self.top.to_string();
        for (name, value) in [
            ("From", self.from),
            ("To", self.to),
            ("Subject", self.subject),
            ("Date", &date),
            ("Message-ID", self.id),
        ] {
            if !value.is_empty() {
                text.push_str(&format!("{name}: {value}\n"));
            }
        }
        text.push_str(self.more);
        text.push('\n');
        text.push_str(self.body);
        text.into_bytes()
    }

    /// With CRLF at the ends of lines.
    pub(super) fn crlf(&self) -> Vec<u8> {
        String::from_utf8_lossy(&self.lf())
            .replace('\n', "\r\n")
            .into_bytes()
    }
}
