//! Acting where there are kubelets, disks and containers: what a tenant has written is there after, byte for byte, and it was gone
//! for as long as was promised.

mod on_real_node {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicBool, Ordering},
        },
        time::{Duration, Instant},
    };

    use fleetdeck::{
        fleet::Phase,
        index::Entry,
        plan::{Care, End, Intent, Made, State, Step, Stock},
    };
    use k8s_openapi::api::core::v1::Pod;
    use kube::{Api, Client};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use crate::{
        conformance::{
            acting::{Operator, Told, claims, image, one, ready},
            node::on_real_node::{POD, run},
            pulling::{PULLED, carry_out, left, propose},
            world::World,
        },
        controlplane::RealNode,
    };

    /// Whether the gateway answers now.
    async fn answers(pods: &Api<Pod>) -> bool {
        let asked = async {
            let mut forward = pods.portforward(POD, &[18_789]).await.ok()?;
            let mut stream = forward.take_stream(18_789)?;
            stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.ok()?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.ok()?;
            forward.abort();
            answer.starts_with(b"HTTP/1.1 200").then_some(())
        };
        matches!(tokio::time::timeout(Duration::from_secs(2), asked).await, Ok(Some(())))
    }

    /// Carries a plan out while the gateway is asked all the time: for how long it did not answer, from the first answer that is
    /// missing to the next one.
    async fn polled<T>(client: &Client, namespace: &str, act: impl Future<Output = T>) -> (T, Duration) {
        let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
        let over = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&over);
        let poll = tokio::spawn(async move {
            let (mut gone, mut longest) = (None, Duration::ZERO);
            loop {
                let began = Instant::now();
                if answers(&pods).await {
                    if let Some(since) = gone.take() {
                        longest = longest.max(began.duration_since(since));
                    }
                    if ends.load(Ordering::Relaxed) {
                        return longest;
                    }
                } else {
                    gone.get_or_insert(began);
                }
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
        });
        let out = act.await;
        over.store(true, Ordering::Relaxed);
        (out, poll.await.unwrap())
    }

    fn down(told: &Told, namespace: &str) -> u32 {
        match told.state(namespace) {
            State::Done { down: Some(down), .. } => *down,
            _ => panic!("{}", told.said()),
        }
    }

    #[tokio::test]
    async fn files_outlive_every_act_and_downtime_is_what_was_promised() {
        let Some(node) = RealNode::from_env() else { return };
        let world = World::real(&node.kubeconfig_path()).await.apart("acts");
        let client = node.client().await;
        let mut operator = Operator::new(&world).await;
        let spec = world.spec("a");
        let name = spec.namespace();
        operator.create(&spec).await;
        let pods: Api<Pod> = Api::namespaced(client.clone(), &name);
        let write = "head -c 300000 /dev/urandom > /home/node/.openclaw/workspace/kept.bin; sync";
        run(&pods, write).await;
        // Its own file on the one volume, and every file of the app on the other.
        let sums = "sha256sum /home/node/.openclaw/workspace/kept.bin; find /app -type f -exec sha256sum {} + | sort";
        let before = run(&pods, sums).await;
        assert!(before.lines().count() > 2, "{before}");
        let kept = claims(operator.entry(&name));
        let pod = |operator: &Operator<'_>| operator.entry(&name).tenant.pod().map(|pod| pod.uid);
        let another = |old| move |e: &Entry| ready(e) && e.tenant.pod().map(|pod| pod.uid) != old;

        // One after the other: a new pod on the same StatefulSet, then another StatefulSet.
        for intent in [Intent::Restart, Intent::Reprovision { image: None }] {
            let old = pod(&operator);
            let proposal = Box::pin(propose(&operator, intent.clone(), PULLED, &[&name])).await;
            let promised = proposal.plan.turns().next().unwrap().down.expect("its boot was seen");
            let (told, gap) = polled(&client, &name, Box::pin(carry_out(&operator, proposal))).await;
            assert_eq!(told.end(), End::Done, "{}", told.said());
            assert!(told.said().contains("its gateway answers us"), "{}", told.said());
            let measured = down(&told, &name);
            let gap = u32::try_from(gap.as_secs()).unwrap();
            println!("{}: promised {promised} s, measured {measured} s, a poller saw {gap} s", intent.verb());
            // The old pod answers until it has stopped, for up to its grace of 10 s.
            assert!(gap <= measured + 3 && gap + 15 >= measured, "a poller saw {gap} s, we say {measured} s");
            assert!(gap <= promised + 60, "a poller saw {gap} s, promised were {promised} s and a minute");
            operator.watching.until(&name, "back", another(old)).await;
            assert_eq!(run(&pods, sums).await, before, "{}", intent.verb());
            assert_eq!(claims(operator.entry(&name)), kept);
        }

        // A stand-in is busybox whatever its spec says: an upgrade moves the spec and restarts nobody.
        let plan = operator.plan(image("2026.8.2"), one(), &[&name], ready).await.unwrap();
        assert_eq!(operator.run(&plan).await.end(), End::Done);
        assert_eq!(run(&pods, sums).await, before);

        let proposal = Box::pin(propose(&operator, Intent::Delete { purge: false }, Care::default(), &[&name])).await;
        let told = Box::pin(carry_out(&operator, proposal)).await;
        assert_eq!(told.end(), End::Done, "{}", told.said());
        operator.watching.until(&name, "parked", |e| e.verdict.phase == Phase::Parked).await;
        let mut revived = spec.clone();
        revived.image = match image("2026.8.2") {
            Intent::Upgrade { image } => image,
            other => panic!("{other:?}"),
        };
        let create = Intent::Create { spec: Box::new(revived) };
        let plan = operator.plan(create, one(), &[&name], |e| e.verdict.phase == Phase::Parked).await.unwrap();
        let told = operator.run(&plan).await;
        assert_eq!(told.end(), End::Done, "{}", told.said());
        operator.watching.until(&name, "revived", ready).await;
        assert_eq!(run(&pods, sums).await, before, "revived");
        assert_eq!(claims(operator.entry(&name)), kept);

        pulls(&operator, &name).await;
        world.clean().await;
    }

    /// A kubelet that has an image says so, and one that cannot have it stops the run before anybody is begun.
    async fn pulls(operator: &Operator<'_>, name: &str) {
        let on = operator.entry(name).tenant.pod().unwrap().node.clone().unwrap().to_string();
        for (image, end) in
            [("docker.io/library/busybox:1.36", End::Done), ("docker.io/library/nothing:1", End::Failed)]
        {
            let mut proposal =
                Box::pin(propose(operator, Intent::Reprovision { image: None }, Care::default(), &[name])).await;
            let made = Made { images: [image.to_owned()].into(), ..Made::default() };
            let wanted = [(name.to_owned(), (on.clone(), made))].into();
            proposal.plan.prepull(&Stock { wanted, nodes: None });
            if let Some(Step::Prepull { seconds, .. }) = proposal.plan.opening.first_mut() {
                *seconds = 40;
            }
            let run = proposal.plan.id.clone();
            let told = Box::pin(carry_out(operator, proposal)).await;
            assert_eq!(told.end(), end, "{image}: {}", told.said());
            assert_eq!(left(operator.world, &run).await, 0, "{image}");
        }
    }
}
