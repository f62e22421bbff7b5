//! In which order messages are sent: by date within a folder, very large ones last, the newest years first where not all fits.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::{Entry, Plan, State};
use crate::mailbox::MailboxName;
use crate::message::Digest;
use crate::settings;
use crate::transfer::Choices;
use crate::transfer::journal::ItemKey;

/// One message to send: index into [`Plan::folders`], and into the entries of that folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub folder: u16,
    pub entry: u32,
}

/// Everything that is to be sent, in order.
pub(crate) fn sending_order(plan: &Plan) -> Vec<Place> {
    let newest_first = !plan.fits();
    let mut places = Vec::new();
    for (folder, planned) in plan.folders.iter().enumerate() {
        for (entry, one) in planned.entries.iter().enumerate() {
            if one.state == State::ToCopy {
                places.push(Place {
                    folder: folder as u16,
                    entry: entry as u32,
                });
            }
        }
    }
    places.sort_by_key(|place| {
        let item = plan
            .folders
            .get(place.folder as usize)
            .and_then(|folder| folder.entries.get(place.entry as usize));
        let (size, date) = item.map_or((0, None), |entry| (entry.item.size, entry.item.date));
        let year = if newest_first {
            date.map_or(0, |date| date.year())
        } else {
            0
        };
        (
            size > settings::MESSAGE_LIMIT,
            Reverse(year),
            place.folder,
            date,
            place.entry,
        )
    });
    places
}

/// Tells identical messages of one folder apart by a number, counted in the order of the files; all are 0 but
/// with `--keep-duplicates`.
pub(crate) struct CopyNumbers(HashMap<Place, u16>);

impl CopyNumbers {
    /// The numbers in a plan.
    pub fn of(plan: &Plan, choices: &Choices) -> CopyNumbers {
        let mut numbers = HashMap::new();
        if !choices.keep_duplicates {
            return CopyNumbers(numbers);
        }
        for (folder, planned) in (0u16..).zip(&plan.folders) {
            let mut seen: HashMap<Digest, u16> = HashMap::new();
            for (at, entry) in (0u32..).zip(&planned.entries) {
                let count = seen.entry(entry.item.identity.bytes).or_default();
                if *count > 0 {
                    numbers.insert(Place { folder, entry: at }, *count);
                }
                *count += 1;
            }
        }
        CopyNumbers(numbers)
    }

    /// What the journal knows a message by.
    pub fn key<'k>(&self, folder: &'k MailboxName, place: Place, entry: &Entry) -> ItemKey<'k> {
        let copy = self.0.get(&place).copied().unwrap_or_default();
        ItemKey {
            folder: folder.wire(),
            bytes: entry.item.identity.bytes,
            copy,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mailbox::Quota;
    use crate::transfer::testing::{Mail, planned};

    fn order(plan: &Plan) -> Vec<String> {
        let place = |place: &Place| {
            let folder = &plan.folders[place.folder as usize];
            let year = folder.entries[place.entry as usize]
                .item
                .date
                .map_or(0, |date| date.year());
            format!("{} {year}", folder.target.display())
        };
        sending_order(plan).iter().map(place).collect()
    }

    fn mails() -> Vec<Mail> {
        vec![
            Mail::new("B", "1").dated(1_700_000_000),
            Mail::new("A", "2").dated(1_500_000_000),
            Mail::new("A", "3").dated(1_200_000_000),
            Mail::new("A", "4").dated(1_700_000_001),
        ]
    }

    #[test]
    fn folder_by_folder_and_oldest_first_where_all_fits() {
        assert_eq!(
            order(&planned(mails())),
            ["A 2008", "A 2017", "A 2023", "B 2023"]
        );
    }

    #[test]
    fn the_newest_years_first_where_not_all_fits() {
        let mut plan = planned(mails());
        plan.quota = Some(Quota { used: 0, limit: 10 });
        assert_eq!(order(&plan), ["A 2023", "B 2023", "A 2017", "A 2008"]);
    }

    #[test]
    fn a_message_over_the_published_limit_comes_last() {
        let mut plan = planned(mails());
        plan.folders[0].entries[1].item.size = settings::MESSAGE_LIMIT + 1;
        assert_eq!(order(&plan), ["A 2017", "A 2023", "B 2023", "A 2008"]);
    }
}
