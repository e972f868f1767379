//! A service and a load tester for the tests of `bench`: the one as slow, and with as short queues, as it is told, the
//! other with as many connections. Arguments are `name=number`.
#![allow(unsafe_code, reason = "listen(2) with a length, and socket options, have no safe form in std")]
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::exit, reason = "it is a program for tests")]
#![allow(clippy::expect_used, reason = "it ends where it can't go on")]

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str, otherwise: u64| {
        let found = words.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        found.map_or(otherwise, |text| text.parse().expect("a number"))
    };
    let nofile = number("nofile", 0);
    if nofile > 0 {
        let (_, hard) = rlimit::Resource::NOFILE.get().expect("getrlimit");
        rlimit::Resource::NOFILE.set(nofile, hard).expect("setrlimit");
    }
    let path = words.iter().find_map(|word| word.strip_prefix("path="));
    match (words.first().map(String::as_str), path) {
        (Some("serve"), None) => serve(&number),
        (Some("serve"), Some(path)) => serve_unix(path, &number),
        (Some("load"), None) => load(&number),
        (Some("load"), Some(path)) => load_unix(path, &number),
        (Some("sink"), _) => sink(&number),
        (Some("burst"), _) => burst(&number),
        (Some("pull"), _) => pull(&number),
        (Some("hold"), _) => hold(&number),
        (Some("flood"), _) => flood(&number),
        (Some("eat"), _) => eat(&number),
        _ => std::process::exit(98),
    }
}

/// The value of an argument, or another one.
type Numbers<'a> = &'a dyn Fn(&str, u64) -> u64;

fn milliseconds(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn listen_again(fd: i32, backlog: u64) {
    // SAFETY: listen(2) takes two numbers and checks both.
    let done = unsafe { libc::listen(fd, i32::try_from(backlog).expect("a length")) };
    assert_eq!(done, 0, "{}", io::Error::last_os_error());
}

fn set_buffer(fd: i32, option: i32, bytes: u64) {
    let bytes = libc::c_int::try_from(bytes).expect("a size");
    let size = libc::socklen_t::try_from(size_of_val(&bytes)).expect("four");
    // SAFETY: the value is an int, which this option takes, and outlives the call.
    let done = unsafe { libc::setsockopt(fd, libc::SOL_SOCKET, option, (&raw const bytes).cast(), size) };
    assert_eq!(done, 0, "{}", io::Error::last_os_error());
}

/// A process that was killed holds its port until the kernel has taken it apart, which takes a while on a busy machine.
fn bind(address: (&str, u16)) -> TcpListener {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        match TcpListener::bind(address) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && Instant::now() < until => {
                thread::sleep(milliseconds(5));
            }
            bound => return bound.expect("bind"),
        }
    }
}

/// The CPU time that this thread has used.
fn thread_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the structure is ours and outlives the call (clock_gettime(2)).
    let done = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    assert_eq!(done, 0, "{}", io::Error::last_os_error());
    let nanoseconds = u32::try_from(time.tv_nsec).expect("below 10^9");
    Duration::new(u64::try_from(time.tv_sec).expect("not negative"), nanoseconds)
}

/// Answers each line with another, a thread a connection. `accept` is how long it waits before each accept(2), `spin`
/// how much CPU time it uses before each answer, `delay` how long it sleeps, in milliseconds; an answer has `send` KiB.
fn serve(number: Numbers<'_>) {
    let port = u16::try_from(number("port", 8080)).expect("a port");
    let address = if number("any", 0) == 1 { "0.0.0.0" } else { "127.0.0.1" };
    let listener = bind((address, port));
    listen_again(listener.as_raw_fd(), number("backlog", 4096));
    // A listener beside it that nobody accepts from.
    let beside = number("beside", 0);
    let other = (beside > 0).then(|| TcpListener::bind(("127.0.0.1", port + 1)).expect("bind"));
    if let Some(other) = &other {
        listen_again(other.as_raw_fd(), beside);
    }
    let (pause, spin, delay) = (number("accept", 0), number("spin", 0), number("delay", 0));
    let answer = Arc::new(vec![b'x'; usize::try_from(number("send", 0) * 1024).expect("a size")]);
    loop {
        if pause > 0 {
            thread::sleep(milliseconds(pause));
        }
        let Ok((stream, _)) = listener.accept() else {
            thread::sleep(milliseconds(10));
            continue;
        };
        let answer = Arc::clone(&answer);
        if spin > 0 {
            // All in one thread.
            answer_lines(stream, spin, delay, &answer);
        } else {
            let started =
                thread::Builder::new().stack_size(64 << 10).spawn(move || answer_lines(stream, 0, delay, &answer));
            drop(started);
        }
    }
}

