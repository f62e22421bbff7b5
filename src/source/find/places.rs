//! Where each mail program keeps its mail, on each kind of computer.

use std::path::{Path, PathBuf};

use super::{Home, Platform};
use crate::source::walk;

/// What to do with a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// It has a `profiles.ini`: each profile is a find.
    Profiles,
    /// Whatever mail is in it.
    Mail,
    /// Outlook's data files in it.
    DataFiles,
    /// It is there, but can't be read; the words say so.
    Seen(&'static str),
}

/// A place to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub label: &'static str,
    pub path: PathBuf,
    pub how: How,
}

const APPLE: &str = "Apple Mail's own form is not read yet; in Mail, choose Mailbox > Export Mailbox, and give the folder that it makes";
const OUTLOOK_MAC: &str = "Outlook for Mac's own form is not read; export from Outlook first";
const EXPRESS: &str = "Outlook Express folders (.dbx) are not read yet";
const EM_CLIENT: &str = "eM Client's own form is not read; export the folders as .eml files first";
const NEW_OUTLOOK: &str = "the new Outlook keeps its mail at Microsoft, not on this computer";

/// All places to look at, the likelier ones first.
pub(super) fn places(home: &Home) -> Vec<Place> {
    match home.platform {
        Platform::Windows => windows(home),
        Platform::MacOs => mac(home),
        Platform::Linux => linux(home),
    }
}

fn windows(home: &Home) -> Vec<Place> {
    let mut places = Places::default();
    if let Some(roaming) = &home.roaming {
        places.add(roaming, "Thunderbird", "Thunderbird", How::Profiles);
        places.add(roaming, "Betterbird", "Betterbird", How::Profiles);
        places.add(roaming, "Mozilla/SeaMonkey", "SeaMonkey", How::Profiles);
        places.add(roaming, "PostboxApp", "Postbox", How::Profiles);
        places.add(roaming, "Postbox", "Postbox", How::Profiles);
        places.claws(home, &roaming.join("Claws-mail"));
        places.add(roaming, "Qualcomm/Eudora", "Eudora", How::Mail);
        places.add(roaming, "eM Client", "eM Client", How::Seen(EM_CLIENT));
    }
    if let Some(local) = &home.local {
        // From the Microsoft Store; the end of the name tells the release.
        let packages = local.join("Packages");
        for package in children(&packages, |name| name.starts_with("MozillaThunderbird")) {
            let below = "LocalCache/Roaming/Thunderbird";
            places.add(&package, below, "Thunderbird (Store)", How::Profiles);
        }
        places.add(local, "Microsoft/Outlook", "Outlook", How::DataFiles);
        places.add(
            local,
            "Microsoft/Windows Live Mail",
            "Windows Live Mail",
            How::Mail,
        );
        places.add(local, "Microsoft/Windows Mail", "Windows Mail", How::Mail);
        places.add(
            local,
            "Microsoft/Olk",
            "Outlook (new)",
            How::Seen(NEW_OUTLOOK),
        );
        places.express(local);
    }
    if let Some(documents) = &home.documents {
        places.add(documents, "Outlook Files", "Outlook", How::DataFiles);
    }
    places.express(&home.home.join("Local Settings/Application Data"));
    places.0
}

fn mac(home: &Home) -> Vec<Place> {
    let mut places = Places::default();
    let home_directory = &home.home;
    let support = home_directory.join("Library/Application Support");
    places.add(
        home_directory,
        "Library/Thunderbird",
        "Thunderbird",
        How::Profiles,
    );
    places.add(
        home_directory,
        "Library/Betterbird",
        "Betterbird",
        How::Profiles,
    );
    places.add(&support, "SeaMonkey", "SeaMonkey", How::Profiles);
    places.add(&support, "PostboxApp", "Postbox", How::Profiles);
    places.add(
        home_directory,
        "Library/Mail",
        "Apple Mail",
        How::Seen(APPLE),
    );
    let outlook = "Library/Group Containers/UBF8T346G9.Office/Outlook/Outlook 15 Profiles";
    places.add(
        home_directory,
        outlook,
        "Outlook for Mac",
        How::Seen(OUTLOOK_MAC),
    );
    places.add(&support, "eM Client", "eM Client", How::Seen(EM_CLIENT));
    places.add(
        home_directory,
        "Documents/Eudora Folder",
        "Eudora",
        How::Mail,
    );
    places.unix(home);
    places.0
}

