//! The codes of findings, and what each means.

use std::{fmt, str::FromStr};

/// Declares the codes in the order in which one thing leads to the next: of two that keep a tenant down, the earlier
/// one is the cause.
macro_rules! codes {
    ($($variant:ident = $word:literal, $title:literal;)*) => {
        /// What kind of fault a finding is. Words are stable: scripts and runbooks may name them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($variant,)*
        }

        impl Code {
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Such as `quota-refused`.
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// What it is called where many tenants have it.
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }
        }
    };
}

codes! {
    // The namespace and the workload.
    NamespaceStuck = "namespace-stuck", "namespace cannot be deleted";
    NamespaceTerminating = "namespace-terminating", "namespace is being deleted";
    WorkloadMissing = "workload-missing", "no StatefulSet";
    // The pod is not made.
    QuotaRefused = "quota-refused", "the quota refuses the pod";
    QuotaIncomplete = "quota-incomplete", "the quota wants figures the pod does not state";
    LimitRangeRefused = "limitrange-refused", "a LimitRange refuses the pod";
    PodSecurityRefused = "podsecurity-refused", "Pod Security refuses the pod";
    ServiceAccountMissing = "serviceaccount-missing", "the ServiceAccount is missing";
    WebhookRefused = "webhook-refused", "an admission webhook stands in the way";
    PodRefused = "pod-refused", "the pod is refused";
    PodAbsent = "pod-absent", "no pod, and nothing says why";
    // The node beneath.
    NodeNotReady = "node-not-ready", "node is not ready";
    PodStuck = "pod-stuck", "pod does not go";
    Evicted = "evicted", "evicted by its node";
    PodEnded = "pod-ended", "pod has ended";
    // Before it has a node.
    VolumeLost = "volume-lost", "volume is lost";
    ClaimMissing = "claim-missing", "a claim is missing";
    ClassMissing = "class-missing", "storage class is missing";
    NoDefaultClass = "no-default-class", "no default storage class";
    ProvisioningFailed = "provisioning-failed", "volume cannot be made";
    VolumePending = "volume-pending", "volume is not there yet";
    VolumeZone = "volume-zone", "volume lies in another zone";
    NodeVolumesFull = "node-volumes-full", "no node can attach another volume";
    NoRoom = "no-room", "no node has room";
    Untolerated = "untolerated-taint", "all nodes are tainted";
    Cordoned = "nodes-cordoned", "all nodes are cordoned";
    NoNodeMatches = "no-node-matches", "no node matches";
    Unschedulable = "unschedulable", "no node takes the pod";
    SchedulerSilent = "scheduler-silent", "the scheduler says nothing";
    // Volumes and sandbox on the node.
    MultiAttach = "multi-attach", "volume is still attached elsewhere";
    AttachFailed = "attach-failed", "volume cannot be attached";
    MountFailed = "mount-failed", "volume cannot be mounted";
    SandboxFailed = "sandbox-failed", "pod sandbox cannot be made";
    StartSlow = "start-slow", "nothing has started";
    // An old pod that nobody replaces.
    RevisionStuck = "revision-stuck", "broken pod of an old revision";
    // Images.
    ImageInvalid = "image-invalid", "image name is invalid";
    PullSecretMissing = "pull-secret-missing", "image pull secret is missing";
    ImageMissing = "image-missing", "image does not exist";
    ImageDenied = "image-denied", "registry denies the image";
    RegistryUnreachable = "registry-unreachable", "registry cannot be reached";
    RegistryLimit = "registry-limit", "registry limits pulls";
    ImageDiskFull = "image-disk-full", "no room for the image on the node";
    ImagePlatform = "image-platform", "image is not for this machine";
    ImageNeverPull = "image-never-pull", "image is not on the node";
    ImagePull = "image-pull", "image cannot be pulled";
    // What the pod refers to.
    TokenMissing = "token-missing", "gateway token is missing";
    ConfigMissing = "config-missing", "Secret or ConfigMap is missing";
    RunAsRoot = "run-as-root", "image would run as root";
    CannotStart = "cannot-start", "container cannot start";
    // Its containers, and what they say when they end.
    VolumeFull = "volume-full", "volume is full";
    SchemaNewer = "schema-newer", "data is newer than the build";
    MigrationsRefused = "migrations-refused", "start-up migrations do not complete";
    ConfigInvalid = "config-invalid", "gateway refuses its configuration";
    StageOom = "stage-oom", "stage runs out of memory";
    StageFailed = "stage-failed", "stage fails";
    StageStuck = "stage-stuck", "stage is stuck";
    GatewayOom = "gateway-oom", "gateway runs out of memory";
    ProbeKills = "probe-kills", "killed because its probe failed";
    GatewayCrash = "gateway-crash", "gateway crashes";
    ProxyAttribution = "proxy-attribution", "gateway refuses its proxy";
    GatewayPage = "gateway-page", "gateway answers with a page";
    GatewayNotReady = "gateway-not-ready", "gateway is not ready";
    BrowserOom = "browser-oom", "browser runs out of memory";
    BrowserDown = "browser-down", "browser is down";
    SidecarDown = "sidecar-down", "a container is down";
    NotReady = "not-ready", "pod is not ready";
    // What will cost something.
    VolumeDeleting = "volume-deleting", "volume is marked for deletion";
    VolumeFilling = "volume-filling", "volume fills up";
    ResizeFailed = "resize-failed", "volume cannot grow";
    ResizeWaits = "resize-waits", "resize waits for a restart";
    StageSlow = "stage-slow", "stage is slow";
    AptBlocked = "apt-blocked", "packages blocked by egress rules";
    StageWarns = "stage-warns", "stage warns";
    ModelsKeyMissing = "models-key-missing", "no key for the models";
    NodePressure = "node-pressure", "node is under pressure";
    MemoryNear = "memory-near", "memory is nearly used up";
    QuotaExceeded = "quota-exceeded", "uses more than its quota";
    QuotaNear = "quota-near", "quota is nearly used up";
    VersionDrift = "version-drift", "runs another version than wanted";
    PartitionHeld = "partition-held", "update is held by a partition";
    RevisionPending = "revision-pending", "new template waits for a restart";
    MovingTag = "moving-tag", "image tag moves";
    // Data and doors.
    RetentionDeletes = "retention-deletes", "StatefulSet would delete its volumes";
    ReclaimDeletes = "reclaim-deletes", "storage class deletes volumes";
    DataUnguarded = "data-unguarded", "the cluster does not guard the tenants' data";
    NetworkMissing = "network-missing", "no network policy";
    NetworkWide = "network-wide", "network policy is too wide";
    ServiceMissing = "service-missing", "Service is missing";
    IngressMissing = "ingress-missing", "Ingress is missing";
    IngressNoTls = "ingress-no-tls", "Ingress without TLS";
    CertificateMissing = "certificate-missing", "no certificate is issued";
    CertificateExpiring = "certificate-expiring", "certificate expires";
    QuotaMissing = "quota-missing", "no quota";
    QuotaWide = "quota-wide", "quota is wider than the tier";
    LimitRangeMissing = "limitrange-missing", "no LimitRange";
    RenderDrift = "render-drift", "not what its own spec renders";
    // What is left lying about.
    SameId = "same-id", "two namespaces claim one tenant";
    OrphanPod = "orphan-pod", "pod without an owner";
    OrphanClaim = "orphan-claim", "claim that nothing mounts";
    OrphanSet = "orphan-set", "a second StatefulSet";
    ReleasedVolume = "released-volume", "released volume is still billed";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// There is no such code; these come close.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownCode {
    pub near: Vec<Code>,
}

