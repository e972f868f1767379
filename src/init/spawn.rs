//! Making the child: its group or session, its terminal, and then the stage that becomes the service.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;

use super::orders::{Grouping, Orders};
use super::terminal::Terminal;
use super::{notice, terminal};
use crate::exec::Stage;
use crate::sys::{self, Fork, Inherited};

/// The child, and the end of a pipe on which it reports that it could not become the service.
pub(super) struct Spawned {
    pub(super) child: i32,
    /// Closed on exec: at its end without a byte, the service was started. None when we are out of descriptors.
    pub(super) report: Option<OwnedFd>,
}

/// Forks; the child never returns from here.
///
/// # Errors
/// No process can be had; in words, with the limit that is most likely in the way.
pub(super) fn spawn(
    orders: &Orders,
    stage: &mut Stage,
    inherited: &Inherited,
    limits: &mut dyn FnMut() -> Result<(), String>,
) -> Result<Spawned, String> {
    let terminal = Terminal::find();
    let gift = terminal::gift(terminal.as_ref(), orders.grouping);
    let (reader, writer) = match sys::pipe() {
        Ok((reader, writer)) => (Some(reader), Some(writer)),
        // The exit code alone will have to do.
        Err(_) => (None, None),
    };
    let parent = sys::own_pid();
    match sys::fork() {
        Ok(Fork::Parent(child)) => {
            if orders.grouping == Grouping::Group {
                // Here and in the child, whoever is first: a signal for the group may be on its way already. Too late
                // (`EACCES`) means that the child has done it.
                drop(sys::set_group(child, child));
            }
            Ok(Spawned { child, report: reader })
        }
        Ok(Fork::Child) => {
            drop(reader);
            separate(orders.grouping, gift);
            stage.move_listener(parent, sys::own_pid());
            let Err(error) = stage.enter(inherited, limits);
            let code = orders.exec_failure.map_or(error.exit_code(), i32::from);
            notice::error(&error);
            if let Some(writer) = writer {
                drop(File::from(writer).write_all(&[1]));
            }
            sys::exit_now(code)
        }
        Err(error) => Err(no_process(&error)),
    }
}

/// The child's place among groups, sessions and terminals. Where the kernel refuses, the service runs without.
fn separate(grouping: Grouping, gift: terminal::Gift<'_>) {
    match grouping {
        Grouping::Group => {
            drop(sys::set_group(0, 0));
            gift.take();
        }
        Grouping::Session => {
            drop(sys::start_session());
            gift.take();
        }
        Grouping::Shared => {}
    }
}

fn no_process(error: &io::Error) -> String {
    let hint = match error.raw_os_error() {
        Some(libc::EAGAIN) => " (the limit nproc of our user, or pids.max of the container, is reached)",
        Some(libc::ENOMEM) => " (no memory)",
        _ => "",
    };
    format!("the service can't be started: fork: {error}{hint}")
}
