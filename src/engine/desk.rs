//! Where plans are made, tried on the server and started: the command line and the console come here alike, so that what one
//! refuses the other refuses too.

mod rights;
mod room;
pub mod runs;
mod users;

use std::{collections::BTreeMap, fmt, sync::Arc};

use tokio::sync::mpsc;

use super::{
    dry::{self, Verdict},
    hold::Lease,
    journal::Journal,
    look::look,
    orders::Orders,
    prepull::stock,
    record::Records,
    run::{Job, run},
    token::Secrets,
    trouble::Trouble,
};
use crate::{
    cluster::{Cluster, ClusterError, Fault, Scope},
    fleet::{Uid, name::TENANT_LABEL},
    index::{Entry, Sources},
    manifest::{Base, Defaults},
    plan::{Care, Event, Intent, Ledger, Other, Pace, Plan, Preview, Refusal, Situation, Why},
};

/// Of so many tenants at most, those who go first, every object is compared and asked about beforehand.
pub const LOOKED_AT: usize = 10;
/// Days after which what is remembered of a run goes, where the configuration does not say.
const KEPT_DAYS: u32 = 90;

/// A cluster with what it takes to change it, and who does it.
#[derive(Clone, Debug)]
pub struct Desk {
    cluster: Cluster,
    scope: Scope,
    base: Arc<Base>,
    /// What the fleet's configuration says of tenants.
    defaults: Defaults,
    control: String,
    author: String,
    read_only: bool,
}

/// What is wanted of whom, and what is known of them.
#[derive(Clone, Debug)]
pub struct Wish {
    pub intent: Intent,
    pub pace: Pace,
    pub care: Care,
    /// Those to whom it cannot be done are left out, with the reason, instead of refusing the whole.
    pub sift: bool,
    /// Who is meant; of a create, who is there already under the name.
    pub entries: Vec<Entry>,
    pub sources: Sources,
    /// What whoever asks knows already that should be weighed, such as [`Desk::room`].
    pub notes: Vec<String>,
}

/// A plan that can be agreed to.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    pub plan: Plan,
    pub preview: Preview,
    /// Tenants that are left out, with the reason.
    pub left_out: Refusal,
    /// By tenant: what the server says that it would do, of the first [`LOOKED_AT`].
    pub server: BTreeMap<String, Vec<Verdict>>,
    /// The run can be kept in the cluster, where others see it and can go on with it.
    pub recorded: bool,
    /// What could not be found out, and whom it would interrupt: each a sentence.
    pub notes: Vec<String>,
}

/// Why something is not planned, begun or said.
#[derive(Debug)]
pub enum Declined {
    Refused(Refusal),
    /// No run of this id is remembered, or no such tenant is part of it.
    NoSuch(String),
    Trouble(Trouble),
}

impl From<ClusterError> for Declined {
    fn from(error: ClusterError) -> Self {
        Self::Trouble(error.into())
    }
}

impl From<Trouble> for Declined {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Busy(said) => Self::Refused(Refusal::one(Why::Busy, said)),
            other => Self::Trouble(other),
        }
    }
}

impl fmt::Display for Declined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => refusal.fmt(f),
            Self::NoSuch(said) => f.write_str(said),
            Self::Trouble(trouble) => match trouble.words() {
                (said, advice) if advice.is_empty() => f.write_str(&said),
                (said, advice) => write!(f, "{said}; {advice}"),
            },
        }
    }
}

impl Proposal {
    /// `the first 10 of 120 tenants`, where the server was not asked about all.
    pub fn asked_about(&self) -> Option<String> {
        let all = self.plan.turns().count();
        (self.server.len() < all).then(|| format!("the first {} of {all} tenants", self.server.len()))
    }

    /// What the server would refuse, with the object in each reason.
    pub fn refused_by_server(&self) -> Refusal {
        let mut refusal = Refusal::default();
        for (tenant, verdicts) in &self.server {
            for verdict in verdicts {
                if let Some(why) = &verdict.refused {
                    let reason = if verdict.owned { Why::Owned } else { Why::Server };
                    refusal.add(Some(tenant), reason, format!("{}: {why}", verdict.object));
                }
            }
        }
        refusal
    }
}

/// A run that only has to be let go, with all it takes.
#[derive(Debug)]
pub struct Work {
    desk: Desk,
    plan: Arc<Plan>,
    ledger: Ledger,
    secrets: Secrets,
    /// The lease of the run and its record.
    kept: Option<(Lease, Records)>,
}

impl Work {
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// It is kept in the cluster, where others see it and can go on with it.
    pub fn is_recorded(&self) -> bool {
        self.kept.is_some()
    }

