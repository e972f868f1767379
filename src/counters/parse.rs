//! The shapes of the kernel's counter files. Everything is found by its name, never by its place in a line, unless the
//! file has no names.

use super::snapshot::{Reading, Unknown};

/// The numbers of a file by table and name.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Named<'a>(Vec<(&'a str, &'a str, &'a str)>);

impl<'a> Named<'a> {
    /// `net/netstat` and `net/snmp`: lines in pairs, `TcpExt: SyncookiesSent …` and `TcpExt: 0 …`.
    #[must_use]
    pub fn paired(text: &'a str) -> Self {
        let mut numbers = Vec::new();
        let mut lines = text.lines();
        while let (Some(names), Some(values)) = (lines.next(), lines.next()) {
            let (Some((table, names)), Some((same, values))) = (names.split_once(':'), values.split_once(':')) else {
                continue;
            };
            if table == same {
                numbers.extend(names.split_whitespace().zip(values.split_whitespace()).map(|(n, v)| (table, n, v)));
            }
        }
        Self(numbers)
    }

    /// `net/snmp6`, `cpu.stat`, `memory.events`, `/proc/vmstat`: `Udp6InDatagrams  0` a line.
    #[must_use]
    pub fn lines(text: &'a str) -> Self {
        let pair = |line: &'a str| {
            let mut words = line.split_whitespace();
            Some(("", words.next()?, words.next()?))
        };
        Self(text.lines().filter_map(pair).collect())
    }

    /// `net/sockstat`: `TCP: inuse 3 orphan 0 tw 1`.
    #[must_use]
    pub fn sockstat(text: &'a str) -> Self {
        let mut numbers = Vec::new();
        for (table, rest) in text.lines().filter_map(|line| line.split_once(':')) {
            let mut words = rest.split_whitespace();
            while let (Some(name), Some(value)) = (words.next(), words.next()) {
                numbers.push((table, name, value));
            }
        }
        Self(numbers)
    }

    /// A number by its table and name; for files without tables that is "".
    ///
    /// # Errors
    /// It is absent, or it is no number.
    pub fn get(&self, table: &str, name: &str) -> Reading {
        let found = self.0.iter().find(|(its_table, its_name, _)| *its_table == table && *its_name == name);
        found.ok_or(Unknown::Absent)?.2.parse().map_err(|_| Unknown::Malformed)
    }
}

/// A column of `net/stat/nf_conntrack` by its name, a number for each CPU. Hexadecimal.
///
/// # Errors
/// There is no such column, or it holds something else.
pub fn conntrack_column(text: &str, name: &str) -> Result<Vec<u64>, Unknown> {
    let mut lines = text.lines();
    let header = lines.next().ok_or(Unknown::Absent)?;
    let column = header.split_whitespace().position(|word| word == name).ok_or(Unknown::Absent)?;
    hexadecimal(lines, column)
}

/// A column of `net/softnet_stat` by its number from 0, a number for each CPU. Hexadecimal, without names.
///
/// # Errors
/// There is no such column, or it holds something else.
pub fn softnet_column(text: &str, column: usize) -> Result<Vec<u64>, Unknown> {
    hexadecimal(text.lines(), column)
}

fn hexadecimal<'a>(lines: impl Iterator<Item = &'a str>, column: usize) -> Result<Vec<u64>, Unknown> {
    let number = |line: &'a str| {
        let word = line.split_whitespace().nth(column).ok_or(Unknown::Absent)?;
        u64::from_str_radix(word, 16).map_err(|_| Unknown::Malformed)
    };
    let numbers: Vec<u64> = lines.map(number).collect::<Result<_, _>>()?;
    if numbers.is_empty() { Err(Unknown::Absent) } else { Ok(numbers) }
}

/// The total of a line of `/proc/pressure/*`, in microseconds: `some avg10=0.00 avg60=0.00 avg300=0.00 total=216363939`.
///
/// # Errors
/// There is no such line, or no total in it.
pub fn pressure(text: &str, line: &str) -> Reading {
    let rest = text.lines().find_map(|its| its.strip_prefix(line)?.strip_prefix(' ')).ok_or(Unknown::Absent)?;
    let total = rest.split(' ').find_map(|word| word.strip_prefix("total=")).ok_or(Unknown::Malformed)?;
    total.parse().map_err(|_| Unknown::Malformed)
}

/// The fields of the line `cpu` of `/proc/stat`, in ticks: user, nice, system, idle, iowait, irq, softirq, steal, guest,
/// `guest_nice`. The last two are counted in the first two as well.
///
/// # Errors
/// The line is not there, or holds something else.
pub fn cpu_time(text: &str) -> Result<Vec<u64>, Unknown> {
    let line = text.lines().find_map(|line| line.strip_prefix("cpu ")).ok_or(Unknown::Absent)?;
    line.split_whitespace().map(|word| word.parse().map_err(|_| Unknown::Malformed)).collect()
}

