//! What a folder is for, by the names that mail programs give it in the languages they come in.

use super::Role;

/// Names in lower case, without accents; see [`plain`].
const NAMES: [(Role, &[&str]); 8] = [
    (
        Role::Inbox,
        &[
            "inbox",
            "in",
            "in-box",
            "posteingang",
            "eingang",
            "boite de reception",
            "courrier entrant",
            "bandeja de entrada",
            "recibidos",
            "posta in arrivo",
            "in arrivo",
            "caixa de entrada",
            "entrada",
            "postvak in",
            "inkomend",
        ],
    ),
    (
        Role::Sent,
        &[
            "sent",
            "sent items",
            "sent mail",
            "sent-mail",
            "sent messages",
            "sent objects",
            "gesendet",
            "gesendete",
            "gesendete objekte",
            "gesendete elemente",
            "gesendete nachrichten",
            "elements envoyes",
            "envoyes",
            "messages envoyes",
            "courrier envoye",
            "enviados",
            "elementos enviados",
            "mensajes enviados",
            "correo enviado",
            "posta inviata",
            "inviati",
            "inviata",
            "itens enviados",
            "mensagens enviadas",
            "e-mails enviados",
            "verzonden",
            "verzonden items",
            "verzonden berichten",
        ],
    ),
    (
        Role::Drafts,
        &[
            "drafts",
            "draft",
            "entwurfe",
            "entwurf",
            "brouillons",
            "brouillon",
            "borradores",
            "borrador",
            "bozze",
            "bozza",
            "rascunhos",
            "rascunho",
            "concepten",
            "concept",
        ],
    ),
    (
        Role::Trash,
        &[
            "trash",
            "bin",
            "deleted",
            "deleted items",
            "deleted messages",
            "deleted mail",
            "wastebasket",
            "papierkorb",
            "geloschte objekte",
            "geloschte elemente",
            "geloschte nachrichten",
            "geloscht",
            "corbeille",
            "elements supprimes",
            "messages supprimes",
            "supprimes",
            "papelera",
            "elementos eliminados",
            "eliminados",
            "cestino",
            "posta eliminata",
            "eliminati",
            "lixeira",
            "itens excluidos",
            "itens eliminados",
            "mensagens excluidas",
            "prullenbak",
            "prullenmand",
            "verwijderde items",
            "verwijderde berichten",
        ],
    ),
    (
        Role::Junk,
        &[
            "junk",
            "junk mail",
            "junk e-mail",
            "junk email",
            "spam",
            "bulk",
            "bulk mail",
            "unerwunscht",
            "unerwunschte werbung",
            "werbung",
            "junk-e-mail",
            "indesirables",
            "courrier indesirable",
            "pourriel",
            "correo no deseado",
            "no deseado",
            "correo basura",
            "posta indesiderata",
            "indesiderata",
            "lixo eletronico",
            "e-mail nao solicitado",
            "ongewenst",
            "ongewenste e-mail",
            "ongewenste reclame",
        ],
    ),
    (
        Role::Archive,
        &[
            "archive",
            "archives",
            "archived",
            "all mail",
            "archiv",
            "alle nachrichten",
            "tous les messages",
            "archivo",
            "archivados",
            "archivio",
            "archiviati",
            "arquivo",
            "arquivos",
            "arquivados",
            "archief",
            "archieven",
        ],
    ),
    (
        Role::Templates,
        &[
            "templates",
            "stationery",
            "vorlagen",
            "modeles",
            "plantillas",
            "modelli",
            "modelos",
            "sjablonen",
        ],
    ),
    (
        Role::Outbox,
        &[
            "outbox",
            "out",
            "unsent",
            "unsent messages",
            "postausgang",
            "boite d'envoi",
            "courrier sortant",
            "bandeja de salida",
            "posta in uscita",
            "in uscita",
            "caixa de saida",
            "postvak uit",
        ],
    ),
];

/// The role of a folder of this name, if the name is one that mail programs use for it.
pub(crate) fn well_known(name: &str) -> Option<Role> {
    let plain = plain(name);
    NAMES
        .iter()
        .find(|(_, names)| names.contains(&plain.as_str()))
        .map(|(role, _)| *role)
}

/// Lower case, without the accents of these languages, composed or not (macOS decomposes
/// file names), and with `_` and blanks that don't break a line
/// as plain blanks.
pub(crate) fn plain(name: &str) -> String {
    name.trim()
        .chars()
        .flat_map(char::to_lowercase)
        .filter(|c| !('\u{300}'..='\u{36f}').contains(c))
        .map(|c| match c {
            'à' | 'á' | 'â' | 'ã' | 'ä' => 'a',
            'è' | 'é' | 'ê' | 'ë' => 'e',
            'ì' | 'í' | 'î' | 'ï' => 'i',
            'ò' | 'ó' | 'ô' | 'õ' | 'ö' => 'o',
            'ù' | 'ú' | 'û' | 'ü' => 'u',
            'ç' => 'c',
            '’' => '\'',
            '_' | '\u{a0}' | '\u{202f}' => ' ',
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_many_programs_and_languages() {
        for (name, role) in [
            ("INBOX", Role::Inbox),
            ("Sent Items", Role::Sent),
            ("sent-mail", Role::Sent),
            ("Éléments envoyés", Role::Sent),
            ("Deleted Messages", Role::Trash),
            ("Gelöschte Objekte", Role::Trash),
            ("Gelo\u{308}schte Objekte", Role::Trash),
            ("Junk E-mail", Role::Junk),
            ("Bulk_Mail", Role::Junk),
            ("Entwürfe", Role::Drafts),
            ("Boîte d’envoi", Role::Outbox),
            ("Unsent Messages", Role::Outbox),
            ("Archives", Role::Archive),
            ("Vorlagen", Role::Templates),
        ] {
            assert_eq!(well_known(name), Some(role), "{name}");
        }
    }

    #[test]
    fn a_name_of_the_persons_own_has_no_role() {
        for name in ["", "Inbox 2009", "Sent by Anna", "Trash talk", "Familie"] {
            assert_eq!(well_known(name), None, "{name}");
        }
    }

    #[test]
    fn every_name_is_written_as_it_is_looked_up() {
        for (role, names) in NAMES {
            for name in names {
                assert_eq!(well_known(name), Some(role), "{name}");
            }
        }
    }
}