    /// How it stands before it goes.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Carries it out; `tell` hears every event and may go at any time.
    pub async fn go(self, orders: Orders, tell: mpsc::Sender<Event>, journal: Option<Journal>) -> Ledger {
        let Self { desk, plan, ledger, secrets, kept } = self;
        let job = Job {
            cluster: &desk.cluster,
            scope: &desk.scope,
            base: &desk.base,
            plan: &plan,
            secrets,
            by: desk.author.clone(),
            ledger,
            orders,
            tell,
            journal,
            seed: fastrand::u64(..),
            kept,
            control: &desk.control,
        };
        run(job).await
    }
}

impl Desk {
    /// `author`: who does it, for people; it proves nothing.
    pub fn new(
        cluster: Cluster,
        scope: Scope,
        base: Base,
        defaults: Defaults,
        author: String,
        read_only: bool,
    ) -> Self {
        let control = defaults.control_namespace.clone().unwrap_or_else(|| "fleetdeck".to_owned());
        Self { cluster, scope, base: Arc::new(base), defaults, control, author, read_only }
    }

    pub fn author(&self) -> &str {
        &self.author
    }

    pub fn context(&self) -> &str {
        self.cluster.context()
    }

    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Plans what is wanted, asks for every right that it takes, and of few tenants asks the server about every step.
    ///
    /// # Errors
    /// Every reason why not; or the server could not be asked. What the server would refuse is part of the proposal.
    pub async fn propose(&self, wish: Wish) -> Result<Proposal, Declined> {
        let mut notes = wish.notes.clone();
        let entries = wish.entries.clone();
        let (mut plan, left_out) = self.plan(wish, &mut notes).await?;
        let mut refusal = Refusal::default();
        rights::of_plan(&self.cluster, &plan, &mut refusal).await?;
        let recorded = match rights::of_records(&self.cluster, &self.control).await? {
            None => true,
            Some(said) if plan.turns().count() > 1 => {
                refusal.add(None, Why::NoRights, said);
                false
            }
            Some(said) => {
                notes.push(format!("{said}; nobody else sees it or can go on with it"));
                false
            }
        };
        if !refusal.0.is_empty() {
            return Err(Declined::Refused(refusal));
        }
        if plan.care.prepull && plan.intent.pulls() {
            self.prepull(&mut plan, &entries, recorded).await?;
        }
        notes.extend(users::interrupted(&self.cluster, &plan, &entries).await);
        let mut server = BTreeMap::new();
        // Of very many those who go first: what the server has against one of a release it has against the others.
        for turn in plan.turns().take(LOOKED_AT) {
            let verdicts = dry::dry_run(&self.cluster, &self.base, &plan, turn, &self.control).await;
            server.insert(turn.tenant.clone(), verdicts);
        }
        Ok(Proposal { preview: Preview::of(&plan), plan, left_out, server, recorded, notes })
    }

    /// The gate before the first wave, or why there is none.
    async fn prepull(&self, plan: &mut Plan, entries: &[Entry], recorded: bool) -> Result<(), Declined> {
        let missing = rights::of_pulls(&self.cluster, &self.control).await?;
        if let Some(missing) = missing {
            plan.no_prepull(&missing);
        } else if !recorded {
            plan.no_prepull("the run has no place in the cluster");
        } else {
            let meant: Vec<&Entry> = entries.iter().filter(|e| plan.turn(&e.tenant.namespace_name).is_some()).collect();
            let stock = stock(&self.cluster, &self.base, &plan.intent, &meant).await?;
            plan.prepull(&stock);
        }
        Ok(())
    }