fn linux(home: &Home) -> Vec<Place> {
    let mut places = Places::default();
    let home_directory = &home.home;
    let profiles = [
        (".thunderbird", "Thunderbird"),
        (".mozilla-thunderbird", "Thunderbird"),
        (".icedove", "Icedove"),
        (".betterbird", "Betterbird"),
        ("snap/thunderbird/common/.thunderbird", "Thunderbird (Snap)"),
        (".mozilla/seamonkey", "SeaMonkey"),
    ];
    for (below, label) in profiles {
        places.add(home_directory, below, label, How::Profiles);
    }
    // The name changed in 2026, and the old directory may be there still.
    let flatpaks = [
        ("org.mozilla.Thunderbird", "Thunderbird (Flatpak)"),
        ("org.mozilla.thunderbird", "Thunderbird (Flatpak)"),
        ("org.mozilla.thunderbird_esr", "Thunderbird (Flatpak)"),
        ("eu.betterbird.Betterbird", "Betterbird (Flatpak)"),
    ];
    for (id, label) in flatpaks {
        let below = format!(".var/app/{id}/.thunderbird");
        places.add(home_directory, &below, label, How::Profiles);
    }
    let evolution = [
        ".local/share/evolution/mail/local",
        ".var/app/org.gnome.Evolution/data/evolution/mail/local",
        ".evolution/mail/local",
    ];
    for below in evolution {
        places.add(home_directory, below, "Evolution", How::Mail);
    }
    let kmail = [".local/share/local-mail", ".kde/share/apps/kmail/mail"];
    for below in kmail {
        places.add(home_directory, below, "KMail", How::Mail);
    }
    places.claws(home, &home_directory.join(".claws-mail"));
    places.unix(home);
    places.0
}

#[derive(Default)]
struct Places(Vec<Place>);

impl Places {
    fn add(&mut self, base: &Path, below: &str, label: &'static str, how: How) {
        let path = below
            .split('/')
            .fold(base.to_path_buf(), |path, name| path.join(name));
        self.0.push(Place { label, path, how });
    }

    /// What programs of a terminal use.
    fn unix(&mut self, home: &Home) {
        for below in ["Maildir", ".maildir", "Mail", "mail"] {
            self.add(&home.home, below, "Mail folders", How::Mail);
        }
        if let Some(user) = &home.user {
            self.add(&home.spool, user, "System mailbox", How::Mail);
        }
    }

    /// Claws Mail says in `folderlist.xml` where its MH folders are.
    fn claws(&mut self, home: &Home, settings: &Path) {
        let file = walk::read_small(&settings.join("folderlist.xml"));
        let text = String::from_utf8_lossy(&file);
        for folder in text.split("<folder ").skip(1) {
            let tag = folder.split('>').next().unwrap_or_default();
            let path = (tag.split_once("path=\"")).and_then(|(_, rest)| rest.split('"').next());
            if let Some(path) = path.filter(|_| tag.contains("type=\"mh\"")) {
                self.add(
                    &home.home,
                    &path.replace('\\', "/"),
                    "Claws Mail",
                    How::Mail,
                );
            }
        }
    }

    /// One store for each of Outlook Express's identities.
    fn express(&mut self, local: &Path) {
        for identity in children(&local.join("Identities"), |name| name.starts_with('{')) {
            let below = "Microsoft/Outlook Express";
            self.add(&identity, below, "Outlook Express", How::Seen(EXPRESS));
        }
    }
}

/// The directories in a directory whose names are wanted, sorted.
pub(super) fn children(directory: &Path, wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries
        .filter(|entry| wanted(&entry.file_name().to_string_lossy()))
        .map(|entry| entry.path())
        .collect();
    paths.sort();
    paths
}
