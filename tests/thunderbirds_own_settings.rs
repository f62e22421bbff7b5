//! The change of steps 1 and 2, tried on settings that a real Thunderbird wrote: what the guide writes is, to the byte,
//! what Thunderbird itself had written, and it can be put back.
#![allow(clippy::unwrap_used)]

mod support;

use std::path::Path;

use spectrum_migrate::guide::change;
use spectrum_migrate::guide::evidence::{self, Fetches, Home, Leaves};
use spectrum_migrate::source::find::Platform;

fn home(at: &Path) -> Home {
    Home {
        platform: Platform::Linux,
        home: at.into(),
        roaming: None,
        local: None,
        documents: None,
        spool: at.join("no-spool"),
        user: None,
    }
}

#[test]
fn what_is_written_is_what_thunderbird_had_written_itself() {
    let Some(corpus) = support::corpus() else {
        return;
    };
    let real = corpus.join("thunderbird/thunderbird-public");
    let place = tempfile::tempdir().unwrap();
    let root = place.path().join(".thunderbird");
    let ini = std::fs::read_to_string(real.join("profiles.ini")).unwrap();
    let profile = ini
        .lines()
        .find_map(|line| line.strip_prefix("Path="))
        .unwrap();
    std::fs::create_dir_all(root.join(profile)).unwrap();
    std::fs::write(root.join("profiles.ini"), &ini).unwrap();
    let prefs = root.join(profile).join("prefs.js");
    let own = std::fs::read_to_string(real.join(profile).join("prefs.js")).unwrap();

    // As it was before the person ticked "Leave messages on server" and unticked the rest: at its defaults.
    let ours = |line: &&str| {
        ["leave_on_server", "check_new_mail"]
            .iter()
            .any(|name| line.contains(&format!("mail.server.server2.{name}\"")))
    };
    let before: String = own
        .split_inclusive('\n')
        .filter(|line| !ours(line))
        .collect();
    assert_ne!(before, own, "the settings hold no POP account with these");
    std::fs::write(&prefs, &before).unwrap();

    let seen = |key: &str| {
        let evidence = evidence::look(&home(place.path()));
        let account = evidence.pop.into_iter().find(|account| account.key == key);
        account.unwrap()
    };
    let account = seen("server2");
    assert_eq!(account.leaves, Leaves::No);
    assert_ne!(account.fetches, Fetches::No);
    let other = seen("server3");

    let change = change::steps_one_and_two(&account).unwrap();
    assert_eq!(change.lines().len(), 2, "{:?}", change.lines());
    let applied = change.apply(jiff::civil::date(2026, 11, 25)).unwrap();
    assert_eq!(std::fs::read_to_string(&prefs).unwrap(), own);
    assert_eq!(std::fs::read_to_string(&applied.backup).unwrap(), before);
    let account = seen("server2");
    assert_eq!(
        (account.leaves, account.fetches),
        (Leaves::Yes, Fetches::No)
    );
    assert_eq!(seen("server3"), other);

    change::back(&applied)
        .unwrap()
        .apply(jiff::civil::date(2026, 11, 26))
        .unwrap();
    assert_eq!(std::fs::read_to_string(&prefs).unwrap(), before);
}
