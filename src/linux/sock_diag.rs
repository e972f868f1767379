//! The messages of `sock_diag(7)` over netlink(7): the request for all listening sockets, and the parser of the reply
//! (`include/uapi/linux/inet_diag.h`, `unix_diag.h`). Numbers are in host byte order, ports and addresses in network
//! byte order.
#![forbid(unsafe_code)]

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::process::NamedProcess;

/// Where a socket listens; in the order in which they are shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ListenAddress {
    /// TCP, port and address.
    Tcp(u16, IpAddr),
    /// A path, or with `@` an abstract name, unix(7). Empty where it has none.
    Unix(String),
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(port, ip) => SocketAddr::new(*ip, *port).fmt(f),
            Self::Unix(name) => f.write_str(name),
        }
    }
}

/// A socket that listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// The address that it is bound to.
    pub address: ListenAddress,
    /// The most connections that its queue takes, as the kernel cut it at listen(2).
    pub backlog: u32,
    /// How many wait in it now.
    pub waiting: u32,
    /// A process that holds it, where one could be found in its network namespace.
    pub holder: Option<NamedProcess>,
    /// The inode number of the socket, by which its holder is found.
    pub inode: u32,
}

/// The longest datagram of a reply, in bytes (`netlink_dump`, `net/netlink/af_netlink.c`).
pub(super) const LONGEST_PART: usize = 32 << 10;
pub(super) const AF_UNIX: u8 = 1;
/// The address families that are asked for: `AF_INET`, `AF_INET6`, `AF_UNIX`.
pub(super) const FAMILIES: [u8; 3] = [2, 10, AF_UNIX];

/// The message type of request and reply.
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const NLM_F_REQUEST_DUMP: u16 = 0x301;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const IPPROTO_TCP: u8 = 6;
/// The bit of the state `TCP_LISTEN` (`include/net/tcp_states.h`).
const LISTENING: u32 = 1 << 10;
/// Sizes in bytes of `struct nlmsghdr`, and of `struct inet_diag_req_v2` and `unix_diag_req`, which follow it.
const HEADER: usize = 16;
const INET_REQUEST: usize = 56;
const UNIX_REQUEST: usize = 24;
/// `UDIAG_SHOW_NAME | UDIAG_SHOW_RQLEN`: the attributes that are asked for.
const SHOW_NAME_AND_QUEUE: u32 = 0x11;
/// `UNIX_DIAG_NAME` and `UNIX_DIAG_RQLEN`: the attributes of the reply.
const NAME: u16 = 0;
const QUEUE: u16 = 4;

/// The request for all sockets of a family that listen.
pub(super) fn request(family: u8) -> Vec<u8> {
    let mut bytes = vec![0; HEADER + if family == AF_UNIX { UNIX_REQUEST } else { INET_REQUEST }];
    let length = u32::try_from(bytes.len()).unwrap_or(0);
    bytes[0..4].copy_from_slice(&length.to_ne_bytes());
    bytes[4..6].copy_from_slice(&SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    bytes[6..8].copy_from_slice(&NLM_F_REQUEST_DUMP.to_ne_bytes());
    bytes[HEADER] = family;
    if family == AF_UNIX {
        bytes[HEADER + 12..HEADER + 16].copy_from_slice(&SHOW_NAME_AND_QUEUE.to_ne_bytes());
    } else {
        bytes[HEADER + 1] = IPPROTO_TCP;
    }
    bytes[HEADER + 4..HEADER + 8].copy_from_slice(&LISTENING.to_ne_bytes());
    bytes
}

/// One datagram of a reply.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ReplyPart {
    pub(super) listeners: Vec<Listener>,
    /// Whether it is the last one.
    pub(super) last: bool,
}

