//! Keeps the computer from falling asleep during a long copy, by the means that each system brings. Where there is none,
//! the copy just runs: a computer that slept goes on afterwards, and nothing is lost by it.

use std::process::{Child, Command, Stdio};

/// Awake as long as this lives.
pub struct Awake(Option<Child>);

impl Awake {
    /// From now on.
    pub fn start() -> Awake {
        let mut command = keeper();
        // It ends when its input does, so also when this program is killed.
        let child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Awake(child.ok())
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            // It may have ended by itself, where the system did not let it.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[cfg(target_os = "macos")]
fn keeper() -> Command {
    let mut command = Command::new("/usr/bin/caffeinate");
    command.args(["-i", "-w", &std::process::id().to_string()]);
    command
}

/// A call of Windows, made by PowerShell, since this program has no unsafe code.
#[cfg(windows)]
fn keeper() -> Command {
    const SCRIPT: &str = "$call = Add-Type -PassThru -Namespace Keep -Name Awake -MemberDefinition \
        '[DllImport(\"kernel32.dll\")] public static extern uint SetThreadExecutionState(uint flags);'; \
        [void]$call::SetThreadExecutionState([uint32]2147483649); [void][Console]::In.ReadLine()";
    let mut command = Command::new("powershell.exe");
    command.args(["-NoProfile", "-NonInteractive", "-Command", SCRIPT]);
    command
}

#[cfg(all(unix, not(target_os = "macos")))]
fn keeper() -> Command {
    let mut command = Command::new("systemd-inhibit");
    command.args([
        "--what=sleep:idle",
        "--who=spectrum-migrate",
        "--why=copying mail",
        "cat",
    ]);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ends_with_its_owner_and_is_missed_nowhere() {
        let awake = Awake::start();
        drop(awake);
        drop(Awake(None));
    }
}
