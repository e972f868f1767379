//! Starting the child: its process group or session, its terminal, and then the stage that becomes the service.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;

use super::NotStarted;
use super::config::{Grouping, SupervisorConfig};
use super::messages::{Failure, fail};
use super::terminal::{Terminal, TtyHandover, prepare_handover};
use crate::exec::{Stage, StageError, TakeLimits};
use crate::sys::{self, Ended, Fork, Inherited};

/// Forks, and waits until the child has become the service; returns its process ID. The child never returns from here.
///
/// Signals that come meanwhile are pending, blocked as they are: by the time they are forwarded, the service is in its
/// own group or session, and what was blocked for the stage is not blocked any more.
///
/// # Errors
/// The service was not started; why has been printed.
pub(super) fn spawn(
    config: &SupervisorConfig,
    stage: &mut Stage,
    inherited: &Inherited,
    take_limits: TakeLimits<'_>,
) -> Result<i32, NotStarted> {
    let terminal = Terminal::find();
    let handover = prepare_handover(terminal.as_ref(), config.grouping);
    // Where no descriptors are left there is no pipe, and a child that can't become the service looks like a service
    // that has ended. Where anything was changed for it, the pipe was made before that.
    let (reader, writer) = stage.take_failure_pipe().unzip();
    let parent = sys::own_pid();
    match sys::fork() {
        Ok(Fork::Parent(child)) => {
            if config.grouping == Grouping::Group {
                // Here and in the child, whoever is first. Too late (`EACCES`) means that the child has done it.
                drop(sys::set_group(child, child));
            }
            drop(writer);
            if reports_failure(reader) { Err(not_started(child)) } else { Ok(child) }
        }
        Ok(Fork::Child) => {
            drop(reader);
            set_grouping(config.grouping, handover);
            stage.change_listen_pid(parent, sys::own_pid());
            let Err(error) = stage.exec(inherited, take_limits);
            end_child(config, &error, writer)
        }
        Err(error) => {
            fail(&Failure::Fork(&error));
            Err(NotStarted { code: 125 })
        }
    }
}

/// Ends the child that could not become the service.
fn end_child(config: &SupervisorConfig, error: &StageError, writer: Option<OwnedFd>) -> ! {
    fail(&Failure::Stage(error));
    if let Some(writer) = writer {
        drop(File::from(writer).write_all(&[1]));
    }
    sys::exit_now(config.exec_failure.map_or(error.exit_code(), i32::from))
}

/// Whether the child reports that it could not become the service; waits until that is known.
fn reports_failure(reader: Option<OwnedFd>) -> bool {
    let mut byte = [0];
    reader.is_some_and(|reader| File::from(reader).read(&mut byte).is_ok_and(|count| count == 1))
}

fn not_started(child: i32) -> NotStarted {
    NotStarted { code: sys::wait_for(child).map_or(125, Ended::exit_code) }
}

/// Puts the child, which calls this, into its process group or session. Where the kernel refuses, the service runs
/// without.
fn set_grouping(grouping: Grouping, handover: TtyHandover<'_>) {
    match grouping {
        Grouping::Group => {
            drop(sys::set_group(0, 0));
            handover.take();
        }
        Grouping::Session => {
            drop(sys::start_session());
            handover.take();
        }
        Grouping::Shared => {}
    }
}
