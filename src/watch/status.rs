//! The state of a watch for other programs: `sd_notify(3)` for the service manager, and metrics for `node_exporter`'s
//! textfile collector.

use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use super::state::WatchState;
use super::timestamp::unix_seconds;
use crate::formats::prometheus::{self, Daemon, History, Sample};
use crate::sys;

/// The service manager, if there is one. `sd_notify(3)` without its library.
#[derive(Debug, Default)]
pub struct ServiceManager {
    socket: Option<(UnixDatagram, SocketAddr)>,
    /// The service manager restarts us when it has had no message for so long (`WatchdogSec=`).
    pub watchdog: Option<Duration>,
}

impl ServiceManager {
    /// The one that `NOTIFY_SOCKET` names. `WATCHDOG_USEC` holds for us unless `WATCHDOG_PID` is another process.
    #[must_use]
    pub fn new(variable: &dyn Fn(&str) -> Option<String>) -> Self {
        let Some(name) = variable("NOTIFY_SOCKET") else { return Self::default() };
        let socket = sys::socket_address(&name).and_then(|address| Ok((UnixDatagram::unbound()?, address)));
        let number = |name: &str| variable(name).and_then(|text| text.parse::<u64>().ok());
        let own = u64::try_from(sys::own_pid()).unwrap_or(0);
        let is_ours = number("WATCHDOG_PID").is_none_or(|pid| pid == own);
        let watchdog = number("WATCHDOG_USEC").filter(|time| is_ours && *time > 0).map(Duration::from_micros);
        match socket {
            Ok(socket) => Self { socket: Some(socket), watchdog },
            Err(error) => {
                let (name, why) = (name.escape_debug(), sys::strerror(&error));
                log::warn!("sd_notify is disabled: NOTIFY_SOCKET is `{name}`: {why}");
                Self::default()
            }
        }
    }

    /// Sends it lines of `NAME=VALUE`. A failure has no consequence.
    pub fn notify(&self, lines: &str) {
        if let Some((socket, address)) = &self.socket {
            drop(socket.send_to_addr(lines.as_bytes(), address));
        }
    }
}

/// The metrics of the current state. `interval` is the time between two sweeps; `profile_is_valid` whether the profile
/// on disk could be read.
#[must_use]
pub(super) fn metrics(state: &WatchState, profiles: &[String], interval: Duration, profile_is_valid: bool) -> String {
    let samples: Vec<Sample<'_>> = state
        .settings
        .iter()
        .map(|setting| {
            let (holds, found) = (setting.holds(), setting.found.as_ref().ok());
            let given_up = setting.backoff.is_given_up() && !holds;
            let history = History { drifts: setting.drifts, repairs: setting.repairs, given_up };
            Sample { requirement: &setting.requirement, found, holds, history: Some(history) }
        })
        .collect();
    let swept = state.swept.map_or(0, unix_seconds);
    prometheus::exposition(&samples, profiles, Some(Daemon { swept, interval, profile_is_valid }))
}
