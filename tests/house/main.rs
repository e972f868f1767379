//! What holds for the sources and the documents as a whole.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, reason = "a test ends where it can't go on")]

#[path = "../support/mod.rs"]
mod support;

mod comments;
mod expected;
mod floors;
mod guides;
mod messages;
mod prose;
mod readme;