fn answer_lines(mut stream: TcpStream, spin: u64, delay: u64, answer: &[u8]) {
    let mut byte = [0; 64];
    while matches!(stream.read(&mut byte), Ok(count) if count > 0) {
        let until = thread_time() + milliseconds(spin);
        while spin > 0 && thread_time() < until {}
        thread::sleep(milliseconds(delay));
        if stream.write_all(answer).and_then(|()| stream.write_all(b"ok\n")).is_err() {
            return;
        }
    }
}

fn serve_unix(path: &str, number: Numbers<'_>) {
    let listener = UnixListener::bind(path).expect("bind");
    listen_again(listener.as_raw_fd(), number("backlog", 128));
    loop {
        thread::sleep(milliseconds(number("accept", 0)));
        if let Ok((mut stream, _)) = listener.accept() {
            drop(stream.write_all(b"ok\n"));
        }
    }
}

/// What the load tester counts.
#[derive(Default)]
struct Counts {
    requests: AtomicU64,
    connect: AtomicU64,
    read: AtomicU64,
}

/// Each of so many threads sends `requests` lines, on one connection or with `keep=0` each on its own, and waits for the
/// answers, for at most `patience` milliseconds; then for `pause` before the next, and for `hold` at the end.
fn load(number: Numbers<'_>) {
    let port = u16::try_from(number("port", 8080)).expect("a port");
    let (requests, keep, patience) = (number("requests", 1), number("keep", 1), number("patience", 4000));
    let (hold, pause) = (number("hold", 0), number("pause", 0));
    run(number("connections", 1), move |counts, report| {
        let mut kept: Option<TcpStream> = None;
        for _ in 0..requests {
            let stream = kept.take().map_or_else(|| TcpStream::connect(("127.0.0.1", port)), Ok);
            let mut stream = match stream {
                Ok(stream) => stream,
                Err(error) => {
                    counts.connect.fetch_add(1, Ordering::Relaxed);
                    report(&error);
                    continue;
                }
            };
            drop(stream.set_read_timeout(Some(milliseconds(patience))));
            let mut answer = [0; 4096];
            match stream.write_all(b"hello\n").and_then(|()| stream.read(&mut answer)) {
                Ok(1..) => drop(counts.requests.fetch_add(1, Ordering::Relaxed)),
                Ok(0) => drop(counts.read.fetch_add(1, Ordering::Relaxed)),
                Err(error) => {
                    counts.read.fetch_add(1, Ordering::Relaxed);
                    // A time limit of our own is no error of the system's.
                    if error.kind() != ErrorKind::WouldBlock {
                        report(&error);
                    }
                }
            }
            if keep == 1 {
                kept = Some(stream);
            }
            thread::sleep(milliseconds(pause));
        }
        thread::sleep(milliseconds(hold));
    });
}

fn load_unix(path: &str, number: Numbers<'_>) {
    let (path, requests) = (path.to_owned(), number("requests", 1));
    run(number("connections", 1), move |counts, report| {
        for _ in 0..requests {
            let mut answer = String::new();
            match UnixStream::connect(&path).and_then(|mut stream| stream.read_to_string(&mut answer)) {
                Ok(_) => drop(counts.requests.fetch_add(1, Ordering::Relaxed)),
                Err(error) => {
                    counts.connect.fetch_add(1, Ordering::Relaxed);
                    report(&error);
                }
            }
        }
    });
}

