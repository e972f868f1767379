//! `tunectl watch`: what it tells, what it puts back, and that it stays as small as it was.

#[cfg(target_os = "linux")]
mod daemon;
mod journal;
#[cfg(target_os = "linux")]
mod macos;
#[cfg(target_os = "linux")]
mod manager;
mod memory;
#[cfg(target_os = "linux")]
mod notices;
mod once;
#[cfg(target_os = "linux")]
mod soak;
#[cfg(target_os = "linux")]
mod watched;
