//! `apply --persist` and `revert --persist`: the files, word for word, and what the programs make of them that read
//! them at boot, at login and when a service starts.

mod files;
mod kept;
mod macos;
mod modules;
mod readers;
mod root;
mod told;
