//! `listen COUNT FIRST_PORT` listens on so many TCP ports of 127.0.0.1, prints a line once it does, and does so until its
//! standard input ends.

use std::io::Read;
use std::net::TcpListener;

fn main() {
    let numbers: Vec<u16> = std::env::args().skip(1).map(|word| word.parse().unwrap()).collect();
    let [count, first] = numbers[..] else { panic!("expected two numbers") };
    let listeners: Vec<TcpListener> =
        (0..count).map(|at| TcpListener::bind(("127.0.0.1", first + at)).unwrap()).collect();
    println!("{} listen", listeners.len());
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}
