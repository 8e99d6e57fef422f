//! What must hold after every event: judged on every change of the database and every word of the run.

mod told;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use fleetdeck::{
    fleet::name::CLAIM_ANNOTATION,
    index::Fleet,
    plan::{End, Event, Intent, News, Plan, Secret, Step, Turn, What, Which},
    sim::{Audit, Changed, Heard},
};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// What is broken whatever a run does.
#[derive(Clone, Debug, Default)]
pub struct Blights {
    pub doomed: Option<String>,
    pub nodes_die: bool,
    /// Somebody wants another end than the plan's.
    pub bent: bool,
}

/// One thing that the judge is told of, in the order of time.
#[derive(Clone, Debug)]
pub enum Tick {
    Heard(Heard),
    Told(String, Event),
}

/// What was seen of one tenant of the plan.
#[derive(Clone, Debug, Default)]
struct Seen {
    uid: Option<String>,
    /// The claim on its Namespace.
    claim: Option<String>,
    pod: Option<Pod>,
    /// Pods that it ever had.
    pods: BTreeSet<String>,
    claims: BTreeMap<String, String>,
    /// Its volumes when the plan was made.
    first: BTreeMap<String, String>,
    set: bool,
    /// StatefulSets that somebody else has made.
    sets: BTreeSet<String>,
    wanted: u64,
    /// A run has taken the gateway from its user, and it is not back.
    down: bool,
    /// Given up by the run, with its evidence.
    left: bool,
    /// Somebody else deletes it, with all that it has.
    forsaken: bool,
    /// How it was when the run let it go.
    released: Option<Box<Self>>,
    /// The kinds that a run has written or deleted.
    written: BTreeSet<&'static str>,
    deleted: BTreeSet<&'static str>,
    /// How often its token was replaced; how often when its pod was made.
    tokens: u32,
    /// The step that each told last.
    step: BTreeMap<String, usize>,
}

#[derive(Clone, Debug)]
struct Pod {
    uid: String,
    ready: bool,
    deleting: bool,
    tokens: u32,
}

