//! Sockets as `sock_diag(7)` tells of them: the request for those of a family in some states, and the parser of the reply
//! (`include/uapi/linux/inet_diag.h`, `unix_diag.h`). Ports and addresses are in network byte order.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::netlink::{Connection, attributes, list_request, u32_at, u64_at};

/// The message type of request and reply.
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
const AF_UNIX: u8 = 1;
const IPPROTO_TCP: u8 = 6;
const IPPROTO_UDP: u8 = 17;
/// Sizes in bytes of `struct inet_diag_req_v2`, `unix_diag_req`, `inet_diag_msg` and `unix_diag_msg`.
const INET_REQUEST: usize = 56;
const UNIX_REQUEST: usize = 24;
const INET_MESSAGE: usize = 72;
const UNIX_MESSAGE: usize = 16;
/// `UDIAG_SHOW_NAME | UDIAG_SHOW_RQLEN`: the attributes that are asked for, and `UNIX_DIAG_NAME` and `UNIX_DIAG_RQLEN`.
const SHOW_NAME_AND_QUEUE: u32 = 0x11;
const UNIX_DIAG_NAME: u16 = 0;
const UNIX_DIAG_RQLEN: u16 = 4;
/// Attributes of the reply for inet sockets. A request asks for attribute N by bit N - 1.
const INET_DIAG_INFO: u16 = 2;
const INET_DIAG_SKMEMINFO: u16 = 7;

/// The state of a TCP socket (`include/net/tcp_states.h`). Of UDP, those with a peer are established and the others closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketState(pub u8);

impl SocketState {
    /// `TCP_ESTABLISHED`: a connection is open.
    pub const ESTABLISHED: Self = Self(1);
    /// `TCP_TIME_WAIT`: closed, and its port is held for a minute.
    pub const TIME_WAIT: Self = Self(6);
    /// `TCP_CLOSE`: without a connection; of UDP, unconnected.
    pub const CLOSE: Self = Self(7);
    /// `TCP_LISTEN`: waits for connections.
    pub const LISTEN: Self = Self(10);
}

/// Which sockets are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketFamily {
    /// TCP over IPv4.
    Tcp4,
    /// TCP over IPv6, and over IPv4 through sockets of IPv6.
    Tcp6,
    /// UDP over IPv4.
    Udp4,
    /// UDP over IPv6.
    Udp6,
}

/// What else is asked for of each socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SocketDetails {
    /// Its buffers and what it dropped.
    pub memory: bool,
    /// What it waited for, of TCP.
    pub timing: bool,
}

/// A socket of TCP or UDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InetSocket {
    /// Its state, tcp(7).
    pub state: SocketState,
    /// Its own address.
    pub local: SocketAddr,
    /// Its peer's; zeros where it has none.
    pub remote: SocketAddr,
    /// Bytes that wait to be read; of a listener the connections that wait to be accepted.
    pub receive_queue: u32,
    /// Bytes that the peer has not acknowledged; of a listener how many connections may wait.
    pub send_queue: u32,
    /// Its inode number, by which its process is found; 0 where no process has it open.
    pub inode: u32,
    /// Its memory, where that was asked for.
    pub memory: Option<SocketMemory>,
    /// What it waited for, where that was asked for.
    pub timing: Option<TcpTiming>,
}

/// The memory of a socket: `SK_MEMINFO_*`, `include/uapi/linux/sock_diag.h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketMemory {
    /// Bytes in use for receiving, as the kernel accounts them.
    pub receive_used: u32,
    /// The receive buffer, in bytes.
    pub receive_buffer: u32,
    /// Packets that it dropped since it was opened.
    pub drops: u32,
}

/// What a TCP socket waited for, in microseconds: `struct tcp_info`, since Linux 4.9.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpTiming {
    /// Time with data to send.
    pub busy: u64,
    /// Time of that in which the peer's window was closed.
    pub window_limited: u64,
    /// Time of that in which its own send buffer was too small.
    pub buffer_limited: u64,
}

/// A listening socket of unix(7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnixSocket {
    /// A path, or with `@` an abstract name. Empty where it has none.
    pub name: String,
    /// How many connections wait to be accepted.
    pub waiting: u32,
    /// How many may wait.
    pub backlog: u32,
    /// Its inode number.
    pub inode: u32,
}

/// Hands every socket of TCP or UDP that is in one of `states` to `take`.
///
/// # Errors
/// The kernel was built without this (`ENOENT`), or did not answer.
pub fn inet_sockets(
    connection: &mut Connection,
    family: SocketFamily,
    states: &[SocketState],
    details: SocketDetails,
    take: &mut dyn FnMut(InetSocket),
) -> io::Result<()> {
    connection.list(&inet_request(family, states, details), &mut |kind, payload| {
        if kind == SOCK_DIAG_BY_FAMILY {
            inet_socket(payload).into_iter().for_each(&mut *take);
        }
    })
}

