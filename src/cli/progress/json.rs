//! One event a line on standard output, for programs.

use std::sync::Arc;

use spectrum_migrate::event::{Event, Observer};

use crate::cli::print::Printer;

/// Writes every event as it is.
pub struct Json(Arc<Printer>);

impl Json {
    /// An observer that writes there.
    pub fn new(printer: Arc<Printer>) -> Json {
        Json(printer)
    }
}

impl Observer for Json {
    fn notice(&self, event: &Event) {
        self.0.tagged(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Format;
    use crate::cli::print::{Look, Written};
    use spectrum_migrate::event::Stage;
    use std::time::Duration;

    #[test]
    fn every_event_is_a_line_with_a_version() {
        let written = Written::default();
        let json = Json::new(Arc::new(written.printer(Look {
            format: Format::Json,
            ..Look::default()
        })));
        json.notice(&Event::Started {
            stage: Stage::Copy,
            messages: Some(2),
            bytes: None,
        });
        json.notice(&Event::Copied {
            folder: "Sent\x1b".into(),
            uid: Some(17),
            bytes: 48_211,
            done: 1,
            total: 2,
        });
        json.notice(&Event::Reconnecting {
            after: Duration::from_secs(8),
            attempt: 3,
            of: 8,
            detail: "timed out".into(),
        });
        json.notice(&Event::Reconnected);
        insta::assert_snapshot!(written.out());
        assert_eq!(written.err(), "");
    }
}
