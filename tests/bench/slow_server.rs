//! Runs the fault server of the tests without faults, as slow and as simple as asked, on loopback and with TLS, until it is killed: `slow_server PORT CA [--delay-per-message MS] [--delay-per-command MS] [--no CAPABILITY]...`
//!
//! It takes the user `bench` with the password `secret`, keeps everything in memory, and writes to
//! CA the certificate of the authority that clients have to trust. The delays are those of APPEND.

mod support;

use std::error::Error;
use std::io::Write as _;
use std::time::Duration;

use support::fault_server::FaultServer;
use support::fault_server::traits::Traits;

fn main() {
    if let Err(error) = run(std::env::args().skip(1)) {
        eprintln!("slow_server: {error}");
        std::process::exit(1);
    }
}

fn run(mut arguments: impl Iterator<Item = String>) -> Result<(), Box<dyn Error>> {
    let usage = "PORT CA [--delay-per-message MS] [--delay-per-command MS] [--no CAPABILITY]...";
    let port: u16 = arguments.next().ok_or(usage)?.parse()?;
    let ca = arguments.next().ok_or(usage)?;
    let (mut per_message, mut per_command) = (Duration::ZERO, Duration::ZERO);
    let mut traits = Traits {
        user: "bench".into(),
        password: "secret".into(),
        ..Traits::default()
    };
    while let Some(option) = arguments.next() {
        let value = arguments.next().ok_or(usage)?;
        match option.as_str() {
            "--delay-per-message" => per_message = Duration::from_millis(value.parse()?),
            "--delay-per-command" => per_command = Duration::from_millis(value.parse()?),
            "--no" if traits.can(&value) => traits = traits.without(&value),
            // A name mistyped would measure another server than the one that was meant.
            "--no" => return Err(format!("no capability {value} to leave out").into()),
            _ => return Err(usage.into()),
        }
    }
    let traits = traits.slow(per_message, per_command);
    let server = FaultServer::start_on(port, traits, Vec::new()).ok_or("it did not start")?;
    std::fs::copy(server.ca_file(), ca)?;
    println!("listening on port {}", server.port());
    std::io::stdout().flush()?;
    loop {
        std::thread::park();
    }
}
