//! The words for every error of the library. A new error without words does not compile.

use std::path::Path;

use super::{Words, meaning};
use crate::cli::failure::Situation;
use spectrum_migrate::Error;
use spectrum_migrate::amount::size;
use spectrum_migrate::error::{Insecure, Unreadable};

const AGAIN: &str =
    "Run spectrum-migrate again later: it goes on where it stopped, and sends nothing twice.";

/// The words for an error.
pub fn words(error: &Error, situation: Situation) -> Words {
    let meaning = meaning(situation);
    match error {
        Error::NotReached { server, detail } => {
            Words::new("not_reached", "The mail server cannot be reached", meaning)
                .tries([
                    "Does a web page open? If not, the internet connection is down.",
                    "Some antivirus programs and work networks block mail (port 993). Try another network.",
                    AGAIN,
                ])
                .details(format!("{server}: {detail}"))
        }
        Error::NotSecure { server, why, detail } => insecure(*why, server)
            .details(format!("{server}: {detail}")),
        Error::SignInRefused { server, detail } => {
            Words::new("sign_in_refused", "Spectrum did not accept the password", meaning)
                .tries([
                    "Type it again slowly; capital letters matter.",
                    "Sign in to your mail on spectrum.net with the same password. If that fails too, reset it \
                     there, then come back.",
                    "Signing in there also opens a mailbox that was locked because it was not used for 180 days.",
                    "The user name is the whole email address. Check it for a typing mistake.",
                ])
                .details(format!("{detail} ({server})"))
        }
        Error::ConnectionLost { server, detail } => {
            Words::new("connection_lost", "The connection to the mail server was lost", meaning)
                .tries([AGAIN, "If it happens often, try a cable instead of Wi-Fi, or another time of day."])
                .details(format!("{server}: {detail}"))
        }
        Error::ServerTrouble { doing, detail } => {
            Words::new("server_trouble", format!("The mail server did not do what was asked: {doing}"), meaning)
                .tries([AGAIN, "If it says the same again, the details below are for Spectrum's own support pages."])
                .details(detail)
        }
        Error::MailboxFull { detail } => {
            Words::new("mailbox_full", "Your mailbox on the server is full", meaning)
                .tries([
                    "Empty Trash and Spam in webmail, then run spectrum-migrate again: it goes on where it stopped.",
                    "Or leave out some folders: spectrum-migrate copy --skip \"Archive 2014\"",
                ])
                .details(detail)
        }
        Error::Altered { folder, detail } => Words::new(
            "altered",
            format!("A copy in the folder {folder} is not what was sent"),
            "Your old mail is untouched. Keep it, and do not remove the old account.",
        )
        .tries(["Run spectrum-migrate verify to compare everything once more."])
        .details(detail),
        Error::Busy { pid } => {
            let words = Words::new("busy", "spectrum-migrate is already at work on this mailbox", "Nothing was changed.")
                .tries(["Wait until it is done, or look for its window and stop it there with Ctrl-C."]);
            match pid {
                Some(pid) => words.details(format!("process {pid} holds the lock")),
                None => words,
            }
        }
        Error::Journal { path, detail } => {
            Words::new("journal", "The record of what is copied cannot be written or read", meaning)
                .tries([
                    "Is this computer's disk full? Make some room, then run spectrum-migrate again.",
                    "Or keep the record in another place: --state-dir DIR",
                ])
                .details(format!("{}: {detail}", path.display()))
        }
        Error::StorageFull { path, needs, free } => Words::new(
            "storage_full",
            format!(
                "The disk has too little room for the storage folder: {} are needed, {} are free",
                size(*needs),
                size(*free)
            ),
            meaning,
        )
        .tries([
            "Name a folder on a disk with more room, or on a memory stick: --storage-folder DIR",
            "Or make room on this disk, then run spectrum-migrate copy again: it goes on where it stopped.",
        ])
        .details(path.display().to_string()),
        Error::Storage { path, detail } => {
            Words::new("storage", "The storage folder cannot be written or read", meaning)
                .tries([
                    "Does the folder belong to you, and is its disk connected and not locked against writing?",
                    "Or name another folder: --storage-folder DIR",
                ])
                .details(format!("{}: {detail}", path.display()))
        }
        Error::Source { path, why, detail } => unreadable(path, *why, detail),
        Error::Choice { detail } => Words::new("choice", sentence(detail), "Nothing was changed.")
            .tries(["Correct the command and start again. spectrum-migrate --help lists every option."]),
        Error::Stopped => Words::new("stopped", "Stopped", meaning).tries([AGAIN]),
        Error::Bug { detail } => Words::new(
            "bug",
            "This program made a mistake, and noticed it",
            "Nothing was deleted anywhere, and your old mail is untouched. Do not remove the old account.",
        )
        .tries([
            AGAIN,
            "If it happens again, please report it with the details below.",
        ])
        .details(detail),
    }
}

