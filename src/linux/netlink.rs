//! Requests and replies of netlink(7): a request for a list, and its messages and their attributes. Numbers are in host
//! byte order.

use std::fs::File;
use std::io::{self, Read, Write};

use crate::sys::{self, Netlink};

/// Sizes in bytes of `struct nlmsghdr` and `struct nlattr`.
pub(super) const HEADER: usize = 16;
const ATTRIBUTE: usize = 4;
/// `NLM_F_REQUEST | NLM_F_DUMP`.
const NLM_F_REQUEST_DUMP: u16 = 0x301;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
/// The longest datagram of a reply, in bytes (`netlink_dump`, `net/netlink/af_netlink.c`).
const LONGEST_PART: usize = 32 << 10;

/// A connection to a part of the kernel. It belongs to the network namespace in which it was opened.
#[derive(Debug)]
pub struct Connection {
    socket: File,
    buffer: Vec<u8>,
}

impl Connection {
    /// Opens one in our network namespace.
    ///
    /// # Errors
    /// `EPROTONOSUPPORT` from a kernel that was built without this part; `EMFILE`; `ENOSYS` on another system.
    pub fn open(protocol: Netlink) -> io::Result<Self> {
        Ok(Self { socket: File::from(sys::netlink_socket(protocol)?), buffer: vec![0; LONGEST_PART] })
    }

    /// Asks for a list, and hands each message of the reply to `take`.
    ///
    /// # Errors
    /// What the kernel answered; then some messages may have been taken.
    pub(super) fn list(&mut self, request: &[u8], take: &mut dyn FnMut(u16, &[u8])) -> io::Result<()> {
        self.socket.write_all(request)?;
        loop {
            let length = self.socket.read(&mut self.buffer)?;
            let last = messages(self.buffer.get(..length).unwrap_or_default(), take);
            if last.map_err(io::Error::from_raw_os_error)? {
                return Ok(());
            }
        }
    }
}

/// A request for a list: the header, and behind it `payload`.
pub(super) fn list_request(kind: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; HEADER];
    let length = u32::try_from(HEADER + payload.len()).unwrap_or(0);
    bytes[0..4].copy_from_slice(&length.to_ne_bytes());
    bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
    bytes[6..8].copy_from_slice(&NLM_F_REQUEST_DUMP.to_ne_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// Hands each message of a datagram to `take`, by its type and what is behind its header, and says whether it was the
/// last datagram of the reply. Fails with the errno of an error message.
pub(super) fn messages(datagram: &[u8], take: &mut dyn FnMut(u16, &[u8])) -> Result<bool, i32> {
    let mut last = datagram.is_empty();
    let mut rest = datagram;
    while let Some(length) = u32_at(rest, 0).and_then(|length| usize::try_from(length).ok()) {
        let Some(message) = rest.get(..length).filter(|message| message.len() >= HEADER) else { break };
        let payload = &message[HEADER..];
        match u16_at(message, 4) {
            Some(NLMSG_DONE) => last = true,
            Some(NLMSG_ERROR) => {
                // A negative errno; 0 is an acknowledgement, which was not asked for.
                return Err(u32_at(payload, 0).map_or(0, |errno| -i32::from_ne_bytes(errno.to_ne_bytes())));
            }
            Some(kind) => take(kind, payload),
            None => {}
        }
        // Messages begin at multiples of four.
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(last)
}

/// The attributes in a part of a message: the type of each, and its value. Ends where one is cut short.
pub(super) fn attributes(bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let length = u16_at(rest, 0).map(usize::from).filter(|length| *length >= ATTRIBUTE)?;
        let (kind, value) = (u16_at(rest, 2)?, rest.get(ATTRIBUTE..length)?);
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    })
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_ne_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

/// A message as the kernel sends it, for tests.
#[cfg(test)]
pub(super) fn message(kind: u16, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(HEADER + payload.len()).unwrap();
    let mut bytes = [&length.to_ne_bytes()[..], &kind.to_ne_bytes(), &[0; 10], payload].concat();
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// An attribute as the kernel sends it, for tests.
#[cfg(test)]
pub(super) fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(ATTRIBUTE + value.len()).unwrap();
    let mut bytes = [&length.to_ne_bytes()[..], &kind.to_ne_bytes(), value].concat();
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(datagram: &[u8]) -> Result<(bool, Vec<u16>), i32> {
        let mut kinds = Vec::new();
        let last = messages(datagram, &mut |kind, _| kinds.push(kind))?;
        Ok((last, kinds))
    }

    #[test]
    fn messages_of_a_datagram() {
        let (one, done) = (message(20, &[1, 2, 3]), message(NLMSG_DONE, &[0; 4]));
        assert_eq!(taken(&[&one[..], &one].concat()), Ok((false, vec![20, 20])));
        assert_eq!(taken(&[&one[..], &done].concat()), Ok((true, vec![20])));
        assert_eq!(taken(&message(NLMSG_ERROR, &(-2_i32).to_ne_bytes())), Err(2));
        assert_eq!(taken(&[]), Ok((true, vec![])), "nobody is there any more");
        assert_eq!(taken(&[0; 64]), Ok((false, vec![])), "a message of no length");
        for length in 1..one.len() - 1 {
            assert_eq!(taken(&one[..length]), Ok((false, vec![])), "{length}");
        }
    }

    #[test]
    fn attributes_up_to_one_that_is_cut_short() {
        let bytes = [attribute(7, &[1]), attribute(8, &[2, 3, 4, 5])].concat();
        assert_eq!(attributes(&bytes).collect::<Vec<_>>(), [(7, &[1][..]), (8, &[2, 3, 4, 5])]);
        assert_eq!(attributes(&bytes[..10]).count(), 1);
        assert_eq!(attributes(&999_u16.to_ne_bytes()).count(), 0);
    }
}
