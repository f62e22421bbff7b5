//! Why a message stayed, in plain words that follow a number: `899  already on the server`.

use spectrum_migrate::transfer::plan::Reason;

/// The words for a reason.
pub fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::Deleted => "deleted or moved in the old mail program, and still in its file",
        Reason::Internal => "records that the mail program keeps for itself, no mail",
        Reason::Skipped => "in folders you chose to leave out (--skip)",
        Reason::TooOld => "before the day you chose (--since)",
        Reason::TooNew => "after the day you chose (--until)",
        Reason::RemovedSince => "copied by an earlier run, and removed from the server since",
        Reason::InFolder => "already on the server",
        Reason::InOtherFolder => "already on the server, in another folder (--once)",
        Reason::Identical => "the same as another message in the same folder",
        Reason::TooBig => "larger than the server takes",
        Reason::NotAllowed => "in a folder where the server takes no mail",
        Reason::Syntax => "in a form that the server cannot take",
        Reason::ServerSaidNo => "refused by the server for another reason",
        Reason::Unreadable => "damaged in the file",
        Reason::Changed => "changed in the file while we worked; the next run looks again",
        Reason::Full => "waiting, because the mailbox is full",
        Reason::InDoubt => "sent, but the answer was lost; the next run looks them up first",
        Reason::NotTried => "not tried yet",
    }
}

/// The words for a declared change between a file and what was uploaded, by its name in the report.
pub fn conversion(name: &str) -> &str {
    match name {
        "from_unquoted" => {
            "a \">\" that the mail program had put before the word From was taken back"
        }
        "mozilla_headers_left_out" => "lines that Thunderbird keeps for itself were left out",
        "line_ends" => "line ends were written as mail servers need them",
        "final_line_end" => "a line end was added at the very end",
        "text_encoding" => "text in UTF-16, or with a byte order mark, became plain UTF-8",
        "cr_lines" => "line ends of an old Macintosh were written as mail servers need them",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_conversion_has_words() {
        use spectrum_migrate::message::Conversions;
        let all = [
            Conversions::UNQUOTED,
            Conversions::MOZILLA_HEADERS,
            Conversions::LINE_ENDS,
            Conversions::FINAL_LINE_END,
            Conversions::TEXT_ENCODING,
            Conversions::CR_LINES,
        ];
        let all = all.into_iter().fold(Conversions::NONE, Conversions::union);
        for name in all.names() {
            assert_ne!(conversion(name), name);
        }
    }

    #[test]
    fn every_reason_has_words_that_fit_a_line() {
        let all = [
            Reason::Deleted,
            Reason::Internal,
            Reason::Skipped,
            Reason::TooOld,
            Reason::TooNew,
            Reason::RemovedSince,
            Reason::InFolder,
            Reason::InOtherFolder,
            Reason::Identical,
            Reason::TooBig,
            Reason::NotAllowed,
            Reason::Syntax,
            Reason::ServerSaidNo,
            Reason::Unreadable,
            Reason::Changed,
            Reason::Full,
            Reason::InDoubt,
            Reason::NotTried,
        ];
        let words = all.map(reason);
        assert!(words.iter().all(|words| words.len() <= 66));
        let different: std::collections::BTreeSet<_> = words.iter().collect();
        assert_eq!(different.len(), all.len());
        insta::assert_snapshot!(words.join("\n"));
    }
}
