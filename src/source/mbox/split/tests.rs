//! What the splitter makes of mbox files, good and bad ones.

use std::io::Cursor;

use proptest::prelude::*;

use super::*;

const SEPARATOR: &str = "From a@b Sun May 17 12:34:56 2009\n";

struct Found {
    messages: Vec<String>,
    pieces: Vec<Piece>,
    oddities: Vec<Oddity>,
    ledger: ByteLedger,
}

fn split_bytes(file: &[u8]) -> Found {
    let length = file.len() as u64;
    let mut splitter = Splitter::new(Cursor::new(file), length, Manner::default()).unwrap();
    let mut pieces = Vec::new();
    while let Some(piece) = splitter.next_piece().unwrap() {
        pieces.push(piece);
    }
    let ledger = splitter.ledger();
    assert!(ledger.balances() && ledger.file == length, "{ledger:?}");
    let text = |piece: &Piece| {
        let end = piece.start + piece.length;
        String::from_utf8_lossy(&file[piece.start as usize..end as usize]).into_owned()
    };
    Found {
        messages: pieces.iter().map(text).collect(),
        oddities: splitter.oddities().iter().map(|(_, what)| *what).collect(),
        pieces,
        ledger,
    }
}

fn split(parts: &[&str]) -> Found {
    split_bytes(parts.concat().as_bytes())
}

#[test]
fn exactly_one_empty_line_belongs_to_the_mbox() {
    let found = split(&[
        SEPARATOR,
        "A: 1\n\nbody\n\n\n",
        SEPARATOR,
        "A: 2\n\nbody\n",
        SEPARATOR,
        "A: 3\n\nbody\n\n",
    ]);
    assert_eq!(
        found.messages,
        ["A: 1\n\nbody\n\n", "A: 2\n\nbody\n", "A: 3\n\nbody\n"]
    );
    assert_eq!(found.oddities, [Oddity::LooseSeparator]);
    assert_eq!(found.ledger.padding, 2);
}

#[test]
fn a_body_line_that_begins_with_from_does_not_split() {
    let body = "A: 1\n\ntext\n\nFrom here on, this is text\nFrom a@b Sun May 17 12:34:56 2009\nas I said\n";
    let found = split(&[SEPARATOR, body, "\n", SEPARATOR, "A: 2\n\n"]);
    assert_eq!(found.messages, [body, "A: 2\n"]);
    assert_eq!(found.oddities, [Oddity::FromLineKept]);
}

#[test]
fn a_missing_final_newline_loses_nothing() {
    assert_eq!(
        split(&[SEPARATOR, "A: 1\n\nbody"]).messages,
        ["A: 1\n\nbody"]
    );
    assert_eq!(
        split(&[SEPARATOR, "A: 1\n\nFrom"]).messages,
        ["A: 1\n\nFrom"]
    );
    assert_eq!(split(&["\u{feff}", SEPARATOR, "A: 1"]).messages, ["A: 1"]);
}

#[test]
fn a_right_content_length_protects_and_a_wrong_one_does_not() {
    let body = format!("text\n\n{SEPARATOR}Subject: quoted\n\nmore\n");
    let message = |length: usize| format!("A: 1\nContent-Length: {length}\n\n{body}");
    for end in ["\n", ""] {
        let right = message(body.len());
        let found = split(&[SEPARATOR, &right, end, SEPARATOR, "A: 2\n\n"]);
        assert_eq!(found.messages, [right.as_str(), "A: 2\n"]);
        assert!(found.pieces[0].measured && !found.pieces[1].measured);
        let last = split(&[SEPARATOR, &right, end]);
        assert_eq!(last.messages, [right]);
    }
    for length in [0, 3, body.len() - 3, 1_000_000, usize::MAX] {
        let found = split(&[SEPARATOR, &message(length), "\n", SEPARATOR, "A: 2\n\n"]);
        assert_eq!(found.messages.len(), 3, "{length}");
        assert!(!found.pieces[0].measured);
    }
}