/// Nothing here offers to go on: nobody can tell from the screen who is at the other end.
fn insecure(why: Insecure, server: &str) -> Words {
    let host = server.rsplit_once(':').map_or(server, |(host, _)| host);
    let no_password = "No password was sent, and nothing was changed.";
    let words = |what: &str, meaning: &str| {
        Words::new("not_secure", what, format!("{meaning} {no_password}"))
    };
    match why {
        Insecure::UnknownIssuer => words(
            &format!("{host} did not prove that it is Spectrum's server"),
            "Its certificate is signed by someone this computer does not trust. Somebody may be in the middle; \
             most often it is an antivirus program that looks into mail.",
        )
        .tries([
            "In your antivirus program, switch off its check of secure (SSL) mail connections, then start again.",
            "Try from home: hotels, offices and public networks sometimes put themselves in the middle.",
            "Let your computer install its updates: they bring the list of trusted issuers.",
        ]),
        Insecure::WrongName => words(
            &format!("The server that answered is not {host}"),
            "Its certificate is for another name. Somebody may be in the middle, or the name is mistyped.",
        )
        .tries([
            "Check the name of the server for a typing mistake: spectrum-migrate settings shows the right one.",
            "Try from home, without a VPN, and with the antivirus program's mail check switched off.",
        ]),
        Insecure::Expired => words(
            &format!("The certificate of {host} is not valid today"),
            "It has run out or is not valid yet, or this computer's clock is wrong.",
        )
        .tries([
            "Look at the date and the time of this computer, and set them right.",
            "If they are right, the trouble is at the server. Try again tomorrow.",
        ]),
        Insecure::NoTrustStore => words(
            "This computer has no list of trusted certificates",
            "Without it nobody can tell whether a server is the right one.",
        )
        .tries([
            "On Linux, install the package ca-certificates (on Debian and Ubuntu: sudo apt install ca-certificates).",
            "On Windows and macOS, let the computer install its updates.",
        ]),
        Insecure::NoTls => words(
            &format!("{host} offers no connection that is secure enough"),
            "This program speaks TLS 1.2 or later, and nothing less.",
        )
        .tries([
            "Check the server and the port: spectrum-migrate settings shows the right ones (port 993).",
            "An antivirus program or an old router in between can cause this too.",
        ]),
        Insecure::Other => words(
            &format!("No secure connection to {host}"),
            "The two sides did not agree on one.",
        )
        .tries([
            "Try again. If it stays, switch off the antivirus program's mail check, and try from another network.",
        ]),
    }
}

fn unreadable(path: &Path, why: Unreadable, detail: &str) -> Words {
    let name = path
        .file_name()
        .map_or_else(|| path.to_string_lossy(), |name| name.to_string_lossy());
    let words = |what: String, meaning: &str| {
        Words::new("source", what, format!("{meaning} Nothing was changed."))
            .details(format!("{}: {detail}", path.display()))
    };
    match why {
        Unreadable::Missing => words(format!("There is nothing called {name}"), "So no mail can be read there.").tries([
            "Check the path for a typing mistake. A path with blanks needs quotation marks around it.",
            "spectrum-migrate find looks for old mail on this computer.",
        ]),
        Unreadable::NotAllowed => words(
            format!("This computer does not let us read {name}"),
            "Its mail can be there all the same.",
        )
        .tries([
            "On a Mac: System Settings > Privacy & Security > Full Disk Access, and switch on your terminal program.",
            "Or sign in to the computer as the person whose mail it is.",
        ]),
        Unreadable::NotMail => words(format!("{name} holds no mail that we know"), "It was read, and left alone.").tries([
            "spectrum-migrate find looks for old mail on this computer.",
            "In the mail program, look in the account settings for the folder where it keeps its mail.",
        ]),
        Unreadable::Empty => words(format!("{name} holds no message"), "It was read, and it is empty.")
            .tries(["spectrum-migrate find looks for old mail on this computer."]),
        Unreadable::Changed => words(
            format!("{name} is in use by another program"),
            "It changed while we read it, so what we read may be wrong.",
        )
        .tries(["Close your mail program, all its windows, and start again."]),
        Unreadable::Device => words(
            format!("The disk cannot read {name}"),
            "The disk may be failing. What can still be read should be saved first.",
        )
        .tries([
            "Copy the file to another disk, and use that copy: --source PATH",
            "Try a USB disk or a DVD in another socket or drive.",
        ]),
        Unreadable::Unsupported => words(
            format!("{name} holds mail in a form that this program does not read"),
            "The mail is there and is safe; another program has to open it first.",
        )
        .tries([
            "Mail of Outlook, Outlook Express, Windows Mail and Windows Live Mail: Thunderbird, which is free, \
             imports most of it (its menu Tools > Import). Then give Thunderbird's folder here.",
            "Or export the mail as .eml or mbox files in the old program, and give those: --source PATH",
        ]),
    }
}

