//! Reads the sources and sorts every message into the folder it goes to.

use std::collections::HashMap;

use super::folders::{Target, Targets};
use super::{Entry, PlannedFolder, PlannedSource, Reason, State};
use crate::error::Error;
use crate::event::{Event, Observer, Stage};
use crate::mailbox::MailboxName;
use crate::message::{Digest, FolderId, Item, Standing};
use crate::source::{Damaged, Fault, Source, SourceFolder, Stamp};
use crate::transfer::{Choices, Stop};

/// Everything the sources hold, by target folder: INBOX first, then by name.
pub(crate) struct Gathered {
    pub sources: Vec<PlannedSource>,
    pub folders: Vec<PlannedFolder>,
}

/// Scans every source to its end.
pub(crate) fn gather(
    sources: &[Box<dyn Source>],
    targets: &mut Targets<'_>,
    choices: &Choices,
    stop: &Stop,
    observer: &dyn Observer,
) -> Result<Gathered, Error> {
    let mut sorter = Sorter {
        choices,
        folders: Vec::new(),
        by_name: HashMap::new(),
    };
    // Before the first byte is read: what changes from now on is known as changed.
    let stamps: Vec<Stamp> = sources.iter().map(|source| source.stamp()).collect();
    let bytes = sources.iter().map(|source| source.bytes()).sum();
    observer.notice(&Event::Started {
        stage: Stage::Read,
        messages: None,
        bytes: Some(bytes),
    });
    let mut progress = Progress {
        observer,
        messages: 0,
        bytes: 0,
    };
    for (index, source) in sources.iter().enumerate() {
        let index = u16::try_from(index).map_err(|_| Error::Choice {
            detail: "too many places at once".into(),
        })?;
        scan(
            index,
            source.as_ref(),
            targets,
            &mut sorter,
            stop,
            &mut progress,
        )?;
    }
    targets.check_choices()?;
    observer.notice(&Event::Finished {
        stage: Stage::Read,
        messages: progress.messages,
    });
    let planned = |(source, stamp): (&dyn Source, Stamp)| PlannedSource {
        label: source.label(),
        kind: source.kind(),
        path: source.path().to_path_buf(),
        from_index: source.is_remembered(),
        stamp,
    };
    Ok(Gathered {
        sources: (sources.iter().map(AsRef::as_ref))
            .zip(stamps)
            .map(planned)
            .collect(),
        folders: sorter.finish(),
    })
}

fn scan(
    index: u16,
    source: &dyn Source,
    targets: &mut Targets<'_>,
    sorter: &mut Sorter<'_>,
    stop: &Stop,
    progress: &mut Progress<'_>,
) -> Result<(), Error> {
    // Takeout's folders show up during the scan, so the table is asked for as needed.
    let mut table: Vec<SourceFolder> = source.folders();
    let mut places: HashMap<FolderId, (usize, bool)> = HashMap::new();
    let mut place = |id: FolderId, sorter: &mut Sorter<'_>| {
        *places.entry(id).or_insert_with(|| {
            let at = id.0 as usize;
            if table.len() <= at {
                table = source.folders();
            }
            let folder = table.get(at).cloned().unwrap_or_else(|| SourceFolder {
                path: vec!["Found mail".into()],
                account: None,
                role: None,
            });
            let target = targets.of(&folder);
            (sorter.folder(index, &folder, &target), target.skipped)
        })
    };
    // Folders without a message still answer to --skip and --map.
    for id in 0..source.folders().len() {
        place(FolderId(u32::try_from(id).unwrap_or(u32::MAX)), sorter);
    }
    for scanned in source.scan()? {
        stop.check()?;
        let id = scanned
            .as_ref()
            .map_or_else(|damaged| damaged.folder, |item| item.folder);
        let (folder, skipped) = place(id, sorter);
        progress.message(scanned.as_ref().map_or(0, |item| item.size));
        sorter.add(folder, index, scanned, skipped);
    }
    Ok(())
}

/// Decides what the rules and choices alone can decide.
struct Sorter<'a> {
    choices: &'a Choices,
    folders: Vec<PlannedFolder>,
    by_name: HashMap<MailboxName, usize>,
}

