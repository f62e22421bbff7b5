//! A Dovecot of our own for one test: its own settings, certificate and mail, on loopback only, stopped when dropped.

use std::fmt::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::authority::{Certificate, certificates, output};
use spectrum_migrate::mailbox::Credentials;
use spectrum_migrate::settings::Endpoint;

/// What is different from an ordinary server.
pub struct Options {
    /// The certificate.
    pub certificate: Certificate,
    /// The password of every user.
    pub password: &'static str,
    /// Room of a mailbox, as `300K`.
    pub quota: Option<&'static str>,
    /// Largest message, as `100K`.
    pub largest: Option<&'static str>,
    /// Prefix and delimiter of folders.
    pub namespace: (&'static str, &'static str),
    /// What is announced, instead of what it can do.
    pub capability: Option<&'static str>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            certificate: Certificate::Good,
            password: "secret",
            quota: None,
            largest: None,
            namespace: ("", "/"),
            capability: None,
        }
    }
}

/// A running server.
pub struct Dovecot {
    directory: tempfile::TempDir,
    child: Child,
    port: u16,
    password: &'static str,
}

impl Dovecot {
    /// Starts one, or says why there is none.
    ///
    /// # Panics
    /// Where `CI=true` promises one and there is none.
    pub fn start(options: Options) -> Option<Dovecot> {
        match try_start(options) {
            Ok(dovecot) => Some(dovecot),
            Err(why) if std::env::var("CI").is_ok_and(|value| value == "true") => {
                panic!("no Dovecot: {why}")
            }
            Err(why) => {
                super::skip(&format!("no Dovecot: {why}"));
                None
            }
        }
    }

    /// Where it listens.
    pub fn endpoint(&self) -> Endpoint {
        Endpoint::tls("localhost", self.port)
    }

    /// The password of every user.
    pub fn password(&self) -> &'static str {
        self.password
    }

    /// A user of it; each has a mailbox of its own.
    pub fn credentials(&self, user: &str) -> Credentials {
        Credentials {
            user: user.into(),
            password: self.password.into(),
        }
    }

    /// The certificate of the authority that signed its own.
    pub fn ca_file(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    /// The Maildir of a user.
    pub fn maildir(&self, user: &str) -> PathBuf {
        self.directory
            .path()
            .join("mail")
            .join(user)
            .join("Maildir")
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        let _ = Command::new("kill")
            .arg(self.child.id().to_string())
            .status();
        let limit = Instant::now() + Duration::from_secs(5);
        while Instant::now() < limit {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn try_start(options: Options) -> Result<Dovecot, String> {
    let program = [
        "/usr/sbin/dovecot",
        "/usr/local/sbin/dovecot",
        "/opt/homebrew/sbin/dovecot",
    ];
    let program = program
        .iter()
        .find(|path| Path::new(path).exists())
        .ok_or("it is not installed")?;
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    let at = directory.path();
    for folder in ["run", "state", "mail", "log"] {
        std::fs::create_dir(at.join(folder)).map_err(|error| error.to_string())?;
    }
    certificates(at, options.certificate)?;
    let port = free_port().map_err(|error| error.to_string())?;
    let root = output("id", &["-u"])? == "0";
    let (user, group) = if root {
        ("nobody".into(), "nogroup".into())
    } else {
        (output("id", &["-un"])?, output("id", &["-gn"])?)
    };
    std::fs::write(
        at.join("dovecot.conf"),
        settings(at, port, &user, &group, &options),
    )
    .map_err(|error| error.to_string())?;
    let mut command = if root {
        // Started by root, it drops to nobody first, so that one kind of settings serves both.
        output(
            "chown",
            &["-R", "nobody:nogroup", &at.display().to_string()],
        )?;
        let mut command = Command::new("setpriv");
        command.args([
            "--reuid=nobody",
            "--regid=nogroup",
            "--clear-groups",
            program,
        ]);
        command
    } else {
        Command::new(program)
    };
    command.arg("-F").arg("-c").arg(at.join("dovecot.conf"));
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let child = command.spawn().map_err(|error| error.to_string())?;
    let mut dovecot = Dovecot {
        directory,
        child,
        port,
        password: options.password,
    };
    let limit = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if Instant::now() > limit || !matches!(dovecot.child.try_wait(), Ok(None)) {
            let log = std::fs::read_to_string(dovecot.directory.path().join("log/dovecot.log"))
                .unwrap_or_default();
            return Err(format!("it did not start: {log}"));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(dovecot)
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn settings(at: &Path, port: u16, user: &str, group: &str, options: &Options) -> String {
    let at = at.display();
    let (prefix, separator) = options.namespace;
    let limited = options.quota.is_some() || options.largest.is_some();
    let (plugins, imap_plugins) = if limited {
        ("quota", "imap_quota")
    } else {
        ("", "")
    };
    let mut text = format!(
        "base_dir = {at}/run
state_dir = {at}/state
instance_name = test-{port}
log_path = {at}/log/dovecot.log
protocols = imap
listen = 127.0.0.1
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
auth_failure_delay = 0
auth_mechanisms = plain login
ssl = required
ssl_cert = <{at}/cert.pem
ssl_key = <{at}/key.pem
mail_location = maildir:~/Maildir
mail_fsync = never
mail_max_userip_connections = 50
mail_plugins = {plugins}
namespace inbox {{
  inbox = yes
  prefix = {prefix}
  separator = {separator}
  mailbox Sent {{
    special_use = \\Sent
    auto = create
  }}
  mailbox Trash {{
    special_use = \\Trash
    auto = create
  }}
}}
protocol imap {{
  mail_plugins = $mail_plugins {imap_plugins}
}}
passdb {{
  driver = static
  args = password={}
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={at}/mail/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = {port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
",
        options.password
    );
    if limited {
        let quota = options.quota.unwrap_or("1000G");
        let largest = options.largest.unwrap_or("0");
        let _ = write!(
            text,
            "plugin {{\n  quota = count:User quota\n  quota_vsizes = yes\n  quota_rule = *:storage={quota}\n  quota_max_mail_size = {largest}\n}}\n"
        );
    }
    if let Some(capability) = options.capability {
        let _ = writeln!(text, "imap_capability = {capability}");
    }
    text
}
