//! The table `[service]`: what tunectl is told of the service it makes room for.

use toml::de::DeTable;

use super::asked::ranges;
use super::reader::{Reader, unknown};
use super::tree::entries;
use crate::model::ranges::Ranges;
use crate::model::value::{Kind, MAX_PORT};

/// The ports, if they are named: `ports = [8080, "9000-9010"]`.
pub(super) fn read(reader: &mut Reader<'_>, table: &DeTable<'_>) -> Option<Ranges> {
    let mut ports = None;
    for (name, node) in entries(table) {
        if name.get_ref() == "ports" {
            ports = reader.keep(ranges(node, Kind::Ports, MAX_PORT));
        } else {
            reader.note(unknown("field", name.get_ref(), &["ports"], name.span()));
        }
    }
    ports
}
