//! What someone else does to a source while it is read.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::sample;

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Tamper {
    /// A message is added.
    Grow,
    /// The second half of the file is other mail.
    Rewrite,
    /// The same, of the same length and with the same headers.
    RewriteAlike,
    /// The first message is removed, in place.
    Compact,
    /// The same, with a new file under the old name.
    CompactByRename,
    /// The file is cut in the middle of a message.
    Truncate,
    /// It is gone.
    Remove,
}

impl Tamper {
    /// Does it to the mbox `Family` of a source.
    pub fn act(self, source: &Path) {
        let path = source.join("Family");
        let Ok(mut content) = fs::read(&path) else {
            return;
        };
        let starts: Vec<usize> = memchr::memmem::find_iter(&content, b"From jane@").collect();
        match self {
            Tamper::Grow => content.extend(sample::mbox(&[sample::newcomer()])),
            Tamper::Rewrite | Tamper::RewriteAlike => {
                // In the texts only, or they would not be messages any more.
                let half = starts[starts.len() / 2];
                let lines: Vec<usize> = memchr::memmem::find_iter(&content, b"\nline ").collect();
                let word: &[u8] = if self == Tamper::Rewrite {
                    b"words"
                } else {
                    b"word"
                };
                for at in lines.into_iter().rev().filter(|at| *at > half) {
                    content.splice(at + 1..at + 5, word.iter().copied());
                }
            }
            Tamper::Compact | Tamper::CompactByRename => {
                content.drain(..starts[1]);
            }
            Tamper::Truncate => content.truncate(starts[starts.len() - 1] + 120),
            Tamper::Remove => return fs::remove_file(&path).unwrap(),
        }
        if self == Tamper::CompactByRename {
            let fresh = source.with_file_name("Family.new");
            fs::write(&fresh, content).unwrap();
            fs::rename(fresh, path).unwrap();
        } else {
            fs::write(path, content).unwrap();
        }
    }
}
