//! The labels of a message in a Gmail export: what Gmail itself put there, in the person's language, and what the person made.

use crate::header;
use crate::source::roles::plain;

/// Longest label, in characters; Gmail's own limit is 225.
const LABEL_CAP: usize = 250;

/// More labels than this no message has.
const LABELS_CAP: usize = 200;

/// What a label says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Label {
    Inbox(String),
    Sent(String),
    Drafts(String),
    Trash(String),
    Spam(String),
    Starred,
    Unread,
    /// A keyword that a mail program set over IMAP.
    Keyword(String),
    /// Gmail's own, with nothing to copy: opened, important, archived, chats, categories.
    Other,
    /// Made by the person: the names from the top down.
    Own(Vec<String>),
}

/// Names of Gmail's labels as they stand in exports, in the form of [`plain`]: English, German, French, Spanish,
/// Italian, Portuguese, Dutch.
const INBOX: &[&str] = &[
    "inbox",
    "posteingang",
    "boite de reception",
    "recibidos",
    "bandeja de entrada",
    "posta in arrivo",
    "caixa de entrada",
    "entrada",
    "postvak in",
];
const SENT: &[&str] = &[
    "sent",
    "sent mail",
    "gesendet",
    "envoye",
    "envoyes",
    "messages envoyes",
    "enviado",
    "enviados",
    "inviato",
    "inviati",
    "inviata",
    "posta inviata",
    "e-mails enviados",
    "verzonden",
    "verzonden berichten",
];
const DRAFTS: &[&str] = &[
    "draft",
    "drafts",
    "entwurf",
    "entwurfe",
    "brouillon",
    "brouillons",
    "borrador",
    "borradores",
    "bozza",
    "bozze",
    "rascunho",
    "rascunhos",
    "concepten",
];
const TRASH: &[&str] = &[
    "trash",
    "bin",
    "papierkorb",
    "corbeille",
    "papelera",
    "cestino",
    "lixeira",
    "lixo",
    "reciclagem",
    "prullenbak",
];
const SPAM: &[&str] = &["spam"];
const STARRED: &[&str] = &[
    "starred",
    "markiert",
    "suivi",
    "suivis",
    "messages suivis",
    "favoris",
    "destacado",
    "destacados",
    "speciale",
    "speciali",
    "com estrela",
    "marcado com estrela",
    "marcados com estrela",
    "met ster",
];
const UNREAD: &[&str] = &[
    "unread",
    "ungelesen",
    "non lu",
    "non lus",
    "messages non lus",
    "no leido",
    "no leidos",
    "sin leer",
    "non letto",
    "non letti",
    "da leggere",
    "nao lido",
    "nao lidos",
    "nao lida",
    "nao lidas",
    "ongelezen",
];
const OTHER: &[&str] = &[
    // Opened
    "opened",
    "geoffnet",
    "ouvert",
    "ouverts",
    "abierto",
    "abiertos",
    "aperto",
    "aperti",
    "aberto",
    "abertos",
    "aberta",
    "geopend",
    // Important
    "important",
    "wichtig",
    "importants",
    "importante",
    "importantes",
    "importanti",
    "belangrijk",
    // Archived
    "archived",
    "archiviert",
    "messages archives",
    "archivado",
    "archivados",
    "archiviato",
    "archiviati",
    "archiviata",
    "arquivado",
    "arquivados",
    "arquivada",
    "gearchiveerd",
    // Chat, muted, snoozed, scheduled
    "chat",
    "chats",
    "muted",
    "snoozed",
    "scheduled",
];
const CATEGORY: &[&str] = &[
    "category ",
    "category:",
    "kategorie:",
    "kategorie ",
    "categorie :",
    "categorie:",
    "categorie ",
    "categoria:",
    "categoria ",
];

/// The labels of a message; `None` where it has no such field.
pub(super) fn labels(header: &[u8]) -> Option<Vec<Label>> {
    let field = header::find(header, "X-Gmail-Labels")?;
    Some(
        split(&decoded(&field.text()))
            .iter()
            .take(LABELS_CAP)
            .filter_map(|name| label(name))
            .collect(),
    )
}

fn label(name: &str) -> Option<Label> {
    let cut: String = name.trim().chars().take(LABEL_CAP).collect();
    let plain = plain(&cut);
    let is = |names: &[&str]| names.contains(&plain.as_str());
    if let Some(keyword) = cut.strip_prefix("IMAP_") {
        return Some(Label::Keyword(keyword.into()));
    }
    if is(INBOX) {
        return Some(Label::Inbox(cut));
    }
    if is(SENT) {
        return Some(Label::Sent(cut));
    }
    if is(DRAFTS) {
        return Some(Label::Drafts(cut));
    }
    if is(TRASH) {
        return Some(Label::Trash(cut));
    }
    if is(SPAM) {
        return Some(Label::Spam(cut));
    }
    if is(STARRED) {
        return Some(Label::Starred);
    }
    if is(UNREAD) {
        return Some(Label::Unread);
    }
    // Without the accent it would be a label of the person's own.
    let archived = cut.to_lowercase().starts_with("archivé");
    if archived || is(OTHER) || CATEGORY.iter().any(|start| plain.starts_with(start)) {
        return Some(Label::Other);
    }
    let path: Vec<String> = cut
        .split('/')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(Into::into)
        .collect();
    (!path.is_empty()).then_some(Label::Own(path))
}

