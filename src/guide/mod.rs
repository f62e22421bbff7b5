//! The six steps: what they are, what a computer says about them, and the one change that is made for a person.

pub mod change;
pub mod evidence;
pub mod setup;
