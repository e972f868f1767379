//! The table `[lint]`: which warnings a profile wants nothing of.

use toml::de::{DeTable, DeValue};

use super::lint::{self, WARNINGS};
use super::problem::ProfileError;
use super::reader::{Reader, unknown};
use super::tree::{Node, describe, entries};

/// The codes of `allow = ["W005"]`.
pub(super) fn read(reader: &mut Reader<'_>, table: &DeTable<'_>) -> Vec<&'static str> {
    let mut allowed = Vec::new();
    for (name, node) in entries(table) {
        if name.get_ref() != "allow" {
            reader.note(unknown("field", name.get_ref(), &["allow"], name.span()));
            continue;
        }
        let items: Vec<&Node<'_>> = match node.get_ref() {
            DeValue::Array(items) => items.iter().collect(),
            _ => vec![node],
        };
        for item in items {
            let code = code(item);
            allowed.extend(reader.keep(code));
        }
    }
    allowed
}

fn code(node: &Node<'_>) -> Result<&'static str, ProfileError> {
    let DeValue::String(text) = node.get_ref() else {
        return Err(ProfileError::new(
            node.span(),
            format!("expected the code of a warning, found {}", describe(node)),
        ));
    };
    lint::warning(text).map(|known| known.code).ok_or_else(|| {
        ProfileError::new(node.span(), format!("unknown warning `{}`", text.escape_debug()))
            .help(format!("they are numbered from `W001` to `W{:03}`", WARNINGS.len()))
    })
}
