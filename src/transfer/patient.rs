//! One connection for asking questions, made anew when it breaks: a read-only question can be asked twice.

use super::upload::{Policy, backoff};
use super::{Job, NAP};
use crate::error::Error;
use crate::event::{Event, Stage};
use crate::mailbox::Mailbox;

/// A connection that mends itself.
pub(crate) struct Patient<'a> {
    job: &'a Job<'a>,
    mailbox: Box<dyn Mailbox>,
}

impl<'a> Patient<'a> {
    /// Connects. The first time nothing is tried twice: the person is there and can help.
    pub fn connect(job: &'a Job<'a>) -> Result<Patient<'a>, Error> {
        let started = Event::Started {
            stage: Stage::Connect,
            messages: None,
            bytes: None,
        };
        job.observer.notice(&started);
        let mut mailbox = job.connect.connect()?;
        job.pass_on_alerts(mailbox.as_mut());
        job.observer.notice(&Event::Finished {
            stage: Stage::Connect,
            messages: 0,
        });
        Ok(Patient { job, mailbox })
    }

    /// Asks. When the connection breaks the question is asked again on a new one; it must not have changed
    /// anything before it is answered.
    pub fn ask<T>(
        &mut self,
        mut question: impl FnMut(&mut dyn Mailbox) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut attempt = 0;
        let mut result = question(self.mailbox.as_mut());
        loop {
            let error = match result {
                Err(error @ (Error::ConnectionLost { .. } | Error::NotReached { .. })) => error,
                settled => return settled,
            };
            attempt += 1;
            if attempt > Policy::default().attempts {
                return Err(error);
            }
            self.pause(attempt, &error)?;
            result = match self.job.connect.connect() {
                Ok(mailbox) => {
                    self.mailbox = mailbox;
                    self.job.observer.notice(&Event::Reconnected);
                    question(self.mailbox.as_mut())
                }
                Err(error) => Err(error),
            };
        }
    }

    fn pause(&self, attempt: u32, error: &Error) -> Result<(), Error> {
        let after = backoff(attempt);
        self.job.observer.notice(&Event::Reconnecting {
            after,
            attempt,
            of: Policy::default().attempts,
            detail: error.to_string(),
        });
        let until = self.job.clock.now() + after;
        loop {
            self.job.stop.check()?;
            let left = until.saturating_sub(self.job.clock.now());
            if left.is_zero() {
                return Ok(());
            }
            self.job.clock.sleep(left.min(NAP));
        }
    }

    /// Says goodbye.
    pub fn close(mut self) {
        self.job.pass_on_alerts(self.mailbox.as_mut());
        self.mailbox.logout();
    }
}
