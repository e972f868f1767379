//! The header of a file that tunectl has written: its profiles, and a checksum that shows a later edit.

use std::fmt::Write as _;

/// How a format writes comments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommentStyle {
    /// A line that begins with `#`.
    Hash,
    /// `<!-- … -->`, in which there may be no `--`.
    Xml,
}

/// What the header of a file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Header {
    /// The file is as tunectl wrote it.
    Intact {
        /// The names of the profiles that it was written for, separated by commas.
        profiles: String,
    },
    /// tunectl wrote the file, and it was edited since.
    Edited,
    /// tunectl did not write the file.
    Missing,
}

const MARK: &str = "tunectl-seal:";
const WRITTEN_FOR: &str = "Written by tunectl for ";
const ADVICE: &str = "; change that instead of this file.";

/// `body` with a header that names the profiles and holds two hashes: of the profiles' text, and of the whole file but
/// this line. `opening` is what has to be before any comment.
#[must_use]
pub fn with_header(opening: &str, style: CommentStyle, profiles: &[String], profile_hash: u64, body: &str) -> String {
    let names: Vec<String> = profiles.iter().map(|name| name.escape_debug().to_string()).collect();
    let names = if names.is_empty() { "the command line".to_owned() } else { names.join(", ") };
    let rest = format!("{opening}{}{body}", comment(style, &format!("{WRITTEN_FOR}{names}{ADVICE}")));
    let line = comment(style, &format!("{MARK} profile {profile_hash:016x} file {:016x}", hash(&rest)));
    // Behind the comment for people, so that they read that one first.
    let (head, body) = rest.split_at(rest.len() - body.len());
    format!("{head}{line}{body}")
}

/// Reads the header of a file.
#[must_use]
pub fn read_header(text: &str) -> Header {
    let Some(line) = text.split_inclusive('\n').find(|line| line.contains(MARK)) else { return Header::Missing };
    let rest = text.replacen(line, "", 1);
    let stated = line.split_whitespace().skip_while(|word| *word != "file").nth(1);
    if stated != Some(format!("{:016x}", hash(&rest)).as_str()) {
        return Header::Edited;
    }
    let names = rest.split_once(WRITTEN_FOR).and_then(|(_, behind)| behind.split_once("; change that"));
    Header::Intact { profiles: names.map_or("", |(names, _)| names).to_owned() }
}

fn comment(style: CommentStyle, text: &str) -> String {
    match style {
        CommentStyle::Hash => format!("# {text}\n"),
        CommentStyle::Xml => {
            let mut safe = String::new();
            for c in text.chars() {
                // A comment ends with `-->`, and may not even hold the first two of that (XML 1.0, 2.5).
                let twice = c == '-' && safe.ends_with('-');
                let _ = write!(safe, "{}{c}", if twice { " " } else { "" });
            }
            format!("<!-- {safe} -->\n")
        }
    }
}

/// FNV-1a of 64 bits: shows an edit, and is no defence against somebody who wants to hide one.
#[must_use]
pub fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_published_one() {
        assert_eq!(
            [hash(""), hash("a"), hash("foobar")],
            [0xcbf2_9ce4_8422_2325, 0xaf63_dc4c_8601_ec8c, 0x8594_4171_f739_67e8]
        );
    }

    #[test]
    fn an_edit_anywhere_is_seen() {
        for (style, opening) in [(CommentStyle::Hash, ""), (CommentStyle::Xml, "<?xml?>\n")] {
            let profiles = ["web".to_owned(), "./a--b\n.toml".to_owned()];
            let text = with_header(opening, style, &profiles, 7, "a = 1\nb = 2\n");
            let names = if style == CommentStyle::Xml { "web, ./a- -b\\n.toml" } else { "web, ./a--b\\n.toml" };
            assert_eq!(read_header(&text), Header::Intact { profiles: names.to_owned() }, "{text}");
            let mark = text.find(MARK).unwrap();
            let line = text[..mark].rfind('\n').unwrap()..=mark + text[mark..].find('\n').unwrap();
            for at in (0..text.len()).filter(|at| !line.contains(at)) {
                let mut changed = text.clone().into_bytes();
                changed[at] = if changed[at] == b'~' { b'!' } else { b'~' };
                let changed = String::from_utf8(changed).unwrap();
                assert_ne!(read_header(&changed), read_header(&text), "{changed}");
            }
            assert_eq!(read_header(&format!("{text}c = 3\n")), Header::Edited);
        }
        assert_eq!(read_header("a = 1\n"), Header::Missing);
    }
}
