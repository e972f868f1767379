//! The warnings of [`super::lint`] by their codes, each with what `tunectl explain CODE` says of it.

/// A kind of warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Its code, `W001`.
    pub code: &'static str,
    /// What it is about, in a few words.
    pub title: &'static str,
    /// What it means and what to do, as one paragraph.
    pub explanation: &'static str,
}

/// All of them, in the order of their codes.
pub const WARNINGS: [Warning; 6] = [
    Warning {
        code: "W001",
        title: "a range of local ports that takes in what services listen on",
        explanation: "The kernel picks the port of an outgoing connection from net.ipv4.ip_local_port_range. Where a \
            service listens on a port of that range, an outgoing connection may have it first, and the service's next \
            start fails with \"address already in use\", for as long as the connection lasts and 60 s more. Name the \
            service's ports (`ports = [8080]` in `[service]`, or `--port 8080`): tunectl reserves them, and does not \
            widen the range without.",
    },
    Warning {
        code: "W002",
        title: "both ends of the port range are odd, or both even",
        explanation: "Linux gives ports of one parity to connect(2) first and keeps the other for bind(2). With both \
            ends of one parity the number of ports is odd: the kernel logs \"prefer different parity for start/end \
            values\" and connect(2) never takes the last one. 1024 to 65535 is right, 1024 to 65000 is not.",
    },
    Warning {
        code: "W003",
        title: "a sysctl that is not known, and looks much like one that is",
        explanation: "The name is not in tunectl's catalog, and differs from one in it by a few letters or by its \
            separators. It may still exist: what decides is the file beneath /proc/sys, and a name that is not there \
            makes the profile fall short.",
    },
    Warning {
        code: "W004",
        title: "a sysctl that kernels no longer have",
        explanation: "Guides live longer than settings. The file does not exist on kernels since the version named, so \
            a profile that requires it falls short there. Leave it out, or write what took its place.",
    },
    Warning {
        code: "W005",
        title: "a setting that does not do what many guides say",
        explanation: "net.ipv4.tcp_fin_timeout bounds FIN-WAIT-2 of connections that no process holds. TIME-WAIT lasts \
            60 s whatever it is set to: that is a constant of the kernel (TCP_TIMEWAIT_LEN). What lets more \
            connections be opened in a second is net.ipv4.tcp_tw_reuse, a wider range of local ports, or keeping \
            connections open.",
    },
    Warning {
        code: "W006",
        title: "more open files than some programs can stand",
        explanation: "Programs that close every descriptor they could have, one by one, need 278 s for 1073741816 of \
            them (xinetd, old Python, rpm, sudo), and some allocate a table of that size (haproxy, java, uwsgi). Ask \
            for what the service needs, and bound it: `nofile = { at_least = 65536, at_most = 1048576 }`.",
    },
];

/// Finds a kind of warning by its code, in either case.
#[must_use]
pub fn warning(code: &str) -> Option<&'static Warning> {
    WARNINGS.iter().find(|warning| warning.code.eq_ignore_ascii_case(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_that_lint_has_is_explained_and_no_other() {
        let source = include_str!("lint.rs");
        let mut codes: Vec<&str> = source
            .match_indices("\"W")
            .map(|(at, _)| &source[at + 1..at + 5])
            .filter(|code| code[1..].bytes().all(|byte| byte.is_ascii_digit()))
            .collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(WARNINGS.map(|warning| warning.code).to_vec(), codes);
        assert!(
            WARNINGS.iter().all(|warning| warning.explanation.ends_with('.') && !warning.explanation.contains("  "))
        );
        assert_eq!(warning("w002").map(|warning| warning.code), Some("W002"));
    }
}
