//! Measures messages on the other cores while the file is still being split, and hands them out in their order.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::split::{Piece, Splitter};
use crate::message::Conversions;
use crate::source::upload::{Measured, Measurer};

/// A batch has so many bytes of mail, or one message more: small messages are measured faster than handed over.
const BATCH_BYTES: u64 = 512 * 1024;

/// A batch never has more messages than this.
const BATCH_MESSAGES: usize = 64;

/// More cores than this would wait for the splitting.
const MOST_WORKERS: usize = 4;

/// In a shorter file, the threads would cost more than they save.
const WORTH_IT: u64 = 4 * 1024 * 1024;

/// The threads that a file of this length is worth.
pub(super) fn helpers(length: u64) -> usize {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    if cores < 2 || length < WORTH_IT {
        0
    } else {
        cores.min(MOST_WORKERS)
    }
}

/// A message that was found.
pub(super) struct Found {
    /// Where it lies.
    pub(super) piece: Piece,
    /// What is to be changed in it; `None` where there is nothing to measure.
    pub(super) wanted: Option<Conversions>,
    /// Whether the file ends behind it.
    pub(super) last: bool,
}

/// What a message turned out to be; `None` where the file ends before it does.
pub(super) type Outcome = io::Result<Option<Measured>>;

/// How the reading goes on.
pub(super) enum Next {
    /// With a message.
    Message(Box<Found>, Outcome),
    /// Not at all: all was split, or the disk can't be read.
    End(io::Result<()>),
}

/// A message to be measured.
#[derive(Clone, Copy)]
struct Task {
    start: u64,
    length: u64,
    wanted: Conversions,
}

impl Found {
    fn task(&self) -> Option<Task> {
        self.wanted.map(|wanted| Task {
            start: self.piece.start,
            length: self.piece.length,
            wanted,
        })
    }
}

/// Messages that are measured together.
struct Batch {
    found: VecDeque<Found>,
    /// What comes of them, where somebody else measures.
    answer: Option<Receiver<Vec<Outcome>>>,
    measured: VecDeque<Outcome>,
}

/// Reads a file's messages ahead.
pub(super) struct Ahead {
    splitter: Splitter<File>,
    own: Measuring,
    workers: Workers,
    batches: VecDeque<Batch>,
    end: Option<io::Result<()>>,
}

impl Ahead {
    /// Reads what `splitter` finds, whose file `open` opens once more for each reader, with so many `helpers`.
    ///
    /// # Errors
    /// The file can't be opened again.
    pub(super) fn new(
        splitter: Splitter<File>,
        helpers: usize,
        open: impl Fn() -> io::Result<File>,
    ) -> io::Result<Ahead> {
        let files = (0..helpers).map_while(|_| open().ok()).collect();
        Ok(Ahead {
            splitter,
            own: Measuring::new(open()?),
            workers: Workers::start(files),
            batches: VecDeque::new(),
            end: None,
        })
    }

    /// What the splitting found by now; complete at the end.
    pub(super) fn splitter(&self) -> &Splitter<File> {
        &self.splitter
    }

    /// The next message. `wanted` says what is to be changed in one.
    pub(super) fn next(&mut self, wanted: impl Fn(&Piece, bool) -> Option<Conversions>) -> Next {
        loop {
            if self.end.is_none() && self.batches.len() <= 2 * self.workers.count {
                self.split(&wanted);
                continue;
            }
            let Some(batch) = self.batches.front_mut() else {
                // It is asked for once.
                return Next::End(self.end.take().unwrap_or(Ok(())));
            };
            let Some(found) = batch.found.pop_front() else {
                self.batches.pop_front();
                continue;
            };
            let Some(task) = found.task() else {
                return Next::Message(Box::new(found), Ok(None));
            };
            if let Some(answer) = batch.answer.take() {
                // Where a worker is lost, the rest is measured here.
                batch.measured = answer.recv().unwrap_or_default().into();
            }
            let outcome = match batch.measured.pop_front() {
                Some(outcome) => outcome,
                None => self.own.measure(task),
            };
            return Next::Message(Box::new(found), outcome);
        }
    }

    /// Splits off one more batch, and gives it to the workers.
    fn split(&mut self, wanted: &impl Fn(&Piece, bool) -> Option<Conversions>) {
        let mut found: VecDeque<Found> = VecDeque::new();
        let mut bytes = 0;
        while bytes < BATCH_BYTES && found.len() < BATCH_MESSAGES {
            match self.splitter.next_piece() {
                Ok(Some(piece)) => {
                    bytes += piece.length;
                    found.push_back(Found {
                        wanted: wanted(&piece, self.splitter.cr_lines()),
                        last: self.splitter.is_done(),
                        piece,
                    });
                }
                ended => {
                    self.end = Some(ended.map(|_| ()));
                    break;
                }
            }
        }
        if !found.is_empty() {
            let tasks = found.iter().filter_map(Found::task).collect();
            self.batches.push_back(Batch {
                answer: self.workers.give(tasks),
                found,
                measured: VecDeque::new(),
            });
        }
    }
}

/// Reads and measures messages of one open file.
struct Measuring {
    file: File,
    measurer: Measurer,
}

impl Measuring {
    fn new(file: File) -> Measuring {
        Measuring {
            file,
            measurer: Measurer::default(),
        }
    }

