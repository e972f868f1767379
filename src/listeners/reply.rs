//! The question for all TCP sockets that listen, and its answer, as bytes: `sock_diag(7)`, netlink(7),
//! `include/uapi/linux/inet_diag.h`. Numbers are in the machine's own order, ports and addresses in the network's.
#![forbid(unsafe_code)]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::Listener;

/// Room for the longest part of an answer (`netlink_dump`, `net/netlink/af_netlink.c`).
pub(super) const LONGEST: usize = 32 << 10;
/// `AF_INET` and `AF_INET6`.
pub(super) const FAMILIES: [u8; 2] = [2, 10];

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
/// Lengths of `struct nlmsghdr` and of `struct inet_diag_req_v2` behind it.
const HEADER: usize = 16;
const QUESTION: usize = 56;

/// The request for all sockets of a family that listen.
pub(super) fn question(family: u8) -> [u8; HEADER + QUESTION] {
    let mut bytes = [0; HEADER + QUESTION];
    let length = u32::try_from(bytes.len()).unwrap_or(0);
    bytes[0..4].copy_from_slice(&length.to_ne_bytes());
    bytes[4..6].copy_from_slice(&BY_FAMILY.to_ne_bytes());
    bytes[6..8].copy_from_slice(&ALL.to_ne_bytes());
    bytes[HEADER] = family;
    bytes[HEADER + 1] = TCP;
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
    let port = u16::from_be_bytes(message.get(4..6)?.try_into().ok()?);
    let address: [u8; 16] = message.get(8..24)?.try_into().ok()?;
    let ip = match message.first()? {
        2 => IpAddr::V4(Ipv4Addr::new(address[0], address[1], address[2], address[3])),
        10 => IpAddr::V6(Ipv6Addr::from(address)),
        _ => return None,
    };
    Some(Listener {
        address: SocketAddr::new(ip, port),
        waiting: number(message, 56)?,
        backlog: number(message, 60)?,
        inode: number(message, 68)?,
        holder: None,
    })
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

    #[test]
    fn what_is_cut_short_or_strange_is_left_out() {
        let whole = message(BY_FAMILY, &socket(2, &[127, 0, 0, 1], 8080, 3, 128));
        for length in 1..whole.len() {
            assert_eq!(read(&whole[..length]), Ok(Answer::default()), "{length}");
        }
        assert!(read(&[]).unwrap().last, "nobody is there any more");
        assert_eq!(read(&[0; 64]), Ok(Answer::default()), "a message of no length");
        assert_eq!(read(&message(BY_FAMILY, &socket(1, &[], 0, 0, 0))), Ok(Answer::default()), "a family of its own");
    }
}
