//! The head of a file that tunectl has written: whose it is, and whether somebody has changed it since.

use std::fmt::Write as _;

/// How a format writes comments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `# …`
    Hash,
    /// `<!-- … -->`, in which there may be no `--`.
    Xml,
}

/// What the head of a file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seal {
    /// It is as tunectl wrote it, for these profiles.
    Whole {
        /// Their names, as in the head.
        profiles: String,
    },
    /// tunectl wrote it, and somebody has changed it since.
    Broken,
    /// tunectl did not write it.
    None,
}

const MARK: &str = "tunectl-seal:";
const FOR: &str = "Written by tunectl for ";

/// `body` with a head that names the profiles and holds two hashes: of the profiles' text, and of all of the file
/// but this line. `opening` is what has to stand before any comment.
#[must_use]
pub fn seal(opening: &str, style: Style, profiles: &[String], profile_hash: u64, body: &str) -> String {
    let names: Vec<String> = profiles.iter().map(|name| name.escape_debug().to_string()).collect();
    let names = if names.is_empty() { "the command line".to_owned() } else { names.join(", ") };
    let about = format!("{FOR}{names}; change that, and not this file.");
    let rest = format!("{opening}{}{body}", comment(style, &about));
    let line = comment(style, &format!("{MARK} profile {profile_hash:016x} file {:016x}", hash(&rest)));
    // Behind the first comment, so that people read what is for them first.
    let (head, body) = rest.split_at(rest.len() - body.len());
    format!("{head}{line}{body}")
}

/// What is known of a file by its head.
#[must_use]
pub fn sealed(text: &str) -> Seal {
    let Some(line) = text.split_inclusive('\n').find(|line| line.contains(MARK)) else { return Seal::None };
    let rest = text.replacen(line, "", 1);
    let said = line.split_whitespace().skip_while(|word| *word != "file").nth(1);
    if said != Some(format!("{:016x}", hash(&rest)).as_str()) {
        return Seal::Broken;
    }
    let names =
        rest.split_once(FOR).and_then(|(_, behind)| behind.split_once("; change that")).map_or("", |(names, _)| names);
    Seal::Whole { profiles: names.to_owned() }
}

fn comment(style: Style, text: &str) -> String {
    match style {
        Style::Hash => format!("# {text}\n"),
        Style::Xml => {
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

/// FNV-1a of 64 bits: tells an edit, and is no defence against anybody who wants it not to.
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
    fn a_change_anywhere_breaks_the_seal() {
        for (style, opening) in [(Style::Hash, ""), (Style::Xml, "<?xml?>\n")] {
            let profiles = ["web".to_owned(), "./a--b\n.toml".to_owned()];
            let text = seal(opening, style, &profiles, 7, "a = 1\nb = 2\n");
            let names = if style == Style::Xml { "web, ./a- -b\\n.toml" } else { "web, ./a--b\\n.toml" };
            assert_eq!(sealed(&text), Seal::Whole { profiles: names.to_owned() }, "{text}");
            let mark = text.find(MARK).unwrap();
            let line = text[..mark].rfind('\n').unwrap()..=mark + text[mark..].find('\n').unwrap();
            for at in (0..text.len()).filter(|at| !line.contains(at)) {
                let mut changed = text.clone().into_bytes();
                changed[at] = if changed[at] == b'~' { b'!' } else { b'~' };
                let changed = String::from_utf8(changed).unwrap();
                assert_ne!(sealed(&changed), sealed(&text), "{changed}");
            }
            assert_eq!(sealed(&format!("{text}c = 3\n")), Seal::Broken);
        }
        assert_eq!(sealed("a = 1\n"), Seal::None);
    }
}