/// Runs so many threads, and prints what they counted as a script of wrk would.
fn run(threads: u64, each: impl Fn(&Counts, &dyn Fn(&io::Error)) + Send + Sync + 'static) {
    let (counts, said, each) = (Arc::new(Counts::default()), Arc::new(Mutex::new(Vec::new())), Arc::new(each));
    let started = Instant::now();
    let start = |_| {
        let (counts, said, each) = (Arc::clone(&counts), Arc::clone(&said), Arc::clone(&each));
        let work = move || {
            each(&counts, &|error| {
                let mut said: std::sync::MutexGuard<'_, Vec<String>> = said.lock().expect("not poisoned");
                let text = error.to_string();
                if !said.contains(&text) {
                    said.push(text);
                }
            });
        };
        thread::Builder::new().stack_size(64 << 10).spawn(work)
    };
    let threads: Vec<_> = (0..threads).map(start).collect();
    for thread in threads.into_iter().flatten() {
        drop(thread.join());
    }
    for text in said.lock().expect("not poisoned").iter() {
        eprintln!("{text}");
    }
    let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
    println!(
        "{{\"requests\":{},\"duration_us\":{},\"connect\":{},\"read\":{},\"write\":0,\"status\":0,\"timeout\":0}}",
        count(&counts.requests),
        started.elapsed().as_micros(),
        count(&counts.connect),
        count(&counts.read)
    );
}

/// Takes datagrams, and waits `delay` microseconds for each; with a receive buffer of `buffer` bytes.
fn sink(number: Numbers<'_>) {
    let socket = UdpSocket::bind(("127.0.0.1", u16::try_from(number("port", 9000)).expect("a port"))).expect("bind");
    if number("buffer", 0) > 0 {
        set_buffer(socket.as_raw_fd(), libc::SO_RCVBUF, number("buffer", 0));
    }
    let mut datagram = [0; 2048];
    loop {
        drop(socket.recv(&mut datagram));
        thread::sleep(Duration::from_micros(number("delay", 0)));
    }
}

/// Sends datagrams, `pause` microseconds apart.
fn burst(number: Numbers<'_>) {
    let socket = UdpSocket::bind("0.0.0.0:0").expect("bind");
    let [a, b, c, d] = u32::try_from(number("to", 0x7f00_0001)).expect("an address").to_be_bytes();
    let to = (std::net::Ipv4Addr::new(a, b, c, d), u16::try_from(number("port", 9000)).expect("a port"));
    for _ in 0..number("count", 1000) {
        drop(socket.send_to(&[0; 1000], to));
        if number("pause", 0) > 0 {
            thread::sleep(Duration::from_micros(number("pause", 0)));
        }
    }
    println!("sent {}", number("count", 1000));
}

/// Reads one long answer, and waits `delay` microseconds after each read.
fn pull(number: Numbers<'_>) {
    let port = u16::try_from(number("port", 8080)).expect("a port");
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("connect");
    let (mut buffer, mut bytes) = (vec![0; 64 << 10], 0_usize);
    let until = Instant::now() + milliseconds(number("time", 1500));
    while Instant::now() < until {
        stream.write_all(b"more\n").expect("write");
        let mut left = usize::try_from(number("send", 1024) * 1024).expect("a size") + 3;
        while left > 0 && Instant::now() < until {
            let count = stream.read(&mut buffer).expect("read");
            assert!(count > 0, "it was closed");
            left -= count.min(left);
            bytes += count;
            thread::sleep(Duration::from_micros(number("delay", 0)));
        }
    }
    drop(stream.shutdown(Shutdown::Both));
    println!("bytes {bytes}");
}

/// Holds a connection whose local port is `local`, to a listener of its own.
fn hold(number: Numbers<'_>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    let to = listener.local_addr().expect("an address");
    let local = u16::try_from(number("local", 41_000)).expect("a port");
    // The range holds this port alone.
    std::fs::write("/proc/sys/net/ipv4/ip_local_port_range", format!("{local} {local}")).expect("the range");
    let stream = TcpStream::connect(to).expect("connect");
    std::fs::write("/proc/sys/net/ipv4/ip_local_port_range", "32768 60999").expect("the range");
    let accepted = listener.accept().expect("accept");
    println!("held {}", stream.local_addr().expect("an address").port());
    thread::sleep(Duration::from_secs(60));
    drop(accepted);
}

