//! What the server makes of our mail: some messages are read back while others are still being sent, so that a server
//! that changes mail is found out early. Harmless changes are named once; any other ends the run.

use std::collections::{BTreeSet, HashMap};
use std::io::Read;

use crate::error::Error;
use crate::header;
use crate::identity::Fingerprinter;
use crate::mailbox::{Connect, Mailbox, MailboxName};
use crate::message::Item;
use crate::source::Source;
use crate::transfer::reconcile;

/// Every so manieth message is read back, and the first of each folder.
pub(crate) const EVERY: u64 = 100;

/// Room for what a server adds to a message.
const ADDED: u64 = 64 * 1024;

/// Larger messages are not read back meanwhile; the check afterwards has them all.
pub(crate) const LARGEST: u64 = 1024 * 1024;

/// A message that the server confirmed.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    /// Its folder.
    pub folder: MailboxName,
    /// Its UID, where the server told it.
    pub uid: Option<u32>,
    /// Its UID is this or a higher one.
    pub from: u32,
    /// The message.
    pub item: Item,
    /// Index of its source.
    pub source: u16,
}

/// What was read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Lesson {
    /// Byte for byte what was sent.
    Same,
    /// The same message, with these small changes.
    Harmless(BTreeSet<String>),
    /// Another message.
    Changed { folder: String, detail: String },
    /// Nothing could be read back.
    Unknown,
}

/// Asks over a connection of its own.
pub(crate) struct Learner<'e> {
    connect: &'e dyn Connect,
    sources: &'e [Box<dyn Source>],
    mailbox: Option<Box<dyn Mailbox>>,
    /// A server that gives us no connection for this is not asked again.
    given_up: bool,
    /// Up to which UID a folder was looked through.
    seen: HashMap<MailboxName, u32>,
}

impl<'e> Learner<'e> {
    /// Not connected yet.
    pub fn new(connect: &'e dyn Connect, sources: &'e [Box<dyn Source>]) -> Learner<'e> {
        Learner {
            connect,
            sources,
            mailbox: None,
            given_up: false,
            seen: HashMap::new(),
        }
    }

    /// Reads messages back, those of one folder at once. A connection that fails teaches nothing, and is nobody's trouble.
    pub fn learn(&mut self, questions: &[Question]) -> Vec<Lesson> {
        let mut lessons = Vec::with_capacity(questions.len());
        for group in questions.chunk_by(|a, b| a.folder == b.folder) {
            let learned = if self.given_up {
                Vec::new()
            } else {
                self.ask(group).unwrap_or_else(|_| {
                    self.given_up = true;
                    self.mailbox = None;
                    Vec::new()
                })
            };
            let unknown = group.len().saturating_sub(learned.len());
            lessons.extend(learned);
            lessons.extend(std::iter::repeat_n(Lesson::Unknown, unknown));
        }
        lessons
    }

    /// Gives the connection back.
    pub fn close(self) {
        if let Some(mailbox) = self.mailbox {
            mailbox.logout();
        }
    }

    /// What became of messages of one folder; of those that can't be found nothing is said.
    fn ask(&mut self, questions: &[Question]) -> Result<Vec<Lesson>, Error> {
        let Some(folder) = questions.first().map(|question| &question.folder) else {
            return Ok(Vec::new());
        };
        let mailbox = match &mut self.mailbox {
            Some(mailbox) => mailbox,
            none => none.insert(self.connect.connect()?),
        };
        let by_uid: HashMap<u32, &Question> = if questions.iter().all(|one| one.uid.is_some()) {
            if mailbox.examine(folder)?.is_none() {
                return Ok(Vec::new());
            }
            questions
                .iter()
                .filter_map(|one| Some((one.uid?, one)))
                .collect()
        } else {
            find(
                mailbox.as_mut(),
                questions,
                self.seen.entry(folder.clone()).or_default(),
            )?
        };
        let mut uids: Vec<u32> = by_uid.keys().copied().collect();
        uids.sort_unstable();
        let mut lessons = Vec::new();
        let sources = self.sources;
        mailbox.bodies(&uids, &mut |uid, body| {
            if let Some(question) = by_uid.get(&uid) {
                let source = sources.get(question.source as usize).map(AsRef::as_ref);
                lessons.push(compare(question, source, body));
            }
        })?;
        mailbox.leave()?;
        Ok(lessons)
    }
}

/// Where the server tells no UIDs: the copies among the messages that came last, after `seen`.
fn find<'q>(
    mailbox: &mut dyn Mailbox,
    questions: &'q [Question],
    seen: &mut u32,
) -> Result<HashMap<u32, &'q Question>, Error> {
    let Some(first) = questions.first() else {
        return Ok(HashMap::new());
    };
    let from = first.from.max(*seen + 1);
    let Some(index) = reconcile::index(mailbox, &first.folder, from)? else {
        return Ok(HashMap::new());
    };
    let last = index.messages.iter().map(|copy| copy.uid).max();
    *seen = last.unwrap_or_default().max(*seen);
    let copy_of = |question: &'q Question| {
        let wanted = question.item.identity.summary;
        let copy = index.messages.iter().find(|copy| copy.summary == wanted)?;
        Some((copy.uid, question))
    };
    Ok(questions.iter().filter_map(copy_of).collect())
}

