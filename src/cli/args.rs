//! The command line: commands, flags, and the environment variables that stand in for some of them.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::civil::Date;

use super::exit;

/// What a person typed.
#[derive(Debug, Parser)]
#[command(
    name = "spectrum-migrate",
    version,
    about = "Copies the old mail on this computer into your Spectrum mailbox, and checks that all of it arrived.",
    long_about = "Copies the old mail on this computer (from a POP account) into your Spectrum mailbox (IMAP), \
                  and checks that all of it arrived. Your old mail is never changed, and nothing is deleted \
                  anywhere. Without a command, in a terminal, it is a guide through Spectrum's six steps. It can be stopped at any time with Ctrl-C and started again: no message is copied twice.",
    after_help = "It never asks you to call anyone. --help shows every option and the exit codes.",
    after_long_help = after_long_help(),
    max_term_width = 80,
    propagate_version = true,
    infer_subcommands = false
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The flags that the commands share.
    #[command(flatten)]
    pub flags: Flags,
}

fn after_long_help() -> String {
    format!(
        "Also: spectrum-migrate completions SHELL, and spectrum-migrate man.\n\n\
         If nothing else gives the password, the environment variable SPECTRUM_MIGRATE_PASSWORD is \
         read. Other programs of yours can see it there; a file that only you can read is better.\n\n\
         It never asks you to call anyone.\n\n{}",
        exit::help()
    )
}

/// One stage each; `copy` is plan, copy, verify and report.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what to enter in your mail program
    Settings {
        /// Show what to click as well
        #[arg(long = "for", value_name = "PROGRAM")]
        program: Option<For>,
        /// Write set-up files for Apple devices and Thunderbird into this folder
        #[arg(long, value_name = "DIR")]
        files: Option<PathBuf>,
    },
    /// Look for old mail on this computer
    Find,
    /// Try the connection and the sign-in, and show what the server offers
    Check,
    /// Show what would be copied; changes nothing
    Plan,
    /// Copy: show the plan, ask, copy, check the copy, report
    Copy,
    /// Compare the mailbox with the mail on this computer
    Verify,
    /// Show the report of the last run
    Report,
    /// Practise on a pretend server inside this computer; nothing leaves it
    Rehearse {
        /// Keep the pretend server running for other mail programs, until Ctrl-C
        #[arg(long, value_name = "PORT", num_args = 0..=1, default_missing_value = "0")]
        serve: Option<u16>,
    },
    /// Write completions for a shell
    #[command(hide = true)]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write the manual page
    #[command(hide = true)]
    Man,
}