#[derive(Clone)]
pub struct Judge {
    audit: Audit,
    /// How the names of those begin who carry this run out.
    whose: &'static str,
    pub plan: Plan,
    /// All that it was told of, where somebody wants to tell it again.
    pub tape: Option<Vec<Tick>>,
    seen: BTreeMap<String, Seen>,
    /// Volumes of everybody else.
    strangers: BTreeSet<(String, String)>,
    blights: Blights,
    /// By who acts: how often the lease had changed hands when they got it.
    epochs: BTreeMap<String, u64>,
    /// By who acts: tenants that were begun and are not brought to an end.
    acting: BTreeMap<String, BTreeSet<String>>,
    /// By who acts, once nobody new is to be begun: how many were begun before and since, and how many those can be at most.
    halted: BTreeMap<String, (usize, usize)>,
    failed: usize,
    hash: Sha256,
    /// All of it, where somebody looks at single seeds.
    pub log: String,
    tells: bool,
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn claim(object: &Value) -> Option<String> {
    object["metadata"]["annotations"].get(CLAIM_ANNOTATION).and_then(Value::as_str).map(str::to_owned)
}

/// Marked for deletion by this change, or gone with it.
fn goes(change: &Changed) -> bool {
    let marked = |object: &Value| object.pointer("/metadata/deletionTimestamp").is_some();
    let before = change.before.as_deref().is_some_and(marked);
    !before && (change.gone || marked(&change.object))
}

/// Only our notes on it have changed.
fn only_notes(change: &Changed) -> bool {
    let bare = |object: &Value| {
        let mut object = object.clone();
        let meta = object["metadata"].as_object_mut().unwrap();
        meta.remove("resourceVersion");
        meta.remove("managedFields");
        let ours = |key: &str| key.starts_with("fleetdeck.openclaw.ai/");
        if let Some(notes) = meta.get_mut("annotations").and_then(Value::as_object_mut) {
            notes.retain(|key, _| !ours(key));
            if notes.is_empty() {
                meta.remove("annotations");
            }
        }
        object
    };
    !change.gone && change.before.as_deref().is_some_and(|before| bare(before) == bare(&change.object))
}

impl Judge {
    pub fn new(audit: Audit, whose: &'static str, plan: &Plan, fleet: &Fleet, blights: Blights) -> Self {
        let mut seen: BTreeMap<String, Seen> = BTreeMap::new();
        let mut strangers = BTreeSet::new();
        for turn in plan.turns() {
            seen.insert(turn.namespace.clone(), Seen::default());
        }
        for entry in fleet.iter() {
            let tenant = &entry.tenant;
            let Some(seen) = seen.get_mut(tenant.namespace_name.as_str()) else {
                strangers.extend(tenant.claims.iter().map(|c| (tenant.namespace_name.to_string(), c.uid.to_string())));
                continue;
            };
            seen.uid = tenant.namespace.as_ref().map(|n| n.uid.to_string());
            seen.claims = tenant.claims.iter().map(|c| (c.name.to_string(), c.uid.to_string())).collect();
            seen.first = seen.claims.clone();
            seen.set = tenant.set().is_some();
            seen.wanted = tenant.set().map_or(0, |set| set.wanted.into());
            seen.pod = tenant.pod().map(|pod| Pod {
                uid: pod.uid.to_string(),
                ready: pod.is_ready(),
                deleting: pod.deleting.is_some(),
                tokens: 0,
            });
            seen.pods.extend(tenant.pod().map(|pod| pod.uid.to_string()));
        }
        Self {
            audit,
            whose,
            plan: plan.clone(),
            tape: None,
            seen,
            strangers,
            blights,
            epochs: BTreeMap::new(),
            acting: BTreeMap::new(),
            halted: BTreeMap::new(),
            failed: 0,
            hash: Sha256::new(),
            log: String::new(),
            tells: std::env::var_os("FLEETDECK_SEEDS").is_some(),
        }
    }

    pub fn digest(&self) -> String {
        self.hash.clone().finalize().iter().take(8).fold(String::new(), |mut text, byte| {
            _ = write!(text, "{byte:02x}");
            text
        })
    }

    fn note(&mut self, line: &str) {
        self.hash.update(line);
        if self.tells {
            self.log += line;
            self.log += "\n";
        }
    }

    #[track_caller]
    fn demand(&self, holds: bool, said: impl FnOnce() -> String) {
        assert!(holds, "{}\n{}", said(), self.log);
    }

    /// Takes note of all that was written since.
    pub fn hear(&mut self) {
        for heard in self.audit.take() {
            self.take(Tick::Heard(heard));
        }
    }

    /// What a run says is so.
    pub fn told(&mut self, by: &str, event: &Event) {
        self.mark(event);
        self.hear();
        self.take(Tick::Told(by.to_owned(), event.clone()));
    }

    pub fn take(&mut self, tick: Tick) {
        match &tick {
            Tick::Heard(Heard::Asked(asked)) => {
                let place = format!("{}/{}", asked.namespace, asked.name);
                self.note(&format!("{} {} {} {place} {}", asked.by, asked.verb, asked.resource, asked.code));
            }
            Tick::Heard(Heard::Changed(change)) => self.change(change),
            Tick::Told(by, event) => {
                self.mark(event);
                self.say(by, event);
            }
        }
        if let Some(tape) = &mut self.tape {
            tape.push(tick);
        }
    }

    /// One that was given up counts no more, from the moment at which the run says so.
    pub fn mark(&mut self, event: &Event) {
        if let News::Failed { tenant, .. } = &event.news
            && let Some(seen) = self.seen.get_mut(tenant)
        {
            seen.left = true;
        }
    }