fn compare(question: &Question, source: Option<&dyn Source>, body: &mut dyn Read) -> Lesson {
    let mut copy = Vec::new();
    // A copy much longer than what was sent is another message, however long.
    let most = question.item.size.saturating_mul(2) + ADDED;
    if body.take(most).read_to_end(&mut copy).is_err() {
        return Lesson::Unknown;
    }
    let mut fingerprinter = Fingerprinter::new();
    fingerprinter.update(&copy);
    let identity = fingerprinter.finish().identity;
    let item = &question.item;
    if identity.bytes == item.identity.bytes {
        return Lesson::Same;
    }
    let original = source
        .map(|source| bytes_of(source, item))
        .unwrap_or_default();
    if identity.content != item.identity.content {
        return Lesson::Changed {
            folder: question.folder.display(),
            detail: difference(item, &copy, identity.summary == item.identity.summary),
        };
    }
    let mut changes: BTreeSet<String> = added(&original, &copy)
        .map(|name| format!("it adds a header field of its own ({name})"))
        .collect();
    if changes.is_empty() {
        changes.insert("it writes line ends in its own way".into());
    }
    Lesson::Harmless(changes)
}

fn bytes_of(source: &dyn Source, item: &Item) -> Vec<u8> {
    let mut bytes = Vec::new();
    // What can't be read has nothing to compare; that the content differs was seen already.
    let _ = source
        .open(item)
        .and_then(|reader| reader.take(LARGEST).read_to_end(&mut bytes));
    bytes
}

/// Names of fields that the copy has more often than the original.
fn added<'a>(original: &[u8], copy: &'a [u8]) -> impl Iterator<Item = String> + use<'a> {
    let mut known: HashMap<Vec<u8>, i32> = HashMap::new();
    for field in header::fields(original) {
        *known.entry(field.name.to_ascii_lowercase()).or_default() += 1;
    }
    header::fields(copy).filter_map(move |field| {
        let left = known.entry(field.name.to_ascii_lowercase()).or_default();
        *left -= 1;
        (*left < 0).then(|| String::from_utf8_lossy(field.name).into_owned())
    })
}

fn difference(item: &Item, copy: &[u8], same_header: bool) -> String {
    let (sent, kept) = (item.size, copy.len() as u64);
    let what = match (same_header, kept < sent) {
        (true, true) => "the text of the copy is cut off or changed",
        (true, false) => "the text of the copy is another one",
        (false, _) => "the header of the copy is another one",
    };
    format!("{what}: {sent} bytes were sent, and {kept} came back")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mailbox::memory::MemoryServer;
    use crate::transfer::testing::{Mail, Pretend, item};

    const MAIL: &str = "Message-ID: <1@x>\r\nFrom: a\r\nSubject: s\r\n\r\nthe whole text\r\n";

    fn lesson(copy: &str, with_uid: bool) -> Lesson {
        let server = MemoryServer::new();
        let uid = server.put("INBOX", copy.as_bytes());
        let sources: Vec<Box<dyn Source>> = vec![Box::new(Pretend::new(vec![Mail::raw(
            "INBOX",
            MAIL.as_bytes(),
        )]))];
        let mut learner = Learner::new(&server, &sources);
        let mut lessons = learner.learn(&[Question {
            folder: MailboxName::inbox(),
            uid: with_uid.then_some(uid),
            from: 1,
            item: item(MAIL.as_bytes()),
            source: 0,
        }]);
        learner.close();
        lessons.remove(0)
    }

    #[test]
    fn a_server_that_keeps_mail_as_it_is_teaches_nothing() {
        assert_eq!(lesson(MAIL, true), Lesson::Same);
        assert_eq!(lesson(MAIL, false), Lesson::Same);
    }

    #[test]
    fn harmless_changes_are_named() {
        let harmless = |copy: &str| match lesson(copy, true) {
            Lesson::Harmless(changes) => changes.into_iter().collect::<Vec<_>>().join("; "),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            harmless(&MAIL.replace("\r\n", "\n")),
            "it writes line ends in its own way"
        );
        assert_eq!(
            harmless(&format!("X-Scanned: yes\r\n{MAIL}")),
            "it adds a header field of its own (X-Scanned)"
        );
    }

    #[test]
    fn a_changed_message_is_found_out() {
        let changed = |copy: &str| match lesson(copy, true) {
            Lesson::Changed { detail, .. } => detail,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            changed(&MAIL.replace("whole text", "who")),
            "the text of the copy is cut off or changed: 58 bytes were sent, and 51 came back"
        );
        assert!(changed(&MAIL.replace("Subject: s", "Subject: [external] s")).contains("header"));
    }

    #[test]
    fn a_server_that_gives_no_second_connection_is_asked_once() {
        let server = MemoryServer::new();
        server.refuse_connections(1);
        let sources: Vec<Box<dyn Source>> = Vec::new();
        let mut learner = Learner::new(&server, &sources);
        let question = Question {
            folder: MailboxName::inbox(),
            uid: Some(1),
            from: 1,
            item: item(MAIL.as_bytes()),
            source: 0,
        };
        let questions = [question.clone(), question];
        assert_eq!(
            learner.learn(&questions),
            [Lesson::Unknown, Lesson::Unknown]
        );
        assert_eq!(
            learner.learn(&questions),
            [Lesson::Unknown, Lesson::Unknown]
        );
        assert!(learner.given_up);
    }
}
