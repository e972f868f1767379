//! The warnings by their codes: what each is about, and why it is worth a warning. As data: `tunectl explain CODE`
//! and the README print it.

/// One kind of warning.
#[derive(Clone, Copy, Debug)]
pub struct Warning {
    /// As it stands in messages and in a profile's `[lint] allow`.
    pub code: &'static str,
    /// What it warns of, in one line.
    pub title: &'static str,
    /// Why, and what to do: whole sentences.
    pub explanation: &'static str,
}

/// Every kind, in the order of the codes.
pub const WARNINGS: [Warning; 20] = [
    Warning {
        code: "W001",
        title: "a range of local ports that takes in the ports of services",
        explanation: "An outgoing connection may get any port of the range, also one that a service here listens on; \
            the service's next start then fails with \"address already in use\", for as long as that connection lasts \
            and for 60 seconds of TIME-WAIT. With 2000 connections, port 8080 was lost in 4 of 60 trials. Name the \
            services' ports (`ports = [8080]` in `[service]`, or `--port 8080`): they are reserved, and never given out.",
    },
    Warning {
        code: "W002",
        title: "a range of local ports whose ends are both even or both odd",
        explanation: "connect() takes ports of the parity of the first one and bind() of the other, so the kernel wants \
            as many of each: it says so in its log (`ip_local_port_range: prefer different parity for start/end values`) \
            and never uses the last of an odd number of ports. Take one port more or less.",
    },
    Warning {
        code: "W003",
        title: "a sysctl that is not known, and nearly spelt like one that is",
        explanation: "A key that does not exist falls short on every machine. Not every key of every module is known to \
            tunectl, so this is no error; where the name is right, allow the warning.",
    },
    Warning {
        code: "W004",
        title: "a sysctl that kernels of today no longer have",
        explanation: "Guides outlive kernels. The key falls short on every newer kernel, and what it did is gone or done \
            by something else: the warning says by what. Leave it out, or mark it `required = false` where old kernels \
            are meant too.",
    },
    Warning {
        code: "W005",
        title: "a value of folklore: it does not do what guides say, or does harm",
        explanation: "Some settings are copied from guide to guide though the kernel never did with them what the guide \
            says: `tcp_fin_timeout` does not shorten TIME-WAIT, which is 60 seconds by a constant of the kernel. Each such \
            warning says what the setting does and what helps instead.",
    },
    Warning {
        code: "W006",
        title: "a limit of open files so high that old programs stand still",
        explanation: "Programs that close every possible descriptor one by one (old Python and Java, xinetd, sudo, rpm) \
            do so up to their soft limit: a fifth of a second for a million, nearly five minutes of full processor time \
            for the 1073741816 that some container engines give. Others (uwsgi, haproxy) reserve memory for each. Ask for \
            what the service needs: a soft limit of 65536 is enough for most, a hard one of 524288 for nearly all. \
            Programs that need more raise their soft limit to the hard one themselves.",
    },
    Warning {
        code: "W007",
        title: "a required sysctl that the oldest supported kernels lack",
        explanation: "On a kernel from before it came the profile falls short as a whole. Mark it `required = false`, so \
            that it is set where there is such a key, or allow the warning where all machines are new enough.",
    },
    Warning {
        code: "W008",
        title: "a wish that contradicts one of a profile that is extended",
        explanation: "The later wish wins and replaces the earlier one whole: no value is what both ask for, so what the \
            extended profile was written for is given up here. If that is meant, allow the warning.",
    },
    Warning {
        code: "W009",
        title: "a wish that an extended profile has already, word for word",
        explanation: "It changes nothing today, and keeps the old value on the day that the extended profile is changed. \
            Leave it out.",
    },
    Warning {
        code: "W010",
        title: "two sysctls of which each undoes the other",
        explanation: "Some settings are one thing by two names, in two units (`vm.dirty_ratio` and `vm.dirty_bytes`): \
            writing one sets the other to 0, so that one of the two always falls short. Others are one value by two names \
            (`net.ipv4.ip_forward` and `net.ipv4.conf.all.forwarding`). Keep one.",
    },
    Warning {
        code: "W011",
        title: "a limit of open files above fs.nr_open",
        explanation: "No process, not even root's, gets a hard limit above `fs.nr_open` (kernel/sys.c, do_prlimit): \
            1048576, where nobody has raised it. Ask for `fs.nr_open` in the same profile; it is set first. It belongs to \
            the whole machine, so a container can't do that.",
    },
    Warning {
        code: "W012",
        title: "required settings that no unprivileged container can be given from inside",
        explanation: "What belongs to the whole machine (`vm.*`, most of `kernel.*` and `fs.*`, /sys) can't be written from \
            inside a container, nor can a hard limit be raised above what the container engine gives. There the profile \
            falls short unless the host has been set up for it. Mark such a setting `required = false`, keep it in a \
            profile of its own for the host, or allow the warning in a profile that is only for hosts.",
    },
    Warning {
        code: "W013",
        title: "a value that can't be undone before the next boot",
        explanation: "The kernel takes it for good: neither tunectl nor root can put the former value back. `apply` \
            refuses it, before anything is changed, unless `--allow-irreversible` says that it is meant.",
    },
    Warning {
        code: "W014",
        title: "a sysctl that can only be read",
        explanation: "It reports something and takes no value: unless it is what is asked for already it falls short \
            everywhere.",
    },
    Warning {
        code: "W015",
        title: "an exact value, or an upper bound, below what kernels start with today",
        explanation: "It was an increase when the guide was written, and is a cut now: `somaxconn = 1024` was eight times \
            the default until Linux 5.4, and is a quarter of it since. Write `{ at_least = … }`, which never lowers.",
    },
    Warning {
        code: "W016",
        title: "ports of services that leave hardly any for outgoing connections",
        explanation: "`ports` are taken out of the range of local ports. Where fewer than a tenth of those are left, \
            connect() soon fails with \"cannot assign requested address\". Name what the service listens on, and no more.",
    },
    Warning {
        code: "W017",
        title: "a limit above the most that there is to limit",
        explanation: "Realtime priorities end at 99 (sched(7)), and a `nice` limit of 40 allows the nice value -20, the \
            lowest (getrlimit(2)). More is allowed and means no more; to raise a limit that far takes a right for nothing.",
    },
    Warning {
        code: "W018",
        title: "a soft limit so low that hardly a program runs",
        explanation: "The dynamic linker and the C library need descriptors, memory and a stack before a program's first \
            line: below that it ends with an error that names a library, or by SIGSEGV. Often the unit was mistaken: the \
            kernel counts bytes and seconds, `ulimit` of a shell KiB.",
    },
    Warning {
        code: "W019",
        title: "a setting written with letters that can't be seen",
        explanation: "Characters without width, or such as turn the writing direction (U+200B to U+200F, U+202A to U+202E, \
            U+2060 to U+206F, U+FEFF), come along when text is copied, and make a name or value another than the one \
            that is read. Type it anew.",
    },
    Warning {
        code: "W020",
        title: "local ports that begin below the first unprivileged one",
        explanation: "The kernel refuses a range of local ports that begins below `net.ipv4.ip_unprivileged_port_start`, \
            nor does it raise that above the begin of the range: one of the two always falls short.",
    },
];

/// The kind of this code, in upper or lower case.
#[must_use]
pub fn warning(code: &str) -> Option<&'static Warning> {
    WARNINGS.iter().find(|known| known.code.eq_ignore_ascii_case(code))
}

/// Why there is a warning of this code, and what to do.
#[must_use]
pub fn explanation(code: &str) -> Option<&'static str> {
    warning(code).map(|known| known.explanation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_counted_through_and_found() {
        for (number, code) in (1..).zip(WARNINGS) {
            assert_eq!(code.code, format!("W{number:03}"));
            assert!(code.explanation.ends_with('.') && !code.explanation.contains("  "), "{}", code.code);
            assert!(!code.title.ends_with('.'), "{}", code.code);
        }
        assert!(explanation("w012").is_some_and(|text| text.contains("container")));
        assert_eq!(explanation("W999"), None);
    }
}
