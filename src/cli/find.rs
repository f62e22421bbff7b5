//! `find`: the places on this computer that have old mail, with their counts; and the choice among them.

use std::path::PathBuf;

use serde::Serialize;
use spectrum_migrate::amount::{count, messages, size};
use spectrum_migrate::source::find::{Found, Home, find};
use spectrum_migrate::source::{self, Count, Source};

use super::args::Flags;
use super::exit::Exit;
use super::failure::Failure;
use super::layout::{Align, Table, clean, wrap};
use super::room::Room;
use super::session::open_sources;
use super::words;

/// A place, and what is in it.
pub(super) struct Place {
    pub found: Found,
    /// The counts, or why there are none.
    pub holds: Result<Count, String>,
}

/// Shows what is there.
///
/// # Errors
/// There is nothing, or a place that was named can't be read.
pub fn run(room: &Room, flags: &Flags) -> Result<Exit, Failure> {
    let found = if flags.source.is_empty() {
        everywhere()?
    } else {
        named(&flags.source)?
    };
    let places = look(room, &found);
    if places.is_empty() {
        return Err(Failure::NothingFound);
    }
    for place in &places {
        room.printer.event("found", &line(place));
    }
    room.printer
        .result(&screen(&places, room.printer.look.plain));
    if places.iter().any(|place| place.holds.is_ok()) {
        room.printer.result(if flags.source.is_empty() {
            AFTERWARDS
        } else {
            AFTER_NAMED
        });
        Ok(Exit::Done)
    } else {
        Err(Failure::NothingFound)
    }
}

const AFTERWARDS: &str = "\nTo see what would be copied:  spectrum-migrate plan\n\
                          Nothing has been changed.";

const AFTER_NAMED: &str = "\nTo see what would be copied:  spectrum-migrate plan, with the same --source\n\
                           Nothing has been changed.";

/// Lets the person choose among the places that have mail.
///
/// # Errors
/// There is none, or stopped by the person.
pub fn choose(room: &Room) -> Result<Vec<PathBuf>, Failure> {
    let mut places = look(room, &everywhere()?);
    places.retain(|place| place.holds.as_ref().is_ok_and(|count| count.messages > 0));
    if places.is_empty() {
        return Err(Failure::NothingFound);
    }
    room.printer.say(&screen(&places, room.printer.look.plain));
    let question = "Which ones? Type their numbers; Enter takes all of them, q stops:";
    let chosen = room.asker.numbers(&room.printer, question, places.len())?;
    let path = |at: usize| places.get(at).map(|place| place.found.path.clone());
    Ok(chosen.into_iter().filter_map(path).collect())
}

/// The places that the person named, instead of the usual ones.
fn named(paths: &[PathBuf]) -> Result<Vec<Found>, Failure> {
    let sources = open_sources(paths)?;
    Ok(sources
        .iter()
        .map(|source| found(source.as_ref()))
        .collect())
}

/// A place that is open.
pub(super) fn found(source: &dyn Source) -> Found {
    Found {
        kind: Some(source.kind()),
        label: source.label(),
        path: source.path().into(),
        note: None,
    }
}

fn everywhere() -> Result<Vec<Found>, Failure> {
    Ok(find(
        &Home::of_this_computer().ok_or(Failure::NothingFound)?,
    ))
}

/// Counts what each place holds. That can take a while, so each is named first.
pub(super) fn look(room: &Room, found: &[Found]) -> Vec<Place> {
    let count = |found: &Found| {
        let holds = if found.readable() {
            room.printer
                .say(&format!("Counting the mail of {} ...", clean(&found.label)));
            holds(found)
        } else {
            Err(found.note.clone().unwrap_or_else(|| "not readable".into()))
        };
        Place {
            found: found.clone(),
            holds,
        }
    };
    found.iter().map(count).collect()
}

fn holds(found: &Found) -> Result<Count, String> {
    let counted = source::open(&found.path).and_then(|source| source.counts());
    let counts = counted.map_err(|error| words::error_words(&error, Default::default()).what)?;
    let mut sum = Count::default();
    counts.iter().for_each(|count| sum.add(count));
    Ok(sum)
}

/// The places that can be read, numbered; then those that can't.
pub(super) fn screen(places: &[Place], plain: bool) -> String {
    let mut table = Table::new(&[
        ("", Align::Left),
        ("Place", Align::Left),
        ("Kind", Align::Left),
        ("Messages", Align::Right),
        ("Size", Align::Right),
        ("Newest", Align::Right),
    ]);
    let mut number = 0;
    let mut paths = Vec::new();
    let mut others = Vec::new();
    for place in places {
        let path = clean(&place.found.path.display().to_string());
        match &place.holds {
            Ok(held) => {
                number += 1;
                paths.push(format!("{number:>4}  {path}"));
                let note = place.found.note.as_deref().map(clean);
                paths.extend(
                    note.into_iter()
                        .chain(remarks(held))
                        .map(|remark| wrap("      ", &remark)),
                );
                let kind = place.found.kind.map_or("", |kind| kind.name()).to_string();
                let label = place.found.label.clone();
                table.row(&[
                    number.to_string(),
                    label,
                    kind,
                    count(held.messages),
                    size(held.bytes),
                    newest(held),
                ]);
            }
            Err(why) => {
                others.push(wrap(
                    "!    ",
                    &format!("{}: {}", clean(&place.found.label), clean(why)),
                ));
                others.push(format!("     {path}"));
            }
        }
    }
    let mut blocks = vec![format!(
        "Mail on this computer: {} with mail that can be read",
        places_word(places)
    )];
    if !paths.is_empty() {
        blocks.push(table.show(plain));
        blocks.push(format!("Where they are\n{}", paths.join("\n")));
    }
    if !others.is_empty() {
        blocks.push(format!(
            "Seen, but not readable by this program\n{}",
            others.join("\n")
        ));
    }
    blocks.join("\n\n") + "\n"
}

