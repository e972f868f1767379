//! What a service manager is told: `sd_notify(3)`, without its library.

use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use crate::sys;

/// The service manager, if there is one.
#[derive(Debug, Default)]
pub struct ServiceManager {
    socket: Option<(UnixDatagram, SocketAddr)>,
    /// It takes us for hung if it hears nothing for so long.
    pub patience: Option<Duration>,
}

impl ServiceManager {
    /// The one that the environment names in `NOTIFY_SOCKET`; the watchdog's time is in `WATCHDOG_USEC`, and it is
    /// ours unless `WATCHDOG_PID` is someone else's.
    #[must_use]
    pub fn new(variable: &dyn Fn(&str) -> Option<String>) -> Self {
        let Some(name) = variable("NOTIFY_SOCKET") else { return Self::default() };
        let socket = sys::socket_address(&name).and_then(|address| Ok((UnixDatagram::unbound()?, address)));
        let number = |name: &str| variable(name).and_then(|text| text.parse::<u64>().ok());
        let own = u64::try_from(sys::own_pid()).unwrap_or(0);
        let is_ours = number("WATCHDOG_PID").is_none_or(|pid| pid == own);
        let patience = number("WATCHDOG_USEC").filter(|time| is_ours && *time > 0).map(Duration::from_micros);
        match socket {
            Ok(socket) => Self { socket: Some(socket), patience },
            Err(error) => {
                let (name, why) = (name.escape_debug(), sys::reason(&error));
                log::warn!("the service manager is told nothing: NOTIFY_SOCKET is `{name}`: {why}");
                Self::default()
            }
        }
    }

    /// Tells it: lines of `NAME=VALUE`. Nothing comes of a failure.
    pub fn tell(&self, lines: &str) {
        if let Some((socket, address)) = &self.socket {
            drop(socket.send_to_addr(lines.as_bytes(), address));
        }
    }
}
