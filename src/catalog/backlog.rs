//! How services set the length of their listen queue, the `backlog` of listen(2): one row a program.

use self::LinePart::{Address, Length, Text};

/// Where and how a program is told the length of its listen queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BacklogRow {
    /// The name of the process, as `/proc/PID/comm` has it.
    pub process: &'static str,
    /// The configuration file and the part of it, the command line, or the call.
    pub place: &'static str,
    /// What is written there.
    pub line: &'static [LinePart],
    /// What it puts before the path of a socket of unix(7) in place of an address.
    pub unix_prefix: &'static str,
}

/// A part of a configuration line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinePart {
    /// As it is.
    Text(&'static str),
    /// The address that the service listens on.
    Address,
    /// The length of the queue, in connections.
    Length,
}

const CALL: &str = "the call of listen()";

/// The rows, one a program.
static ROWS: &[BacklogRow] = &[
    BacklogRow {
        unix_prefix: "unix:",
        ..row("nginx", "nginx.conf", &[Text("listen "), Address, Text(" backlog="), Length, Text(";")])
    },
    row("redis-server", "redis.conf", &[Text("tcp-backlog "), Length]),
    row("valkey-server", "valkey.conf", &[Text("tcp-backlog "), Length]),
    row("haproxy", "haproxy.cfg", &[Text("bind "), Address, Text(" backlog "), Length]),
    row("memcached", "the command line", &[Text("-b "), Length]),
    row("apache2", "apache2.conf", &[Text("ListenBacklog "), Length]),
    row("httpd", "httpd.conf", &[Text("ListenBacklog "), Length]),
    row("named", "named.conf, options", &[Text("tcp-listen-queue "), Length, Text(";")]),
    row("mariadbd", "my.cnf, [mysqld]", &[Text("back_log = "), Length]),
    row("mysqld", "my.cnf, [mysqld]", &[Text("back_log = "), Length]),
    row("beam.smp", "rabbitmq.conf", &[Text("tcp_listen_options.backlog = "), Length]),
    row("gunicorn", "the command line", &[Text("--backlog "), Length]),
    row("uvicorn", "the command line", &[Text("--backlog "), Length]),
    row("php-fpm", "php-fpm.conf", &[Text("listen.backlog = "), Length]),
    row("node", CALL, &[Text("server.listen({ port, backlog: "), Length, Text(" })")]),
    // The name of its first thread from 22.13 on.
    row("node-MainThread", CALL, &[Text("server.listen({ port, backlog: "), Length, Text(" })")]),
    row(
        "python3",
        "the call of listen() (or request_queue_size of socketserver)",
        &[Text("socket.listen("), Length, Text(")")],
    ),
];

/// The row of a program that no row names: whatever its language, it calls listen(2).
static ANY: BacklogRow = row("", CALL, &[Text("listen(fd, "), Length, Text(")")]);

const fn row(process: &'static str, place: &'static str, line: &'static [LinePart]) -> BacklogRow {
    BacklogRow { process, place, line, unix_prefix: "" }
}

/// The row of a process by its name, which may have a version or a title behind the program's: `php-fpm8.2`,
/// `gunicorn: maste`.
#[must_use]
pub fn backlog(process: &str) -> &'static BacklogRow {
    let is_of = |row: &&BacklogRow| {
        let behind = process.strip_prefix(row.process).map(|behind| behind.chars().next());
        behind.is_some_and(|next| next.is_none_or(|next| next.is_ascii_digit() || matches!(next, '.' | ':' | ' ')))
    };
    ROWS.iter().find(is_of).unwrap_or(&ANY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_program_is_found_by_its_name() {
        for row in ROWS {
            assert_eq!(backlog(row.process), row);
            assert!(row.process.len() <= 15, "comm has at most 15 bytes: {}", row.process);
            assert_eq!(row.line.iter().filter(|part| **part == Length).count(), 1, "{}", row.process);
        }
        for (process, expected) in [
            ("php-fpm8.2", "php-fpm"),
            ("python3.12", "python3"),
            ("gunicorn: maste", "gunicorn"),
            ("node_exporter", ""),
            ("nodemon", ""),
            ("", ""),
            ("a.out", ""),
        ] {
            assert_eq!(backlog(process).process, expected, "{process}");
        }
    }
}
