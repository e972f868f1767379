//! Listeners of every kind that have a queue.
#![allow(unsafe_code, reason = "the standard library makes no sockets of these kinds")]

use std::mem::size_of_val;
use std::os::fd::{FromRawFd, OwnedFd};

use serde_json::{Value, json};

use crate::support::namespaces::{inside, this_test};
use crate::support::test::Test;

/// A socket that listens at an address, with so long a queue; nothing where the kernel has no such protocol.
fn listening<A>(family: i32, kind: i32, protocol: i32, address: &A, length: usize, queue: i32) -> Option<OwnedFd> {
    // SAFETY: takes numbers.
    let socket = unsafe { libc::socket(family, kind | libc::SOCK_CLOEXEC, protocol) };
    if socket < 0 {
        return None;
    }
    // SAFETY: it was just made, and nobody else has it.
    let owned = unsafe { OwnedFd::from_raw_fd(socket) };
    let length = libc::socklen_t::try_from(length).unwrap();
    // SAFETY: the address outlives the call, and `length` of its bytes are there.
    assert_eq!(unsafe { libc::bind(socket, std::ptr::from_ref(address).cast(), length) }, 0);
    // SAFETY: takes numbers.
    assert_eq!(unsafe { libc::listen(socket, queue) }, 0);
    Some(owned)
}

fn inet(port: u16) -> libc::sockaddr_in {
    // SAFETY: of zeroes this is "any address".
    let mut address: libc::sockaddr_in = unsafe { std::mem::zeroed() };
    address.sin_family = libc::AF_INET.try_into().unwrap();
    address.sin_port = port.to_be();
    address
}

fn inet6(port: u16) -> libc::sockaddr_in6 {
    // SAFETY: of zeroes this is "any address".
    let mut address: libc::sockaddr_in6 = unsafe { std::mem::zeroed() };
    address.sin6_family = libc::AF_INET6.try_into().unwrap();
    address.sin6_port = port.to_be();
    address
}

fn local(name: &str) -> (libc::sockaddr_un, usize) {
    // SAFETY: of zeroes this is an empty name.
    let mut address: libc::sockaddr_un = unsafe { std::mem::zeroed() };
    address.sun_family = libc::AF_UNIX.try_into().unwrap();
    for (place, byte) in address.sun_path[1..].iter_mut().zip(name.bytes()) {
        *place = byte.try_into().unwrap();
    }
    (address, size_of_val(&address.sun_family) + 1 + name.len())
}

#[test]
fn listeners_of_every_socket_kind_are_listed() {
    inside(this_test!(), || {
        let address = inet6(9001);
        let newer = listening(libc::AF_INET6, libc::SOCK_STREAM, 0, &address, size_of_val(&address), 9);
        let (address, length) = local("packets");
        let packets = listening(libc::AF_UNIX, libc::SOCK_SEQPACKET, 0, &address, length, 5).unwrap();
        let address = inet(9002);
        let many = listening(libc::AF_INET, libc::SOCK_STREAM, 262, &address, size_of_val(&address), 7);
        let pid = std::process::id();
        let arguments = ["check", "--set", "net.core.somaxconn=4096", "--format", "json", "--pid", &pid.to_string()];
        let ran = Test::new(arguments).stdout_is_anything().run();
        let found = serde_json::from_str::<Value>(&ran.stdout).unwrap()["listeners"].clone();
        let seen = |address: &str| {
            let one = found.as_array().unwrap().iter().find(|one| one["address"] == address);
            let one = one.unwrap_or_else(|| panic!("{address}: {found}"));
            assert_eq!((&one["process"]["pid"], &one["allowed"]), (&json!(pid), &json!(4096)), "{one}");
            (one["family"].clone(), one["port"].clone(), one["backlog"].as_u64().unwrap())
        };
        // Where it was not turned off when the machine was booted.
        if newer.is_some() {
            assert_eq!(seen("::"), (json!("tcp"), json!(9001), 9));
        }
        assert_eq!(seen("@packets"), (json!("unix"), Value::Null, 5));
        // MPTCP, since Linux 5.6 where it is built in: what the kernel lists is the first of its TCP sockets.
        if many.is_some() {
            assert_eq!(seen("0.0.0.0"), (json!("tcp"), json!(9002), 7));
        }
        drop((newer, packets, many));
    });
}
