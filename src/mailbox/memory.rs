//! The pretend mailbox, in memory and with scripts of failures: the engine's tests only see the trait.

use std::collections::{BTreeMap, VecDeque};
use std::io::Read;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use super::{
    Abilities, Batch, Body, Broken, Connect, Examined, Fate, Folder, Indexed, Literals, Mailbox,
    MailboxName, Namespace, Outgoing, Quota, Refusal, RefusalClass, Ticket,
};
use crate::error::Error;
use crate::header;
use crate::identity::SUMMARY_FIELDS;
use crate::message::{Flags, Keywords, MailDate};
use crate::source::Role;

/// A message that the pretend server holds.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub uid: u32,
    pub bytes: Vec<u8>,
    pub flags: Flags,
    pub keywords: Vec<String>,
    pub date: Option<MailDate>,
}

/// What goes wrong with the next batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The connection breaks after the server stored the batch and before it said so.
    AnswerLost,
    /// The connection breaks, and the server stored nothing.
    RequestLost,
    /// The server confirms and stores nothing.
    Lies,
    /// The server refuses the batch, with this kind of answer.
    Refuses(RefusalClass),
}

#[derive(Default)]
struct State {
    folders: BTreeMap<String, Store>,
    roles: BTreeMap<String, Role>,
    subscribed: Vec<String>,
    quota: Option<Quota>,
    message_limit: Option<u64>,
    failures: VecDeque<Failure>,
    connections: u32,
    refuse_connections: u32,
    break_questions: u32,
    break_changes: u32,
    refuse_changes: bool,
    break_leaving: u32,
    refuse_creating: VecDeque<&'static str>,
    appended: u64,
    bodies_read: u64,
    rewrite: Option<fn(&mut Vec<u8>)>,
}

#[derive(Debug)]
struct Store {
    uid_validity: u32,
    uid_next: u32,
    messages: Vec<Held>,
}

impl Default for Store {
    fn default() -> Self {
        Store {
            uid_validity: 7,
            uid_next: 1,
            messages: Vec::new(),
        }
    }
}

/// A pretend server: clones are the same one.
#[derive(Clone, Default)]
pub(crate) struct MemoryServer(Arc<Mutex<State>>);

