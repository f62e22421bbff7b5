//! A disk that forgets what was not synced when the power fails.

use std::io::{self, Cursor, Read};

use super::faults::{Chance, Fault, Reach, SYNC, WRITE};
use super::world::World;
use crate::transfer::journal::Disk;

/// What is on it.
#[derive(Debug, Default)]
pub(super) struct Platter {
    content: Vec<u8>,
    /// How much of it survives a loss of power.
    durable: usize,
}

impl Platter {
    /// Everything written is safe.
    fn keep(&mut self) {
        self.durable = self.content.len();
    }

    /// Of what was not synced any number of bytes is there.
    pub fn lose_power(&mut self, chance: &mut Chance) {
        let unsynced = self.content.len() - self.durable;
        self.content
            .truncate(self.durable + chance.below(unsynced + 1));
        self.durable = self.content.len();
    }

    /// Nothing is left.
    pub fn wipe(&mut self) {
        *self = Platter::default();
    }
}

/// The journal's view of it.
pub(super) struct SimulatedDisk(pub World);

impl Disk for SimulatedDisk {
    fn reader(&mut self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(Cursor::new(self.0.lock().platter.content.clone())))
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        let platter = &mut self.0.lock().platter;
        // As the real one: what has the right length already is not synced.
        if platter.content.len() as u64 != length {
            platter.content.truncate(length as usize);
            platter.durable = platter.content.len();
        }
        Ok(())
    }

    fn set_aside(&mut self) -> io::Result<()> {
        // Whatever happens to it, no line before the last one is ever damaged here.
        panic!("a journal is distrusted")
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let fault = self.0.lock().faults.pass(WRITE);
        match fault {
            Some(Fault::Kill(_)) => self.0.die(false),
            fault => {
                self.0.lock().platter.content.extend_from_slice(bytes);
                match fault {
                    Some(Fault::Power(_)) => self.0.die(true),
                    Some(_) => {
                        self.0.lock().forget_unsynced();
                        Err(io::ErrorKind::StorageFull.into())
                    }
                    None => Ok(()),
                }
            }
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        let fault = self.0.lock().faults.pass(SYNC);
        match fault {
            Some(Fault::Kill(_)) => self.0.die(false),
            Some(Fault::Power(Reach::Nothing)) => self.0.die(true),
            // A failed sync may have dropped what it should have saved.
            Some(Fault::DiskError) => {
                self.0.lock().forget_unsynced();
                return Err(io::Error::other("input/output error"));
            }
            _ => {}
        }
        self.0.lock().platter.keep();
        if fault.is_some() {
            self.0.die(true);
        }
        Ok(())
    }
}
