//! `completions` and `man`: files for shells and for the manual, from the definition of the command line.

use clap::CommandFactory;
use clap_complete::Shell;

use super::args::Cli;
use super::exit::Exit;
use super::failure::Failure;
use super::room::Room;

const NAME: &str = "spectrum-migrate";

/// Writes completions.
pub fn completions(room: &Room, shell: Shell) -> Exit {
    let mut file = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), NAME, &mut file);
    room.printer.file(&file);
    Exit::Done
}

/// Writes the manual page.
///
/// # Errors
/// None that is known.
pub fn man(room: &Room) -> Result<Exit, Failure> {
    let mut file = Vec::new();
    clap_mangen::Man::new(Cli::command())
        .render(&mut file)
        .map_err(anyhow::Error::new)?;
    room.printer.file(&file);
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::print::Look;

    #[test]
    fn every_shell_gets_completions_with_every_command() {
        for shell in [
            Shell::Bash,
            Shell::Elvish,
            Shell::Fish,
            Shell::PowerShell,
            Shell::Zsh,
        ] {
            let (room, written) = Room::pretend(Look::default(), None);
            assert_eq!(completions(&room, shell), Exit::Done);
            for word in ["settings", "rehearse", "password-stdin"] {
                assert!(written.out().contains(word), "{shell}: {word}");
            }
        }
    }

    #[test]
    fn the_manual_has_the_flags_and_the_exit_codes() {
        let (room, written) = Room::pretend(Look::default(), None);
        man(&room).unwrap();
        let page = written.out();
        assert!(
            page.starts_with(".ie")
                && page.contains("\\-\\-keep\\-duplicates")
                && page.contains("130"),
            "{page}"
        );
    }
}
