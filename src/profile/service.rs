//! The table `[service]`: what tunectl is told of the service it makes room for.

use std::ops::Range;

use toml::de::DeTable;

use super::problem::ProfileError;
use super::reader::{Reader, unknown};
use super::tree::entries;
use super::value_expr::ranges;
use crate::model::ranges::Ranges;
use crate::model::value::{Kind, MAX_PORT};

/// The ports and where they stand, if they are named: `ports = [8080, "9000-9010"]`.
pub(super) fn read(reader: &mut Reader<'_>, table: &DeTable<'_>) -> Option<(Ranges, Range<usize>)> {
    let mut ports = None;
    for (name, node) in entries(table) {
        if name.get_ref() == "ports" {
            let read = ranges(node, Kind::Ports, MAX_PORT)
                .and_then(|ports| named(ports).map_err(|message| ProfileError::new(node.span(), message)));
            ports = reader.keep(read).map(|ports| (ports, node.span()));
        } else {
            reader.note(unknown("field", name.get_ref(), &["ports"], name.span()));
        }
    }
    ports
}

/// Ports that a service can be found at. Bound to port 0, it gets whichever one is free (ip(7)).
pub(super) fn named(ports: Ranges) -> Result<Ranges, &'static str> {
    match ports.as_slice() {
        [(0, _), ..] => Err("port 0 is none to listen on: the kernel chooses another in its place"),
        _ => Ok(ports),
    }
}
