//! What the sockets of a network namespace tell: ports in use towards each destination, and what holds transfers up.
//! Listing all sockets costs 0.7 µs a socket, so both are asked for now and then only.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};

use crate::linux::netlink::Connection;
use crate::linux::sock_diag::{
    InetSocket, SocketDetails, SocketFamily, SocketMemory, SocketState, TcpTiming, inet_sockets,
};

/// Every state in which a TCP socket has a peer, from `TCP_ESTABLISHED` to `TCP_CLOSING`, but `TCP_CLOSE` and
/// `TCP_LISTEN`.
const CONNECTED: [SocketState; 9] = [
    SocketState(1),
    SocketState(2),
    SocketState(3),
    SocketState(4),
    SocketState(5),
    SocketState::TIME_WAIT,
    SocketState(8),
    SocketState(9),
    SocketState(11),
];

/// Local ports in use towards one destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortCount {
    /// In use, those in `TIME_WAIT` among them.
    pub used: u64,
    /// Sockets in `TIME_WAIT`.
    pub time_wait: u64,
}

/// The destination towards which most local ports are in use: each has the whole range for itself. With `port` only
/// destinations with that port count; connections that a listener of ours accepted, on one of `listening`, don't.
///
/// # Errors
/// What `sock_diag(7)` answers.
pub fn fullest_destination(
    connection: &mut Connection,
    port: Option<u16>,
    listening: &[u16],
) -> io::Result<Option<PortCount>> {
    let mut counts: BTreeMap<(IpAddr, SocketAddr), PortCount> = BTreeMap::new();
    for family in [SocketFamily::Tcp4, SocketFamily::Tcp6] {
        inet_sockets(connection, family, &CONNECTED, SocketDetails::default(), &mut |socket| {
            let ours = port.is_none_or(|port| socket.remote.port() == port);
            if ours && !listening.contains(&socket.local.port()) {
                count(&mut counts, &socket);
            }
        })?;
    }
    Ok(counts.into_values().max_by_key(|count| count.used))
}

fn count(counts: &mut BTreeMap<(IpAddr, SocketAddr), PortCount>, socket: &InetSocket) {
    let remote = SocketAddr::new(socket.remote.ip().to_canonical(), socket.remote.port());
    let count = counts.entry((socket.local.ip().to_canonical(), remote)).or_default();
    count.used += 1;
    count.time_wait += u64::from(socket.state == SocketState::TIME_WAIT);
}

/// Whether a socket that does not listen has this local port: then nobody else can listen on it.
///
/// # Errors
/// What `sock_diag(7)` answers.
pub fn is_port_held(connection: &mut Connection, port: u16) -> io::Result<bool> {
    let mut held = false;
    for family in [SocketFamily::Tcp4, SocketFamily::Tcp6] {
        inet_sockets(connection, family, &CONNECTED, SocketDetails::default(), &mut |socket| {
            // What nobody has open any more belonged to a service that has ended.
            held |= socket.local.port() == port && socket.inode != 0;
        })?;
    }
    Ok(held)
}

/// The receive buffer of a UDP socket, and what it dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UdpSocket {
    /// Its inode number.
    pub inode: u32,
    /// Datagrams that it dropped since it was opened.
    pub drops: u32,
    /// Its receive buffer, in bytes as the kernel accounts them.
    pub buffer: u32,
}

/// The UDP sockets with these inode numbers.
///
/// # Errors
/// What `sock_diag(7)` answers; the module for UDP may be missing.
pub fn udp_sockets(connection: &mut Connection, inodes: &[u32]) -> io::Result<Vec<UdpSocket>> {
    let mut sockets = Vec::new();
    let details = SocketDetails { memory: true, timing: false };
    for family in [SocketFamily::Udp4, SocketFamily::Udp6] {
        inet_sockets(connection, family, &[SocketState::ESTABLISHED, SocketState::CLOSE], details, &mut |socket| {
            let memory = socket.memory.filter(|_| inodes.contains(&socket.inode));
            sockets.extend(memory.map(|memory| UdpSocket {
                inode: socket.inode,
                drops: memory.drops,
                buffer: memory.receive_buffer,
            }));
        })?;
    }
    Ok(sockets)
}

/// One end of an established connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// Its own address and the peer's.
    pub ends: (SocketAddr, SocketAddr),
    /// The memory of its buffers.
    pub memory: Option<SocketMemory>,
    /// What it waited for since it was opened.
    pub timing: TcpTiming,
}

/// Both ends of the established connections of a namespace, or those to or from `port`.
///
/// # Errors
/// What `sock_diag(7)` answers.
pub fn flows(connection: &mut Connection, port: Option<u16>) -> io::Result<Vec<Flow>> {
    let mut flows = Vec::new();
    let details = SocketDetails { memory: true, timing: true };
    for family in [SocketFamily::Tcp4, SocketFamily::Tcp6] {
        inet_sockets(connection, family, &[SocketState::ESTABLISHED], details, &mut |socket| {
            let ours = port.is_none_or(|port| [socket.local.port(), socket.remote.port()].contains(&port));
            if let Some(timing) = socket.timing.filter(|_| ours) {
                flows.push(Flow { ends: (socket.local, socket.remote), memory: socket.memory, timing });
            }
        })?;
    }
    Ok(flows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn socket(local: &str, remote: &str, state: SocketState) -> InetSocket {
        InetSocket {
            state,
            local: local.parse().unwrap(),
            remote: remote.parse().unwrap(),
            receive_queue: 0,
            send_queue: 0,
            inode: 1,
            memory: None,
            timing: None,
        }
    }

    #[test]
    fn each_destination_is_counted_by_itself() {
        let mut counts = BTreeMap::new();
        for (local, remote, state) in [
            ("127.0.0.1:40000", "127.0.0.1:8080", SocketState::ESTABLISHED),
            ("127.0.0.1:40001", "127.0.0.1:8080", SocketState::TIME_WAIT),
            ("[::ffff:127.0.0.1]:40002", "[::ffff:127.0.0.1]:8080", SocketState::ESTABLISHED),
            ("127.0.0.1:40000", "127.0.0.1:8081", SocketState::ESTABLISHED),
            ("127.0.0.2:40000", "127.0.0.1:8080", SocketState::ESTABLISHED),
        ] {
            count(&mut counts, &socket(local, remote, state));
        }
        assert_eq!(counts.len(), 3);
        let fullest = counts.into_values().max_by_key(|count| count.used);
        assert_eq!(fullest, Some(PortCount { used: 3, time_wait: 1 }));
    }
}
