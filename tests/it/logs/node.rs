//! Tails, shells and forwards on a real kubelet: containers that print known sequences, end, and are made anew.

mod on_real_node {
    use std::{
        net::SocketAddr,
        process::{Command, Stdio},
        time::Duration,
    };

    use fleetdeck::{
        cluster::{Door, Exit, Forward, Mode, Room, logs::Target, logs::Wanted, shell::SHELLS},
        fleet::Phase,
        index::Entry,
    };
    use serde_json::{Value, json};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use crate::{
        conformance::world::World,
        controlplane::RealNode,
        logs::tailing::{Tailing, following},
    };

    const POD: &str = "openclaw-0";
    /// Lines of one life of the container.
    const LIFE: usize = 600;

    /// A tenant of another hand: its stage prints three lines, its gateway 600 and raw bytes, and ends with code 3.
    fn objects(id: &str) -> [Value; 2] {
        let namespace = format!("tenant-{id}");
        let labels = json!({"openclaw.ai/tenant": id, "openclaw.ai/tier": "pro"});
        let stage = "for n in 1 2 3; do echo \"seed-app: line $n\"; done";
        let gateway = format!(
            "printf '\\377\\233\\033]0;owned\\007\\033[2J raw bytes\\n'; n=0; while [ $n -lt {LIFE} ]; do n=$((n+1)); \
             echo \"gateway: tick $n of a known sequence\"; [ $((n % 20)) -ne 0 ] || sleep 0.2; done; exit 3"
        );
        let container = |name: &str, script: &str| json!({"name": name, "image": "busybox:1.36", "imagePullPolicy": "IfNotPresent", "command": ["sh", "-c", script]});
        [
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels}}),
            json!({
                "apiVersion": "apps/v1", "kind": "StatefulSet",
                "metadata": {"name": "openclaw", "namespace": namespace, "labels": labels},
                "spec": {
                    "replicas": 1,
                    "serviceName": "openclaw",
                    "selector": {"matchLabels": {"openclaw.ai/tenant": id}},
                    "template": {
                        "metadata": {"labels": labels},
                        "spec": {
                            "terminationGracePeriodSeconds": 1,
                            "initContainers": [container("seed-app", stage)],
                            "containers": [container("gateway", &gateway)],
                        },
                    },
                },
            }),
        ]
    }

    async fn made(world: &World, name: &str) -> String {
        let id = format!("{}-{}", world.spec(name).id, std::process::id());
        for object in objects(&id) {
            world.cluster.apply(&object, Mode::Live).await.unwrap();
        }
        format!("tenant-{id}")
    }

    fn pod(entry: Option<&Entry>) -> Option<&fleetdeck::fleet::Pod> {
        entry?.tenant.pod()
    }

    #[tokio::test]
    async fn a_known_sequence_comes_whole_through_restarts_and_a_new_pod() {
        let Some(node) = RealNode::from_env() else { return };
        let world = World::real(&node.kubeconfig_path()).await.apart("lives");
        let namespace = made(&world, "tail").await;
        let mut t = Tailing::on(world);
        t.until("a pod", |t| pod(t.fleet.get(&namespace)).is_some()).await;
        t.follow(following(), &namespace);
        // Stock kubectl beside it, as long as its container lives.
        let kubectl = crate::skip::kubectl("logs are not compared with it");
        let stock = |args: &[&str]| {
            kubectl.as_ref().map(|program| {
                let mut command = Command::new(program);
                command
                    .arg("--kubeconfig")
                    .arg(node.kubeconfig_path())
                    .args(["-n", &namespace, "logs", POD, "-c", "gateway"]);
                command.args(args).stdout(Stdio::piped());
                command
            })
        };
        let ticks = |lines: &[u8]| -> Vec<String> {
            String::from_utf8_lossy(lines).lines().filter(|l| l.contains("gateway: tick ")).map(str::to_owned).collect()
        };
        // However slow the machine: a life may be over before anybody has looked.
        let lives = |t: &Tailing| t.ticks("gateway").iter().filter(|n| **n == 1).count();
        t.until("a life", |t| t.ticks("gateway").last() > Some(&20)).await;
        if let Some(mut kubectl) = stock(&["-f", "--tail", "10"]) {
            let beside = tokio::task::spawn_blocking(move || kubectl.output().unwrap());
            t.until("the end of stock kubectl's tail", |_| beside.is_finished()).await;
            let theirs = ticks(&beside.await.unwrap().stdout);
            assert!(theirs.len() >= 9, "{theirs:?}");
            t.until("what stock kubectl showed", |t| t.of("gateway").windows(theirs.len()).any(|ours| ours == theirs))
                .await;
        }
        t.until("another life", |t| lives(t) >= 2 && t.ticks("gateway").last() > Some(&100)).await;
        let (before, old) = (lives(&t), pod(t.fleet.get(&namespace)).unwrap().uid);
        t.world.cluster.delete_pod(&namespace, POD, old).await.unwrap();
        let replaced = |t: &Tailing| t.said("").iter().any(|s| s.starts_with("pod replaced, same revision"));
        t.until("a life in the next pod", |t| {
            replaced(t) && lives(t) > before && t.ticks("gateway").last() > Some(&100)
        })
        .await;

        t.assert_whole("gateway");
        let ended = |n: &u64| *n == LIFE as u64;
        assert!(t.ticks("gateway").iter().any(ended), "no life was followed to its end: {:?}", t.joints);
        assert!(t.said("gateway").iter().any(|s| s.starts_with("restarted (exit 3)")), "{:?}", t.joints);
        assert!(!t.joints.iter().any(|(_, s)| s.contains("missing")), "{:?}", t.joints);
        let stage: Vec<_> = t.of("seed-app");
        assert_eq!(stage, ["seed-app: line 1", "seed-app: line 2", "seed-app: line 3"].repeat(2));
        assert!(t.of("gateway").contains(&"\u{fffd}\u{fffd} raw bytes"), "{:?}", &t.of("gateway")[..2]);

        // A life that is over, read once: line by line what stock kubectl shows. Where the next one begins between the
        // two, both are read again.
        t.until("the end of that life", |t| t.ticks("gateway").last().is_some_and(ended)).await;
        for again in (0..5).rev() {
            let Some(mut kubectl) = stock(&[]) else { break };
            let theirs = ticks(&kubectl.output().unwrap().stdout);
            (t.lines, t.done) = (vec![], false);
            t.follow(Wanted { containers: vec!["gateway".to_owned()], ..Wanted::default() }, &namespace);
            t.until("the end", |t| t.done).await;
            let ours: Vec<_> = t.of("gateway").into_iter().filter(|l| l.contains("gateway: tick ")).collect();
            if theirs.len() == LIFE && ours == theirs {
                break;
            }
            assert!(again > 0, "stock kubectl shows {} lines and we {}", theirs.len(), ours.len());
            t.during(3).await;
        }
        t.world.clean().await;
    }

    /// One request over a connection of its own; the first line of the answer.
    async fn asked(address: SocketAddr, path: &str) -> String {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        _ = stream.read_to_string(&mut answer).await;
        answer.lines().next().unwrap_or_default().to_owned()
    }

    #[tokio::test]
    async fn a_shell_and_a_forward_reach_a_real_pod_and_the_next_one() {
        let Some(node) = RealNode::from_env() else { return };
        let world = World::real(&node.kubeconfig_path()).await.apart("ways");
        let spec = world.spec("a");
        world.create(&spec).await;
        let mut watching = world.watch();
        let namespace = spec.namespace();
        watching.until(&namespace, "Ready", |e| e.verdict.phase == Phase::Ready).await;
        let entry = watching.fleet.get(&namespace).unwrap();
        let (target, old) = (Target::of(entry).unwrap(), entry.tenant.pod().unwrap().clone());

        let room =
            Room::all(&entry.tenant.namespace_name, &old).into_iter().find(|r| *r.container == *"gateway").unwrap();
        let none = world.cluster.shell(&room, "no-such-shell", false).await.unwrap();
        let (mut out, mut errors) = (Vec::new(), Vec::new());
        let exit = none.join(&b""[..], &mut out, &mut errors, futures::stream::pending()).await.unwrap();
        assert_eq!(exit, Exit::Absent, "{}", String::from_utf8_lossy(&errors));
        let shell = world.cluster.shell(&room, SHELLS[1], false).await.unwrap();
        let script = &b"hostname\necho to-stderr >&2\nexit 7\n"[..];
        let (mut out, mut errors) = (Vec::new(), Vec::new());
        let exit = shell.join(script, &mut out, &mut errors, futures::stream::pending()).await.unwrap();
        assert_eq!(
            (exit, out.as_slice(), errors.as_slice()),
            (Exit::Code(7), &b"openclaw-0\n"[..], &b"to-stderr\n"[..])
        );
        // At a terminal of another size than any default.
        let shell = world.cluster.shell(&room, SHELLS[1], true).await.unwrap();
        let sizes = Box::pin(futures::stream::iter([(91, 17)]));
        let keys = typed_late();
        let mut out = Vec::new();
        let exit = shell.join(keys, &mut out, &mut Vec::new(), sizes).await.unwrap();
        let shown = String::from_utf8_lossy(&out).into_owned();
        assert!(exit == Exit::Code(0) && shown.contains("17 91"), "{exit:?}: {shown}");

        let mut forward = Forward::open(&world.cluster, target, Door::Gateway, None).await.unwrap();
        forward.sight(watching.fleet.get(&namespace));
        assert!(asked(forward.address, "/healthz").await.starts_with("HTTP/1.1 200"));
        world.cluster.delete_pod(&namespace, POD, old.uid).await.unwrap();
        let gone = |e: &Entry| e.tenant.pod().is_none_or(|p| p.uid != old.uid || p.deleting.is_some());
        watching.until(&namespace, "no pod", gone).await;
        forward.sight(watching.fleet.get(&namespace));
        let next = |e: &Entry| e.verdict.phase == Phase::Ready && e.tenant.pod().is_some_and(|p| p.uid != old.uid);
        watching.until(&namespace, "Ready again", next).await;
        forward.sight(watching.fleet.get(&namespace));
        assert!(asked(forward.address, "/healthz").await.starts_with("HTTP/1.1 200"));
        // The pod that was is not entered under the name of the one that is.
        let refused = world.cluster.shell(&room, SHELLS[1], false).await.err().unwrap();
        assert!(refused.said.contains("that pod is gone"), "{refused}");
        world.clean().await;
    }

    /// Typed a moment after the size has been told, as a person would.
    fn typed_late() -> tokio::io::DuplexStream {
        let (mut typing, keys) = tokio::io::duplex(64);
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(700)).await;
            _ = typing.write_all(b"stty size; exit\r").await;
            // Held open until the shell has ended.
            tokio::time::sleep(Duration::from_secs(5)).await;
        });
        keys
    }
}