/// The flags that the commands share.
#[derive(Clone, Debug, Default, Args)]
pub struct Flags {
    /// Your email address
    #[arg(
        long,
        global = true,
        value_name = "ADDRESS",
        env = "SPECTRUM_MIGRATE_EMAIL",
        hide_env_values = true,
        help_heading = ACCOUNT
    )]
    pub email: Option<String>,
    /// User name, if it is not the email address
    #[arg(long, global = true, value_name = "NAME", help_heading = ACCOUNT)]
    pub user: Option<String>,
    /// Mail server, if the address does not tell it
    #[arg(long, global = true, value_name = "HOST[:PORT]", value_parser = server, help_heading = ACCOUNT)]
    pub server: Option<(String, u16)>,
    /// Trust certificates signed by this one, too (PEM)
    #[arg(long, global = true, value_name = "FILE", help_heading = ACCOUNT)]
    pub ca_file: Option<PathBuf>,
    /// Read the password from a file that only you can read
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "SPECTRUM_MIGRATE_PASSWORD_FILE",
        hide_env_values = true,
        help_heading = ACCOUNT
    )]
    pub password_file: Option<PathBuf>,
    /// Read the password from the first line of standard input
    #[arg(long, global = true, help_heading = ACCOUNT)]
    pub password_stdin: bool,

    /// A file or folder with old mail (can be repeated)
    #[arg(long, global = true, value_name = "PATH", help_heading = WHAT)]
    pub source: Vec<PathBuf>,
    /// Leave this folder out (can be repeated)
    #[arg(long, global = true, value_name = "FOLDER", help_heading = WHAT)]
    pub skip: Vec<String>,
    /// Copy the folder FROM into the folder TO (can be repeated)
    #[arg(long, global = true, value_name = "FROM=TO", value_parser = mapping, help_heading = WHAT)]
    pub map: Vec<(String, String)>,
    /// Put everything below one folder on the server
    #[arg(long, global = true, value_name = "FOLDER", help_heading = WHAT)]
    pub into: Option<String>,
    /// Leave out messages before this day
    #[arg(long, global = true, value_name = "YYYY-MM-DD", value_parser = day, help_heading = WHAT)]
    pub since: Option<Date>,
    /// Leave out messages after this day
    #[arg(long, global = true, value_name = "YYYY-MM-DD", value_parser = day, help_heading = WHAT)]
    pub until: Option<Date>,
    /// Copy messages that were deleted and are still in the file, too
    #[arg(long, global = true, help_heading = WHAT)]
    pub include_deleted: bool,
    /// Copy identical messages of one folder as often as they are there
    #[arg(long, global = true, help_heading = WHAT)]
    pub keep_duplicates: bool,
    /// Do not copy what the server has in another folder
    #[arg(long, global = true, help_heading = WHAT)]
    pub once: bool,
    /// Do not mark messages already on the server as read, answered or starred
    #[arg(long, global = true, help_heading = WHAT)]
    pub leave_flags: bool,

    /// How the copy is checked: by message headers, or by reading every message back
    #[arg(long, global = true, value_name = "HOW", alias = "depth", help_heading = HOW)]
    pub verify: Option<VerifyBy>,
    /// Read back a share of the messages only, and compare the others by headers: 5%
    #[arg(
        long,
        global = true,
        value_name = "SHARE",
        value_parser = share,
        conflicts_with = "verify",
        help_heading = HOW
    )]
    pub sample: Option<u8>,
    /// Send no more than this in a second, for people who share the line: 500K, 2M
    #[arg(long, global = true, value_name = "BYTES", value_parser = rate, help_heading = HOW)]
    pub max_rate: Option<u64>,
    /// Read flags from this file; by default config.toml in your configuration directory, if there is one
    #[arg(long, global = true, value_name = "FILE", help_heading = HOW)]
    pub config: Option<PathBuf>,
    /// Keep on this computer, in this folder, what the server does not take
    #[arg(long, global = true, value_name = "DIR", help_heading = HOW)]
    pub storage_folder: Option<PathBuf>,
    /// Where journals and reports are kept
    #[arg(long, global = true, value_name = "DIR", help_heading = HOW)]
    pub state_dir: Option<PathBuf>,
    /// Show the plan, and change nothing
    #[arg(long, global = true, help_heading = HOW)]
    pub dry_run: bool,
    /// Accept the plan without asking
    #[arg(long, global = true, help_heading = HOW)]
    pub yes: bool,
    /// Ask nothing; without a command: check, then copy
    #[arg(long, global = true, help_heading = HOW)]
    pub non_interactive: bool,

    /// How results are written
    #[arg(long, global = true, default_value = "text", help_heading = OUTPUT)]
    pub format: Format,
    /// No bars and no tables: every line makes sense alone, for screen readers
    #[arg(
        long,
        global = true,
        env = "SPECTRUM_MIGRATE_PLAIN",
        hide_env_values = true,
        value_parser = clap::builder::FalseyValueParser::new(),
        help_heading = OUTPUT
    )]
    pub plain: bool,
    /// Colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", help_heading = OUTPUT)]
    pub color: Color,
    /// Say more
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = OUTPUT)]
    pub verbose: u8,
}

const ACCOUNT: &str = "Your account";
const WHAT: &str = "What is copied";
const HOW: &str = "How it is done";
const OUTPUT: &str = "What you see";

/// How results are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for programs.
    Json,
}

/// When colours are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// In a terminal that can show them.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Whose clicks are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum For {
    /// Classic Outlook.
    Outlook,
    /// The new Outlook for Windows.
    NewOutlook,
    /// Thunderbird.
    Thunderbird,
    /// Apple Mail on a Mac.
    AppleMail,
    /// Windows Live Mail.
    WindowsLiveMail,
    /// eM Client.
    EmClient,
    /// Any other program.
    Other,
    /// Phones and tablets.
    Phone,
}

/// How the copy is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum VerifyBy {
    /// By message headers and size.
    Headers,
    /// By reading every message back.
    Bytes,
}

/// `HOST`, `HOST:PORT`, or `[ADDRESS]:PORT` for IPv6.
pub fn server(text: &str) -> Result<(String, u16), String> {
    let default = spectrum_migrate::settings::IMAP_PORT;
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
            let port = port.parse().ok().filter(|port| *port > 0);
            (
                host,
                port.ok_or("the port is not a number from 1 to 65535")?,
            )
        }
        _ => (text, default),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-_:".contains(c);
    if host.is_empty() || !host.chars().all(plain) {
        return Err("this is not the name of a server; it looks like mobile.charter.net".into());
    }
    Ok((host.to_ascii_lowercase(), port))
}

/// `5%`, from 1 to 99.
fn share(text: &str) -> Result<u8, String> {
    let number = text.trim().trim_end_matches('%').parse().ok();
    number
        .filter(|share| (1..=99).contains(share))
        .ok_or_else(|| "write a share of the messages from 1% to 99%, for example 5%".into())
}