#[test]
fn a_message_inside_a_mime_part_stays_where_it_is() {
    let outer =
        "Content-Type: multipart/mixed;\n boundary=\"limit-1\"\n\n--limit-1\n\nsee below\n\n";
    let inner = format!("{SEPARATOR}Subject: inner\n\ntext\n");
    let whole = format!("{outer}{inner}--limit-1--\n");
    let found = split(&[SEPARATOR, &whole, "\n", SEPARATOR, "A: 2\n\n"]);
    assert_eq!(found.messages, [whole.as_str(), "A: 2\n"]);
    assert_eq!(found.oddities, [Oddity::NestedMessage]);

    // Cut off in the middle of a part, once with its own copy behind it.
    let found = split(&[SEPARATOR, outer, &inner, "\n", SEPARATOR, &whole]);
    assert_eq!(found.messages.len(), 3);
    assert_eq!(found.messages[2], whole);
}

#[test]
fn text_before_the_first_message_is_never_dropped() {
    let found = split(&["Subject: x\n\nold\n\n", SEPARATOR, "A: 1\n\n"]);
    assert_eq!(found.messages, ["Subject: x\n\nold\n", "A: 1\n"]);
    assert_eq!(found.pieces[0].beginning, Beginning::Preamble);
    assert_eq!(found.oddities, [Oddity::Preamble]);

    let found = split(&["some notes\n", SEPARATOR, "A: 1\n\n"]);
    assert_eq!(found.messages, ["some notes\n", "A: 1\n"]);
    assert_eq!(found.pieces[0].beginning, Beginning::NotMail);

    let found = split(&["\n \r\n", SEPARATOR, "A: 1\n\n"]);
    assert_eq!((found.messages.len(), found.ledger.preamble), (1, 4));
    assert_eq!(split(&[""]).messages.len(), 0);
    assert_eq!(split(&["\n\n"]).messages.len(), 0);
}

#[test]
fn a_hole_that_a_crash_left_does_not_hide_the_next_message() {
    let hole = "\0".repeat(300_000);
    for (before, after) in [("text\n", "text\n"), ("te", "te"), ("text\n\n", "text\n")] {
        let found = split(&[
            SEPARATOR,
            "A: 1\n\n",
            before,
            &hole,
            SEPARATOR,
            "A: 2\n\nb\n",
        ]);
        assert_eq!(found.messages, [&format!("A: 1\n\n{after}"), "A: 2\n\nb\n"]);
        assert_eq!(found.oddities, [Oddity::NulBytes]);
    }
    let found = split(&[&hole, SEPARATOR, "A: 1\n\nb\0\0From\0\n\0", &hole, "\x1a"]);
    assert_eq!(found.messages, ["A: 1\n\nb\0\0From\0\n"]);
}

#[test]
fn lines_that_end_in_cr() {
    let file = [SEPARATOR, "A: 1\n\nbody\n\n", SEPARATOR, "A: 2\n\nbody\n"]
        .concat()
        .replace('\n', "\r");
    assert_eq!(
        split(&[&file]).messages,
        ["A: 1\r\rbody\r", "A: 2\r\rbody\r"]
    );
}

#[test]
fn two_separators_in_a_row_are_one() {
    let found = split(&[SEPARATOR, "From c@d Mon May 18 12:34:56 2009\n", "A: 1\n\n"]);
    assert_eq!(found.messages, ["A: 1\n"]);
    let found = split(&[
        SEPARATOR,
        ">From c@d Mon May 18 12:34:56 2009 remote from d\n",
        "A: 1\n\n",
    ]);
    assert_eq!(found.messages.len(), 1);
}

#[test]
fn a_line_longer_than_the_window_is_only_counted() {
    let long = format!("A: 1\n\n{}\n", "x".repeat(2_000_000));
    let found = split(&[SEPARATOR, &long, "\n", SEPARATOR, &long]);
    assert_eq!(found.messages, [long.as_str(), long.as_str()]);
}

