//! The question for all sockets that listen, and its answer, as bytes: `sock_diag(7)`, netlink(7),
//! `include/uapi/linux/inet_diag.h` and `unix_diag.h`. Numbers are in the machine's own order, ports and addresses in the network's.
#![forbid(unsafe_code)]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Address, Listener};

/// Room for the longest part of an answer (`netlink_dump`, `net/netlink/af_netlink.c`).
pub(super) const LONGEST: usize = 32 << 10;
/// `AF_UNIX`.
pub(super) const UNIX: u8 = 1;
/// `AF_INET`, `AF_INET6`, `AF_UNIX`.
pub(super) const FAMILIES: [u8; 3] = [2, 10, UNIX];

/// `SOCK_DIAG_BY_FAMILY`, which is also the type of what comes back.
const BY_FAMILY: u16 = 20;
/// `NLM_F_REQUEST | NLM_F_DUMP`.
const ALL: u16 = 0x301;
const TCP: u8 = 6;
/// One bit a state: `TCP_LISTEN` (`include/net/tcp_states.h`).
const LISTENING: u32 = 1 << 10;
/// `NLMSG_ERROR` and `NLMSG_DONE`.
const ERROR: u16 = 2;
const DONE: u16 = 3;
/// Lengths of `struct nlmsghdr`, and of `struct inet_diag_req_v2` or `unix_diag_req` behind it.
const HEADER: usize = 16;
const QUESTION: usize = 56;
const UNIX_QUESTION: usize = 24;
/// `UDIAG_SHOW_NAME | UDIAG_SHOW_RQLEN`: what is asked for, and attributes of the answer.
const NAME_AND_QUEUE: u8 = 0x11;
const NAME: u16 = 0;
const QUEUE: u16 = 4;

/// The request for all sockets of a family that listen.
pub(super) fn question(family: u8) -> Vec<u8> {
    let mut bytes = vec![0; HEADER + if family == UNIX { UNIX_QUESTION } else { QUESTION }];
    let length = u32::try_from(bytes.len()).unwrap_or(0);
    bytes[0..4].copy_from_slice(&length.to_ne_bytes());
    bytes[4..6].copy_from_slice(&BY_FAMILY.to_ne_bytes());
    bytes[6..8].copy_from_slice(&ALL.to_ne_bytes());
    bytes[HEADER] = family;
    if family == UNIX {
        // In the lowest byte of a number in the machine's own order.
        bytes[HEADER + 12..HEADER + 16].copy_from_slice(&u32::from(NAME_AND_QUEUE).to_ne_bytes());
    } else {
        bytes[HEADER + 1] = TCP;
    }
    bytes[HEADER + 4..HEADER + 8].copy_from_slice(&LISTENING.to_ne_bytes());
    bytes
}

/// A part of an answer.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) listeners: Vec<Listener>,
    /// Whether nothing comes after it.
    pub(super) last: bool,
}

/// Takes a part of an answer apart; what it does not understand it leaves out. Fails with the kernel's errno.
pub(super) fn read(bytes: &[u8]) -> Result<Answer, i32> {
    let mut answer = Answer { last: bytes.is_empty(), ..Answer::default() };
    let mut rest = bytes;
    while let Some(length) = number(rest, 0).and_then(|length| usize::try_from(length).ok()) {
        let Some(message) = rest.get(..length).filter(|message| message.len() >= HEADER) else { break };
        let payload = &message[HEADER..];
        match half(message, 4) {
            Some(DONE) => answer.last = true,
            Some(ERROR) => {
                // A negative errno; 0 would be an acknowledgement, which nobody asked for.
                let errno = number(payload, 0).map_or(0, |number| -i32::from_ne_bytes(number.to_ne_bytes()));
                return Err(errno);
            }
            Some(BY_FAMILY) => answer.listeners.extend(listener(payload)),
            _ => {}
        }
        // Messages begin at multiples of four.
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(answer)
}

/// `struct inet_diag_msg`. Of a listener, `idiag_rqueue` is how many connections wait and `idiag_wqueue` how many
/// may (`tcp_diag_get_info`, `net/ipv4/tcp_diag.c`).
fn listener(message: &[u8]) -> Option<Listener> {
    if *message.first()? == UNIX {
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
        address: Address::Tcp(port, ip),
        waiting: number(message, 56)?,
        backlog: number(message, 60)?,
        inode: number(message, 68)?,
        holder: None,
    })
}

