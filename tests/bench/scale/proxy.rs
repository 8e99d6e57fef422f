//! Between console and API server: passes bytes on and counts the requests.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// Ends a request's first line, and occurs nowhere else in what a reader sends.
const MARK: &[u8] = b" HTTP/1.1\r\n";

pub struct Proxy {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
}

impl Proxy {
    pub fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let requests = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&requests);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(upstream) = TcpStream::connect(server) else { return };
                let counter = Arc::clone(&counter);
                let (from, to) = (client.try_clone().expect("a socket"), upstream.try_clone().expect("a socket"));
                thread::spawn(move || {
                    pass(from, to, |bytes| {
                        counter.fetch_add(count(bytes), Ordering::Relaxed);
                    });
                });
                thread::spawn(move || pass(upstream, client, |_| {}));
            }
        });
        Self { address, requests }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }
}

fn count(bytes: &[u8]) -> usize {
    bytes.windows(MARK.len()).filter(|w| *w == MARK).count()
}

fn pass(mut from: TcpStream, mut to: TcpStream, seen: impl Fn(&[u8])) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(n) = from.read(&mut buffer) {
        if n == 0 {
            break;
        }
        seen(&buffer[..n]);
        if to.write_all(&buffer[..n]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