impl Sorter<'_> {
    fn folder(&mut self, source: u16, folder: &SourceFolder, target: &Target) -> usize {
        let at = *self.by_name.entry(target.name.clone()).or_insert_with(|| {
            self.folders.push(PlannedFolder {
                target: target.name.clone(),
                from: Vec::new(),
                new: true,
                renamed: target.renamed,
                entries: Vec::new(),
                damaged: Vec::new(),
                flag_changes: Vec::new(),
                uid_validity: 0,
                first_uid: 0,
            });
            self.folders.len() - 1
        });
        if let Some(planned) = self.folders.get_mut(at) {
            planned.from.push((source, folder.path.join("/")));
        }
        at
    }

    fn add(&mut self, folder: usize, source: u16, scanned: Result<Item, Damaged>, skipped: bool) {
        let choices = self.choices;
        let Some(folder) = self.folders.get_mut(folder) else {
            return;
        };
        match scanned {
            // An empty message can't be sent: RFC 3502 gives a literal of no bytes another meaning.
            Ok(item) if item.size == 0 => folder.damaged.push(Damaged {
                folder: item.folder,
                origin: item.origin,
                fault: Fault::Empty,
                detail: "no bytes".into(),
            }),
            Ok(item) => {
                let state = first_state(&item, skipped, choices);
                folder.entries.push(Entry {
                    item,
                    source,
                    elsewhere: None,
                    state,
                });
            }
            Err(damaged) => folder.damaged.push(damaged),
        }
    }

    fn finish(self) -> Vec<PlannedFolder> {
        let mut folders = self.folders;
        for folder in &mut folders {
            folder.entries.shrink_to_fit();
            if !self.choices.keep_duplicates {
                merge(&mut folder.entries);
            }
        }
        folders.retain(|folder| !folder.entries.is_empty() || !folder.damaged.is_empty());
        folders.sort_by_cached_key(|folder| {
            let skipped = folder
                .entries
                .iter()
                .all(|entry| entry.state == State::LeftOut(Reason::Skipped));
            (
                skipped,
                !folder.target.is_inbox(),
                folder.target.display().to_lowercase(),
            )
        });
        folders
    }
}

fn first_state(item: &Item, skipped: bool, choices: &Choices) -> State {
    let day = item.date.map(|date| date.day());
    if item.standing == Standing::Internal {
        State::LeftOut(Reason::Internal)
    } else if item.standing == Standing::Expunged && !choices.include_deleted {
        State::LeftOut(Reason::Deleted)
    } else if skipped {
        State::LeftOut(Reason::Skipped)
    } else if day
        .zip(choices.since)
        .is_some_and(|(day, since)| day < since)
    {
        State::LeftOut(Reason::TooOld)
    } else if day
        .zip(choices.until)
        .is_some_and(|(day, until)| day > until)
    {
        State::LeftOut(Reason::TooNew)
    } else {
        State::ToCopy
    }
}

/// Identical messages of one folder become one, which gets the flags and tags of all and the earliest date.
fn merge(entries: &mut [Entry]) {
    let mut first: HashMap<Digest, u32> = HashMap::new();
    for at in 0..entries.len() {
        let Some((before, [entry, ..])) = entries.split_at_mut_checked(at) else {
            return;
        };
        if entry.state != State::ToCopy {
            continue;
        }
        let known = first
            .entry(entry.item.identity.content)
            .or_insert(at as u32);
        if let Some(kept) = before.get_mut(*known as usize) {
            kept.item.flags.insert(entry.item.flags);
            kept.item.keywords = kept.item.keywords.union(&entry.item.keywords);
            kept.item.date = match (kept.item.date, entry.item.date) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
            entry.state = State::Merged;
        }
    }
}

/// Tells the watcher how far the reading is.
struct Progress<'a> {
    observer: &'a dyn Observer,
    messages: u64,
    bytes: u64,
}

