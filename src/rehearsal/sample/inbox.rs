//! The inbox of the sample, an mbox as Thunderbird leaves it: most of the oddities are here.

use super::Entry;
use super::letter::{JANE, Letter};

const BANK: &str = "Valley Power <billing@example.org>";

pub(super) fn entries() -> Vec<Entry> {
    let mut all: Vec<Entry> = plain().iter().map(Entry::of).collect();
    let twice = Letter {
        subject: "Directions to the lake",
        id: "<twice@example.org>",
        body: "Left at the barn, then straight on until you smell the pancakes.\n",
        ..Letter::on(2007, 7, 4)
    };
    // Fetched twice from the POP server, as happens after a crash.
    all.extend([Entry::of(&twice), Entry::of(&twice)]);
    all.extend([latin_one(), no_date(), long_line(), last_words()]);
    all
}

fn plain() -> Vec<Letter> {
    vec![
        Letter {
            subject: "Welcome to the lake house",
            id: "<welcome@example.org>",
            top: "X-Mozilla-Status: 0001\nX-Mozilla-Status2: 00000000\n",
            body: "The key is under the third flower pot.\n\nFrom here on, the road is gravel: drive slowly.\n\nLove, Rose\n",
            ..Letter::on(2006, 5, 17)
        },
        Letter {
            subject: "What I see",
            id: "<window@example.org>",
            top: "X-Mozilla-Status: 0003\nX-Mozilla-Status2: 00000000\n",
            body: ">From my window I can count eleven ducks.\n>>From yours, Dad says, there were twelve.\n",
            ..Letter::on(2006, 5, 20)
        },
        Letter {
            from: "Tom Sample <tom@example.org>",
            subject: "It's a girl!",
            id: "<girl@example.org>",
            top: "X-Mozilla-Status: 0005\nX-Mozilla-Status2: 00000000\n",
            body: "Seven pounds, two ounces, and already louder than Uncle Bob.\n",
            ..Letter::on(2008, 2, 29)
        },
        Letter {
            subject: "No number on this one",
            body: "Some programs sent their mail without a Message-ID. This is such a message.\n",
            ..Letter::on(2001, 1, 2)
        },
        Letter {
            from: JANE,
            to: "Rose Sample <rose@example.org>",
            subject: "Birthday plans",
            id: "<draft@example.org>",
            body: "First try: cake at three.\n",
            ..Letter::on(2009, 3, 1)
        },
        Letter {
            from: JANE,
            to: "Rose Sample <rose@example.org>",
            subject: "Birthday plans",
            id: "<draft@example.org>",
            body: "Second try, with the same Message-ID: cake at four, and bring the good knives.\n",
            ..Letter::on(2009, 3, 1)
        },
        Letter {
            from: BANK,
            subject: "An offer you deleted",
            id: "<deleted@example.org>",
            top: "X-Mozilla-Status: 0009\nX-Mozilla-Status2: 00000000\n",
            body: "Thunderbird keeps this in the file until the folder is compacted.\n",
            ..Letter::on(2009, 4, 1)
        },
        Letter {
            from: BANK,
            subject: "Your bill for April",
            id: "<tagged@example.org>",
            top: "X-Mozilla-Status: 0001\nX-Mozilla-Status2: 00000000\nX-Mozilla-Keys: $label1 taxes                                             \n",
            body: "You owe us $42.17. The tag on this message says that it is important.\n",
            ..Letter::on(2009, 5, 1)
        },
        Letter {
            from: "=?UTF-8?B?QmrDtnJu?= <bjorn@example.org>",
            subject: "=?UTF-8?Q?Gr=C3=BC=C3=9Fe?= and a picture",
            id: "<picture@example.org>",
            more: "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"=_lake\"\n",
            body: "--=_lake\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n\
                Here is the lake, one pixel of it. Sch=C3=B6n, no?\n\n--=_lake\nContent-Type: image/png; name=\"lake.png\"\n\
                Content-Disposition: attachment; filename=\"lake.png\"\nContent-Transfer-Encoding: base64\n\n\
                iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==\n\n--=_lake--\n",
            ..Letter::on(2012, 8, 9)
        },
        Letter {
            subject: "Fwd: the joke",
            id: "<joke@example.org>",
            more: "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=outer\n",
            body: "--outer\n\nTom sent me this.\n--outer\nContent-Type: message/rfc822\n\nFrom: tom@example.org\nSubject: the joke\n\
                Message-ID: <inner@example.org>\n\nWhy did the mailbox blush? It saw the envelope open.\n--outer--\n",
            ..Letter::on(2013, 1, 6)
        },
    ]
}

/// A header in Latin-1 without any coding, which was never allowed and often done.
fn latin_one() -> Entry {
    let letter = Letter {
        subject: "SUBJECT",
        id: "<latin@example.org>",
        body: "Liebe Jane, es schneit.\n",
        ..Letter::on(1999, 12, 24)
    };
    let (separator, message) = (Entry::of(&letter).separator, letter.lf());
    let at = memchr::memmem::find(&message, b"SUBJECT").unwrap_or(0);
    let (before, after) = message.split_at(at);
    let after = after.strip_prefix(b"SUBJECT").unwrap_or(after);
    Entry {
        separator,
        message: [before, b"Gr\xfc\xdfe aus K\xf6ln", after].concat(),
    }
}

/// A message that does not say when it was written.
fn no_date() -> Entry {
    Entry {
        separator: "From - Sat Jan  1 00:00:00 2000".into(),
        message: format!("From: rose@example.org\nTo: {JANE}\nSubject: Whenever\nMessage-ID: <whenever@example.org>\n\nTime flies.\n").into_bytes(),
    }
}

/// A line of thirty thousand characters.
fn long_line() -> Entry {
    let letter = Letter {
        subject: "The longest line",
        id: "<long@example.org>",
        ..Letter::on(2014, 10, 10)
    };
    let mut entry = Entry::of(&letter);
    entry
        .message
        .extend("and another duck, ".repeat(1700).into_bytes());
    entry.message.push(b'\n');
    entry
}

/// The last one, whose text has no line end.
fn last_words() -> Entry {
    Entry::of(&Letter {
        subject: "Good night",
        id: "<night@example.org>",
        body: "Leave the porch light on.",
        ..Letter::on(2015, 11, 30)
    })
}