    async fn plan(&self, wish: Wish, notes: &mut Vec<String>) -> Result<(Plan, Refusal), Declined> {
        let Wish { intent, pace, care, sift, entries, sources, notes: _ } = wish;
        let label = &self.scope.tenants();
        // What is deleted with a tenant is what carries its label, not all there is where names alone tell tenants.
        let own = if self.scope.labels.tenant.is_empty() { TENANT_LABEL } else { label };
        let mut others = BTreeMap::new();
        if matches!(intent, Intent::Delete { .. }) {
            for entry in &entries {
                let namespace = &entry.tenant.namespace_name;
                match services(&self.cluster, namespace, own).await {
                    Ok(found) => _ = others.insert(namespace.to_string(), found),
                    // Which right is missing is said with the others.
                    Err(error) if error.fault == Fault::Forbidden => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        let mut hosts = Vec::new();
        if intent.is_create() {
            match self.cluster.ingress_hosts(None, label).await {
                Ok(all) => hosts.extend(all.into_iter().map(|h| (h.host, h.namespace))),
                Err(error) if error.fault == Fault::Forbidden => {
                    notes.push("whether the host is free is not known: Ingresses may not be listed".to_owned());
                }
                Err(error) => return Err(error.into()),
            }
        }
        let all: Vec<&Entry> = entries.iter().collect();
        let found = look(&self.cluster, &self.base, &intent, &all, &self.defaults).await?;
        let situation = Situation {
            context: self.cluster.context(),
            cluster: identity(&self.cluster).await?,
            author: &self.author,
            now: self.cluster.clock().now(),
            nonce: fastrand::u16(..),
            read_only: self.read_only,
            // Whoever plans at a desk wants to know that it is done.
            care: Care { probe: true, ..care },
            sources: &sources,
            base: &self.base,
            hosts: &hosts,
            others: &others,
            found: &found,
        };
        let (subjects, left_out) = if sift { Plan::sift(&intent, &all, &situation) } else { (all, Refusal::default()) };
        match Plan::make(intent.clone(), pace, &subjects, &situation) {
            Ok(plan) => Ok((plan, left_out)),
            Err(mut refusal) => {
                // That nobody is left is no reason beside those for which they were left out.
                if !left_out.0.is_empty() {
                    refusal.0.retain(|reason| reason.why != Why::Nobody);
                }
                refusal.0.extend(left_out.0);
                // What is not known is often what may not be read: then every right that is missing is named.
                if refusal.0.iter().any(|reason| reason.why == Why::Stale) {
                    let one = match &subjects[..] {
                        [one] => Some(one.tenant.namespace_name.to_string()),
                        _ => None,
                    };
                    rights::of(&self.cluster, Plan::needs_of(&intent, &situation), one, &mut refusal).await?;
                }
                Err(Declined::Refused(refusal))
            }
        }
    }

    /// Makes a plan that was agreed to ready to go: written down and leased, where that may be.
    ///
    /// # Errors
    /// The record or the lease cannot be written; or others have brought the run to its end already.
    pub async fn begin(&self, plan: Plan, recorded: bool, secrets: Secrets) -> Result<Work, Declined> {
        if self.read_only {
            return Err(read_only());
        }
        let mut ledger = Ledger::new(&plan);
        let kept = if recorded {
            let records = Records::new(&self.cluster, &self.control);
            records.begin(&plan).await?;
            let lease = Lease::take(&self.cluster, &self.control, &plan.id, &self.author, fastrand::u64(..)).await?;
            // Who found it written down and nobody acting on it may have gone on with it meanwhile, or stopped it for good.
            let record = self.open_still(&plan.id).await;
            match record {
                Ok(record) if record.states.is_empty() => {}
                Ok(record) => ledger = Ledger::resumed(&plan, plan.made, &record.states),
                Err(declined) => {
                    lease.release().await;
                    return Err(declined);
                }
            }
            let days = self.defaults.runs_kept_days.unwrap_or(KEPT_DAYS);
            // Whoever may not, or cannot now, leaves it to the next one.
            if days > 0
                && let Err(trouble) = records.sweep(days).await
            {
                tracing::info!(said = trouble.words().0, "records of old runs are left");
            }
            Some((lease, records))
        } else {
            None
        };
        Ok(Work { desk: self.clone(), ledger, plan: Arc::new(plan), secrets, kept })
    }
}

fn read_only() -> Declined {
    let said = "this is read-only: --read-only, FLEETDECK_READ_ONLY or the configuration says so";
    Declined::Refused(Refusal::one(Why::ReadOnly, said))
}

/// What tells this cluster from others; `None` where it may not be known.
///
/// # Errors
/// The server could not be asked.
pub async fn identity(cluster: &Cluster) -> Result<Option<Uid>, ClusterError> {
    match cluster.namespace_uid("kube-system").await {
        Ok(uid) => Ok(uid),
        Err(error) if error.fault == Fault::Forbidden => Ok(None),
        Err(error) => Err(error),
    }
}

/// Service and Ingress of a tenant, by label.
async fn services(cluster: &Cluster, namespace: &str, label: &str) -> Result<Vec<Other>, ClusterError> {
    let mut found = Vec::new();
    for kind in ["Service", "Ingress"] {
        for object in cluster.objects(kind, namespace, label).await? {
            let text = |pointer: &str| object.pointer(pointer).and_then(serde_json::Value::as_str);
            let uid: Option<Uid> = text("/metadata/uid").and_then(|uid| uid.parse().ok());
            if let (Some(name), Some(uid)) = (text("/metadata/name"), uid) {
                found.push(Other { kind: kind.to_owned(), name: name.to_owned(), uid });
            }
        }
    }
    Ok(found)
}
