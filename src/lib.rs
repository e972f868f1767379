//! tunectl brings kernel settings and resource limits to a profile, reads everything back, and starts the service.
