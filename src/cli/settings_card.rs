//! `settings`: what to enter in a mail program, to be copied.

use std::path::Path;

use serde::Serialize;
use spectrum_migrate::guide::{MailProgram, Step};
use spectrum_migrate::safe::safe;
use spectrum_migrate::settings::{self, Row, Servers};

use super::account::email;
use super::args::{Flags, For};
use super::exit::Exit;
use super::failure::Failure;
use super::guide::page;
use super::guide::setup_files;
use super::layout::{is_narrow, wrap};
use super::room::Room;

/// Shows the card.
///
/// # Errors
/// An address that is none of Spectrum's.
pub fn run(
    room: &Room,
    flags: &Flags,
    program: Option<For>,
    files: Option<&Path>,
) -> Result<Exit, Failure> {
    let email = email(room, flags)?;
    let servers = settings::servers(&email).ok_or_else(|| Failure::NotSpectrum(email.clone()))?;
    let table = settings::table(&email, &servers);
    #[derive(Serialize)]
    struct Card<'a> {
        email: &'a str,
        servers: &'a Servers,
        table: &'a [Row],
    }
    room.printer.event(
        "settings",
        &Card {
            email: &email,
            servers: &servers,
            table: &table,
        },
    );
    room.printer.result(&card(&email, &servers, &table));
    if let Some(program) = program {
        room.printer.result(&clicks(program));
    }
    if let Some(directory) = files {
        let written = setup_files::write(&email, &servers, directory).map_err(|error| {
            anyhow::Error::new(error).context("the set-up files cannot be written")
        })?;
        room.printer.result(&setup_files::words(&written));
    }
    Ok(Exit::Done)
}

/// What to click to enter the values.
fn clicks(program: For) -> String {
    let known = match program {
        For::Outlook => MailProgram::Outlook,
        For::NewOutlook => MailProgram::NewOutlook,
        For::Thunderbird => MailProgram::Thunderbird,
        For::AppleMail => MailProgram::AppleMail,
        For::WindowsLiveMail => MailProgram::WindowsLiveMail,
        For::EmClient => MailProgram::EmClient,
        For::Other => MailProgram::Other,
        For::Phone => return page::phones(),
    };
    let Some(page) = known.page(Step::Create) else {
        return String::new();
    };
    let more = if page.more.is_empty() {
        String::new()
    } else {
        format!("\n\n{}", page::more(&page))
    };
    format!("{}{more}", page::clicks(known.name(), &page))
}

/// The card of an address of Spectrum's, as a part of the guide.
pub fn for_guide(email: &str) -> String {
    settings::servers(email).map_or_else(String::new, |servers| {
        card(email, &servers, &settings::table(email, &servers))
    })
}

fn card(email: &str, servers: &Servers, table: &[Row]) -> String {
    let mut text = format!("Settings for {} in a mail program\n", safe(email));
    let mut group = "";
    for row in table {
        if row.group != group {
            group = row.group;
            text.push_str(&format!("\n{group}\n"));
        }
        let line = if is_narrow() {
            wrap("  ", &format!("{}: {}", row.field, safe(&row.value)))
        } else {
            wrap(&format!("  {:<40} ", row.field), &safe(&row.value))
        };
        text.push_str(&line);
        text.push('\n');
    }
    if !servers.certain {
        text.push_str(
            "\n!    An address like this does not tell its server for sure. Try this one first;\n     \
             some addresses in rr.com are on mail.brighthouse.com.\n",
        );
    }
    text.push_str(&format!(
        "\n{}\n",
        wrap(
            "",
            &format!(
                "Source: {}, looked at in {}.",
                servers.source.who, servers.source.when
            )
        )
    ));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Format;
    use crate::cli::print::Look;

    fn shown(email: &str, look: Look) -> String {
        let (room, written) = Room::pretend(look, None);
        let exit = run(
            &room,
            &Flags {
                email: Some(email.into()),
                ..Flags::default()
            },
            None,
            None,
        )
        .unwrap();
        format!("{}exit {}", written.out(), exit.code())
    }

    #[test]
    fn the_card_can_be_copied_into_a_mail_program() {
        insta::assert_snapshot!(shown("jane@charter.net", Look::default()));
    }

    #[test]
    fn an_address_that_does_not_tell_its_server_says_so() {
        insta::assert_snapshot!(shown("jane@nyc.rr.com", Look::default()));
    }

    #[test]
    fn programs_get_the_card_as_one_line() {
        let line = shown(
            "jane@charter.net",
            Look {
                format: Format::Json,
                ..Look::default()
            },
        );
        assert!(
            line.starts_with("{\"v\":1,\"event\":\"settings\",\"email\":\"jane@charter.net\""),
            "{line}"
        );
        assert_eq!(line.lines().count(), 2);
    }
}