/// Hands every listening socket of unix(7) to `take`.
///
/// # Errors
/// As [`inet_sockets`]; its module may be missing where that for TCP is there.
pub fn unix_listeners(connection: &mut Connection, take: &mut dyn FnMut(UnixSocket)) -> io::Result<()> {
    connection.list(&unix_request(), &mut |kind, payload| {
        if kind == SOCK_DIAG_BY_FAMILY {
            unix_socket(payload).into_iter().for_each(&mut *take);
        }
    })
}

fn inet_request(family: SocketFamily, states: &[SocketState], details: SocketDetails) -> Vec<u8> {
    let mut request = [0; INET_REQUEST];
    let (family, protocol) = match family {
        SocketFamily::Tcp4 => (AF_INET, IPPROTO_TCP),
        SocketFamily::Tcp6 => (AF_INET6, IPPROTO_TCP),
        SocketFamily::Udp4 => (AF_INET, IPPROTO_UDP),
        SocketFamily::Udp6 => (AF_INET6, IPPROTO_UDP),
    };
    let bit = |asked: bool, attribute: u16| if asked { 1 << (attribute - 1) } else { 0 };
    let extensions = bit(details.memory, INET_DIAG_SKMEMINFO) | bit(details.timing, INET_DIAG_INFO);
    (request[0], request[1], request[2]) = (family, protocol, extensions);
    let states: u32 = states.iter().map(|state| 1 << state.0).sum();
    request[4..8].copy_from_slice(&states.to_ne_bytes());
    list_request(SOCK_DIAG_BY_FAMILY, &request)
}

fn unix_request() -> Vec<u8> {
    let mut request = [0; UNIX_REQUEST];
    request[0] = AF_UNIX;
    request[4..8].copy_from_slice(&(1_u32 << SocketState::LISTEN.0).to_ne_bytes());
    request[12..16].copy_from_slice(&SHOW_NAME_AND_QUEUE.to_ne_bytes());
    list_request(SOCK_DIAG_BY_FAMILY, &request)
}

/// `struct inet_diag_msg`, and attributes behind it.
fn inet_socket(message: &[u8]) -> Option<InetSocket> {
    let end = |port: usize, address: usize| {
        let port = u16::from_be_bytes(message.get(port..port + 2)?.try_into().ok()?);
        let bytes: [u8; 16] = message.get(address..address + 16)?.try_into().ok()?;
        let ip = match message[0] {
            AF_INET => IpAddr::V4(Ipv4Addr::new(bytes[0], bytes[1], bytes[2], bytes[3])),
            AF_INET6 => IpAddr::V6(Ipv6Addr::from(bytes)),
            _ => return None,
        };
        Some(SocketAddr::new(ip, port))
    };
    let mut socket = InetSocket {
        state: SocketState(*message.get(1)?),
        local: end(4, 8)?,
        remote: end(6, 24)?,
        receive_queue: u32_at(message, 56)?,
        send_queue: u32_at(message, 60)?,
        inode: u32_at(message, 68)?,
        memory: None,
        timing: None,
    };
    for (kind, value) in attributes(message.get(INET_MESSAGE..)?) {
        match kind {
            INET_DIAG_SKMEMINFO => socket.memory = memory(value),
            INET_DIAG_INFO => socket.timing = timing(value),
            _ => {}
        }
    }
    Some(socket)
}

/// `SK_MEMINFO_RMEM_ALLOC`, `SK_MEMINFO_RCVBUF` and `SK_MEMINFO_DROPS`.
fn memory(value: &[u8]) -> Option<SocketMemory> {
    Some(SocketMemory { receive_used: u32_at(value, 0)?, receive_buffer: u32_at(value, 4)?, drops: u32_at(value, 32)? })
}

/// `tcpi_busy_time`, `tcpi_rwnd_limited` and `tcpi_sndbuf_limited`. Older kernels send a shorter structure.
fn timing(value: &[u8]) -> Option<TcpTiming> {
    Some(TcpTiming {
        busy: u64_at(value, 168)?,
        window_limited: u64_at(value, 176)?,
        buffer_limited: u64_at(value, 184)?,
    })
}

/// `struct unix_diag_msg`, and attributes behind it.
fn unix_socket(message: &[u8]) -> Option<UnixSocket> {
    let (mut name, mut queue) = (String::new(), None);
    for (kind, value) in attributes(message.get(UNIX_MESSAGE..)?) {
        match kind {
            // Of abstract ones the first byte is 0, and others may follow.
            UNIX_DIAG_NAME => name = String::from_utf8_lossy(value).trim_end_matches('\0').replace('\0', "@"),
            UNIX_DIAG_RQLEN => queue = u32_at(value, 0).zip(u32_at(value, 4)),
            _ => {}
        }
    }
    let (waiting, backlog) = queue?;
    Some(UnixSocket { name, waiting, backlog, inode: u32_at(message, 4)? })
}