/// Puts connection requests on the interface with the number `interface`, for `10.1.0.1` and `port`, each from another
/// address of 10.2.0.0/16, where nobody answers: they stay half open. Goes on for `time` milliseconds.
#[cfg(target_os = "linux")]
fn flood(number: Numbers<'_>) {
    let port = u16::try_from(number("port", 8080)).expect("a port");
    let index = libc::c_int::try_from(number("interface", 3)).expect("an interface");
    let protocol = u16::try_from(libc::ETH_P_IP).expect("two bytes");
    // SAFETY: socket(2) takes three numbers and checks them.
    let fd = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_DGRAM, libc::c_int::from(protocol.to_be())) };
    assert!(fd >= 0, "{}", io::Error::last_os_error());
    // SAFETY: a `sockaddr_ll` of zeros is a valid value of that plain C structure.
    let mut to: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    (to.sll_family, to.sll_protocol, to.sll_ifindex) =
        (u16::try_from(libc::AF_PACKET).expect("two bytes"), protocol.to_be(), index);
    // Broadcast: whoever has the address takes it.
    (to.sll_halen, to.sll_addr) = (6, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0]);
    if number("mac", 0) > 0 {
        to.sll_addr[..6].copy_from_slice(&number("mac", 0).to_be_bytes()[2..]);
    }
    let until = Instant::now() + milliseconds(number("time", 2000));
    let mut from = 0_u16;
    while Instant::now() < until {
        from = from.wrapping_add(1);
        let packet = connection_request([10, 1, 0, 1], port, 20_000 + from % 40_000);
        let size = libc::socklen_t::try_from(size_of_val(&to)).expect("a size");
        // SAFETY: the packet and the address are ours, have these sizes and outlive the call.
        unsafe { libc::sendto(fd, packet.as_ptr().cast(), packet.len(), 0, (&raw const to).cast(), size) };
        thread::sleep(Duration::from_micros(number("pause", 500)));
    }
}

#[cfg(not(target_os = "linux"))]
fn flood(_: Numbers<'_>) {}

/// An IPv4 packet with a TCP segment that has SYN set, from 10.2.0.100 to 10.2.0.199.
#[cfg(target_os = "linux")]
fn connection_request(to: [u8; 4], port: u16, from_port: u16) -> Vec<u8> {
    let from = [10, 2, 0, 100 + u8::try_from(from_port % 100).expect("below 100")];
    let mut ip = [0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    ip[12..16].copy_from_slice(&from);
    ip[16..20].copy_from_slice(&to);
    let sum = checksum(&[&ip]);
    ip[10..12].copy_from_slice(&sum.to_be_bytes());
    let mut tcp = [0; 20];
    tcp[0..2].copy_from_slice(&from_port.to_be_bytes());
    tcp[2..4].copy_from_slice(&port.to_be_bytes());
    (tcp[12], tcp[13]) = (0x50, 0x02);
    tcp[14..16].copy_from_slice(&64_000_u16.to_be_bytes());
    let pseudo = [&from[..], &to, &[0, 6, 0, 20]].concat();
    let sum = checksum(&[&pseudo, &tcp]);
    tcp[16..18].copy_from_slice(&sum.to_be_bytes());
    [ip, tcp].concat()
}

#[cfg(target_os = "linux")]
fn checksum(parts: &[&[u8]]) -> u16 {
    let words = parts.iter().flat_map(|part| part.chunks(2));
    let sum: u32 = words.map(|pair| u32::from(u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]))).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    !u16::try_from((folded & 0xffff) + (folded >> 16)).expect("two bytes")
}

/// Takes `mib` MiB of memory, and then answers as [`serve`] does.
fn eat(number: Numbers<'_>) {
    let listener =
        TcpListener::bind(("127.0.0.1", u16::try_from(number("port", 8080)).expect("a port"))).expect("bind");
    let mut eaten = Vec::new();
    while let Ok((mut stream, _)) = listener.accept() {
        let mut byte = [0; 64];
        drop(stream.read(&mut byte));
        eaten.push(vec![1_u8; usize::try_from(number("kib", 1024) * 1024).expect("a size")]);
        drop(stream.write_all(b"ok\n"));
    }
}
