//! tunectl brings kernel settings and resource limits to a profile, reads everything back, and starts the service.

pub mod catalog;
pub mod cite;
pub mod kernel;
pub mod model;
pub mod profile;