    fn measure(&mut self, task: Task) -> Outcome {
        self.file.seek(SeekFrom::Start(task.start))?;
        let mut stored = self.file.by_ref().take(task.length);
        let measured = self.measurer.measure(&mut stored, task.wanted)?;
        Ok((stored.limit() == 0).then_some(measured))
    }
}

struct Job {
    tasks: Vec<Task>,
    answer: SyncSender<Vec<Outcome>>,
}

/// Threads that measure. They end when this goes away, at the latest behind the batch they are at.
struct Workers {
    jobs: Option<SyncSender<Job>>,
    count: usize,
}

impl Workers {
    /// One for each file; none is fine as well.
    fn start(files: Vec<File>) -> Workers {
        let (jobs, waiting) = sync_channel(2 * files.len() + 1);
        let waiting = Arc::new(Mutex::new(waiting));
        let mut count = 0;
        for file in files {
            let waiting = Arc::clone(&waiting);
            let work = move || work(&waiting, Measuring::new(file));
            // A system without room for one more thread is no reason to stop.
            count += usize::from(thread::Builder::new().spawn(work).is_ok());
        }
        Workers {
            jobs: (count > 0).then_some(jobs),
            count,
        }
    }

    fn give(&self, tasks: Vec<Task>) -> Option<Receiver<Vec<Outcome>>> {
        let jobs = self.jobs.as_ref()?;
        let (answer, answered) = sync_channel(1);
        jobs.send(Job { tasks, answer }).ok()?;
        Some(answered)
    }
}

fn work(waiting: &Mutex<Receiver<Job>>, mut measuring: Measuring) {
    loop {
        let job = waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv();
        let Ok(job) = job else {
            return;
        };
        let outcomes = (job.tasks.into_iter())
            .map(|task| measuring.measure(task))
            .collect();
        // Whoever asked may have stopped meanwhile.
        let _ = job.answer.send(outcomes);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use tempfile::NamedTempFile;

    use super::*;
    use crate::identity::{self, Fingerprint};
    use crate::source::mbox::split::Manner;

    const SEPARATOR: &str = "From a@b Sun May 17 12:34:56 2009\n";

    /// Lengths around those of a batch and of a piece, and many short ones.
    fn letters() -> Vec<String> {
        let long = BATCH_BYTES as usize;
        let lengths = [0, 70_000, long, 1, 65_536, 2 * long + 1].into_iter();
        lengths
            .chain(0..300)
            .map(|length| format!("Subject: {length}\n\n{}x\n", "line\n".repeat(length / 5)))
            .collect()
    }

    fn read(file: &NamedTempFile, helpers: usize) -> (Ahead, Vec<Fingerprint>) {
        let length = file.as_file().metadata().unwrap().len();
        let splitter = Splitter::new(file.reopen().unwrap(), length, Manner::default()).unwrap();
        let mut ahead = Ahead::new(splitter, helpers, || file.reopen()).unwrap();
        let mut prints = Vec::new();
        while let Next::Message(found, outcome) = ahead.next(|_, _| Some(Conversions::NONE)) {
            assert_eq!(found.last, prints.len() + 1 == letters().len());
            prints.push(outcome.unwrap().unwrap().fingerprint);
        }
        (ahead, prints)
    }

    #[test]
    fn messages_come_in_their_order_whoever_measured_them() {
        let mut file = NamedTempFile::new().unwrap();
        for letter in letters() {
            writeln!(file, "{SEPARATOR}{letter}").unwrap();
        }
        let expected: Vec<Fingerprint> = (letters().iter())
            .map(|letter| identity::of(letter.as_bytes()))
            .collect();
        for helpers in [0, 1, 3] {
            let (ahead, prints) = read(&file, helpers);
            let differs = prints.iter().zip(&expected).position(|(a, b)| a != b);
            assert_eq!((differs, prints.len()), (None, expected.len()), "{helpers}");
            assert!(ahead.splitter().ledger().balances());
        }
    }

    #[test]
    fn a_reader_that_stops_early_leaves_nobody_waiting() {
        let mut file = NamedTempFile::new().unwrap();
        write!(
            file,
            "{}",
            format!("{SEPARATOR}A: b\n\nc\n\n").repeat(10_000)
        )
        .unwrap();
        let length = file.as_file().metadata().unwrap().len();
        let splitter = Splitter::new(file.reopen().unwrap(), length, Manner::default()).unwrap();
        let mut ahead = Ahead::new(splitter, 2, || file.reopen()).unwrap();
        assert!(matches!(ahead.next(|_, _| None), Next::Message(..)));
    }

    #[test]
    fn a_message_that_is_not_there_any_more_is_told() {
        let mut file = NamedTempFile::new().unwrap();
        write!(file, "{SEPARATOR}A: b\n\nc\n\n").unwrap();
        let task = Task {
            start: 40,
            length: 1000,
            wanted: Conversions::NONE,
        };
        let mut measuring = Measuring::new(file.reopen().unwrap());
        assert!(matches!(measuring.measure(task), Ok(None)));
        let workers = Workers::start(vec![file.reopen().unwrap()]);
        let answers = workers.give(vec![task]).unwrap().recv().unwrap();
        assert!(matches!(answers.as_slice(), [Ok(None)]));
    }
}
