//! What is known of each setting, as data: one row a setting. Adding a setting is adding a row.
//!
//! Ranges and defaults are hints: they change inside stable kernel series, so the kernel's own answer is
//! the truth. Nothing is parsed or allocated here at run time.
#![forbid(unsafe_code)]

mod backlog;
mod belonging;
mod errors;
mod hostnet;
mod row;
mod scope;
mod table;
mod version;

mod fs;
mod kernel;
mod kernel_sched;
mod limits;
mod macos;
mod net_core;
mod net_ipv4;
mod net_ipv4_conf;
mod net_ipv6;
mod net_neigh;
mod net_other;
mod net_tcp;
mod net_tcp_more;
mod sysfs;
mod user;
mod vm;

pub use backlog::{BacklogRow, LinePart, backlog};
pub use belonging::{in_new_netns, scope_of, scope_with};
pub use errors::{ERRORS, ErrorRow, error};
pub use limits::{LimitRow, limit};
pub use row::{Access, Bounds, Docker, Kubernetes, NoEffect, Rare, ReadBack, Row};
pub use scope::{InNewNetns, Scope};
pub use table::{Coupling, bond, counterpart, find, names, row, rows, spec};
pub use version::{ByVersion, Changed, KernelVersion};
