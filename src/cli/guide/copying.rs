//! Step 5: find, plan, copy, check. It ends with a proof, which opens steps 4 and 6, or with what is missing for one.

use std::path::{Path, PathBuf};

use spectrum_migrate::Error;
use spectrum_migrate::amount::messages;
use spectrum_migrate::guide::Step;
use spectrum_migrate::transfer::Depth;
use spectrum_migrate::transfer::keep::Keeping;
use spectrum_migrate::transfer::plan::{Plan, Reason};
use spectrum_migrate::transfer::report::Report;

use super::places::{self, Places};
use super::{Guide, page};
use crate::cli::copy::{self, nothing_to_do};
use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, Situation};
use crate::cli::layout::wrap;
use crate::cli::receipt::{self, Receipt};
use crate::cli::session::{self, Session};

impl Guide<'_> {
    /// Step 5. `None`: it is done; else how the run ends.
    pub(super) fn copy(&mut self) -> Result<Option<Exit>, Failure> {
        self.say(&page::head(Step::Copy));
        self.tell(
            "Nothing on this computer is changed by this, and on the server mail is only added. Please leave your \
             mail program closed until it is done.",
        );
        if let Some(page) = self.program().page(Step::Copy) {
            self.say(&page::clicks(self.program().name(), &page));
        }
        let seen = self.evidence();
        self.wait_until_closed(&seen)?;
        let mut places = self.places(&seen)?;
        self.sign_in_again()?;
        let storage = self.storage_folder();
        let mut session = self.session(&places)?.with_storage(Some(storage.clone()));
        session.keeping = Keeping {
            left_out: !session.choices.skip.is_empty()
                || session.choices.since.is_some()
                || session.choices.until.is_some(),
            removed: true,
            full: false,
        };
        session.job(self.room, |job| job.can_keep(&storage))?;
        self.room.signals.begin_work();
        let planned = copy::plan_it(self.room, &session);
        self.room.signals.end_work();
        let mut plan = planned?;
        self.room.signals.stop().check()?;
        places.unread = places::unread(&seen, &plan.sources);
        self.short_way(&plan);
        self.overlap(&mut plan)?;
        self.what_stays_here(&plan, &storage);
        if nothing_to_do(&plan) {
            self.tell("Nothing has to be copied. What is there is checked now.");
        } else if !copy::agree(self.room, &session, &plan, false)? {
            return Err(Error::Stopped.into());
        }
        let carried_out = self.carry_out(&session, &mut plan);
        self.room.signals.end_work();
        let report = carried_out?;
        self.room.signals.stop().check()?;
        self.progress.copied = None;
        self.write_receipt(&report, &plan);
        self.stamps = plan
            .sources
            .iter()
            .map(|source| (source.path.clone(), source.stamp.clone()))
            .collect();
        Ok(self.judge(report, &places))
    }

    /// Where mail is kept that can't go up: step 5's storage folder.
    fn storage_folder(&mut self) -> PathBuf {
        let documents = self.documents();
        let chosen = self.flags.storage_folder.clone();
        let folder = chosen
            .or_else(|| self.progress.storage.clone())
            .unwrap_or_else(|| documents.join("Spectrum mail kept on this computer"));
        self.progress.storage = Some(folder.clone());
        self.keep();
        folder
    }

    /// What the plan knows already not to go up, and where it is kept.
    fn what_stays_here(&self, plan: &Plan, storage: &Path) {
        let totals = plan.totals();
        let stays = |reason| totals.stay.get(&reason).copied().unwrap_or_default();
        let known = stays(Reason::TooBig) + stays(Reason::Unreadable);
        if known == 0 && plan.fits() {
            return;
        }
        let what = if plan.fits() {
            format!(
                "{} cannot go to the server (too large, or damaged).",
                messages(known)
            )
        } else {
            "Not all of your mail fits on the server; the newest years go first.".into()
        };
        self.tell(&format!(
            "{what} What does not go up is kept on this computer, in files that a mail program can open, and checked \
             there as well:"
        ));
        self.show_path(storage);
        self.gap();
    }

    /// One receipt, and another only when more was copied.
    fn write_receipt(&mut self, report: &Report, plan: &Plan) {
        let proved = report.proof().is_some();
        let told = self.progress.receipt.is_some() && (self.progress.proved || !proved);
        if report.verified.is_none() || told && report.counts.copied == 0 {
            return;
        }
        let documents = self.documents();
        match receipt::write(&Receipt::new(report, plan), &documents) {
            Ok((text, page)) => {
                self.say("\nA receipt for your papers, as text and as a page to read or print:");
                for path in [&text, &page] {
                    self.show_path(path);
                }
                self.progress.receipt = Some(page);
                self.progress.proved = proved;
                self.keep();
            }
            Err(error) => self.say(&wrap(
                "!    ",
                &format!("The receipt cannot be written ({error}). The report above is saved all the same."),
            )),
        }
    }

    fn session(&mut self, places: &Places) -> Result<Session, Failure> {
        let sources = session::open_sources(&places.chosen)?;
        let mut choices = session::choices(&self.flags);
        // Only a comparison of every message opens the steps after this one.
        choices.depth = Some(Depth::Bytes);
        choices.sample = None;
        choices.read_anew = true;
        choices.once |= self.progress.once == Some(true);
        let Some(signed_in) = self.signed_in.take() else {
            return Err(Error::Stopped.into());
        };
        Ok(Session::new(
            sources,
            signed_in.connect,
            choices,
            &self.base,
        ))
    }

    fn carry_out(&mut self, session: &Session, plan: &mut Plan) -> Result<Report, Failure> {
        match copy::carry_out(self.room, session, plan) {
            Ok(report) => Ok(report),
            Err(failure) => {
                if let Failure::Engine {
                    situation: Situation::Copied { done, of },
                    ..
                } = &failure
                {
                    self.progress.copied = Some((*done, *of));
                    self.keep();
                }
                Err(failure)
            }
        }
    }

    /// Where the server has everything already, nobody needs to copy.
    fn short_way(&self, plan: &Plan) {
        let totals = plan.totals();
        if totals.found > 0 && totals.to_copy == 0 && self.progress.receipt.is_some() {
            self.tell("Everything that was copied is still there, as far as can be seen without reading it.");
        } else if totals.found > 0 && totals.to_copy == 0 && there(plan) == totals.found {
            self.tell(&format!(
                "Good news: {} on this computer, and Spectrum's server has all that you would copy already. That is so \
                 where \"leave messages on server\" has been on from the beginning.",
                messages(totals.found)
            ));
        } else if totals.to_copy > 0
            && totals.elsewhere == totals.to_copy
            && there(plan) + totals.to_copy == totals.found
        {
            self.tell("Good news: Spectrum's server has all of this mail already, most of it in other folders.");
        }
    }

    /// Mail that lies in a folder here and in another one, mostly the Inbox, there: asked once.
    fn overlap(&mut self, plan: &mut Plan) -> Result<(), Failure> {
        let elsewhere = plan.totals().elsewhere;
        if elsewhere == 0 || self.flags.once || self.progress.once.is_some() {
            return Ok(());
        }
        self.tell(
            &format!(
                "{} that you have filed in folders on this computer {} on the server already, in another folder (mostly \
                 the Inbox). That is usual after \"leave messages on server\".",
                messages(elsewhere),
                if elsewhere == 1 { "is" } else { "are" },
            ),
        );
        self.gap();
        self.say(&wrap(
            "1  ",
            "File them on the server as here, too (the ones in the other folder stay)",
        ));
        self.say(&wrap(
            "2  ",
            "Leave them where they are on the server, and don't copy them",
        ));
        let chosen = self
            .room
            .asker
            .choice(&self.room.printer, "Your choice", 2, 0)?;
        self.progress.once = Some(chosen == 1);
        self.keep();
        if chosen == 1 {
            plan.leave_elsewhere();
        }
        Ok(())
    }
}

/// Messages that the server has.
fn there(plan: &Plan) -> u64 {
    let entries = plan.folders.iter().flat_map(|folder| &folder.entries);
    entries.filter(|entry| entry.state.is_there()).count() as u64
}
