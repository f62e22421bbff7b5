//! What the guide says about each mail program: short clicks for each of Spectrum's six steps, one file a program.

mod apple_mail;
mod em_client;
mod new_outlook;
mod other;
mod outlook;
pub mod phones;
mod shared;
mod thunderbird;
mod windows_live_mail;

pub(super) use apple_mail::APPLE_MAIL;
pub(super) use em_client::EM_CLIENT;
pub(super) use new_outlook::NEW_OUTLOOK;
pub(super) use other::OTHER;
pub(super) use outlook::OUTLOOK;
pub(super) use thunderbird::THUNDERBIRD;
pub(super) use windows_live_mail::WINDOWS_LIVE_MAIL;

/// What a person does in one step, in one mail program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// What to click, one short instruction each; shown as a numbered list.
    pub clicks: &'static [&'static str],
    /// Shown when the person asks for more help: other versions, other wordings, what can go wrong.
    pub more: &'static [&'static str],
}

/// Whether removing an account removes the mail that it brought to this computer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removing {
    /// It stays; with the sentence that says what to mind all the same.
    KeepsMail(&'static str),
    /// It goes, or may go, or nobody knows: treated alike, with the sentence that says so.
    MayRemoveMail(&'static str),
}

/// Everything the guide says about one mail program. The pages of steps 4 and 6 are handed out only against a proof.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words {
    /// Its name, as its users say it.
    pub name: &'static str,
    /// Step 1, "Leave messages on server".
    pub leave: Page,
    /// Step 2, no more sending and receiving in the old account.
    pub stop: Page,
    /// Step 3, the new account; the values to enter are on the settings card beside it.
    pub create: Page,
    /// Step 5, what a person can do in the program itself; this program does the copying.
    pub store: Page,
    /// Step 4, removing the old account; better: switching it off.
    pub remove: Page,
    /// Step 6, deleting the old mailbox (the files).
    pub delete: Page,
    /// Whether step 4 takes the mail along.
    pub removing: Removing,
}

#[cfg(test)]
mod tests {
    use super::phones::{CHECK_FIRST, OLD_ACCOUNT, PHONES};
    use super::*;

    const PROGRAMS: [Words; 7] = [
        OUTLOOK,
        NEW_OUTLOOK,
        THUNDERBIRD,
        APPLE_MAIL,
        WINDOWS_LIVE_MAIL,
        EM_CLIENT,
        OTHER,
    ];

    /// Words of the trade, by how they begin; and two that belittle.
    const JARGON: [&str; 8] = [
        "client", "ingest", "sync", "migrat", "mapi", "backend", "simply", "just",
    ];

    fn pages(words: &Words) -> [(&'static str, Page); 6] {
        [
            ("leave", words.leave),
            ("stop", words.stop),
            ("create", words.create),
            ("store", words.store),
            ("remove", words.remove),
            ("delete", words.delete),
        ]
    }

    fn removing(words: &Words) -> &'static str {
        match words.removing {
            Removing::KeepsMail(sentence) | Removing::MayRemoveMail(sentence) => sentence,
        }
    }

    fn text(page: Page) -> String {
        [page.clicks, page.more].concat().join("\n")
    }

    /// Every text there is, with where it stands.
    fn everything() -> Vec<(String, &'static str)> {
        let mut all = Vec::new();
        for words in &PROGRAMS {
            all.push((format!("{}: name", words.name), words.name));
            all.push((format!("{}: removing", words.name), removing(words)));
            for (step, page) in pages(words) {
                for line in page.clicks.iter().chain(page.more) {
                    all.push((format!("{}: {step}", words.name), *line));
                }
            }
        }
        for phone in PHONES {
            all.push((phone.name.to_owned(), phone.name));
            for line in phone.clicks {
                all.push((phone.name.to_owned(), *line));
            }
        }
        for line in CHECK_FIRST.iter().chain([&OLD_ACCOUNT]) {
            all.push(("phones".to_owned(), *line));
        }
        all
    }