impl MemoryServer {
    pub fn new() -> MemoryServer {
        let server = MemoryServer::default();
        server
            .state()
            .folders
            .insert("INBOX".into(), Store::default());
        server
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Puts a message into a folder, as someone else would, and returns its UID.
    pub fn put(&self, folder: &str, bytes: &[u8]) -> u32 {
        let mut state = self.state();
        let store = state.folders.entry(folder.into()).or_default();
        store.add(Held {
            uid: 0,
            bytes: bytes.into(),
            flags: Flags::NONE,
            keywords: Vec::new(),
            date: None,
        })
    }

    /// Puts a message into a folder under a UID of its own.
    pub fn put_as(&self, folder: &str, uid: u32, bytes: &[u8]) {
        let at = self.put(folder, bytes);
        if let Some(held) = (self.state().folders.get_mut(folder))
            .and_then(|store| store.messages.iter_mut().find(|held| held.uid == at))
        {
            held.uid = uid;
        }
    }

    /// Makes a folder with a role.
    pub fn folder(&self, name: &str, role: Role) {
        let mut state = self.state();
        state.folders.entry(name.into()).or_default();
        state.roles.insert(name.into(), role);
    }

    pub fn set_quota(&self, quota: Quota) {
        self.state().quota = Some(quota);
    }

    pub fn set_message_limit(&self, limit: u64) {
        self.state().message_limit = Some(limit);
    }

    /// What goes wrong with the next batches, one each.
    pub fn fail(&self, failures: &[Failure]) {
        self.state().failures.extend(failures);
    }

    /// This many connections are refused.
    pub fn refuse_connections(&self, count: u32) {
        self.state().refuse_connections = count;
    }

    /// The connection breaks at the next this many questions for what a folder holds.
    pub fn break_questions(&self, count: u32) {
        self.state().break_questions = count;
    }

    /// Flags can't be added.
    pub fn refuse_changes(&self) {
        self.state().refuse_changes = true;
    }

    /// The connection breaks at the next this many attempts to add flags.
    pub fn break_changes(&self, count: u32) {
        self.state().break_changes = count;
    }

    /// The connection breaks at the next this many folders that are left.
    pub fn break_leaving(&self, count: u32) {
        self.state().break_leaving = count;
    }

    /// The next attempts to create a folder are refused with these words.
    pub fn refuse_creating(&self, words: &[&'static str]) {
        self.state().refuse_creating.extend(words);
    }

    /// Removes a folder with everything in it, as its owner may.
    pub fn remove_folder(&self, name: &str) {
        self.state().folders.remove(name);
    }

    /// Gives a folder another UIDVALIDITY, and its messages new UIDs.
    pub fn renumber(&self, name: &str) {
        if let Some(store) = self.state().folders.get_mut(name) {
            store.uid_validity += 1;
            for held in &mut store.messages {
                held.uid += 1000;
            }
            store.uid_next += 1000;
        }
    }

    fn breaks(&self) -> bool {
        let mut state = self.state();
        let breaks = state.break_questions > 0;
        state.break_questions = state.break_questions.saturating_sub(1);
        breaks
    }

    /// The messages of a folder.
    pub fn messages(&self, folder: &str) -> Vec<Held> {
        self.state()
            .folders
            .get(folder)
            .map(|store| store.messages.clone())
            .unwrap_or_default()
    }

    /// Drops a message, as its owner may.
    pub fn remove(&self, folder: &str, uid: u32) {
        if let Some(store) = self.state().folders.get_mut(folder) {
            store.messages.retain(|held| held.uid != uid);
        }
    }

    /// Changes a message, as only a broken server does.
    pub fn tamper(&self, folder: &str, change: impl Fn(&mut Held)) {
        if let Some(store) = self.state().folders.get_mut(folder) {
            store.messages.iter_mut().for_each(change);
        }
    }

    /// Changes every message that is appended from now on, as only an odd server does.
    pub fn rewrite(&self, change: fn(&mut Vec<u8>)) {
        self.state().rewrite = Some(change);
    }

    /// Messages that were appended, confirmed or not.
    pub fn appended(&self) -> u64 {
        self.state().appended
    }

    /// Message bodies that were read back.
    pub fn bodies_read(&self) -> u64 {
        self.state().bodies_read
    }

    pub fn subscribed(&self) -> Vec<String> {
        self.state().subscribed.clone()
    }
}

impl Store {
    fn add(&mut self, mut held: Held) -> u32 {
        held.uid = self.uid_next;
        self.uid_next += 1;
        self.messages.push(held);
        self.uid_next - 1
    }
}

impl Connect for MemoryServer {
    fn connect(&self) -> Result<Box<dyn Mailbox>, Error> {
        let mut state = self.state();
        if state.refuse_connections > 0 {
            state.refuse_connections -= 1;
            return Err(Error::NotReached {
                server: "pretend".into(),
                detail: "refused".into(),
            });
        }
        state.connections += 1;
        let abilities = Abilities {
            literals: Literals::Plus,
            multiappend: true,
            uidplus: true,
            compress: false,
            append_limit: state.message_limit,
            announced: Vec::new(),
        };
        Ok(Box::new(MemoryMailbox {
            server: self.clone(),
            abilities,
            namespace: Namespace {
                prefix: String::new(),
                delimiter: Some('/'),
            },
            examined: None,
            queue: VecDeque::new(),
        }))
    }

    fn account(&self) -> String {
        "jane@pretend:993".into()
    }
}

struct MemoryMailbox {
    server: MemoryServer,
    abilities: Abilities,
    namespace: Namespace,
    examined: Option<String>,
    queue: VecDeque<Batch>,
}

impl MemoryMailbox {
    fn with_examined<T>(&self, read: impl FnOnce(&Store) -> T) -> Result<T, Error> {
        let name = self.examined.as_ref().ok_or_else(|| Error::Bug {
            detail: "no folder is examined".into(),
        })?;
        let state = self.server.state();
        let store = state.folders.get(name).ok_or_else(|| Error::Bug {
            detail: "the folder is gone".into(),
        })?;
        Ok(read(store))
    }
}

impl Mailbox for MemoryMailbox {
    fn abilities(&self) -> &Abilities {
        &self.abilities
    }

    fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    fn server(&self) -> &str {
        "pretend"
    }

    fn folders(&mut self) -> Result<Vec<Folder>, Error> {
        let state = self.server.state();
        let folder = |name: &String| Folder {
            name: MailboxName::from_wire(name.as_bytes()).unwrap(),
            role: state.roles.get(name).copied(),
            selectable: true,
            inferiors: true,
        };
        Ok(state.folders.keys().map(folder).collect())
    }

    fn quota(&mut self) -> Result<Option<Quota>, Error> {
        Ok(self.server.state().quota)
    }

    fn create(&mut self, name: &MailboxName) -> Result<(), Error> {
        let mut state = self.server.state();
        if let Some(words) = state.refuse_creating.pop_front() {
            return Err(Error::ServerTrouble {
                doing: "create".into(),
                detail: words.into(),
            });
        }
        if name.wire().contains('.') || name.wire() == "Forbidden" {
            return Err(Error::ServerTrouble {
                doing: "create".into(),
                detail: "[CANNOT] not that name".into(),
            });
        }
        state.folders.entry(name.wire().into()).or_default();
        state.subscribed.push(name.wire().into());
        Ok(())
    }

    fn examine(&mut self, name: &MailboxName) -> Result<Option<Examined>, Error> {
        assert!(
            self.queue.is_empty(),
            "a folder is examined while batches are in flight"
        );
        let state = self.server.state();
        let Some(store) = state.folders.get(name.wire()) else {
            return Ok(None);
        };
        self.examined = Some(name.wire().into());
        Ok(Some(Examined {
            uid_validity: store.uid_validity,
            uid_next: store.uid_next,
            exists: store.messages.len() as u32,
            permanent: Flags::SEEN
                .union(Flags::ANSWERED)
                .union(Flags::FLAGGED)
                .union(Flags::DRAFT),
            keywords: Vec::new(),
            any_keyword: true,
        }))
    }

    fn index(&mut self, from: u32, each: &mut dyn FnMut(Indexed)) -> Result<(), Error> {
        if self.server.breaks() {
            return Err(Error::ConnectionLost {
                server: "pretend".into(),
                detail: "reset".into(),
            });
        }
        let found = self.with_examined(|store| store.messages.clone())?;
        for held in found.iter().filter(|held| held.uid >= from) {
            each(Indexed {
                uid: held.uid,
                size: held.bytes.len() as u64,
                flags: held.flags,
                keywords: held.keywords.clone(),
                date: held.date,
                header: summary_fields(&held.bytes),
            });
        }
        Ok(())
    }

    fn bodies(
        &mut self,
        uids: &[u32],
        each: &mut dyn FnMut(u32, &mut dyn Read),
    ) -> Result<(), Error> {
        let found = self.with_examined(|store| store.messages.clone())?;
        for held in found.iter().filter(|held| uids.contains(&held.uid)) {
            self.server.state().bodies_read += 1;
            each(held.uid, &mut held.bytes.as_slice());
        }
        Ok(())
    }

    fn add_flags(
        &mut self,
        name: &MailboxName,
        uids: &[u32],
        flags: Flags,
        keywords: &Keywords,
    ) -> Result<(), Error> {
        let mut state = self.server.state();
        if state.refuse_changes {
            return Err(Error::ServerTrouble {
                doing: "add flags".into(),
                detail: "[LIMIT] too many keywords".into(),
            });
        }
        if state.break_changes > 0 {
            state.break_changes -= 1;
            return Err(Error::ConnectionLost {
                server: "pretend".into(),
                detail: "reset".into(),
            });
        }
        let store = state.folders.get_mut(name.wire()).unwrap();
        for held in store
            .messages
            .iter_mut()
            .filter(|held| uids.contains(&held.uid))
        {
            held.flags.insert(flags);
            held.keywords
                .extend(keywords.iter().map(|tag| tag.atom().to_string()));
        }
        Ok(())
    }

    fn leave(&mut self) -> Result<(), Error> {
        let mut state = self.server.state();
        if state.break_leaving > 0 {
            state.break_leaving -= 1;
            return Err(Error::ConnectionLost {
                server: "pretend".into(),
                detail: "reset".into(),
            });
        }
        self.examined = None;
        Ok(())
    }

    fn submit(&mut self, batch: Batch) {
        self.queue.push_back(batch);
    }

    fn settle(&mut self, _: Duration) -> Result<Vec<(Ticket, Fate)>, Broken> {
        let Some(batch) = self.queue.pop_front() else {
            return Ok(Vec::new());
        };
        let mut state = self.server.state();
        let failure = state.failures.pop_front();
        let tickets: Vec<Ticket> = batch
            .messages
            .iter()
            .map(|message| message.ticket)
            .collect();
        let shared = tickets.len() > 1;
        let broken = || Broken {
            in_doubt: tickets.clone(),
            poisoned: false,
            error: Error::ConnectionLost {
                server: "pretend".into(),
                detail: "reset".into(),
            },
        };
        let refuse = |class: RefusalClass| {
            let fate = Fate::Refused(Refusal {
                class,
                text: format!("NO {class:?}"),
                shared,
            });
            tickets
                .iter()
                .map(|ticket| (*ticket, fate.clone()))
                .collect()
        };
        match failure {
            Some(Failure::RequestLost) => return Err(broken()),
            Some(Failure::Refuses(class)) => return Ok(refuse(class)),
            Some(Failure::Lies) => {
                return Ok(tickets
                    .iter()
                    .map(|ticket| (*ticket, Fate::Stored { uid: None }))
                    .collect());
            }
            Some(Failure::AnswerLost) | None => {}
        }
        let bytes: u64 = batch.messages.iter().map(|message| message.size).sum();
        if state
            .message_limit
            .is_some_and(|limit| batch.messages.iter().any(|one| one.size > limit))
        {
            return Ok(refuse(RefusalClass::TooBig));
        }
        if state.quota.is_some_and(|quota| bytes > quota.free()) {
            return Ok(refuse(RefusalClass::OverQuota));
        }
        if !state.folders.contains_key(batch.folder.wire()) {
            return Ok(refuse(RefusalClass::NoFolder));
        }
        state.appended += tickets.len() as u64;
        if let Some(quota) = &mut state.quota {
            quota.used += bytes;
        }
        let rewrite = state.rewrite;
        let store = state.folders.entry(batch.folder.wire().into()).or_default();
        let stored: Vec<(Ticket, Fate)> = batch
            .messages
            .into_iter()
            .map(|message| {
                let (ticket, mut held) = hold(message);
                if let Some(change) = rewrite {
                    change(&mut held.bytes);
                }
                let uid = Some((store.uid_validity, store.add(held)));
                (ticket, Fate::Stored { uid })
            })
            .collect();
        if failure == Some(Failure::AnswerLost) {
            Err(broken())
        } else {
            Ok(stored)
        }
    }

    fn in_flight(&self) -> usize {
        self.queue.len()
    }

    fn logout(self: Box<Self>) {}
}

fn hold(message: Outgoing) -> (Ticket, Held) {
    let mut bytes = Vec::new();
    match message.body {
        Body::Held(held) => bytes = held,
        Body::Streamed(mut reader) => {
            reader.read_to_end(&mut bytes).unwrap();
        }
    }
    assert_eq!(
        bytes.len() as u64,
        message.size,
        "the size that was announced"
    );
    let keywords = message
        .keywords
        .iter()
        .map(|tag| tag.atom().to_string())
        .collect();
    (
        message.ticket,
        Held {
            uid: 0,
            bytes,
            flags: message.flags,
            keywords,
            date: message.date,
        },
    )
}

/// The header fields that an index of a folder tells of a message.
pub(crate) fn summary_fields(message: &[u8]) -> Vec<u8> {
    let mut fields = Vec::new();
    for field in
        header::fields(message).filter(|field| SUMMARY_FIELDS.iter().any(|name| field.is(name)))
    {
        fields.extend_from_slice(field.name);
        fields.push(b':');
        fields.extend_from_slice(field.value);
        fields.extend_from_slice(b"\r\n");
    }
    fields
}
