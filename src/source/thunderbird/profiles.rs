//! Reads `profiles.ini` and `installs.ini`: which profiles there are, and where.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::source::walk;

/// A profile that `profiles.ini` names and that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Profile {
    /// The person's name for it.
    pub name: String,
    /// Its directory.
    pub path: PathBuf,
}

/// The profiles that the `profiles.ini` in this directory names, as far as they are there.
pub(crate) fn profiles(directory: &Path) -> Vec<Profile> {
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    let read = |file: &str| walk::read_small(&directory.join(file));
    let named = sections(&read("profiles.ini"));
    let profiles = (named.iter()).filter(|section| section.title.starts_with("Profile"));
    // An installation's own profile is in profiles.ini as a rule, and not always.
    let installed = sections(&read("installs.ini"));
    let candidates = (profiles.map(|section| (section, "Path")))
        .chain(installed.iter().map(|section| (section, "Default")));
    for (section, key) in candidates {
        let Some(path) = section.get(key).and_then(|path| locate(directory, path)) else {
            continue;
        };
        if !seen.insert(fs::canonicalize(&path).unwrap_or_else(|_| path.clone())) {
            continue;
        }
        let folder = path.file_name().unwrap_or_default().to_string_lossy();
        let name = section.get("Name").unwrap_or(&folder).to_string();
        found.push(Profile { name, path });
    }
    found
}

/// The directory that a `Path=` means. Where a whole Thunderbird folder was moved or
/// brought from another computer, an absolute path is stale; the profile is beside us.
fn locate(directory: &Path, path: &str) -> Option<PathBuf> {
    let last = path.rsplit(['/', '\\']).next().unwrap_or(path);
    let candidates = [
        directory.join(path),
        directory.join(path.replace('\\', "/")),
        directory.join("Profiles").join(last),
        directory.join(last),
    ];
    candidates.into_iter().find(|path| path.is_dir())
}

struct Section {
    title: String,
    values: Vec<(String, String)>,
}

impl Section {
    fn get(&self, key: &str) -> Option<&str> {
        let found = self.values.iter().find(|(name, _)| name == key);
        found
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }
}

fn sections(bytes: &[u8]) -> Vec<Section> {
    let text = String::from_utf8_lossy(bytes);
    let mut sections: Vec<Section> = Vec::new();
    for line in text.trim_start_matches('\u{feff}').lines() {
        let line = line.trim();
        if let Some(title) = line
            .strip_prefix('[')
            .and_then(|line| line.strip_suffix(']'))
        {
            sections.push(Section {
                title: title.into(),
                values: Vec::new(),
            });
        } else if let (Some(section), Some((key, value))) =
            (sections.last_mut(), line.split_once('='))
        {
            section
                .values
                .push((key.trim().into(), value.trim().into()));
        }
    }
    sections
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_are_found_where_they_are_now() {
        let home = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(home.path()).unwrap();
        for name in [
            "Profiles/a.default",
            "Profiles/moved.old",
            "far",
            "Profiles/i.release",
        ] {
            fs::create_dir_all(root.join(name)).unwrap();
        }
        let ini = format!(
            "\u{feff}[Install1]\nDefault=x\n[Profile0]\r\nName=a=b\r\nIsRelative=1\r\nPath=Profiles/a.default\r\n\
             [Profile1]\nName=gone\nPath=Profiles/gone\n[General]\nVersion=2\n[Profile2]\nIsRelative=0\nPath={}\n\
             [Profile3]\nName=moved\nIsRelative=0\nPath=C:\\Users\\Jane\\moved.old\n[Profile4]\nPath=Profiles\\a.default\njunk\n[Profile5]",
            root.join("far").display()
        );
        fs::write(root.join("profiles.ini"), ini).unwrap();
        fs::write(
            root.join("installs.ini"),
            "[D1]\nDefault=Profiles/i.release\nLocked=1\n",
        )
        .unwrap();
        let found: Vec<_> = profiles(&root)
            .into_iter()
            .map(|profile| {
                (
                    profile.name,
                    profile.path.strip_prefix(&root).unwrap().to_path_buf(),
                )
            })
            .collect();
        let expected = [
            ("a=b", "Profiles/a.default"),
            ("far", "far"),
            ("moved", "Profiles/moved.old"),
            ("i.release", "Profiles/i.release"),
        ]
        .map(|(name, path)| (name.to_string(), PathBuf::from(path)));
        assert_eq!(found, expected);
        assert_eq!(profiles(&root.join("far")), []);
    }
}