impl FromStr for Code {
    type Err = UnknownCode;

    fn from_str(text: &str) -> Result<Self, UnknownCode> {
        let text = text.trim().to_ascii_lowercase();
        if let Some(code) = Self::ALL.iter().find(|c| c.word() == text) {
            return Ok(*code);
        }
        let shares = |code: &&Self| text.split('-').any(|part| part.len() > 2 && code.word().contains(part));
        Err(UnknownCode { near: Self::ALL.iter().filter(shares).copied().take(5).collect() })
    }
}

/// What a code, or the reason of a refusal, means: for people who meet it for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Such as `quota-refused`.
    pub word: &'static str,
    pub title: &'static str,
    /// What is the matter.
    pub means: &'static str,
    /// How to see it without fleetdeck: commands, one a line; `NS` stands for the tenant's namespace.
    pub by_hand: &'static str,
    /// What to do.
    pub act: &'static str,
}

impl Explanation {
    /// The section of this word: what it means, commands, what to do.
    pub fn find(texts: &'static str, word: &'static str, title: &'static str) -> Option<Self> {
        let section = texts.split("\n## ").find_map(|s| s.strip_prefix(word)?.strip_prefix('\n'))?;
        let (means, rest) = section.split_once("\n```sh\n")?;
        let (by_hand, act) = rest.split_once("\n```\n")?;
        Some(Self { word, title, means: means.trim(), by_hand: by_hand.trim_end(), act: act.trim() })
    }
}

/// One section a code: its word, three paragraphs.
const TEXTS: &str = include_str!("codes.md");

impl Code {
    /// `None` only for a code whose text is missing, which a test forbids.
    pub fn explain(self) -> Option<Explanation> {
        Explanation::find(TEXTS, self.word(), self.title())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_explained_and_nothing_else_is() {
        for code in Code::ALL {
            let text = code.explain().unwrap_or_else(|| panic!("{code} has no section in codes.md"));
            assert!(text.means.len() > 30, "{code}: what does it mean?");
            assert!(text.by_hand.lines().all(|l| l.starts_with("kubectl") || l.starts_with('#')), "{code}");
            assert!(text.act.len() > 30, "{code}: what is to be done?");
            assert_eq!(code.word().parse(), Ok(*code));
        }
        let sections = TEXTS.matches("\n## ").count();
        assert_eq!(sections, Code::ALL.len(), "a section of a code that is gone");
    }

    #[test]
    fn codes_are_unique_and_a_wrong_one_has_neighbours() {
        let words: std::collections::BTreeSet<_> = Code::ALL.iter().map(|c| c.word()).collect();
        assert_eq!(words.len(), Code::ALL.len());
        let near = "quota-refusd".parse::<Code>().unwrap_err().near;
        assert!(near.contains(&Code::QuotaRefused), "{near:?}");
        assert!("zzz".parse::<Code>().unwrap_err().near.is_empty());
    }
}
