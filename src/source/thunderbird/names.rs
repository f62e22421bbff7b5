//! The names that people gave to folders: a file's name is another where the folder's could not be a file's.

use std::collections::HashMap;
use std::io::BufReader;
use std::path::Path;

use super::mork;
use crate::source::maildir::layout;
use crate::source::walk;

/// What `folderCache.json` tells: the path of each folder's `.msf` file and the folder's name, by that file's own name.
#[derive(Debug, Default)]
pub(crate) struct FolderCache(HashMap<String, Vec<(String, String)>>);

impl FolderCache {
    /// Reads the cache of a profile; it is empty where there is none, as in old versions.
    pub fn read(profile: &Path) -> FolderCache {
        let bytes = walk::read_small(&profile.join("folderCache.json"));
        let parsed: serde_json::Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let entries = parsed.as_object().into_iter().flatten();
        let named = entries.filter_map(|(path, entry)| {
            let name = entry.get("folderName")?.as_str()?;
            let path = path.replace('\\', "/");
            (!name.is_empty()).then(|| (path, name.to_string()))
        });
        let mut cache = FolderCache::default();
        for (path, name) in named {
            let file = last_name(&path).to_string();
            cache.0.entry(file).or_default().push((path, name));
        }
        cache
    }

    /// The name of the folder whose `.msf` path ends like this. The beginning may be stale.
    fn get(&self, ending: &str) -> Option<&str> {
        let ends = |path: &str| {
            (path.strip_suffix(ending)).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
        };
        let found = self.0.get(last_name(ending))?;
        let found = found.iter().find(|(path, _)| ends(path));
        found.map(|(_, name)| name.as_str())
    }
}

fn last_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// A folder's name, and whether it is certain.
pub(crate) fn folder_name(cache: &FolderCache, directory: &Path, file: &str) -> (String, bool) {
    let summary = directory.join(format!("{file}.msf"));
    let hashed = is_hashed(file);
    // From the directory that holds the accounts on, or else all there is.
    let text = summary.to_string_lossy().replace('\\', "/");
    let from_mail = text.rfind("/Mail/").map_or(0, |at| at + 1);
    if let Some(name) = cache.get(text.get(from_mail..).unwrap_or(&text)) {
        return (name.to_string(), true);
    }
    if hashed
        && let Ok(Some(name)) =
            mork::folder_name(|| Ok(BufReader::new(walk::open_file(&summary)?.0)))
    {
        return (name, true);
    }
    // Old versions wrote what is not ASCII in modified UTF-7.
    (layout::plain(file), !hashed)
}

/// Whether Thunderbird may have made this name: it ends in a hash of the real one.
fn is_hashed(file: &str) -> bool {
    let start = file.len().saturating_sub(8);
    let digits = file.as_bytes().get(start..).unwrap_or_default();
    let hexadecimal = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
    // All of them decimal is a date or a number rather.
    digits.len() == 8 && digits.iter().all(hexadecimal) && !digits.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_real_name_is_found_in_the_cache_or_in_the_summary_file() {
        let profile = tempfile::tempdir().unwrap();
        let mail = profile.path().join("Mail").join("Local Folders");
        fs::create_dir_all(&mail).unwrap();
        let cache = r#"{"C:\\old\\Mail\\Local Folders\\50% off 91d3e0b1.msf": {"folderName": "50% off * sale"},
            "/old/Mail/Local Folders": {"folderName": "Local Folders"}, "/x/XMail/Local Folders/Plain.msf": {"folderName": "No"}, "/y": 3}"#;
        fs::write(profile.path().join("folderCache.json"), cache).unwrap();
        let cache = FolderCache::read(profile.path());
        let summary = "<<(a=c)>(AF=folderName)>[1:^80(^AF=a/b)]";
        fs::write(mail.join("a72130ad9.msf"), summary).unwrap();
        fs::write(mail.join("Plain.msf"), summary).unwrap();
        for (file, name, certain) in [
            ("50% off 91d3e0b1", "50% off * sale", true),
            ("a72130ad9", "a/b", true),
            ("b72130ad9", "b72130ad9", false),
            ("Plain", "Plain", true),
            ("Invoices 20091231", "Invoices 20091231", true),
            ("&ZeVnLIqe-", "日本語", true),
        ] {
            let found = folder_name(&cache, &mail, file);
            assert_eq!(found, (name.to_string(), certain), "{file}");
        }
    }

    #[test]
    fn a_broken_cache_is_no_cache() {
        let profile = tempfile::tempdir().unwrap();
        for broken in ["{", "[1]", ""] {
            fs::write(profile.path().join("folderCache.json"), broken).unwrap();
            assert!(FolderCache::read(profile.path()).0.is_empty());
        }
    }
}