/// The first number of a file.
///
/// # Errors
/// There is none.
pub fn first_number(text: &str) -> Reading {
    text.split_whitespace().next().ok_or(Unknown::Malformed)?.parse().map_err(|_| Unknown::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_by_name() {
        let netstat = "TcpExt: SyncookiesSent ListenOverflows ListenDrops\nTcpExt: 3 589 594\n\
                       IpExt: InNoRoutes InOctets\nIpExt: 0 18446744073709551615\n";
        let numbers = Named::paired(netstat);
        assert_eq!(numbers.get("TcpExt", "ListenOverflows"), Ok(589));
        assert_eq!(numbers.get("IpExt", "InOctets"), Ok(u64::MAX));
        assert_eq!(numbers.get("TcpExt", "TCPReqQFullDrop"), Err(Unknown::Absent));
        assert_eq!(numbers.get("IpExt", "ListenDrops"), Err(Unknown::Absent));
        let snmp = "Tcp: RtoMax MaxConn ActiveOpens\nTcp: 120000 -1 77\n";
        assert_eq!(Named::paired(snmp).get("Tcp", "MaxConn"), Err(Unknown::Malformed), "-1 stands for no limit");
        assert_eq!(Named::paired(snmp).get("Tcp", "ActiveOpens"), Ok(77));
        let sockstat = "sockets: used 34\nTCP: inuse 3 orphan 0 tw 1 alloc 3 mem 74\nUDP: inuse 0 mem 0\n";
        assert_eq!(Named::sockstat(sockstat).get("TCP", "tw"), Ok(1));
        assert_eq!(Named::sockstat(sockstat).get("UDP", "mem"), Ok(0));
        let stat = "nr_periods 40\nnr_throttled 39\nthrottled_usec 3100000\n";
        assert_eq!(Named::lines(stat).get("", "nr_throttled"), Ok(39));
    }

    #[test]
    fn what_is_cut_short_or_strange_is_unknown() {
        for text in ["", "\n", "TcpExt", "TcpExt: ListenDrops", "TcpExt: ListenDrops\n", "A: x\nB: 1\n", ": \n: 5"] {
            assert_eq!(Named::paired(text).get("TcpExt", "ListenDrops"), Err(Unknown::Absent), "{text:?}");
        }
        assert_eq!(Named::paired("A: x y\nA: 1").get("A", "y"), Err(Unknown::Absent));
        assert_eq!(Named::lines("nr_periods\nnr_throttled many\n").get("", "nr_throttled"), Err(Unknown::Malformed));
        assert_eq!(Named::sockstat("TCP: inuse\n").get("TCP", "inuse"), Err(Unknown::Absent));
        assert_eq!(pressure("some avg10=0.00 total=x\n", "some"), Err(Unknown::Malformed));
        assert_eq!(pressure("somewhat total=4\n", "some"), Err(Unknown::Absent));
        assert_eq!(cpu_time("cpu0 1 2 3\n"), Err(Unknown::Absent));
        assert_eq!(first_number(""), Err(Unknown::Malformed));
    }

    /// The header of 6.18, and one of before 5.x in another order.
    #[test]
    fn columns_of_conntrack_are_found_by_the_header() {
        let new = "entries  clashres found insert_failed drop early_drop\n\
                   00040000  00000000 00000000 00000000 00000003 0000000a\n\
                   00040000  00000000 00000000 00000000 00000001 00000000\n";
        assert_eq!(conntrack_column(new, "entries"), Ok(vec![262_144, 262_144]));
        assert_eq!(conntrack_column(new, "drop"), Ok(vec![3, 1]));
        let old = "entries  searched found early_drop drop\n00000010  00000000 00000000 00000001 00000002\n";
        assert_eq!(conntrack_column(old, "drop"), Ok(vec![2]));
        assert_eq!(conntrack_column(old, "clashres"), Err(Unknown::Absent));
        assert_eq!(conntrack_column("entries drop\n00000001\n", "drop"), Err(Unknown::Absent), "a line cut short");
        assert_eq!(conntrack_column("entries drop\n1 zz\n", "drop"), Err(Unknown::Malformed));
        assert_eq!(conntrack_column("entries drop\n", "drop"), Err(Unknown::Absent), "no CPU");
        let softnet = "000b25e4 00000000 00000002\n00015ad8 00000007 00000000\n";
        assert_eq!(softnet_column(softnet, 1), Ok(vec![0, 7]));
        assert_eq!(softnet_column(softnet, 12), Err(Unknown::Absent));
    }

    #[test]
    fn pressure_and_cpu_time() {
        let text = "some avg10=49.53 avg60=42.88 avg300=25.22 total=216363939\n\
                    full avg10=0.00 avg60=0.00 avg300=0.00 total=12\n";
        assert_eq!(pressure(text, "some"), Ok(216_363_939));
        assert_eq!(pressure(text, "full"), Ok(12));
        let stat = "cpu  104569 0 43211 100272 1083 0 444 151 0 0\ncpu0 1 2 3\n";
        assert_eq!(cpu_time(stat).map(|fields| fields[7]), Ok(151));
        assert_eq!(first_number("1241\t0\t2466177\n"), Ok(1241));
    }
}