#[test]
fn signed_mail_is_recognised() {
    let armour = "A: 1\n\n-----BEGIN PGP SIGNED MESSAGE-----\n";
    let mime = "Content-Type: multipart/signed; boundary=x\n\n";
    let found = split(&[
        SEPARATOR, armour, "\n", SEPARATOR, mime, "\n", SEPARATOR, "A: 2\n\n",
    ]);
    let signed: Vec<bool> = found.pieces.iter().map(|piece| piece.signed).collect();
    assert_eq!(signed, [true, true, false]);
}

proptest! {
    #[test]
    fn every_byte_of_any_file_is_accounted_for(
        parts in proptest::collection::vec(prop_oneof![
            Just(SEPARATOR.as_bytes().to_vec()), Just(b"From ".to_vec()), Just(b"From -\n".to_vec()), Just(b"\n".to_vec()),
            Just(b"\r".to_vec()), Just(b"\r\n".to_vec()), Just(vec![0; 3]), Just(b"\x1a".to_vec()), Just(b"Subject: x\n".to_vec()),
            Just(b"Content-Length: 40\n\n".to_vec()), Just(b"Content-Type: multipart/mixed; boundary=limit-1\n\n--limit-1\n".to_vec()),
            Just(b"--limit-1\n".to_vec()), Just(b"--limit-1--\n".to_vec()), Just(vec![0xEF, 0xBB, 0xBF]),
            proptest::collection::vec(any::<u8>(), 0..20),
        ], 0..40),
    ) {
        let file = parts.concat();
        let found = split_bytes(&file);
        let mut end = 0;
        for piece in &found.pieces {
            prop_assert!(piece.start >= end);
            end = piece.start + piece.length;
        }
        prop_assert!(end <= file.len() as u64);
    }
}

/// Everything a splitter tells of a file.
fn told(mut splitter: Splitter<Cursor<&[u8]>>) -> (Vec<Piece>, ByteLedger, Vec<(u64, Oddity)>) {
    let mut pieces = Vec::new();
    while let Some(piece) = splitter.next_piece().unwrap() {
        pieces.push(piece);
    }
    (pieces, splitter.ledger(), splitter.oddities().to_vec())
}

fn part() -> impl Strategy<Value = Vec<u8>> {
    let fixed = [
        SEPARATOR,
        "From - \n",
        "From here on\n",
        "\n",
        "\r\n",
        "\0",
        "\0\0From x\n",
        "A: b\n",
        "Subject: c\r\n",
        "Content-Length: 12\n",
        "Content-Type: multipart/mixed; boundary=abcdefgh\n",
        "--abcdefgh\n",
        "--abcdefgh--\n",
        "-----BEGIN PGP \n",
        "-\n",
        "F\n",
        "From",
        "text of a letter\n",
        "half a line",
        "\u{1a}",
        "\r",
    ];
    prop_oneof![
        8 => proptest::sample::select(fixed.to_vec()).prop_map(|text| text.as_bytes().to_vec()),
        2 => (proptest::sample::select(vec!["\n", "a line\n", "--x\n", "x", "\r\n"]), 1usize..3000)
            .prop_map(|(text, count)| text.as_bytes().repeat(count)),
        1 => proptest::collection::vec(any::<u8>(), 0..20),
    ]
}

proptest! {
    #[test]
    fn passing_over_plain_lines_finds_what_a_look_at_every_line_finds(
        parts in proptest::collection::vec(part(), 0..40),
        quotes in any::<bool>(),
        begins in any::<bool>(),
    ) {
        let top = if begins { format!("{SEPARATOR}A: b\n\n").into_bytes() } else { Vec::new() };
        let file = [top, parts.concat()].concat();
        let new = || Splitter::new(Cursor::new(file.as_slice()), file.len() as u64, Manner { quotes }).unwrap();
        prop_assert_eq!(told(new()), told(new().line_by_line()));
    }
}
