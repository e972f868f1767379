//! A Mac: macOS 15 by the source of XNU (xnu-11417), where most of these keys are plain integers without any
//! check, and the rest clamp in silence.

use super::{Behaviour, Fake, limits};
use crate::model::setting::System;

/// `SYSCTL_INT`: whatever 32 bits hold, negative or not.
const INT: Behaviour = Behaviour::numbers(-(1 << 31), (1 << 31) - 1);

/// `RANGECHK` of `bsd/netinet/in_pcb.c`.
const PORT: Behaviour = Behaviour::clamped(1024, 65535);

pub(super) const KEYS: &[(&str, &str, Behaviour)] = &[
    ("kern.maxfiles", "122880", INT),
    ("kern.maxfilesperproc", "61440", INT),
    ("kern.maxproc", "4000", Behaviour::numbers(0, 4000)),
    ("kern.maxprocperuid", "2666", Behaviour::numbers(0, 4000)),
    ("kern.ipc.somaxconn", "128", INT),
    ("kern.ipc.maxsockbuf", "8388608", INT),
    ("net.inet.ip.portrange.first", "49152", PORT),
    ("net.inet.ip.portrange.last", "65535", PORT),
    ("net.inet.ip.portrange.hifirst", "49152", PORT),
    ("net.inet.ip.portrange.hilast", "65535", PORT),
    ("net.inet.ip.portrange.lowfirst", "1023", Behaviour::clamped(1, 1023)),
    ("net.inet.ip.portrange.lowlast", "600", Behaviour::clamped(1, 1023)),
    ("net.inet.tcp.msl", "15000", INT),
    ("net.inet.tcp.sendspace", "131072", INT),
    ("net.inet.tcp.recvspace", "131072", INT),
    ("hw.ncpu", "8", INT),
    ("hw.memsize", "17179869184", INT),
];

impl Fake {
    /// A Mac with the values of a fresh installation.
    #[must_use]
    pub fn macos() -> Self {
        let whole = Self::new(System::MacOs, limits::macos());
        let whole = KEYS.iter().fold(whole, |fake, (name, text, behaviour)| fake.with(name, text, *behaviour));
        whole.mode("hw.ncpu", 0o444).mode("hw.memsize", 0o444)
    }
}
