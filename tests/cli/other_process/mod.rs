//! `--pid`: a process in namespaces of its own, looked at and tuned by a tunectl that stands outside of them.

mod ended;
mod kinds;
mod queues;
mod seen;
mod service;
mod tuned;
mod users;
