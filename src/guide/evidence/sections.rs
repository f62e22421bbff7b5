//! Settings files of the kind `[section]` and `key=value`, as Evolution, KMail and Claws Mail write them.

use std::path::{Path, PathBuf};

use crate::source::walk;

/// More settings files than this in one directory are nobody's.
const MOST: usize = 1000;

/// A section and what stands in it.
#[derive(Debug, Default)]
pub(super) struct Section {
    /// What stands between the brackets.
    pub title: String,
    values: Vec<(String, String)>,
}

impl Section {
    /// The last value of a key; empty ones count as absent.
    pub fn get(&self, key: &str) -> Option<&str> {
        let found = self.values.iter().rev().find(|(name, _)| name == key);
        found
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// A value that is a number.
    pub fn number(&self, key: &str) -> Option<i64> {
        self.get(key)?.parse().ok()
    }

    /// A value that is a switch, in any of the programs' ways.
    pub fn switch(&self, key: &str) -> Option<bool> {
        match self.get(key)?.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Some(true),
            "false" | "0" | "no" | "off" => Some(false),
            _ => None,
        }
    }
}

/// Reads a small file's sections; none where there is no file.
pub(super) fn read(path: &Path) -> Vec<Section> {
    let bytes = walk::read_small(path);
    let text = String::from_utf8_lossy(&bytes);
    let mut sections: Vec<Section> = Vec::new();
    for line in text.trim_start_matches('\u{feff}').lines() {
        let line = line.trim();
        let title = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        if let Some(title) = title {
            sections.push(Section {
                title: title.into(),
                values: Vec::new(),
            });
        } else if let (Some(section), Some((key, value))) =
            (sections.last_mut(), line.split_once('='))
        {
            let pair = (key.trim().to_string(), value.trim().to_string());
            section.values.push(pair);
        }
    }
    sections
}

/// The section of a title, whatever its case: Evolution's changed between releases.
pub(super) fn titled<'a>(sections: &'a [Section], title: &str) -> Option<&'a Section> {
    (sections.iter()).find(|section| section.title.eq_ignore_ascii_case(title))
}

/// The files of a directory whose names are wanted, sorted.
pub(super) fn files(directory: &Path, wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries
        .take(MOST)
        .filter(|entry| wanted(&entry.file_name().to_string_lossy()))
        .map(|entry| entry.path())
        .collect();
    paths.sort();
    paths
}