fn places_word(places: &[Place]) -> String {
    let readable = places.iter().filter(|place| place.holds.is_ok()).count() as u64;
    spectrum_migrate::amount::counted(readable, "place", "places")
}

fn remarks(count: &Count) -> impl Iterator<Item = String> {
    let damaged = (count.damaged > 0).then(|| format!("{} damaged", messages(count.damaged)));
    let expunged = (count.expunged > 0).then(|| {
        format!(
            "{} deleted or moved in the mail program, and still in the file",
            messages(count.expunged)
        )
    });
    damaged.into_iter().chain(expunged)
}

fn newest(count: &Count) -> String {
    match count.newest {
        Some(date) => date.day().strftime("%-d %b %Y").to_string(),
        None if count.messages == 0 => "(empty)".into(),
        None => String::new(),
    }
}

#[derive(Serialize)]
struct Line<'a> {
    kind: Option<source::Kind>,
    label: &'a str,
    path: String,
    readable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
    #[serde(flatten)]
    count: Option<&'a Count>,
    newest: Option<String>,
}

fn line(place: &Place) -> Line<'_> {
    let count = place.holds.as_ref().ok();
    Line {
        kind: place.found.kind,
        label: &place.found.label,
        path: place.found.path.display().to_string(),
        readable: count.is_some(),
        why: place.holds.as_ref().err().map(String::as_str),
        count,
        newest: count
            .and_then(|count| count.newest)
            .map(|date| date.day().to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Format;
    use crate::cli::print::Look;
    use spectrum_migrate::message::MailDate;
    use spectrum_migrate::source::Kind;

    fn place(label: &str, kind: Option<Kind>, path: &str, holds: Result<Count, String>) -> Place {
        let found = Found {
            kind,
            label: label.into(),
            path: path.into(),
            note: None,
        };
        Place { found, holds }
    }

    fn sample() -> Vec<Place> {
        let newest = Some(MailDate {
            seconds: 1_794_500_000,
            offset: 0,
        });
        let held = Count {
            messages: 7_204,
            expunged: 12,
            damaged: 3,
            bytes: 1_900_000_000,
            newest,
        };
        let profile = "/home/jane/.thunderbird/x1\x1b[2J.default";
        vec![
            place(
                "Thunderbird (jane)",
                Some(Kind::Thunderbird),
                profile,
                Ok(held),
            ),
            place(
                "Old mail",
                Some(Kind::Maildir),
                "/home/jane/Maildir",
                Ok(Count::default()),
            ),
            place(
                "Outlook (archive-2014.pst)",
                None,
                "/home/jane/archive-2014.pst",
                Err("not read yet".into()),
            ),
        ]
    }

    #[test]
    fn places_are_shown_with_their_counts_and_those_not_readable_are_named() {
        insta::assert_snapshot!(screen(&sample(), false));
    }

    #[test]
    fn places_can_be_read_aloud() {
        insta::assert_snapshot!(screen(&sample(), true));
    }

    #[test]
    fn places_that_are_named_are_looked_at_instead_of_the_usual_ones() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("Family");
        std::fs::write(
            &path,
            "From a@x Mon Jan  5 10:00:00 2009\nFrom: a@x\n\nHi.\n",
        )
        .unwrap();
        let flags = |path: &std::path::Path| Flags {
            source: vec![path.into()],
            ..Flags::default()
        };
        let (room, written) = Room::pretend(Look::default(), None);
        assert_eq!(run(&room, &flags(&path)).unwrap(), Exit::Done);
        assert!(
            written.out().contains("1 place with mail"),
            "{}",
            written.out()
        );
        let gone = run(&room, &flags(&dir.path().join("gone"))).unwrap_err();
        assert_eq!(gone.exit(), Exit::NoMail);
    }

    #[test]
    fn a_place_is_counted_by_opening_it_and_programs_get_a_line_for_each() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("Family");
        std::fs::write(
            &path,
            "From a@x Mon Jan  5 10:00:00 2009\nFrom: a@x\n\nHello.\n",
        )
        .unwrap();
        let found = Found {
            kind: Some(Kind::Mbox),
            label: "Family".into(),
            path,
            note: None,
        };
        let gone = Found {
            path: dir.path().join("gone"),
            ..found.clone()
        };
        let (room, written) = Room::pretend(
            Look {
                format: Format::Json,
                ..Look::default()
            },
            None,
        );
        let places = look(&room, &[found, gone]);
        assert_eq!(places[0].holds.as_ref().unwrap().messages, 1);
        assert_eq!(
            places[1].holds.as_ref().unwrap_err(),
            "There is nothing called gone"
        );
        places
            .iter()
            .for_each(|place| room.printer.event("found", &line(place)));
        let out = written.out();
        let lines: Vec<serde_json::Value> = out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(
            (&lines[0]["messages"], &lines[0]["readable"]),
            (&1.into(), &true.into())
        );
        assert_eq!(
            (&lines[1]["event"], &lines[1]["readable"]),
            (&"found".into(), &false.into())
        );
    }
}
