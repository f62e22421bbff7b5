//! The six steps, as data: what each is for, what to click in which mail program, how it is known to be done, and where
//! a person stands. The conversation itself is the command line's.

pub mod change;
pub mod evidence;
pub mod gate;
pub mod program;
pub mod progress;
pub mod setup;
pub mod step;
pub mod words;

pub use gate::{Gate, Opened};
pub use program::MailProgram;
pub use progress::Progress;
pub use step::Step;
