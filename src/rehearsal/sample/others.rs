//! All of the sample but its inbox: bills and recipes, a Maildir, and a directory of message files.

use std::fs;
use std::io;
use std::path::Path;

use super::letter::{JANE, Letter};
use super::{Entry, write};

fn entries(letters: &[Letter]) -> Vec<Entry> {
    letters.iter().map(Entry::of).collect()
}

pub(super) fn sent() -> Vec<Entry> {
    let from_jane = |year, month, day| Letter {
        from: JANE,
        to: "Rose Sample <rose@example.org>",
        top: "X-Mozilla-Status: 0001\nX-Mozilla-Status2: 00000000\n",
        ..Letter::on(year, month, day)
    };
    entries(&[
        Letter {
            subject: "Re: Welcome to the lake house",
            id: "<reply@charter.net>",
            more: "In-Reply-To: <welcome@example.org>\nReferences: <welcome@example.org>\n",
            body: "We found the key, and a very surprised frog.\n",
            ..from_jane(2006, 5, 18)
        },
        Letter {
            to: "Friends: rose@example.org, tom@example.org;",
            subject: "Photos of the garden",
            id: "<garden@charter.net>",
            body: "The tomatoes are taller than I am.\n",
            ..from_jane(2010, 8, 1)
        },
        Letter {
            subject: "Thank you",
            id: "<thanks@charter.net>",
            body: "For the pie. All of it.\n",
            ..from_jane(2016, 9, 3)
        },
    ])
}

pub(super) fn trash() -> Vec<Entry> {
    entries(&[
        Letter {
            subject: "Old shopping list",
            id: "<list@example.org>",
            body: "Flour, eggs, a second cat.\n",
            ..Letter::on(2010, 2, 2)
        },
        Letter {
            subject: "Meeting moved",
            id: "<moved@example.org>",
            body: "From Tuesday to Wednesday.\n",
            ..Letter::on(2010, 2, 3)
        },
    ])
}

pub(super) fn junk() -> Vec<Entry> {
    let letter = Letter {
        from: "A Prince <prince@example.org>",
        subject: "A harmless offer",
        id: "<prince@example.org>",
        body: "I have eleven ducks to give away. No questions.\n",
        ..Letter::on(2010, 4, 4)
    };
    entries(&[
        letter.clone(),
        Letter {
            subject: "A second harmless offer",
            id: "<prince2@example.org>",
            body: "Twelve ducks.\n",
            ..letter
        },
    ])
}

pub(super) fn recipes() -> Vec<Entry> {
    let recipe = |id, subject, body| Letter {
        id,
        subject,
        body,
        more: "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n",
        ..Letter::on(2012, 12, 1)
    };
    entries(&[
        recipe(
            "<pie@example.org>",
            "Apple pie",
            "Six apples, a pound of patience.\nBake until the neighbours come.\n",
        ),
        recipe(
            "<spaetzle@example.org>",
            "=?utf-8?q?Sp=C3=A4tzle?=",
            "Mehl, Eier, Salz: kräftig schlagen.\n",
        ),
        recipe(
            "<jam@example.org>",
            "Jam 🍓",
            "Stir. Do not answer the telephone.\n",
        ),
    ])
}

pub(super) fn bills() -> Vec<Entry> {
    let bill = |day, id, subject, body| Letter {
        from: "Valley Power <billing@example.org>",
        id,
        subject,
        body,
        top: "X-Mozilla-Status: 0001\nX-Mozilla-Status2: 00000000\n",
        ..Letter::on(2011, 1, day)
    };
    entries(&[
        bill(3, "<bill1@example.org>", "Water", "$12.00\n"),
        bill(
            5,
            "<bill2@example.org>",
            "Power",
            "$48.10, of which the Christmas lights: $31.00\n",
        ),
        bill(
            9,
            "<bill3@example.org>",
            "Piano tuner",
            "$60.00. He stayed for coffee.\n",
        ),
    ])
}

/// What stands before the flags in the name of a Maildir file. Windows allows no colon.
const INFO: &str = if cfg!(windows) { ";2," } else { ":2," };

/// A Maildir with a folder in it whose name no file could have: `Photos / 2009 * "best" 50%`.
pub(super) fn maildir(dir: &Path) -> io::Result<()> {
    let photos = ".Photos &AC8- 2009 &ACo- &ACI-best&ACI- 50&ACU-";
    for folder in [dir.to_path_buf(), dir.join(photos)] {
        for part in ["cur", "new", "tmp"] {
            fs::create_dir_all(folder.join(part))?;
        }
    }
    let note = |subject, id, body| Letter {
        from: "Tom Sample <tom@example.org>",
        subject,
        id,
        body,
        ..Letter::on(2018, 6, 6)
    };
    for (place, letter) in [
        (
            format!("cur/1528277000.1.home{INFO}FRS"),
            note("The canoe", "<canoe@example.org>", "It floats again.\n"),
        ),
        (
            format!("cur/1528277001.2.home{INFO}S"),
            note("The roof", "<roof@example.org>", "It leaks again.\n"),
        ),
        (
            "new/1528277002.3.home".into(),
            note(
                "Not read yet",
                "<new@example.org>",
                "Call me when you have seen the ducks.\n",
            ),
        ),
        (
            format!("{photos}/cur/1528277003.4.home{INFO}S"),
            note("Sunset", "<sunset@example.org>", "Imagine orange.\n"),
        ),
        (
            format!("{photos}/cur/1528277004.5.home{INFO}FS"),
            note("Sunrise", "<sunrise@example.org>", "Imagine pink.\n"),
        ),
        (
            format!("{photos}/cur/1528277005.6.home{INFO}"),
            note("The cat", "<cat@example.org>", "Imagine a cat.\n"),
        ),
    ] {
        write(&dir.join(place), &letter.lf())?;
    }
    Ok(())
}

/// One file a message; the third is damaged, for it holds nothing at all.
pub(super) fn letters(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    let letter = |subject, id, body| Letter {
        subject,
        id,
        body,
        ..Letter::on(2019, 2, 14)
    };
    let valentine = letter(
        "Be mine",
        "<valentine@example.org>",
        "Forty years, and you still laugh at my jokes.\n",
    );
    write(&dir.join("Be mine.eml"), &valentine.crlf())?;
    // Lines that end in CRLF and lines that end in LF, in one message.
    let mixed = [
        letter("Mixed", "<mixed@example.org>", "One line of one kind,\n").crlf(),
        b"one of the other,\nand one more.\r\n".to_vec(),
    ];
    write(&dir.join("Mixed lines.eml"), &mixed.concat())?;
    write(&dir.join("Lost.eml"), b"")?;
    // Windows Live Mail begins some of its files so.
    let marked = letter(
        "Marked",
        "<marked@example.org>",
        "Three bytes before the header say that this is UTF-8.\n",
    );
    write(
        &dir.join("Marked.eml"),
        &[b"\xef\xbb\xbf".to_vec(), marked.crlf()].concat(),
    )
}
