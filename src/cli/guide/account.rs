//! Whose mailbox it is, step 3, and the sign-in.

use spectrum_migrate::Error;
use spectrum_migrate::guide::words::phones;
use spectrum_migrate::guide::{Gate, Step};
use spectrum_migrate::settings;

use super::{Guide, page, setup_files};
use crate::cli::account::account;
use crate::cli::failure::Failure;
use crate::cli::layout::{clean, wrap};
use crate::cli::{check, settings_card, sign_in};

impl Guide<'_> {
    /// The address, and the servers that belong to it.
    pub(super) fn whose(&mut self) -> Result<(), Failure> {
        if self.flags.email.is_none() && self.flags.user.is_none() {
            self.flags.email = Some(self.ask_address()?);
        }
        let account = account(self.room, &self.flags)?;
        // What was agreed to is not asked again, and not answered in another way.
        if self.flags.server.is_none() {
            self.flags.server = Some((account.imap.host.clone(), account.imap.port));
            self.flags.user = Some(account.user.clone());
        }
        self.account = Some(account);
        if self.flags.email != self.progress.email {
            self.progress.email.clone_from(&self.flags.email);
            self.keep();
        }
        Ok(())
    }

    /// An address of Spectrum's, asked for until it is one.
    fn ask_address(&self) -> Result<String, Failure> {
        loop {
            self.gap();
            let question = "Your Spectrum email address, such as jane@charter.net (q stops):";
            let email = self.room.asker.line(&self.room.printer, question)?;
            if matches!(email.as_str(), "q" | "Q") {
                return Err(Error::Stopped.into());
            }
            if settings::servers(&email).is_some() {
                return Ok(email);
            }
            self.tell(if email.contains('@') {
                "This address does not belong to Spectrum's mail, as far as this program knows. Such addresses end in \
                 charter.net, spectrum.net, twc.com, rr.com, brighthouse.com and a few more. Please look at it again."
            } else {
                "An email address has an @ in the middle. Please type the whole address."
            });
        }
    }

    /// Step 3: the card, the clicks, and the sign-in that shows that the values are right.
    pub(super) fn set_up(&mut self) -> Result<(), Failure> {
        self.say(&page::head(Step::Create));
        self.say("\nPhones and tablets first");
        for line in phones::CHECK_FIRST {
            self.say(&wrap("      - ", line));
        }
        if let Some(email) = self.flags.email.clone()
            && settings::servers(&email).is_some()
        {
            self.say(&format!("\n{}", settings_card::for_guide(&email)));
        }
        let page = self.program().page(Step::Create);
        if let Some(page) = page {
            self.tell("If you closed your mail program, open it again for this step.");
            self.say(&page::clicks(self.program().name(), &page));
        }
        self.tell("Leave the old account where it is for now.");
        self.offer_files()?;
        self.tell("First let us see whether the server lets you in with your password. Nothing is changed by that.");
        self.sign_in()?;
        for account in self.evidence().imap {
            self.say(&wrap(
                "ok   ",
                &format!(
                    "{} has the new account already: {}",
                    clean(&account.program),
                    clean(&account.name)
                ),
            ));
        }
        self.ask_done(page)?;
        self.finish(Step::Create, Gate::Checked("the sign-in works".into()));
        Ok(())
    }

    /// Signs in, unless that was done in this sitting; sending mail is tried as well.
    pub(super) fn sign_in(&mut self) -> Result<(), Failure> {
        if self.is_signed_in()? {
            return Ok(());
        }
        let (signed_in, sending) = check::connect_and_show(self.room, &self.flags)?;
        self.signed_in = Some(signed_in);
        if sending.is_some() {
            self.say(&wrap(
                "!    ",
                "Sending mail could not be tried with success. Your old mail can be copied all the same.",
            ));
        }
        Ok(())
    }

    /// Whether that was done in this sitting; the server of a test is signed in to here.
    fn is_signed_in(&mut self) -> Result<bool, Failure> {
        #[cfg(test)]
        if let Some(practice) = self.practice.filter(|_| self.signed_in.is_none()) {
            self.sign_in_to(practice)?;
        }
        Ok(self.signed_in.is_some())
    }

    /// Only the sign-in, for whoever comes back later.
    pub(super) fn sign_in_again(&mut self) -> Result<(), Failure> {
        if self.is_signed_in()? {
            return Ok(());
        }
        let Some(account) = &self.account else {
            return self.sign_in();
        };
        let (signed_in, mailbox) = sign_in::sign_in(self.room, &self.flags, account)?;
        mailbox.logout();
        self.signed_in = Some(signed_in);
        Ok(())
    }

    /// Set-up files, for whoever has a device that takes them.
    fn offer_files(&self) -> Result<(), Failure> {
        let Some((email, servers)) = self
            .flags
            .email
            .as_deref()
            .and_then(|email| Some((email, settings::servers(email)?)))
        else {
            return Ok(());
        };
        let question = "There are set-up files for iPhone, iPad and Mac, and for Thunderbird. Shall they be written into \
                        your Documents?";
        if !self.yes(question, false)? {
            return Ok(());
        }
        match setup_files::write(email, &servers, &self.documents()) {
            Ok(written) => self.say(&setup_files::words(&written)),
            Err(error) => self.say(&wrap("!    ", &format!("They cannot be written: {error}"))),
        }
        Ok(())
    }
}
