//! What a person sees who starts the program without saying what to do.

use super::exit::Exit;
use super::room::Room;

/// Shows the welcome.
pub fn run(room: &Room) -> Exit {
    room.printer.result(&text());
    Exit::Done
}

fn text() -> String {
    let version = env!("CARGO_PKG_VERSION");
    let title = "Spectrum mail: from POP to IMAP";
    let name = format!("spectrum-migrate {version}");
    format!(
        "{title}{name:>width$}

This moves you from the old way of getting mail (POP: kept on this computer)
to the new one (IMAP: kept on Spectrum's server, the same on every device).
Your old mail is copied to the server and checked.

  Nothing on this computer is changed or deleted by this program.
  You can stop at any time with Ctrl-C and start again later.

One step at a time, in this order:

  spectrum-migrate rehearse    practise; nothing leaves this computer
  spectrum-migrate settings    what to enter in your mail program
  spectrum-migrate find        look for old mail on this computer
  spectrum-migrate check       try the connection and your password
  spectrum-migrate plan        what would be copied; changes nothing
  spectrum-migrate copy        copy it, check the copy, and report
  spectrum-migrate verify      compare the server with this computer again
  spectrum-migrate report      show the last report

You will need your Spectrum email address and its password.
Keep the old account in your mail program until the copy is checked.
More: spectrum-migrate --help
",
        width = 78 - title.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Cli;
    use crate::cli::print::Look;
    use clap::CommandFactory;

    #[test]
    fn the_welcome_says_what_happens_and_that_nothing_is_changed() {
        let (room, written) = Room::pretend(Look::default(), Some(""));
        assert_eq!(run(&room), Exit::Done);
        insta::assert_snapshot!(written.out().replace(env!("CARGO_PKG_VERSION"), "0.0.0"));
    }

    #[test]
    fn it_names_every_command_that_people_use() {
        let text = text();
        for command in Cli::command()
            .get_subcommands()
            .filter(|command| !command.is_hide_set())
        {
            assert!(
                text.contains(&format!("spectrum-migrate {} ", command.get_name())),
                "{}",
                command.get_name()
            );
        }
    }
}