/// Parses one datagram of a reply. Messages of another form are left out. Fails with the errno of an error message.
pub(super) fn parse(bytes: &[u8]) -> Result<ReplyPart, i32> {
    let mut part = ReplyPart { last: bytes.is_empty(), ..ReplyPart::default() };
    let mut rest = bytes;
    while let Some(length) = u32_at(rest, 0).and_then(|length| usize::try_from(length).ok()) {
        let Some(message) = rest.get(..length).filter(|message| message.len() >= HEADER) else { break };
        let payload = &message[HEADER..];
        match u16_at(message, 4) {
            Some(NLMSG_DONE) => part.last = true,
            Some(NLMSG_ERROR) => {
                // A negative errno; 0 is an acknowledgement, which was not asked for.
                let errno = u32_at(payload, 0).map_or(0, |errno| -i32::from_ne_bytes(errno.to_ne_bytes()));
                return Err(errno);
            }
            Some(SOCK_DIAG_BY_FAMILY) => part.listeners.extend(inet_listener(payload)),
            _ => {}
        }
        // Messages begin at multiples of four.
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(part)
}

/// `struct inet_diag_msg`. Of a listener, `idiag_rqueue` is how many connections wait and `idiag_wqueue` how many
/// may (`tcp_diag_get_info`, `net/ipv4/tcp_diag.c`).
fn inet_listener(message: &[u8]) -> Option<Listener> {
    if *message.first()? == AF_UNIX {
        return unix_listener(message);
    }
    let port = u16::from_be_bytes(message.get(4..6)?.try_into().ok()?);
    let address: [u8; 16] = message.get(8..24)?.try_into().ok()?;
    let ip = match message.first()? {
        2 => IpAddr::V4(Ipv4Addr::new(address[0], address[1], address[2], address[3])),
        10 => IpAddr::V6(Ipv6Addr::from(address)),
        _ => return None,
    };
    Some(Listener {
        address: ListenAddress::Tcp(port, ip),
        waiting: u32_at(message, 56)?,
        backlog: u32_at(message, 60)?,
        inode: u32_at(message, 68)?,
        holder: None,
    })
}

/// `struct unix_diag_msg`, and attributes behind it: netlink(7), `struct nlattr`.
fn unix_listener(message: &[u8]) -> Option<Listener> {
    let (mut name, mut queue) = (String::new(), None);
    let mut rest = message.get(16..)?;
    while let Some(length) = u16_at(rest, 0).map(usize::from).filter(|length| *length >= 4) {
        let value = rest.get(4..length)?;
        match u16_at(rest, 2) {
            // Of abstract ones the first byte is 0, and others may follow.
            Some(NAME) => name = String::from_utf8_lossy(value).trim_end_matches('\0').replace('\0', "@"),
            Some(QUEUE) => queue = u32_at(value, 0).zip(u32_at(value, 4)),
            _ => {}
        }
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    let (waiting, backlog) = queue?;
    Some(Listener { address: ListenAddress::Unix(name), waiting, backlog, inode: u32_at(message, 4)?, holder: None })
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u16, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(HEADER + payload.len()).unwrap();
        let mut bytes = [&length.to_ne_bytes()[..], &kind.to_ne_bytes(), &[0; 10], payload].concat();
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn socket(family: u8, address: &[u8], port: u16, waiting: u32, backlog: u32) -> Vec<u8> {
        let mut payload = vec![0; 72];
        payload[0] = family;
        payload[1] = 10;
        payload[4..6].copy_from_slice(&port.to_be_bytes());
        payload[8..8 + address.len()].copy_from_slice(address);
        payload[56..60].copy_from_slice(&waiting.to_ne_bytes());
        payload[60..64].copy_from_slice(&backlog.to_ne_bytes());
        payload[68..72].copy_from_slice(&77_u32.to_ne_bytes());
        payload
    }

    #[test]
    fn a_part_of_an_answer() {
        let v4 = message(SOCK_DIAG_BY_FAMILY, &socket(2, &[127, 0, 0, 1], 8080, 3, 128));
        let v6 = message(SOCK_DIAG_BY_FAMILY, &socket(10, &[0; 16], 443, 0, 4096));
        let parse = |parts: &[&[u8]]| super::parse(&parts.concat());
        let answer = parse(&[&v4, &v6]).unwrap();
        let said: Vec<String> =
            answer.listeners.iter().map(|l| format!("{} {} {}", l.address, l.waiting, l.backlog)).collect();
        assert_eq!(said, ["127.0.0.1:8080 3 128", "[::]:443 0 4096"]);
        assert_eq!((answer.last, answer.listeners[0].inode), (false, 77));
        assert!(parse(&[&v4, &message(NLMSG_DONE, &[0; 4])]).unwrap().last);
        assert_eq!(parse(&[&message(NLMSG_ERROR, &(-2_i32).to_ne_bytes())]), Err(2));
    }

    fn unix_socket(name: &[u8], waiting: u32, backlog: u32) -> Vec<u8> {
        let mut payload = vec![AF_UNIX, 1, 10, 0];
        payload.extend(78_u32.to_ne_bytes());
        payload.resize(16, 0);
        let queue = [waiting.to_ne_bytes(), backlog.to_ne_bytes()].concat();
        for (kind, value) in [(NAME, name), (QUEUE, &queue), (6, &[0][..])] {
            payload.extend(u16::try_from(4 + value.len()).unwrap().to_ne_bytes());
            payload.extend(kind.to_ne_bytes());
            payload.extend(value);
            payload.resize(payload.len().next_multiple_of(4), 0);
        }
        payload
    }

    #[test]
    fn listeners_of_a_family_without_ports() {
        for (name, shown) in [(&b"/run/a.sock\0"[..], "/run/a.sock"), (b"\0abstract", "@abstract"), (b"", "")] {
            let answer = parse(&message(SOCK_DIAG_BY_FAMILY, &unix_socket(name, 3, 128))).unwrap();
            let [listener] = answer.listeners.as_slice() else { panic!("{answer:?}") };
            assert_eq!(listener.address.to_string(), shown);
            assert_eq!((listener.waiting, listener.backlog, listener.inode), (3, 128, 78));
        }
    }

    #[test]
    fn what_is_cut_short_or_strange_is_left_out() {
        let whole = message(SOCK_DIAG_BY_FAMILY, &socket(2, &[127, 0, 0, 1], 8080, 3, 128));
        for length in 1..whole.len() {
            assert_eq!(parse(&whole[..length]), Ok(ReplyPart::default()), "{length}");
        }
        assert!(parse(&[]).unwrap().last, "nobody is there any more");
        assert_eq!(parse(&[0; 64]), Ok(ReplyPart::default()), "a message of no length");
        assert_eq!(
            parse(&message(SOCK_DIAG_BY_FAMILY, &socket(3, &[], 0, 0, 0))),
            Ok(ReplyPart::default()),
            "a family of its own"
        );
        let unix = message(SOCK_DIAG_BY_FAMILY, &unix_socket(b"/run/a\0", 1, 2));
        for length in 1..unix.len() {
            assert_eq!(parse(&unix[..length]), Ok(ReplyPart::default()), "{length}");
        }
        let mut cut = unix.clone();
        cut[HEADER + 16..HEADER + 18].copy_from_slice(&999_u16.to_ne_bytes());
        assert_eq!(parse(&cut), Ok(ReplyPart::default()), "an attribute that reaches beyond its message");
    }
}
