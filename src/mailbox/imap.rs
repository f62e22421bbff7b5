//! The real mailbox: one signed-in IMAP connection.

use std::io::Read;
use std::net::Shutdown;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use super::append::Append;
use super::lot::{self, Lot};
use super::rate::Rate;
use super::sasl::Credentials;
use super::session::Session;
use super::sign_in::{abilities, sign_in};
use super::wire::Stream;
use super::{
    Abilities, Batch, Broken, Examined, Fate, Folder, Hangup, Indexed, Mailbox, MailboxName,
    Namespace, Quota, Ticket,
};
use crate::error::Error;
use crate::message::{Flags, Keywords};

/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(5);

/// A mailbox behind a connection that is already secure.
pub struct ImapMailbox<S: Stream> {
    session: Session<S>,
    append: Append<S>,
    abilities: Abilities,
    namespace: Namespace,
    /// Where it may wait for its next use.
    place: Weak<Lot<S>>,
}

/// What the connections of a run have in common.
pub(crate) struct Common<S: Stream> {
    /// Where one may wait between two uses.
    pub lot: Arc<Lot<S>>,
    /// Whether the line was found to be slower than the compressor.
    pub slow_line: Arc<AtomicBool>,
    /// What they may send together.
    pub rate: Option<Rate>,
    /// The flags that folders keep, once one of them has learned it.
    pub kept: Arc<OnceLock<Examined>>,
    /// Where folders are, once one of them has asked.
    pub namespace: OnceLock<Namespace>,
}

impl<S: Stream> Default for Common<S> {
    fn default() -> Self {
        Common {
            lot: Lot::new(),
            slow_line: Arc::default(),
            rate: None,
            kept: Arc::default(),
            namespace: OnceLock::new(),
        }
    }
}

impl<S: Stream> ImapMailbox<S> {
    /// Reads the greeting, signs in with a single attempt, and asks what the server can do. `server` is
    /// `host:port`, for messages.
    ///
    /// # Errors
    /// [`Error::SignInRefused`] only where the server refuses the user name and password; [`Error::NotReached`] and
    /// [`Error::ServerTrouble`] where it is worth another try later; [`Error::NotSecure`] where it wants no password;
    /// [`Error::Choice`] for a user name or password that holds a line break.
    pub fn sign_in(stream: S, server: &str, credentials: &Credentials) -> Result<Self, Error> {
        Self::one_of(&Common::default(), stream, server, credentials)
    }

    /// The same for one of several connections of a run: what another one was told is not asked again.
    pub(crate) fn one_of(
        common: &Common<S>,
        stream: S,
        server: &str,
        credentials: &Credentials,
    ) -> Result<Self, Error> {
        let mut session = sign_in(stream, server, credentials)?;
        let abilities = abilities(&session.announced);
        let namespace = match common.namespace.get() {
            Some(known) => known.clone(),
            None => {
                let told = session.own_namespace()?;
                common.namespace.get_or_init(|| told).clone()
            }
        };
        session.kept = Arc::clone(&common.kept);
        session.wire.set_rate(common.rate.clone());
        let mut append = Append::new(session.wire.clone(), server, &abilities);
        append.share(Arc::clone(&common.slow_line));
        Ok(ImapMailbox {
            session,
            append,
            abilities,
            namespace,
            place: Arc::downgrade(&common.lot),
        })
    }

    /// Whether the server still answers.
    pub(crate) fn answers(&mut self) -> bool {
        self.session.ask("NOOP", &mut |_, _| Ok(false)).is_ok()
    }

    /// Ends the connection politely.
    pub(crate) fn say_goodbye(mut self) {
        // With messages under way their fate matters more than manners: the connection is just closed.
        if self.append.in_flight() == 0 {
            self.session.wire.set_silence(GOODBYE);
            let _ = self.session.by_imap("sign out", &[], |imap| imap.logout());
        }
        self.session.wire.close("signed out");
    }

    /// The connection, with no APPEND under way: their answers would be taken for those of other commands. Fates that
    /// are learned on the way are given by the next `settle`.
    fn quiet(&mut self) -> Result<&mut Session<S>, Error> {
        self.append.finish()?;
        Ok(&mut self.session)
    }
}

impl<S: Stream> Mailbox for ImapMailbox<S> {
    fn abilities(&self) -> &Abilities {
        &self.abilities
    }

    fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    fn server(&self) -> &str {
        &self.session.server
    }

    fn folders(&mut self) -> Result<Vec<Folder>, Error> {
        self.quiet()?.folders()
    }

    fn quota(&mut self) -> Result<Option<Quota>, Error> {
        self.quiet()?.room()
    }

    fn create(&mut self, name: &MailboxName) -> Result<(), Error> {
        let namespace = self.namespace.clone();
        self.quiet()?.create_folder(name, &namespace)
    }

    fn examine(&mut self, name: &MailboxName) -> Result<Option<Examined>, Error> {
        self.quiet()?.examine_folder(name)
    }

