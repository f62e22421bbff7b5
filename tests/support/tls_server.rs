//! A server of `openssl s_server`'s, which speaks TLS as it is told, and writes down what it hears.

use std::fs::{self, File};
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::authority::{Certificate, certificates};

pub struct TlsServer {
    directory: tempfile::TempDir,
    child: Child,
    pub port: u16,
}

impl TlsServer {
    /// Starts one that says `greeting` to whoever comes, or tells why there is none.
    pub fn start(certificate: Certificate, options: &[&str], greeting: &[u8]) -> Option<TlsServer> {
        let directory = tempfile::tempdir().unwrap();
        if let Err(why) = certificates(directory.path(), certificate) {
            assert!(std::env::var_os("CI").is_none(), "no certificate: {why}");
            super::skip(&format!("no certificate: {why}"));
            return None;
        }
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let mut child = Command::new("openssl")
            .args(["s_server", "-quiet", "-accept"])
            .arg(format!("127.0.0.1:{port}"))
            .arg("-cert")
            .arg(directory.path().join("cert.pem"))
            .arg("-key")
            .arg(directory.path().join("key.pem"))
            .args(options)
            .stdin(Stdio::piped())
            .stdout(File::create(directory.path().join("heard")).unwrap())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let limit = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < limit, "openssl s_server does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        // It would have told the greeting to the look at whether it is there.
        std::thread::sleep(Duration::from_millis(150));
        let mut input = child.stdin.take().unwrap();
        input.write_all(greeting).unwrap();
        // It ends when nobody can tell it anything any more.
        child.stdin = Some(input);
        Some(TlsServer {
            directory,
            child,
            port,
        })
    }

    pub fn ca_file(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    /// What it was told inside of TLS.
    pub fn heard(&self) -> String {
        std::thread::sleep(Duration::from_millis(100));
        String::from_utf8_lossy(&fs::read(self.directory.path().join("heard")).unwrap()).into()
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