    /// Without the labels in quotation marks: those are the mail program's words, not ours.
    fn ours(line: &str) -> String {
        line.split('"')
            .step_by(2)
            .collect::<Vec<_>>()
            .join(" ")
            .replace("eM Client", "")
    }

    #[test]
    fn every_page_has_clicks_and_not_too_many() {
        for words in &PROGRAMS {
            for (step, page) in pages(words) {
                let count = page.clicks.len();
                assert!((2..=8).contains(&count), "{}: {step}: {count}", words.name);
            }
        }
        for phone in PHONES {
            assert!((2..=8).contains(&phone.clicks.len()), "{}", phone.name);
        }
    }

    #[test]
    fn a_click_is_short() {
        let pages = PROGRAMS.iter().flat_map(pages).map(|(_, page)| page.clicks);
        for click in pages
            .chain(PHONES.iter().map(|phone| phone.clicks))
            .flatten()
        {
            assert!(!click.trim().is_empty());
            assert!(click.len() <= 120, "{} characters: {click}", click.len());
        }
    }

    #[test]
    fn the_words_are_plain() {
        for (place, line) in everything() {
            let ours = ours(line).to_lowercase();
            for word in ours.split(|c: char| !c.is_alphanumeric()) {
                let trade = JARGON.iter().any(|jargon| word.starts_with(jargon))
                    || ["store", "stores", "stored"].contains(&word);
                assert!(!trade, "{place}: {word}: {line}");
            }
            assert!(!line.contains('!'), "{place}: {line}");
        }
    }

    #[test]
    fn every_terminal_can_show_them() {
        for (place, line) in everything() {
            let shown =
                |c: char| c == ' ' || c.is_ascii_graphic() || c == '\u{2026}' || c == '\u{2013}';
            assert!(line.chars().all(shown), "{place}: {line}");
            assert_eq!(line.matches('"').count() % 2, 0, "{place}: {line}");
            assert!(!line.contains("  "), "{place}: {line}");
        }
    }

    #[test]
    fn thunderbird_users_look_at_the_box_that_deletes_their_mail() {
        let clicks = THUNDERBIRD.remove.clicks;
        let warned = |click: &&str| click.contains("\"Remove message data\" is not ticked");
        let removes = |click: &&str| click.contains("choose \"Remove\"");
        assert!(clicks.iter().any(&warned));
        assert!(clicks.iter().any(|click| click.contains("untick it")));
        // The last thing read before the button is the box.
        let last = clicks.last().unwrap();
        assert!(warned(last) && removes(last), "{last}");
        let removing = removing(&THUNDERBIRD);
        assert!(removing.contains("155") && removing.contains("\"Remove message data\""));
    }

    #[test]
    fn what_may_take_the_mail_along_says_so() {
        for words in &PROGRAMS {
            let sentence = removing(words);
            assert!(sentence.contains("mail"), "{}: {sentence}", words.name);
            if let Removing::MayRemoveMail(sentence) = words.removing {
                let hedged = ["as if", "may"].iter().any(|word| sentence.contains(word));
                assert!(hedged, "{}: {sentence}", words.name);
            }
        }
    }

    #[test]
    fn switching_off_comes_before_removing() {
        for words in &PROGRAMS {
            let page = text(words.remove);
            let off = ["switched off as in step 2", "without removing it"];
            assert!(off.iter().any(|way| page.contains(way)), "{}", words.name);
        }
    }

    #[test]
    fn nothing_is_deleted_for_a_month() {
        for words in &PROGRAMS {
            assert_eq!(words.delete.clicks[0], shared::MONTH, "{}", words.name);
        }
    }

    #[test]
    fn this_program_copies_and_the_mail_program_is_closed() {
        for words in &PROGRAMS {
            let clicks = words.store.clicks;
            assert!(clicks.contains(&shared::COPIES), "{}", words.name);
            let closed = clicks.iter().any(|click| click.starts_with("Close "));
            assert!(closed, "{}", words.name);
        }
    }

    #[test]
    fn nobody_is_told_to_go_on_past_a_certificate() {
        for words in &PROGRAMS {
            let more = words.create.more;
            assert!(more.contains(&shared::CERTIFICATE), "{}", words.name);
        }
    }
}
