//! A plan and a report with everything in them, for the tests of the screens.

use std::path::Path;

use spectrum_migrate::mailbox::{MailboxName, Quota};
use spectrum_migrate::message::{
    Conversions, Digest, Flags, FolderId, Identity, Item, Keywords, MailDate, Origin, Standing,
};
use spectrum_migrate::source::{Damaged, Fault, Kind};
use spectrum_migrate::transfer::Depth;
use spectrum_migrate::transfer::plan::{
    Entry, FlagChange, Plan, PlannedFolder, PlannedSource, Reached, Reason, State,
};
use spectrum_migrate::transfer::report::{
    Counts, Exception, FolderReport, Report, Verified, VerifiedFolder,
};

fn origin(file: &str, start: u64, length: u64) -> Origin {
    Origin {
        place: Path::new(file).into(),
        file: None,
        start,
        length,
    }
}

fn item(size: u64, year: i16) -> Item {
    let digest = Digest([0; 16]);
    let date = MailDate {
        seconds: (i64::from(year) - 1970) * 31_557_600 + 15_000_000,
        offset: 0,
    };
    Item {
        origin: origin(
            "/home/jane/.thunderbird/x1.default/Mail/pop.charter.net/Inbox",
            0,
            size,
        ),
        folder: FolderId(0),
        size,
        identity: Identity {
            bytes: digest,
            content: digest,
            summary: digest,
        },
        date: (year > 0).then_some(date),
        keywords: Keywords::default(),
        flags: Flags::NONE,
        conversions: Conversions::NONE,
        standing: Standing::Live,
        has_id: true,
    }
}

fn entries(number: usize, size: u64, year: i16, state: State) -> impl Iterator<Item = Entry> {
    std::iter::repeat_n(
        Entry {
            item: item(size, year),
            source: 0,
            elsewhere: None,
            state,
        },
        number,
    )
}

fn folder(wire: &str, from: &[&str], new: bool, entries: Vec<Entry>) -> PlannedFolder {
    PlannedFolder {
        target: MailboxName::from_wire(wire.as_bytes()).unwrap(),
        from: from.iter().map(|name| (0, name.to_string())).collect(),
        new,
        renamed: false,
        entries,
        damaged: Vec::new(),
        flag_changes: Vec::new(),
        uid_validity: 1,
        first_uid: 0,
    }
}

/// A plan in which everything happens that a plan can say.
pub fn plan() -> Plan {
    let mut inbox: Vec<Entry> = entries(310, 290_000, 2009, State::ToCopy).collect();
    inbox.extend(entries(90, 100_000, 2010, State::AlreadyThere(7)));
    inbox.extend(entries(2, 1_000, 2010, State::LeftOut(Reason::Deleted)));
    inbox.extend(entries(1, 38_000_000, 2011, State::Refused(Reason::TooBig)));
    if let Some(first) = inbox.first_mut() {
        first.elsewhere = Some(0);
    }
    let mut inbox = folder("INBOX", &["Inbox"], false, inbox);
    inbox.damaged = vec![Damaged {
        folder: FolderId(0),
        origin: origin("/home/jane/mail/Inbox", 4_096, 512),
        fault: Fault::Device,
        detail: "Input/output error".into(),
    }];
    inbox.flag_changes = vec![
        FlagChange {
            uid: 7,
            flags: Flags::SEEN,
            keywords: Keywords::default(),
        },
        FlagChange {
            uid: 8,
            flags: Flags::SEEN,
            keywords: Keywords::default(),
        },
    ];
    let mut large = entries(2, 26_000_000, 0, State::ToCopy).collect::<Vec<_>>();
    large.extend(entries(1_200, 48_000, 2012, State::ToCopy));
    let mut renamed = folder(
        "Taxes _ 2009",
        &["Taxes / 2009", "Old/Taxes / 2009"],
        true,
        large,
    );
    renamed.renamed = true;
    let trash = folder(
        "Old Trash",
        &["Trash"],
        true,
        entries(3, 4_000, 2013, State::ToCopy).collect(),
    );
    let junk = folder(
        "Old Junk",
        &["Junk"],
        true,
        entries(1, 4_000, 2013, State::Merged).collect(),
    );
    Plan {
        account: "jane@charter.net@mobile.charter.net:993".into(),
        sources: vec![PlannedSource {
            from_index: false,
            stamp: Default::default(),
            label: "jane@charter.net".into(),
            kind: Kind::Thunderbird,
            path: "/home/jane/.thunderbird/x1.default".into(),
        }],
        folders: vec![inbox, junk, trash, renamed],
        server_folders: vec!["INBOX".into()],
        quota: Some(Quota {
            used: 800_000_000,
            limit: 10_000_000_000,
        }),
        append_limit: None,
        made: 1_795_440_000,
        reached: Reached::default(),
    }
}