    fn index(&mut self, from: u32, each: &mut dyn FnMut(Indexed)) -> Result<(), Error> {
        self.quiet()?.index_from(from, each)
    }

    fn bodies(
        &mut self,
        uids: &[u32],
        each: &mut dyn FnMut(u32, &mut dyn Read),
    ) -> Result<(), Error> {
        self.quiet()?.whole(uids, each)
    }

    fn add_flags(
        &mut self,
        name: &MailboxName,
        uids: &[u32],
        flags: Flags,
        keywords: &Keywords,
    ) -> Result<(), Error> {
        self.quiet()?.add(name, uids, flags, keywords)
    }

    fn leave(&mut self) -> Result<(), Error> {
        // Not yet: the next command may open another folder, which leaves this one without a round trip of its own.
        self.quiet().map(drop)
    }

    fn submit(&mut self, batch: Batch) {
        self.append.submit(batch);
    }

    fn settle(&mut self, wait: Duration) -> Result<Vec<(Ticket, Fate)>, Broken> {
        // A server tells of every message that arrives in an open folder; that is left before mail is sent.
        if self.session.open.is_some()
            && self.append.is_about_to_send()
            && let Err(error) = self.session.leave_folder()
        {
            return Err(Broken {
                in_doubt: Vec::new(),
                poisoned: false,
                error,
            });
        }
        self.append.settle(wait)
    }

    fn in_flight(&self) -> usize {
        self.append.in_flight()
    }

    fn alerts(&mut self) -> Vec<String> {
        self.session.wire.heard(|heard| heard.take_alerts())
    }

    fn hangup(&self) -> Option<Hangup> {
        let tcp = self.session.wire.socket().ok()?;
        Some(Box::new(move || drop(tcp.shutdown(Shutdown::Both))))
    }

    fn logout(self: Box<Self>) {
        let works = self.append.in_flight() == 0 && self.session.wire.lost().is_none();
        let place = self.place.clone();
        let left = if works {
            lot::wait_in(&place, *self)
        } else {
            Some(*self)
        };
        if let Some(mailbox) = left {
            mailbox.say_goodbye();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::scripted::{Plain, Server, serve};
    use super::super::{Body, Outgoing};
    use super::*;
    use std::thread::JoinHandle;

    fn mailbox(
        script: impl FnOnce(&mut Server) + Send + 'static,
    ) -> (ImapMailbox<Plain>, JoinHandle<Vec<String>>) {
        let (ours, server) = serve(move |server| {
            server.sign_in("NAMESPACE LITERAL+ MULTIAPPEND");
            server.answer("* NAMESPACE ((\"INBOX.\" \".\")) NIL NIL\r\n{tag} OK\r\n");
            server.log.clear();
            script(server);
            server.until_closed();
        });
        let credentials = Credentials {
            user: "jane".into(),
            password: "secret".into(),
        };
        (
            ImapMailbox::sign_in(ours, "localhost:1", &credentials).unwrap(),
            server,
        )
    }

    fn submit(mailbox: &mut dyn Mailbox) {
        let message = Outgoing {
            ticket: Ticket(1),
            flags: Flags::NONE,
            keywords: Keywords::default(),
            date: None,
            size: 1,
            body: Body::Held(b"a".to_vec()),
        };
        mailbox.submit(Batch {
            folder: MailboxName::inbox(),
            messages: vec![message],
            cautious: false,
        });
    }

    #[test]
    fn messages_under_way_are_settled_before_any_other_command() {
        let (mut mailbox, server) = mailbox(|server| {
            server.line();
            server.bytes(1);
            server.line();
            server.say("* OK [ALERT] hello\r\nB1 OK\r\n");
            server.answer("* LIST () \".\" INBOX\r\n{tag} OK\r\n");
            server.answer("* BYE\r\n{tag} OK\r\n");
        });
        assert_eq!(mailbox.namespace().prefix, "INBOX.");
        submit(&mut mailbox);
        assert_eq!(mailbox.folders().unwrap().len(), 1);
        assert_eq!(mailbox.in_flight(), 0);
        assert_eq!(
            mailbox.settle(Duration::ZERO).unwrap(),
            [(Ticket(1), Fate::Stored { uid: None })]
        );
        assert_eq!(mailbox.alerts(), ["[ALERT] hello"]);
        Box::new(mailbox).logout();
        let log = server.join().unwrap();
        assert_eq!(
            log,
            [
                "B1 APPEND \"INBOX\" {1+}",
                "a",
                "",
                "a3 LIST \"\" \"*\"",
                "a4 LOGOUT"
            ]
        );
    }

    #[test]
    fn what_breaks_meanwhile_is_told_by_the_next_settle() {
        let (mut mailbox, _server) = mailbox(|server| {
            server.line();
            server.say("B1 BAD what\r\n");
        });
        submit(&mut mailbox);
        assert!(matches!(
            mailbox.folders(),
            Err(Error::ConnectionLost { .. })
        ));
        let broken = mailbox.settle(Duration::ZERO).unwrap_err();
        assert!(broken.poisoned && broken.in_doubt == [Ticket(1)]);
    }
}