/// Splits at commas, but not inside a label that begins with a quotation mark: Gmail puts
/// such marks around a label with a comma.
fn split(list: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = list.trim_start();
    while !rest.is_empty() {
        let quoted = rest
            .strip_prefix('"')
            .and_then(|inner| inner.split_once('"'))
            .filter(|(_, after)| {
                after.trim_start().is_empty() || after.trim_start().starts_with(',')
            });
        let (label, after) = match quoted {
            Some((label, after)) => (label, after.split_once(',').map_or("", |(_, after)| after)),
            None => rest.split_once(',').unwrap_or((rest, "")),
        };
        found.push(label.to_string());
        rest = after.trim_start();
    }
    found
}

/// Decodes encoded words (RFC 2047). Neighbours are joined as bytes first: Gmail cuts a long list
/// anywhere, in the middle of a character too.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut after_encoded = false;
    for word in text.split(' ') {
        let found = encoded_word(word);
        let joins = after_encoded && found.is_some();
        if !bytes.is_empty() && !joins {
            bytes.push(b' ');
        }
        after_encoded = found.is_some();
        bytes.extend(found.unwrap_or_else(|| word.as_bytes().to_vec()));
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The bytes of `=?charset?Q?text?=`, as UTF-8.
fn encoded_word(word: &str) -> Option<Vec<u8>> {
    let inner = word.strip_prefix("=?")?.strip_suffix("?=")?;
    let (charset, inner) = inner.split_once('?')?;
    let (encoding, text) = inner.split_once('?')?;
    let bytes = match encoding {
        "q" | "Q" => unquoted(text),
        "b" | "B" => mail_parser::decoders::base64::base64_decode(text.as_bytes())?,
        _ => return None,
    };
    if charset.eq_ignore_ascii_case("iso-8859-1") {
        return Some(
            bytes
                .iter()
                .map(|byte| char::from(*byte))
                .collect::<String>()
                .into_bytes(),
        );
    }
    Some(bytes)
}

fn unquoted(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['=', '_']) {
        let (before, from) = rest.split_at(at);
        bytes.extend_from_slice(before.as_bytes());
        let digits = from
            .get(1..3)
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let (byte, length) = match (from.starts_with('='), digits) {
            (true, Some(byte)) => (byte, 3),
            (true, None) => (b'=', 1),
            _ => (b' ', 1),
        };
        bytes.push(byte);
        rest = from.get(length..).unwrap_or_default();
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(field: &str) -> Vec<Label> {
        labels(format!("X-GM-THRID: 1\r\nX-Gmail-Labels: {field}\r\n\r\n").as_bytes()).unwrap()
    }

    fn own(path: &[&str]) -> Label {
        Label::Own(path.iter().map(|part| part.to_string()).collect())
    }

    #[test]
    fn gmails_own_labels_are_known_in_several_languages() {
        let french = "=?UTF-8?Q?Messages_archiv=C3=A9s,Ouvert,Cat=C3=A9gorie=C2=A0:_E-mails_?=\r\n =?UTF-8?Q?personnels,\"Culture,_associations\"?=";
        assert_eq!(
            found(french),
            [
                Label::Other,
                Label::Other,
                Label::Other,
                own(&["Culture, associations"])
            ]
        );
        let german = "=?UTF-8?Q?Posteingang,Wichtig,Ungelesen,Kategorie:_=22Neuigkeiten=22?=";
        assert_eq!(
            found(german),
            [
                Label::Inbox("Posteingang".into()),
                Label::Other,
                Label::Unread,
                Label::Other
            ]
        );
        assert_eq!(
            found("=?UTF-8?Q?N=C3=A3o_lidas,Lixeira?="),
            [Label::Unread, Label::Trash("Lixeira".into())]
        );
        assert_eq!(
            found("Starred,IMAP_$Forwarded"),
            [Label::Starred, Label::Keyword("$Forwarded".into())]
        );
    }

    #[test]
    fn a_character_cut_between_two_encoded_words_comes_whole() {
        assert_eq!(
            found("=?UTF-8?Q?Gr=C3?=\r\n =?UTF-8?Q?=BC=C3=9Fe/An_Oma?="),
            [own(&["Grüße", "An Oma"])]
        );
        assert_eq!(found("=?UTF-8?B?R3LDvMOfZQ==?="), [own(&["Grüße"])]);
        assert_eq!(found("=?iso-8859-1?Q?Caf=E9?="), [own(&["Café"])]);
    }

    #[test]
    fn labels_of_the_persons_own() {
        assert_eq!(
            found("Inbox, A/B/C ,\"x, y\",\"z"),
            [
                Label::Inbox("Inbox".into()),
                own(&["A", "B", "C"]),
                own(&["x, y"]),
                own(&["\"z"]),
            ]
        );
        assert_eq!(found(",/, ,"), []);
        assert_eq!(labels(b"Subject: x\n\n"), None);
    }

    proptest! {
        #[test]
        fn any_field_ends(field in "(=\\?UTF-8\\?[QB]\\?)?[ -~é\",=?_]{0,80}(\\?=)?") {
            let _ = labels(format!("X-Gmail-Labels: {field}\n\n").as_bytes());
        }
    }
}
