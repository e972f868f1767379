//! Making the child: its group or session, its terminal, and then the stage that becomes the service.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;

use super::config::{Grouping, SupervisorConfig};
use super::terminal::Terminal;
use super::{NotStarted, stderr_log, terminal};
use crate::exec::{Stage, TakeLimits};
use crate::sys::{self, Fork, Inherited};

/// Forks, and waits until the child has become the service; the child never returns from here.
///
/// Signals that come meanwhile wait, blocked as they are: by the time they are handed on, the service is in its own
/// group or session, and what was blocked for the stage is not blocked any more.
///
/// # Errors
/// The service was not started; why has been said.
pub(super) fn spawn(
    orders: &SupervisorConfig,
    stage: &mut Stage,
    inherited: &Inherited,
    take_limits: TakeLimits<'_>,
) -> Result<i32, NotStarted> {
    let terminal = Terminal::find();
    let gift = terminal::gift(terminal.as_ref(), orders.grouping);
    // Closed on exec. Out of descriptors there is none, and what can't be executed looks like a service that ended.
    let (reader, writer) = sys::pipe().map_or((None, None), |(reader, writer)| (Some(reader), Some(writer)));
    let parent = sys::own_pid();
    match sys::fork() {
        Ok(Fork::Parent(child)) => {
            if orders.grouping == Grouping::Group {
                // Here and in the child, whoever is first. Too late (`EACCES`) means that the child has done it.
                drop(sys::set_group(child, child));
            }
            drop(writer);
            if failed(reader) { Err(end_of(child)) } else { Ok(child) }
        }
        Ok(Fork::Child) => {
            drop(reader);
            separate(orders.grouping, gift);
            stage.change_listen_pid(parent, sys::own_pid());
            let Err(error) = stage.exec(inherited, take_limits);
            stderr_log::error(&error);
            if let Some(writer) = writer {
                drop(File::from(writer).write_all(&[1]));
            }
            sys::exit_now(orders.exec_failure.map_or(error.exit_code(), i32::from))
        }
        Err(error) => {
            stderr_log::error(&no_process(&error));
            Err(NotStarted { code: 125 })
        }
    }
}

/// Whether the child has left word that it could not become the service; waits until that is known.
fn failed(reader: Option<OwnedFd>) -> bool {
    let mut byte = [0];
    reader.is_some_and(|reader| File::from(reader).read(&mut byte).is_ok_and(|count| count == 1))
}

fn end_of(child: i32) -> NotStarted {
    NotStarted { code: sys::wait_for(child).map_or(125, sys::Ended::exit_code) }
}

/// The child's place among groups, sessions and terminals. Where the kernel refuses, the service runs without.
fn separate(grouping: Grouping, gift: terminal::TtyHandover<'_>) {
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
    format!("the service can't be started: fork: {}{hint}", sys::reason(error))
}