    fn change(&mut self, change: &Changed) {
        let object = &change.object;
        let name = text(object, "/metadata/name").to_owned();
        let namespace =
            if change.kind == "Namespace" { name.clone() } else { text(object, "/metadata/namespace").to_owned() };
        let by = change.by.as_deref().filter(|by| by.starts_with(self.whose)).map(str::to_owned);
        let word = match (&change.before, change.gone) {
            (None, _) => "makes",
            (_, true) => "removes",
            _ if goes(change) => "marks",
            _ => "changes",
        };
        self.note(&format!("{} {word} {} {namespace}/{name}", by.as_deref().unwrap_or("-"), change.kind));
        if let Some(by) = &by {
            self.demand(namespace == "fleetdeck" || self.seen.contains_key(&namespace), || {
                format!("{by} writes {} {namespace}/{name}, which is no part of the plan", change.kind)
            });
        }
        if namespace == "fleetdeck" {
            self.control(change, by.as_deref(), &name);
            return;
        }
        if change.kind == "PersistentVolumeClaim" && goes(change) {
            let uid = text(object, "/metadata/uid").to_owned();
            let stranger = self.strangers.contains(&(namespace.clone(), uid));
            let others = by.is_none() && self.seen.get(&namespace).is_some_and(|seen| seen.forsaken);
            let may = others || self.plan.intent.is_purge() && !stranger;
            self.demand(may, || format!("volume {namespace}/{name} is deleted"));
        }
        let Some(turn) = self.plan.turn(&namespace).cloned() else { return };
        if let Some(by) = &by {
            self.written(change, by, &turn);
        }
        self.fold(change, by.is_some(), &turn);
        self.count(change.kind);
    }

    /// Records and the lease, of this run alone.
    fn control(&mut self, change: &Changed, by: Option<&str>, name: &str) {
        let Some(by) = by else { return };
        let own = name.starts_with(&format!("run-{}", self.plan.id));
        let fits = match change.kind {
            "ConfigMap" | "Lease" if own => true,
            "Pod" => {
                let pulls = self.plan.opening.iter().any(|step| matches!(step, Step::Prepull { .. }));
                pulls && name.starts_with(&format!("pull-{}-", self.plan.id))
            }
            // The namespace is made, with what comes with it.
            "ConfigMap" => change.before.is_none() && name == "kube-root-ca.crt",
            "Namespace" | "ServiceAccount" => change.before.is_none(),
            _ => false,
        };
        self.demand(fits, || format!("{by} writes {} {name}, which is no record of the run", change.kind));
        let spec = &change.object["spec"];
        if change.kind == "Lease" && text(spec, "/holderIdentity").starts_with(by) {
            let epoch = spec["leaseTransitions"].as_u64().unwrap_or_default();
            self.epochs.insert(by.to_owned(), epoch);
        }
    }