fn folder_report(
    name: &str,
    copied: u64,
    already_there: u64,
    refused: u64,
    damaged: u64,
) -> FolderReport {
    let found = copied + already_there + refused + damaged;
    let renamed = name.starts_with("Taxes");
    FolderReport {
        folder: name.into(),
        from: vec![if renamed { "Taxes / 2009" } else { name }.into()],
        renamed,
        counts: Counts {
            found,
            copied,
            already_there,
            refused,
            damaged,
            ..Counts::default()
        },
        elsewhere: 0,
    }
}

/// The report of a copy that went well, but for four messages.
pub fn report() -> Report {
    let folders = vec![
        folder_report("INBOX", 3_101, 899, 1, 3),
        folder_report("Taxes\x1b[2J", 5_297, 0, 0, 0),
    ];
    let mut counts = Counts::default();
    folders.iter().for_each(|folder| counts.add(&folder.counts));
    let verified = |folder: &FolderReport| {
        let expected = folder.counts.copied + folder.counts.already_there;
        VerifiedFolder {
            folder: folder.folder.clone(),
            expected,
            present: expected,
            missing: 0,
            surplus: 0,
            altered: 0,
        }
    };
    let checked: Vec<VerifiedFolder> = folders.iter().map(verified).collect();
    let damaged = |at| {
        let origin = origin("/home/jane/mail/Inbox", at, 512);
        Exception::new(
            "damaged",
            Reason::Unreadable,
            "INBOX".into(),
            &origin,
            512,
            "Input/output error".into(),
        )
    };
    let big = Exception::new(
        "refused",
        Reason::TooBig,
        "INBOX".into(),
        &origin("/home/jane/mail/Inbox", 90_000, 38_000_000),
        38_000_000,
        "NO [LIMIT] Mail size is larger\x07 than the maximum size allowed".into(),
    );
    Report {
        account: "jane@charter.net@mobile.charter.net:993".into(),
        made: "2026-11-23T14:10:05Z".into(),
        read_anew: true,
        counts,
        elsewhere: 12,
        reasons: [
            (Reason::InFolder, 899),
            (Reason::TooBig, 1),
            (Reason::Unreadable, 3),
        ]
        .into(),
        folders,
        conversions: [("line_ends", 4), ("mozilla_headers_left_out", 8_398)].into(),
        flags_added: 2,
        flags_refused: 0,
        tags_lost: [("Important".to_string(), 5)].into(),
        server_changes: vec!["it adds a header field of its own (X-Scanned)".into()],
        exceptions: vec![damaged(4_096), damaged(8_192), damaged(12_288), big],
        verified: Some(Verified {
            how: Depth::Bytes,
            sample: None,
            expected: 9_297,
            present: 9_297,
            missing: 0,
            surplus: 0,
            altered: 0,
            dates_differ: 0,
            flags_differ: 0,
            folders: checked,
        }),
        storage: None,
        sources_changed: Vec::new(),
    }
}