/// `500K`, `2M`, or plain bytes.
fn rate(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let (digits, unit) = match text.char_indices().last() {
        Some((at, 'k' | 'K')) => (text.get(..at), 1000),
        Some((at, 'm' | 'M')) => (text.get(..at), 1_000_000),
        _ => (Some(text), 1),
    };
    let number: Option<u64> = digits.and_then(|digits| digits.parse().ok());
    number
        .and_then(|number| number.checked_mul(unit))
        .filter(|rate| *rate >= 1000)
        .ok_or_else(|| "write how many bytes may go in a second, for example 500K or 2M".into())
}

fn mapping(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((from, to)) if !from.is_empty() && !to.is_empty() => Ok((from.into(), to.into())),
        _ => Err("write it as FROM=TO, for example \"Old mail=Archive\"".into()),
    }
}

fn day(text: &str) -> Result<Date, String> {
    let wrong = || "write the day as YYYY-MM-DD, for example 2009-05-17".to_string();
    if text.len() != 10 {
        return Err(wrong());
    }
    Date::strptime("%Y-%m-%d", text).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        let words = line.split_whitespace();
        Cli::try_parse_from(std::iter::once("spectrum-migrate").chain(words))
    }

    #[test]
    fn clap_finds_no_mistake_in_the_definition() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_flag_takes_a_password() {
        for line in ["copy --password secret", "copy --password=secret"] {
            let error = parse(line).unwrap_err();
            assert_eq!(error.kind(), clap::error::ErrorKind::UnknownArgument);
            assert_eq!(error.exit_code(), i32::from(exit::Exit::Usage.code()));
        }
        let takes_value =
            |arg: &clap::Arg| arg.get_id() == "password_stdin" && arg.get_action().takes_values();
        assert!(!Cli::command().get_arguments().any(takes_value));
    }

    #[test]
    fn flags_stand_before_or_after_the_command() {
        let before = parse("--source a --source b plan").unwrap();
        let after = parse("plan --source a --source b").unwrap();
        assert_eq!(before.flags.source, after.flags.source);
        assert_eq!(after.flags.source.len(), 2);
    }

    #[test]
    fn servers_have_a_port_or_get_the_usual_one() {
        assert_eq!(
            server("Mobile.charter.net"),
            Ok(("mobile.charter.net".into(), 993))
        );
        assert_eq!(server("localhost:1143"), Ok(("localhost".into(), 1143)));
        assert_eq!(server("[::1]:1143"), Ok(("::1".into(), 1143)));
        assert_eq!(server("::1"), Ok(("::1".into(), 993)));
        for wrong in [
            "",
            "host:0",
            "host:99999",
            "host:",
            "a b",
            "host\r\nX",
            ":993",
        ] {
            assert!(server(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn days_and_folder_pairs_are_checked_where_they_are_typed() {
        assert_eq!(day("2009-05-17"), Ok(jiff::civil::date(2009, 5, 17)));
        for wrong in [
            "2009-5-17",
            "17-05-2009",
            "2009-02-30",
            "yesterday!",
            "20090517",
        ] {
            assert!(day(wrong).is_err(), "{wrong}");
        }
        assert_eq!(mapping("a=b=c"), Ok(("a".into(), "b=c".into())));
        assert!(mapping("=b").is_err() && mapping("a=").is_err() && mapping("a").is_err());
    }

    #[test]
    fn serve_takes_a_port_or_none() {
        let port = |line: &str| match parse(line).unwrap().command {
            Some(Command::Rehearse { serve }) => serve,
            _ => None,
        };
        assert_eq!(port("rehearse"), None);
        assert_eq!(port("rehearse --serve"), Some(0));
        assert_eq!(port("rehearse --serve 1993"), Some(1993));
    }

    #[test]
    fn shares_and_rates_are_read_as_people_write_them() {
        assert_eq!(share("5%"), Ok(5));
        assert_eq!(share("50"), Ok(50));
        for wrong in ["0", "100%", "five", "", "-1%"] {
            assert!(share(wrong).is_err(), "{wrong}");
        }
        assert_eq!(rate("500K"), Ok(500_000));
        assert_eq!(rate("2m"), Ok(2_000_000));
        assert_eq!(rate("12345"), Ok(12_345));
        for wrong in [
            "",
            "K",
            "fast",
            "1",
            "99999999999999999999",
            "18446744073709551615M",
        ] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_short_help_fits_a_screen_and_hides_the_rest() {
        insta::assert_snapshot!(Cli::command().render_help());
    }

    #[test]
    fn the_long_help_has_every_flag_and_the_exit_codes() {
        let help = Cli::command().render_long_help().to_string();
        assert!(help.contains(&exit::help()));
        assert!(
            help.lines().all(|line| line.chars().count() <= 80),
            "{help}"
        );
        insta::assert_snapshot!(help);
    }
}
