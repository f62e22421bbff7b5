//! Uploads an mbox as a plain program does, one APPEND and its answer after the other on each connection: `naive PORT USER PASSWORD CA MBOX FOLDER CONNECTIONS`

use std::error::Error;
use std::io::Read;
use std::net::TcpStream;
use std::path::Path;
use std::time::Instant;

use imap::{Client, Session};
use native_tls::{Certificate, TlsConnector, TlsStream};
use spectrum_migrate::message::Item;
use spectrum_migrate::source::{self, Source};

type Failed = Box<dyn Error + Send + Sync>;

/// Where everything goes.
struct Target {
    port: u16,
    user: String,
    password: String,
    connector: TlsConnector,
    folder: String,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Err(error) = run(&arguments) {
        eprintln!("naive: {error}");
        std::process::exit(1);
    }
}

fn run(arguments: &[String]) -> Result<(), Failed> {
    let [port, user, password, ca, mbox, folder, connections] = arguments else {
        return Err("PORT USER PASSWORD CA MBOX FOLDER CONNECTIONS".into());
    };
    let connections: usize = connections.parse()?;
    if connections == 0 {
        return Err("at least one connection".into());
    }
    let target = Target {
        port: port.parse()?,
        user: user.clone(),
        password: password.clone(),
        connector: TlsConnector::builder()
            .add_root_certificate(Certificate::from_pem(&std::fs::read(ca)?)?)
            .build()?,
        folder: folder.clone(),
    };
    // The program's own reader, so that both send the same bytes.
    let source = source::open(Path::new(mbox))?;
    let items: Vec<Item> = source
        .scan()?
        .collect::<Result<_, _>>()
        .map_err(|damaged| format!("{damaged:?}"))?;
    // Reading the mbox is not counted here: this is about the way to the server.
    let start = Instant::now();
    std::thread::scope(|scope| {
        let (items, source, target) = (&items, &*source, &target);
        let running: Vec<_> = (0..connections)
            .map(|first| scope.spawn(move || upload(source, items, first, connections, target)))
            .collect();
        running
            .into_iter()
            .try_for_each(|thread| thread.join().map_err(|_| "a thread panicked")?)
    })?;
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{} messages over {connections} connections in {seconds:.2} s, {:.1} messages/s",
        items.len(),
        items.len() as f64 / seconds
    );
    Ok(())
}

/// Sends one message in `step` on a connection of its own, from the `first` on.
fn upload(
    source: &dyn Source,
    items: &[Item],
    first: usize,
    step: usize,
    target: &Target,
) -> Result<(), Failed> {
    let mut session = sign_in(target)?;
    for item in items.iter().skip(first).step_by(step) {
        let mut bytes = Vec::with_capacity(item.size as usize);
        source.open(item)?.read_to_end(&mut bytes)?;
        session.append(&target.folder, &bytes).finish()?;
    }
    session.logout()?;
    Ok(())
}

fn sign_in(target: &Target) -> Result<Session<TlsStream<TcpStream>>, Failed> {
    let tcp = TcpStream::connect(("localhost", target.port))?;
    // Without this the kernel holds back the end of every message for an answer that is not
    // sent (Nagle and delayed ACK, 40 ms), and the comparison would be with that.
    tcp.set_nodelay(true)?;
    let mut client = Client::new(target.connector.connect("localhost", tcp)?);
    client.read_greeting()?;
    let session = client.login(&target.user, &target.password);
    session.map_err(|(error, _)| error.into())
}