#[cfg(test)]
mod tests {
    use super::super::netlink::attribute;
    use super::*;

    fn inet(family: u8, address: &[u8], port: u16, queues: (u32, u32)) -> Vec<u8> {
        let mut payload = vec![0; INET_MESSAGE];
        (payload[0], payload[1]) = (family, SocketState::LISTEN.0);
        payload[4..6].copy_from_slice(&port.to_be_bytes());
        payload[8..8 + address.len()].copy_from_slice(address);
        payload[56..60].copy_from_slice(&queues.0.to_ne_bytes());
        payload[60..64].copy_from_slice(&queues.1.to_ne_bytes());
        payload[68..72].copy_from_slice(&77_u32.to_ne_bytes());
        payload
    }

    #[test]
    fn sockets_of_both_versions_of_ip() {
        let v4 = inet_socket(&inet(AF_INET, &[127, 0, 0, 1], 8080, (3, 128))).unwrap();
        assert_eq!((v4.local.to_string().as_str(), v4.receive_queue, v4.send_queue), ("127.0.0.1:8080", 3, 128));
        assert_eq!((v4.state, v4.inode, v4.memory, v4.timing), (SocketState::LISTEN, 77, None, None));
        let v6 = inet_socket(&inet(AF_INET6, &[0; 16], 443, (0, 4096))).unwrap();
        assert_eq!(v6.local.to_string(), "[::]:443");
        assert_eq!(inet_socket(&inet(3, &[], 0, (0, 0))), None, "a family of its own");
    }

    #[test]
    fn memory_and_timing_are_attributes() {
        let numbers: Vec<u8> = (1..=9_u32).flat_map(u32::to_ne_bytes).collect();
        let mut info = vec![0; 192];
        for (at, number) in [(168, 1000_u64), (176, 200), (184, 30)] {
            info[at..at + 8].copy_from_slice(&number.to_ne_bytes());
        }
        let whole = [inet(AF_INET, &[], 1, (0, 0)), attribute(7, &numbers), attribute(2, &info)].concat();
        let socket = inet_socket(&whole).unwrap();
        assert_eq!(socket.memory, Some(SocketMemory { receive_used: 1, receive_buffer: 2, drops: 9 }));
        assert_eq!(socket.timing, Some(TcpTiming { busy: 1000, window_limited: 200, buffer_limited: 30 }));
        let older = [inet(AF_INET, &[], 1, (0, 0)), attribute(2, &info[..160])].concat();
        assert_eq!(inet_socket(&older).unwrap().timing, None);
    }

    #[test]
    fn what_is_asked_for() {
        let details = SocketDetails { memory: true, timing: true };
        let request = inet_request(SocketFamily::Udp6, &[SocketState::ESTABLISHED, SocketState::CLOSE], details);
        assert_eq!(request.len(), 16 + INET_REQUEST);
        assert_eq!(request[16..19], [AF_INET6, IPPROTO_UDP, 0x42]);
        assert_eq!(u32_at(&request, 20), Some(1 << 1 | 1 << 7));
    }

    fn unix(name: &[u8], queue: (u32, u32)) -> Vec<u8> {
        let mut payload = vec![AF_UNIX, 1, SocketState::LISTEN.0, 0];
        payload.extend(78_u32.to_ne_bytes());
        payload.resize(UNIX_MESSAGE, 0);
        let queue = [queue.0.to_ne_bytes(), queue.1.to_ne_bytes()].concat();
        [payload, attribute(UNIX_DIAG_NAME, name), attribute(UNIX_DIAG_RQLEN, &queue), attribute(6, &[0])].concat()
    }

    #[test]
    fn sockets_with_a_name_instead_of_a_port() {
        for (name, shown) in [(&b"/run/a.sock\0"[..], "/run/a.sock"), (b"\0abstract", "@abstract"), (b"", "")] {
            let socket = unix_socket(&unix(name, (3, 128))).unwrap();
            assert_eq!((socket.name.as_str(), socket.waiting, socket.backlog, socket.inode), (shown, 3, 128, 78));
        }
    }

    #[test]
    fn what_is_cut_short_is_left_out() {
        let whole = inet(AF_INET, &[127, 0, 0, 1], 8080, (3, 128));
        for length in 0..whole.len() {
            assert_eq!(inet_socket(&whole[..length]), None, "{length}");
        }
        let whole = unix(b"/run/a\0", (1, 2));
        for length in 0..36 {
            assert_eq!(unix_socket(&whole[..length]), None, "{length}");
        }
    }
}
