//! What the person sees while the engine works: a bar, plain lines, or JSON lines.

mod bar;
mod eta;
mod json;
mod lines;
mod talk;

use std::sync::Arc;

use spectrum_migrate::event::{Observer, Stage};

use super::args::Format;
use super::print::Printer;

/// The observer that fits the outputs.
pub fn observer(printer: &Arc<Printer>) -> Box<dyn Observer> {
    let printer = Arc::clone(printer);
    match printer.look.format {
        Format::Json => Box::new(json::Json::new(printer)),
        Format::Text if printer.look.bar => Box::new(bar::Bar::new(printer)),
        Format::Text => Box::new(lines::Lines::new(printer)),
    }
}

/// What a stage does, as the beginning of a line.
fn doing(stage: Stage) -> &'static str {
    match stage {
        Stage::Connect => "Signing in",
        Stage::Read => "Reading your old mail",
        Stage::Compare => "Asking the server what it has",
        Stage::Copy => "Copying",
        Stage::Verify => "Checking the copy",
        Stage::Keep => "Keeping the rest on this computer",
    }
}

/// What was done with the messages of a stage.
fn done(stage: Stage) -> &'static str {
    match stage {
        Stage::Connect => "signed in",
        Stage::Read => "read",
        Stage::Compare => "on the server",
        Stage::Copy => "copied",
        Stage::Verify => "checked",
        Stage::Keep => "kept",
    }
}