/// A fragment as the beginning of a sentence.
pub fn sentence(fragment: &str) -> String {
    let mut chars = fragment.chars();
    // A flag stays a flag.
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::failure::Failure;
    use crate::cli::words::screen;

    fn server() -> String {
        "mobile.charter.net:993".into()
    }

    fn insecure_errors() -> Vec<Error> {
        [
            (
                Insecure::UnknownIssuer,
                "self-signed certificate in chain; issuer: Example Antivirus Mail Shield Root",
            ),
            (Insecure::WrongName, "Hostname mismatch"),
            (Insecure::Expired, "certificate has expired"),
            (
                Insecure::NoTrustStore,
                "unable to get local issuer certificate; the trust store is empty",
            ),
            (Insecure::NoTls, "unsupported protocol"),
            (Insecure::Other, "handshake failure"),
        ]
        .into_iter()
        .map(|(why, detail)| Error::NotSecure {
            server: server(),
            why,
            detail: detail.into(),
        })
        .collect()
    }

    fn source_errors() -> Vec<Error> {
        [
            (Unreadable::Missing, "No such file or directory"),
            (Unreadable::NotAllowed, "Permission denied"),
            (Unreadable::NotMail, "a picture"),
            (Unreadable::Empty, ""),
            (Unreadable::Changed, "it grew by 512 bytes"),
            (Unreadable::Device, "Input/output error"),
            (Unreadable::Unsupported, "an Outlook data file (.pst)"),
        ]
        .into_iter()
        .map(|(why, detail)| Error::Source {
            path: "/home/jane/old mail.pst".into(),
            why,
            detail: detail.into(),
        })
        .collect()
    }

    fn other_errors() -> Vec<Error> {
        vec![
            Error::NotReached {
                server: server(),
                detail: "connection timed out after 20 s".into(),
            },
            Error::SignInRefused {
                server: server(),
                detail: "NO [AUTHENTICATIONFAILED] \x1b[2JAuthentication failed".into(),
            },
            Error::ConnectionLost {
                server: server(),
                detail: "connection reset by peer".into(),
            },
            Error::ServerTrouble {
                doing: "listing folders".into(),
                detail: "NO [SERVERBUG] oops".into(),
            },
            Error::MailboxFull {
                detail: "APPEND \"Archive 2014\": NO [OVERQUOTA] Quota exceeded".into(),
            },
            Error::Altered {
                folder: "Family".into(),
                detail: "12 bytes are missing at the end".into(),
            },
            Error::Busy { pid: Some(4711) },
            Error::Busy { pid: None },
            Error::Journal {
                path: "/home/jane/journal.jsonl".into(),
                detail: "No space left on device".into(),
            },
            Error::StorageFull {
                path: "/media/stick/mail".into(),
                needs: 4_100_000_000,
                free: 900_000_000,
            },
            Error::Storage {
                path: "/media/stick/mail".into(),
                detail: "Read-only file system".into(),
            },
            Error::Choice {
                detail: "--skip Famly: none of the mail found is in a folder of that name".into(),
            },
            Error::Bug {
                detail: "8 messages were found, and the ledger has 7".into(),
            },
        ]
    }

    fn screens(errors: Vec<Error>, situation: Situation) -> String {
        let show = |error: Error| {
            let failure = Failure::at(error, situation);
            format!("{}exit {}", screen(&failure), failure.exit().code())
        };
        errors
            .into_iter()
            .map(show)
            .collect::<Vec<_>>()
            .join("\n\n")
    }

    #[test]
    fn every_error_says_what_happened_what_it_means_and_what_to_do() {
        insta::assert_snapshot!(screens(other_errors(), Situation::Untouched));
    }

    #[test]
    fn no_certificate_trouble_offers_to_go_on() {
        let shown = screens(insecure_errors(), Situation::Untouched);
        assert!(!shown.to_lowercase().contains("anyway"));
        let unwrapped = shown.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(
            unwrapped.matches("No password was sent").count(),
            insecure_errors().len()
        );
        insta::assert_snapshot!(shown);
    }

    #[test]
    fn every_way_in_which_a_source_cannot_be_read_has_its_words() {
        insta::assert_snapshot!(screens(source_errors(), Situation::Untouched));
    }

    #[test]
    fn after_a_part_was_copied_the_words_say_how_much() {
        let errors = || {
            vec![
                Error::MailboxFull {
                    detail: "NO [OVERQUOTA] Quota exceeded".into(),
                },
                Error::NotReached {
                    server: server(),
                    detail: "connection timed out".into(),
                },
                Error::Stopped,
            ]
        };
        let part = screens(
            errors(),
            Situation::Copied {
                done: 6_210,
                of: 8_398,
            },
        );
        let unchecked = screens(errors(), Situation::Unchecked { done: 8_398 });
        let nothing = screens(errors(), Situation::Copied { done: 0, of: 8_398 });
        insta::assert_snapshot!([part, unchecked, nothing].join("\n\n----\n\n"));
    }

    #[test]
    fn no_screen_asks_anyone_to_call_or_is_too_wide_or_shouts() {
        let all = insecure_errors()
            .into_iter()
            .chain(source_errors())
            .chain(other_errors())
            .collect();
        let shown = screens(all, Situation::Untouched);
        for line in shown.lines() {
            assert!(line.chars().count() <= 80, "{line}");
            let text = line.split("Details:").next().unwrap_or_default();
            for word in ["telephone", "phone", "call ", "hotline", "!"] {
                assert!(!text.to_lowercase().contains(word), "{word}: {line}");
            }
        }
        assert!(!shown.contains('\x1b'));
    }
}