    /// A write of a run is one of its plan's steps, on the very tenant that was meant, under the run's claim.
    fn written(&mut self, change: &Changed, by: &str, turn: &Turn) {
        let steps = self.plan.steps(turn);
        let deletes = |what: What| steps.contains(&Step::Delete { what });
        let kind = change.kind;
        let applies = |step: &Step| match step {
            Step::Apply { kind: piece } | Step::TakeOwnership { kind: piece } => piece.kind() == kind,
            _ => false,
        };
        let purges = deletes(What::Tenant);
        let allowed = if goes(change) || change.gone {
            purges
                || match kind {
                    "Pod" => deletes(What::StatefulSet) || steps.iter().any(|s| matches!(s, Step::DeletePod { .. })),
                    "ControllerRevision" | "StatefulSet" => deletes(What::StatefulSet),
                    "Service" => deletes(What::Service),
                    "Ingress" => deletes(What::Ingress),
                    _ => false,
                }
        } else if only_notes(change) {
            // Claims stand on the Namespace and on what is still written.
            kind == "Namespace"
                || purges
                || steps.iter().any(applies)
                || kind == "Pod" && steps.iter().any(|s| matches!(s, Step::DeletePod { .. }))
                || kind == "Secret" && steps.contains(&Step::ReplaceSecret { secret: Secret::GatewayToken })
                || matches!(kind, "StatefulSet" | "Service" | "Ingress") && deletes(What::StatefulSet)
        } else {
            match kind {
                "Event" => change.before.is_none(),
                "Secret" if change.before.is_some() => {
                    steps.contains(&Step::ReplaceSecret { secret: Secret::GatewayToken })
                }
                "Secret" => steps.iter().any(|s| matches!(s, Step::EnsureSecret { .. })),
                "VolumeSnapshot" => change.before.is_none() && steps.contains(&Step::Snapshot),
                _ => {
                    steps.iter().any(applies)
                        // What a new namespace is born with, and what goes with one.
                        || change.before.is_none() && matches!(kind, "ServiceAccount" | "ConfigMap") && turn.basis.namespace.is_none()
                        || purges
                }
            }
        };
        let name = text(&change.object, "/metadata/name");
        let place = format!("{kind} {}/{name}", turn.namespace);
        self.demand(allowed, || format!("{by} writes {place}, for which the plan has no step"));
        let seen = &self.seen[&turn.namespace];
        let meant = match (&turn.basis.namespace, &seen.uid) {
            // The server cannot bind what is made to the Namespace that was there a moment ago: it says itself whose it is.
            _ if kind == "Event" => !seen.sets.contains(text(&change.object, "/involvedObject/uid")),
            (Some(meant), Some(there)) => meant.to_string() == *there,
            (Some(_), None) => purges,
            (None, _) => true,
        };
        self.demand(meant, || format!("{by} writes {place} of another tenant of that name"));
        let uid = text(&change.object, "/metadata/uid");
        if goes(change) {
            let expected = match kind {
                "StatefulSet" => turn.basis.set.as_ref(),
                "Pod" if steps.contains(&Step::DeletePod { which: Which::Seen }) => turn.basis.pod.as_ref(),
                _ => None,
            };
            self.demand(expected.is_none_or(|named| named.uid.to_string() == uid), || {
                format!("{by} deletes {place}, which is another than the one that was agreed on")
            });
        }
        // Events are no writes that matter; what is never read is fenced by the claim on it, which the server compares.
        let fenced = !matches!(kind, "Event" | "Secret") && !only_notes(change);
        if fenced && (seen.claim.is_some() || turn.basis.namespace.is_some() && !purges) {
            let epoch = self.epochs.get(by).copied().unwrap_or_default();
            let ours = format!("{}/{epoch}", self.plan.id);
            let claim = seen.claim.clone();
            self.demand(claim.as_deref() == Some(&ours), || {
                format!("{by} writes {place} under {ours}, while it is claimed by {claim:?}")
            });
        }
        let seen = self.seen.get_mut(&turn.namespace).unwrap();
        if goes(change) {
            seen.deleted.insert(kind)
        } else {
            seen.written.insert(kind)
        };
    }

