use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use fleetdeck::{
    cluster::{Door, Forward, logs::Target},
    fleet::Phase,
    index::Entry,
};
use rustix::process::{Pid, Signal, kill_process};

use crate::{conformance::world::World, logs::binary::end, served::Served};

fn ready(entry: &Entry) -> bool {
    entry.verdict.phase == Phase::Ready
}

/// One request over a connection of its own; the head of the answer.
async fn asked(address: SocketAddr, path: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    // A connection that is cut is an empty answer.
    _ = stream.read_to_string(&mut answer).await;
    answer.lines().next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn it_goes_on_with_the_pod_that_takes_the_others_place() {
    let world = World::simulator_at("forwarded", 20.0);
    let spec = world.spec("a");
    world.create(&spec).await;
    let mut watching = world.watch();
    let namespace = spec.namespace();
    watching.until(&namespace, "Ready", ready).await;
    let target = Target::of(watching.fleet.get(&namespace).unwrap()).unwrap();
    let mut forward = Forward::open(&world.cluster, target, Door::Gateway, None).await.unwrap();
    assert!(forward.address.ip().is_loopback() && forward.address.port() > 0);
    forward.sight(watching.fleet.get(&namespace));
    assert_eq!(asked(forward.address, "/healthz").await, "HTTP/1.1 200 OK");

    let old = watching.fleet.get(&namespace).unwrap().tenant.pod().unwrap().uid;
    world.cluster.delete_pod(&namespace, "openclaw-0", old).await.unwrap();
    watching.until(&namespace, "no pod", |e| e.tenant.pod().is_none_or(|p| p.uid != old || p.deleting.is_some())).await;
    forward.sight(watching.fleet.get(&namespace));
    // A connection that comes meanwhile waits for the next pod.
    let waiting = asked(forward.address, "/healthz");
    let next = async {
        watching.until(&namespace, "Ready", |e| ready(e) && e.tenant.pod().is_some_and(|p| p.uid != old)).await;
        forward.sight(watching.fleet.get(&namespace));
    };
    let (answer, ()) = tokio::join!(waiting, next);
    assert_eq!(answer, "HTTP/1.1 200 OK");
    assert_eq!(forward.traffic.borrow().all, 2);
}

#[tokio::test]
async fn what_nothing_listens_on_is_said_and_forgotten_with_the_next_answer() {
    let world = World::simulator_at("not listening", 20.0);
    world.rule("gone", "container = 'browser'\nfault = 'crash'\nafter-seconds = 1");
    let spec = world.spec("a");
    world.create(&spec).await;
    let mut watching = world.watch();
    let namespace = spec.namespace();
    let crashed = |e: &Entry| {
        let waits = |c: &fleetdeck::fleet::Container| c.trouble() == Some("CrashLoopBackOff");
        e.tenant.pod().and_then(|p| p.container("browser")).is_some_and(waits)
    };
    watching.until(&namespace, "a crash loop", crashed).await;
    let entry = watching.fleet.get(&namespace).unwrap();
    let mut forward = Forward::open(&world.cluster, Target::of(entry).unwrap(), Door::Browser, None).await.unwrap();
    forward.sight(Some(entry));
    assert_eq!(asked(forward.address, "/").await, "");
    let mut traffic = forward.traffic.clone();
    let seen = traffic.wait_for(|t| t.trouble.is_some()).await.unwrap().clone();
    assert_eq!(seen.trouble.as_deref(), Some("nothing listens on port 3000 in the pod"));
}

#[test]
fn the_verb_prints_an_address_that_answers_until_ctrl_c() {
    let served = Served::new("container = 'gateway'");
    let mut command = served.verb("forward", &["gateway"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("http://").and_then(|l| l.strip_suffix('/')).expect(&line).to_owned();
    assert!(address.starts_with("127.0.0.1:"), "{address}");
    let ask = |address: &str| {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        _ = stream.read_to_string(&mut answer);
        answer
    };
    assert!(ask(&address).starts_with("HTTP/1.1 200"), "{}", ask(&address));
    // The port is taken now, and another forward says so.
    let port = address.rsplit(':').next().unwrap().to_owned();
    let refused = served.verb("forward", &["browser", &port]).output().unwrap();
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("port {port} of 127.0.0.1 cannot be listened on")), "{said}");
    let read_only = served.verb("forward", &["gateway", "--read-only"]).output().unwrap();
    assert_eq!(read_only.status.code(), Some(3));
    let wrong = served.verb("forward", &["front"]).output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));

    signal(&child, Signal::INT);
    assert_eq!(end(&mut child), Some(130));
    let until = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(&address).is_ok() {
        assert!(Instant::now() < until, "the port is open still");
    }
    let journal = served.journal();
    assert_eq!(journal.len(), 2, "{journal:?}");
    assert_eq!((&journal[0]["visit"], &journal[0]["door"]), (&"forward-began".into(), &"gateway".into()));
    assert_eq!((&journal[1]["visit"], &journal[1]["connections"]), (&"forward-ended".into(), &1.into()));
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap(), signal).unwrap();
}

#[test]
fn whatever_signal_ends_it_its_end_is_written_down() {
    let served = Served::new("container = 'gateway'");
    for (number, code) in [(Signal::TERM, 143), (Signal::HUP, 129)] {
        let mut child = served.verb("forward", &["gateway"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        signal(&child, number);
        assert_eq!(end(&mut child), Some(code));
    }
    let visits: Vec<_> = served.journal().iter().map(|l| l["visit"].as_str().unwrap_or_default().to_owned()).collect();
    assert_eq!(visits, ["forward-began", "forward-ended", "forward-began", "forward-ended"]);
}
