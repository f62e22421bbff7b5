//! Reads a place as a plan does and says how fast: `cargo run --release --example scan -- [--sum] [--known DIRECTORY] PLACE...`
//!
//! With `--known DIRECTORY` it keeps there what it finds, and need not read unchanged files again.
//! With `--sum` it also prints one hash over everything that was found, so that two versions of the
//! program can be compared: equal files must give equal sums.

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use spectrum_migrate::identity::Fingerprinter;
use spectrum_migrate::source;

fn main() {
    let (mut sum, mut known) = (None, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--known" {
            known = arguments.next();
            continue;
        }
        if argument == "--sum" {
            sum = Some(Fingerprinter::new());
            continue;
        }
        if let Err(error) = read(Path::new(&argument), known.as_deref(), &mut sum) {
            eprintln!("{argument}: {error}");
            std::process::exit(1);
        }
    }
    if let Some(sum) = sum {
        println!("sum {}", sum.finish().identity.bytes);
    }
}

fn read(
    place: &Path,
    known: Option<&str>,
    sum: &mut Option<Fingerprinter>,
) -> Result<(), Box<dyn std::error::Error>> {
    let start = Instant::now();
    let source = source::open(place)?;
    if let Some(directory) = known {
        source.remember_in(Path::new(directory));
    }
    let (mut messages, mut damaged) = (0, 0);
    for scanned in source.scan()? {
        match &scanned {
            Ok(_) => messages += 1,
            Err(_) => damaged += 1,
        }
        if let Some(sum) = sum {
            writeln!(sum, "{scanned:?}")?;
        }
    }
    if let Some(sum) = sum {
        write!(sum, "{:?}{:?}", source.remarks(), source.ledger())?;
    }
    let seconds = start.elapsed().as_secs_f64();
    let bytes = source.bytes();
    println!(
        "{}: {messages} messages, {damaged} damaged, {:.1} MB in {seconds:.2} s, {:.0} MB/s",
        place.display(),
        bytes as f64 / 1e6,
        bytes as f64 / 1e6 / seconds
    );
    Ok(())
}