    fn fold(&mut self, change: &Changed, ours: bool, turn: &Turn) {
        let object = &change.object;
        let seen = self.seen.get_mut(&turn.namespace).unwrap();
        let uid = text(object, "/metadata/uid").to_owned();
        match change.kind {
            "Namespace" => {
                seen.uid = (!change.gone).then_some(uid);
                let now = claim(object).filter(|_| !change.gone);
                if ours && seen.claim.is_some() && now.is_none() {
                    seen.released = Some(Box::new(seen.clone()));
                }
                seen.claim = now;
                if !ours && change.by.is_some() && goes(change) {
                    // Who is down from now on is not so by our doing.
                    (seen.forsaken, seen.left) = (true, true);
                }
            }
            "PersistentVolumeClaim" => {
                let name = text(object, "/metadata/name").to_owned();
                if change.gone {
                    seen.claims.remove(&name)
                } else {
                    seen.claims.insert(name, uid)
                };
            }
            "StatefulSet" => {
                let wanted = object["spec"]["replicas"].as_u64().unwrap_or(1);
                let was = std::mem::replace(&mut seen.wanted, if change.gone { 0 } else { wanted });
                seen.set = !change.gone;
                if !ours && change.before.is_none() {
                    seen.sets.insert(uid);
                }
                seen.down |= ours && seen.pod.is_some() && (goes(change) || was > wanted);
            }
            "Secret" if text(object, "/metadata/name") == "gateway-token" => {
                let data = |object: &Value| object["data"].clone();
                let other = change.before.as_deref().is_some_and(|before| data(before) != data(object));
                if change.gone || other {
                    seen.tokens += 1;
                    let intent = &self.plan.intent;
                    let may = matches!(intent, Intent::RotateToken) || intent.is_purge();
                    let others = !ours && self.seen[&turn.namespace].forsaken;
                    self.demand(may || others, || format!("the token of {} is replaced", turn.namespace));
                }
            }
            "Pod" if text(object, "/metadata/name") == "openclaw-0" => {
                let conditions = object["status"]["conditions"].as_array();
                let ready =
                    conditions.is_some_and(|all| all.iter().any(|c| c["type"] == "Ready" && c["status"] == "True"));
                let deleting = object.pointer("/metadata/deletionTimestamp").is_some();
                let well = ready && !deleting && !change.gone;
                seen.down |= ours && goes(change);
                seen.down &= !well;
                if change.gone && seen.wanted == 0 {
                    seen.down = false;
                }
                let tokens = match &seen.pod {
                    Some(pod) if pod.uid == uid => pod.tokens,
                    _ => seen.tokens,
                };
                seen.pods.insert(uid.clone());
                seen.pod = (!change.gone).then_some(Pod { uid, ready, deleting, tokens });
            }
            _ => {}
        }
    }

    /// No more are down by our doing than may be; one that was given up is counted by `stop_after`.
    fn count(&mut self, kind: &str) {
        if !matches!(kind, "Pod" | "StatefulSet") {
            return;
        }
        let down: Vec<&str> = self.seen.iter().filter(|(_, s)| s.down && !s.left).map(|(n, _)| n.as_str()).collect();
        let most = self.plan.pace.max_unavailable as usize;
        self.demand(down.len() <= most, || format!("{down:?} are down at once, and {most} may be"));
    }

    /// The volumes of a tenant, those of strangers included: name (of a stranger's: none) and UID.
    pub fn volumes(&self, namespace: &str) -> Vec<(String, String)> {
        match self.seen.get(namespace) {
            Some(seen) => seen.claims.clone().into_iter().collect(),
            None => {
                let of = self.strangers.iter().filter(|(whose, _)| whose == namespace);
                of.map(|(_, uid)| (String::new(), uid.clone())).collect()
            }
        }
    }

    /// Nothing is on its way any more.
    pub fn is_still(&self) -> bool {
        let doomed = |_: &str| false;
        self.seen.iter().all(|(name, seen)| {
            let rests = seen.pod.as_ref().is_none_or(|pod| pod.ready && !pod.deleting);
            let there = seen.wanted == 0 || seen.pod.is_some();
            rests && there || doomed(name)
        })
    }

    pub fn ended(&self, end: End, said: &str) {
        for (name, seen) in self.seen.iter().filter(|(_, seen)| !seen.forsaken) {
            if end == End::Done && !self.blights.nodes_die && !matches!(self.plan.intent, Intent::RotateToken) {
                self.demand(seen.pods.len() <= 2, || format!("{name}: its pod was replaced more than once\n{said}"));
            }
            if end == End::Done && !self.blights.bent {
                let rotated = seen.tokens > 0;
                let rotates = matches!(self.plan.intent, Intent::RotateToken);
                self.demand(rotated == (rotates || self.plan.intent.is_purge()), || {
                    format!("{name}: {seen:?}\n{said}")
                });
            }
            let meant = self.plan.turn(name).and_then(|t| t.basis.namespace).map(|uid| uid.to_string());
            let same = self.plan.intent.is_purge() || meant.is_none() || seen.uid == meant;
            self.demand(same, || format!("{name} is another one"));
        }
    }
}
