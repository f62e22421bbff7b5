//! Claws Mail: `accountrc` has the accounts, `clawsrc` says when mail is fetched.

use std::path::Path;

use super::sections::{self, Section};
use super::{Evidence, Family, Fetches, Home, ImapAccount, Leaves, Owner, PopAccount};

pub(super) fn look(home: &Home, evidence: &mut Evidence) {
    read(&home.home.join(".claws-mail"), evidence);
    if let Some(roaming) = &home.roaming {
        read(&roaming.join("Claws-mail"), evidence);
    }
}

fn read(directory: &Path, evidence: &mut Evidence) {
    let settings = directory.join("accountrc");
    let common = sections::read(&directory.join("clawsrc"));
    let common = sections::titled(&common, "Common");
    for section in sections::read(&settings) {
        let Some(key) = section.title.strip_prefix("Account:") else {
            continue;
        };
        let get = |key: &str| section.get(key).unwrap_or_default().to_string();
        let owner = Owner {
            user: get("user_id"),
            server: get("receive_server"),
            addresses: section
                .get("address")
                .map(str::to_string)
                .into_iter()
                .collect(),
        };
        match section.number("protocol") {
            Some(0) => evidence.pop.push(PopAccount {
                program: "Claws Mail".into(),
                family: Family::Claws,
                name: get("account_name"),
                owner,
                leaves: leaves(&section),
                fetches: fetches(common),
                settings: settings.clone(),
                key: key.trim().into(),
                mail: None,
            }),
            Some(3) => evidence.imap.push(ImapAccount {
                program: "Claws Mail".into(),
                name: get("account_name"),
                owner,
                settings: settings.clone(),
            }),
            _ => {}
        }
    }
}

/// "Remove messages on server when received", which is on with 7 days unless changed.
fn leaves(section: &Section) -> Leaves {
    if section.number("remove_mail") == Some(0) {
        return Leaves::Yes;
    }
    match section.number("message_leave_time").unwrap_or(7) {
        days @ 1.. => Leaves::of(true, u32::try_from(days).ok(), false),
        _ => Leaves::No,
    }
}

/// The unit of the interval changed between releases, so no minutes are told.
fn fetches(common: Option<&Section>) -> Fetches {
    let switch = |key| common.and_then(|common| common.switch(key));
    match (switch("check_on_startup"), switch("autochk_newmail")) {
        (Some(at_start), Some(repeatedly)) if at_start || repeatedly => {
            Fetches::of(at_start, repeatedly, None, None)
        }
        // An account may have an interval of its own since 4.0, under keys that were not seen.
        _ => Fetches::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guide::evidence::testing::{home, write};

    #[test]
    fn accounts_are_read_with_what_claws_does_by_default() {
        let directory = tempfile::tempdir().unwrap();
        let accounts = "[Account: 1]\naccount_name=Old\naddress=jane@charter.net\nprotocol=0\n\
            receive_server=pop.charter.net\nuser_id=jane\n\
            [Account: 2]\naccount_name=Keep\nprotocol=0\nuser_id=jane@charter.net\nremove_mail=0\n\
            [Account: 3]\nprotocol=3\nuser_id=jane@charter.net\nreceive_server=mobile.charter.net\n\
            [Account: 4]\nprotocol=0\nremove_mail=1\nmessage_leave_time=0\n";
        write(directory.path(), ".claws-mail/accountrc", accounts);
        write(
            directory.path(),
            ".claws-mail/clawsrc",
            "[Common]\ncheck_on_startup=1\nautochk_newmail=0\n",
        );
        let mut evidence = Evidence::default();
        look(&home(directory.path()), &mut evidence);
        let leaves: Vec<_> = evidence.pop.iter().map(|account| account.leaves).collect();
        assert_eq!(
            leaves,
            [Leaves::of(true, Some(7), false), Leaves::Yes, Leaves::No]
        );
        assert_eq!(
            evidence.pop[0].fetches,
            Fetches::of(true, false, None, None)
        );
        let own = evidence.of("jane@charter.net");
        assert_eq!((own.pop.len(), own.imap.len()), (2, 1));
    }
}