impl Progress<'_> {
    fn message(&mut self, bytes: u64) {
        self.messages += 1;
        self.bytes += bytes;
        if self.messages.is_multiple_of(100) {
            self.observer.notice(&Event::Progress {
                stage: Stage::Read,
                messages: self.messages,
                bytes: self.bytes,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Silent;
    use crate::mailbox::Namespace;
    use crate::message::Flags;
    use crate::transfer::testing::{Mail, Pretend};

    fn gathered(mails: Vec<Mail>, choices: &Choices) -> Vec<PlannedFolder> {
        let sources: Vec<Box<dyn Source>> = vec![Box::new(Pretend::new(mails))];
        let namespace = Namespace {
            prefix: String::new(),
            delimiter: Some('/'),
        };
        let mut targets = Targets::new(choices, &namespace, &[]).unwrap();
        gather(&sources, &mut targets, choices, &Stop::default(), &Silent)
            .unwrap()
            .folders
    }

    fn states(folders: &[PlannedFolder]) -> Vec<State> {
        folders
            .iter()
            .flat_map(|folder| folder.entries.iter().map(|entry| entry.state))
            .collect()
    }

    #[test]
    fn identical_messages_of_one_folder_become_one_with_all_flags() {
        let mails = || {
            vec![
                Mail::new("Family", "one"),
                Mail::new("Family", "two"),
                Mail::new("Family", "one").flagged(Flags::FLAGGED),
                Mail::new("Other", "one"),
            ]
        };
        let folders = gathered(mails(), &Choices::default());
        assert_eq!(
            states(&folders),
            [State::ToCopy, State::ToCopy, State::Merged, State::ToCopy]
        );
        assert_eq!(folders[0].entries[0].item.flags, Flags::FLAGGED);
        let both = Choices {
            keep_duplicates: true,
            ..Choices::default()
        };
        assert!(
            states(&gathered(mails(), &both))
                .iter()
                .all(|state| *state == State::ToCopy)
        );
    }

    #[test]
    fn deleted_and_skipped_and_undated_mail_follow_the_choices() {
        let mails = || {
            vec![
                Mail::new("Family", "gone").expunged(),
                Mail::new("Family", "old").dated(0),
                Mail::new("Family", "new").dated(1_700_000_000),
                Mail::new("Family", "undated"),
                Mail::new("Boring", "x"),
            ]
        };
        let choices = Choices {
            since: Some(jiff::civil::date(2020, 1, 1)),
            skip: vec!["boring".into()],
            ..Choices::default()
        };
        let expected = [
            State::LeftOut(Reason::Deleted),
            State::LeftOut(Reason::TooOld),
            State::ToCopy,
            State::ToCopy,
            State::LeftOut(Reason::Skipped),
        ];
        assert_eq!(states(&gathered(mails(), &choices)), expected);
        let all = Choices {
            include_deleted: true,
            ..Choices::default()
        };
        assert!(
            states(&gathered(mails(), &all))
                .iter()
                .all(|state| *state == State::ToCopy)
        );
    }

    #[test]
    fn a_choice_that_means_no_folder_is_refused() {
        let choices = Choices {
            skip: vec!["Famly".into()],
            ..Choices::default()
        };
        let sources: Vec<Box<dyn Source>> =
            vec![Box::new(Pretend::new(vec![Mail::new("Family", "x")]))];
        let namespace = Namespace {
            prefix: String::new(),
            delimiter: Some('/'),
        };
        let mut targets = Targets::new(&choices, &namespace, &[]).unwrap();
        let result = gather(&sources, &mut targets, &choices, &Stop::default(), &Silent);
        assert!(matches!(result, Err(Error::Choice { .. })));
    }

    #[test]
    fn what_is_remembered_of_a_file_makes_the_same_plan_and_is_marked() {
        let dir = tempfile::tempdir().unwrap();
        let (mbox, known) = (dir.path().join("Inbox"), dir.path().join("known"));
        let letter = "From a@b Sun May 17 12:34:56 2009\nSubject: x\nStatus: RO\n\n";
        let text = "a line of text\n".repeat(40_000);
        std::fs::write(&mbox, format!("{letter}{text}\n").repeat(3)).unwrap();
        let file = std::fs::File::options().append(true).open(&mbox).unwrap();
        file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_500_000_000))
            .unwrap();
        let namespace = Namespace {
            prefix: String::new(),
            delimiter: Some('/'),
        };
        let plan = |remember: bool| {
            let source = crate::source::open(&mbox).unwrap();
            if remember {
                source.remember_in(&known);
            }
            let choices = Choices::default();
            let mut targets = Targets::new(&choices, &namespace, &[]).unwrap();
            let found =
                gather(&[source], &mut targets, &choices, &Stop::default(), &Silent).unwrap();
            (format!("{:?}", found.folders), found.sources[0].from_index)
        };
        let (plain, first, second) = (plan(false), plan(true), plan(true));
        assert_eq!((&plain.0, &plain.0), (&first.0, &second.0));
        assert_eq!((plain.1, first.1, second.1), (false, false, true));
    }
}