/// `struct unix_diag_msg`, and attributes behind it: netlink(7), `struct nlattr`.
fn unix_listener(message: &[u8]) -> Option<Listener> {
    let (mut name, mut queue) = (String::new(), None);
    let mut rest = message.get(16..)?;
    while let Some(length) = half(rest, 0).map(usize::from).filter(|length| *length >= 4) {
        let value = rest.get(4..length)?;
        match half(rest, 2) {
            // Of abstract ones the first byte is 0, and others may follow.
            Some(NAME) => name = String::from_utf8_lossy(value).trim_end_matches('\0').replace('\0', "@"),
            Some(QUEUE) => queue = number(value, 0).zip(number(value, 4)),
            _ => {}
        }
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    let (waiting, backlog) = queue?;
    Some(Listener { address: Address::Unix(name), waiting, backlog, inode: number(message, 4)?, holder: None })
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
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
        let v4 = message(BY_FAMILY, &socket(2, &[127, 0, 0, 1], 8080, 3, 128));
        let v6 = message(BY_FAMILY, &socket(10, &[0; 16], 443, 0, 4096));
        let read = |parts: &[&[u8]]| super::read(&parts.concat());
        let answer = read(&[&v4, &v6]).unwrap();
        let said: Vec<String> =
            answer.listeners.iter().map(|l| format!("{} {} {}", l.address, l.waiting, l.backlog)).collect();
        assert_eq!(said, ["127.0.0.1:8080 3 128", "[::]:443 0 4096"]);
        assert_eq!((answer.last, answer.listeners[0].inode), (false, 77));
        assert!(read(&[&v4, &message(DONE, &[0; 4])]).unwrap().last);
        assert_eq!(read(&[&message(ERROR, &(-2_i32).to_ne_bytes())]), Err(2));
    }

    fn unix_socket(name: &[u8], waiting: u32, backlog: u32) -> Vec<u8> {
        let mut payload = vec![UNIX, 1, 10, 0];
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
            let answer = read(&message(BY_FAMILY, &unix_socket(name, 3, 128))).unwrap();
            let [listener] = answer.listeners.as_slice() else { panic!("{answer:?}") };
            assert_eq!(listener.address.to_string(), shown);
            assert_eq!((listener.waiting, listener.backlog, listener.inode), (3, 128, 78));
        }
    }

    #[test]
    fn what_is_cut_short_or_strange_is_left_out() {
        let whole = message(BY_FAMILY, &socket(2, &[127, 0, 0, 1], 8080, 3, 128));
        for length in 1..whole.len() {
            assert_eq!(read(&whole[..length]), Ok(Answer::default()), "{length}");
        }
        assert!(read(&[]).unwrap().last, "nobody is there any more");
        assert_eq!(read(&[0; 64]), Ok(Answer::default()), "a message of no length");
        assert_eq!(read(&message(BY_FAMILY, &socket(3, &[], 0, 0, 0))), Ok(Answer::default()), "a family of its own");
        let unix = message(BY_FAMILY, &unix_socket(b"/run/a\0", 1, 2));
        for length in 1..unix.len() {
            assert_eq!(read(&unix[..length]), Ok(Answer::default()), "{length}");
        }
        let mut cut = unix.clone();
        cut[HEADER + 16..HEADER + 18].copy_from_slice(&999_u16.to_ne_bytes());
        assert_eq!(read(&cut), Ok(Answer::default()), "an attribute that reaches beyond its message");
    }
}
