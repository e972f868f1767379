//! The profiles that are compiled in: the files of `profiles/`.
#![forbid(unsafe_code)]

use crate::profile::Source;

/// Name and text of each, in the order in which they are listed: what the others extend comes first.
pub const PROFILES: [(&str, &str); 4] = [
    ("base", include_str!("../profiles/base.toml")),
    ("production", include_str!("../profiles/production.toml")),
    ("realtime", include_str!("../profiles/realtime.toml")),
    ("loadtest", include_str!("../profiles/loadtest.toml")),
];

/// The built-in profile of this name.
#[must_use]
pub fn find(name: &str) -> Option<Source> {
    let (name, text) = PROFILES.into_iter().find(|(known, _)| *known == name)?;
    Some(Source { label: format!("built-in profile {name}"), text: text.to_owned(), hidden_from: None })
}

/// The names of all of them.
pub fn names() -> impl Iterator<Item = &'static str> {
    PROFILES.into_iter().map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_the_folder() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("profiles");
        let mut files: Vec<String> =
            folder.read_dir().unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        files.sort();
        let mut table: Vec<String> = names().map(|name| format!("{name}.toml")).collect();
        table.sort();
        assert_eq!(files, table);
        for (name, text) in PROFILES {
            assert_eq!(std::fs::read_to_string(folder.join(format!("{name}.toml"))).unwrap(), text, "{name}");
        }
    }
}
