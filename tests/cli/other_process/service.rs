//! The process that is visited.
#![allow(unsafe_code, reason = "the standard library has no listen(2) of its own")]

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::fd::AsRawFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::support::kernel::put;

/// Set in a process that is somebody else's service.
const SERVICE: &str = "TUNECTL_TEST_SERVICE";
pub(crate) const OWN: [&str; 3] = ["--net", "--ipc", "--uts"];

/// A service in namespaces of its own, which listens on port 8080 and under an abstract name, unix(7).
pub(crate) struct Service {
    pub(crate) child: Child,
    pub(crate) said: BufReader<ChildStdout>,
}

impl Service {
    /// `unshare` are the options of unshare(1), `user` who runs it.
    pub(crate) fn start(unshare: &[&str], user: Option<u32>) -> Result<Self, String> {
        let mut command = Command::new("unshare");
        if let Some(user) = user {
            command.uid(user).gid(user);
        }
        command.args(unshare).arg(env::current_exe().unwrap());
        let (_, module) = module_path!().split_once("::").unwrap();
        let name = format!("{module}::a_service");
        command.args(["--exact", &name, "--nocapture", "--test-threads=1"]).env(SERVICE, "1");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| error.to_string())?;
        let said = BufReader::new(child.stdout.take().unwrap());
        let mut service = Self { child, said };
        if service.waits() {
            return Ok(service);
        }
        let mut why = String::new();
        drop(io::Read::read_to_string(&mut service.child.stderr.take().unwrap(), &mut why));
        Err(why.trim().to_owned())
    }

    /// Whether it has come to where it listens.
    fn waits(&mut self) -> bool {
        let mut line = String::new();
        while self.said.read_line(&mut line).unwrap() > 0 {
            if line.contains("listening") {
                return true;
            }
            line.clear();
        }
        false
    }

    /// Has it call listen(2) once more, for as long a queue as there may be.
    pub(crate) fn listen_again(&mut self) {
        self.child.stdin.as_mut().unwrap().write_all(b"again\n").unwrap();
        assert!(self.waits());
    }

    pub(crate) fn pid(&self) -> String {
        self.child.id().to_string()
    }

    /// What stands in a key of its namespaces, read by other programs.
    pub(crate) fn sysctl(&self, path: &str) -> String {
        let read = Command::new("nsenter")
            .args(["--target", &self.pid(), "--net", "--ipc", "--uts", "cat"])
            .arg(format!("/proc/sys/{path}"))
            .output()
            .unwrap();
        assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
        String::from_utf8(read.stdout).unwrap().trim().to_owned()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What the service does; a test that does nothing in any other process.
#[test]
fn a_service() {
    if env::var_os(SERVICE).is_none() {
        return;
    }
    put("net/core/somaxconn", "64");
    let socket = TcpListener::bind("0.0.0.0:8080").unwrap();
    let name = SocketAddr::from_abstract_name("the\u{1b}service").unwrap();
    let local = UnixListener::bind_addr(&name).unwrap();
    let mut lines = io::stdin().lines();
    loop {
        // Not `println!`, which the harness may keep.
        io::stdout().write_all(b"\nlistening\n").unwrap();
        io::stdout().flush().unwrap();
        if lines.next().is_none() {
            return;
        }
        for socket in [socket.as_raw_fd(), local.as_raw_fd()] {
            // SAFETY: listen(2) takes two numbers, and the first is that of an open socket.
            assert_eq!(unsafe { libc::listen(socket, 65_535) }, 0);
        }
    }
}
