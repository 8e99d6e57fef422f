//! What has to be said before something can be planned: a few fields, judged while they are typed.

use super::who::Who;
use crate::{
    engine::Secrets,
    fleet::{Age, name::TenantId},
    manifest::{Defaults, PinnedImage, TenantDraft, TierSize},
    plan::{Care, Intent, Pace, restore::LATEST},
    tui::widget::field::Field,
};

/// The tenant's image where the fleet names no other repository.
const REPOSITORY: &str = "ghcr.io/openclaw/openclaw";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Create,
    Upgrade,
    SetTier,
    Resize,
    Adopt,
    Reprovision,
    Restore,
    Delete,
    /// Leaves a tenant out of a run.
    Skip,
}

/// What a field is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    Id,
    Tier,
    Image,
    Host,
    Owner,
    Key,
    AppSize,
    ConfigSize,
    Managers,
    Canary,
    MaxUnavailable,
    Soak,
    StopAfter,
    Prepull,
    Snapshot,
    NewImage,
    AppSnapshot,
    ConfigSnapshot,
    Tenant,
}

#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) slot: Slot,
    pub(crate) field: Field,
}

#[derive(Clone, Debug)]
pub(crate) struct Form {
    pub(crate) verb: Verb,
    /// Who is meant; nobody where something new is made.
    pub(crate) whom: Vec<Who>,
    pub(crate) lines: Vec<Line>,
    pub(crate) at: usize,
    /// The fleet's defaults, and what there is to choose from: tiers, or tenants of a run.
    defaults: Defaults,
    tiers: Vec<String>,
}

/// What a form says once everything in it is right.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) intent: Intent,
    pub(crate) pace: Pace,
    pub(crate) care: Care,
    pub(crate) secrets: Secrets,
}

impl Said {
    /// With every caution that costs nobody anything.
    pub(crate) fn one_by_one(intent: Intent) -> Self {
        let care = Care { prepull: true, ..Care::default() };
        Self { intent, pace: Pace::ONE_BY_ONE, care, secrets: Secrets::default() }
    }
}

impl Slot {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Id => "tenant id",
            Self::Tier => "tier",
            Self::Image => "image",
            Self::Host => "host",
            Self::Owner => "owner",
            Self::Key => "LiteLLM key",
            Self::AppSize => "app volume",
            Self::ConfigSize => "config volume",
            Self::Managers => "managers",
            Self::Canary => "canary",
            Self::MaxUnavailable => "down at once",
            Self::Soak => "soak",
            Self::StopAfter => "stop after",
            Self::Prepull => "pre-pull",
            Self::Snapshot => "snapshot",
            Self::NewImage => "image",
            Self::AppSnapshot => "app from",
            Self::ConfigSnapshot => "config from",
            Self::Tenant => "tenant",
        }
    }

    pub(crate) fn about(self) -> &'static str {
        match self {
            Self::Id => "a DNS label; the namespace is tenant-<id>",
            Self::Tier => "",
            Self::Image => "a version, name:tag or name@sha256:...",
            Self::Host => "empty: <id>.<the fleet's domain>",
            Self::Owner => "a handle or an address, for support; may be empty",
            Self::Key => "goes straight into the Secret; empty: the Secret comes from elsewhere",
            Self::AppSize | Self::ConfigSize => "its new size, such as 30Gi; empty: as it is",
            Self::Managers => "field managers whose fields become ours, apart by blanks",
            Self::Canary => "tenants that go first, alone",
            Self::MaxUnavailable => "tenants at most that are down by our doing",
            Self::Soak => "to look on between waves: 0, 90s, 5m, 1h",
            Self::StopAfter => "failed tenants after which the run stops",
            Self::Snapshot => "yes or no: cut one of each volume first; where that fails nothing is touched",
            Self::NewImage => "a version, name:tag or name@sha256:...; empty: as it is",
            Self::AppSnapshot | Self::ConfigSnapshot => {
                "a VolumeSnapshot's name, or latest: the newest that can be used; empty: as it is"
            }
            Self::Tenant => "",
            Self::Prepull => "yes or no: pull the image onto their nodes before anybody is acted on",
        }
    }

    /// What is typed is not shown.
    pub(crate) fn is_secret(self) -> bool {
        self == Self::Key
    }
}

impl Form {
    pub(crate) fn create(defaults: &Defaults, tiers: &[TierSize]) -> Self {
        let tiers: Vec<String> = tiers.iter().map(|t| t.tier.to_string()).collect();
        let first = tiers.first().cloned().unwrap_or_default();
        let lines = [
            (Slot::Id, ""),
            (Slot::Tier, first.as_str()),
            (Slot::Image, ""),
            (Slot::Host, ""),
            (Slot::Owner, ""),
            (Slot::Key, ""),
        ];
        Self::new(Verb::Create, Vec::new(), &lines, defaults, tiers)
    }

    pub(crate) fn tier(whom: Vec<Who>, defaults: &Defaults, tiers: &[TierSize]) -> Self {
        let tiers = tiers.iter().map(|t| t.tier.to_string()).collect();
        Self::new(Verb::SetTier, whom, &[(Slot::Tier, "")], defaults, tiers)
    }

    pub(crate) fn resize(whom: Vec<Who>, defaults: &Defaults, _: &[TierSize]) -> Self {
        Self::new(Verb::Resize, whom, &[(Slot::AppSize, ""), (Slot::ConfigSize, "")], defaults, Vec::new())
    }

    pub(crate) fn adopt(whom: Vec<Who>, defaults: &Defaults, _: &[TierSize]) -> Self {
        Self::new(Verb::Adopt, whom, &[(Slot::Managers, "kubectl-client-side-apply")], defaults, Vec::new())
    }

    pub(crate) fn reprovision(whom: Vec<Who>, defaults: &Defaults, _: &[TierSize]) -> Self {
        let lines = [(Slot::NewImage, ""), (Slot::Prepull, "yes"), (Slot::Snapshot, "no")];
        Self::new(Verb::Reprovision, whom, &lines, defaults, Vec::new())
    }

    pub(crate) fn restore(whom: Vec<Who>, defaults: &Defaults, _: &[TierSize]) -> Self {
        let lines = [(Slot::AppSnapshot, LATEST), (Slot::ConfigSnapshot, LATEST)];
        Self::new(Verb::Restore, whom, &lines, defaults, Vec::new())
    }

    pub(crate) fn delete(whom: Vec<Who>, defaults: &Defaults, _: &[TierSize]) -> Self {
        Self::new(Verb::Delete, whom, &[(Slot::Snapshot, "no")], defaults, Vec::new())
    }

    /// Whom to leave out of a run; `waiting`: those that it has not begun.
    pub(crate) fn skip(waiting: Vec<String>) -> Self {
        let only = if let [one] = &waiting[..] { one.clone() } else { String::new() };
        Self::new(Verb::Skip, Vec::new(), &[(Slot::Tenant, &only)], &Defaults::default(), waiting)
    }

    /// One tenant needs no gates.
    pub(crate) fn upgrade(whom: Vec<Who>, defaults: &Defaults, _: &[TierSize]) -> Self {
        let lines = [
            (Slot::Image, ""),
            (Slot::Canary, "1"),
            (Slot::MaxUnavailable, "1"),
            (Slot::Soak, "0"),
            (Slot::StopAfter, "1"),
            (Slot::Prepull, "yes"),
            (Slot::Snapshot, "no"),
        ];
        let gates = [Slot::Canary, Slot::MaxUnavailable, Slot::Soak, Slot::StopAfter];
        let many = whom.len() > 1;
        let lines: Vec<_> = lines.into_iter().filter(|(slot, _)| many || !gates.contains(slot)).collect();
        Self::new(Verb::Upgrade, whom, &lines, defaults, Vec::new())
    }

    fn new(verb: Verb, whom: Vec<Who>, lines: &[(Slot, &str)], defaults: &Defaults, tiers: Vec<String>) -> Self {
        let lines = lines.iter().map(|(slot, text)| Line { slot: *slot, field: Field::with(text) }).collect();
        Self { verb, whom, lines, at: 0, defaults: defaults.clone(), tiers }
    }

    pub(crate) fn title(&self) -> String {
        let verb = match self.verb {
            Verb::Create => return "create a tenant".to_owned(),
            Verb::Skip => return "leave a tenant out of the run".to_owned(),
            Verb::Reprovision => "reprovision",
            Verb::Restore => "go back to snapshots of",
            Verb::Delete => "park",
            Verb::Upgrade => "upgrade",
            Verb::SetTier => "another tier for",
            Verb::Resize => "larger volumes for",
            Verb::Adopt => "adopt",
        };
        match &self.whom[..] {
            [one] => format!("{verb} {}", one.id),
            many => format!("{verb} {} tenants", many.len()),
        }
    }

    pub(crate) fn text(&self, slot: Slot) -> &str {
        self.lines.iter().find(|line| line.slot == slot).map_or("", |line| line.field.text().trim())
    }

    /// What is offered beside a field.
    pub(crate) fn about(&self, slot: Slot) -> String {
        match slot {
            Slot::Tier => self.tiers.join(" or "),
            Slot::Tenant => format!("not begun: {}", self.tiers.join(" ")),
            Slot::Host if self.text(Slot::Host).is_empty() => match &self.defaults.domain {
                Some(domain) => {
                    let id = self.text(Slot::Id);
                    format!("empty: {}.{domain}", if id.is_empty() { "<id>" } else { id })
                }
                None => "the fleet has no domain: needed".to_owned(),
            },
            other => other.about().to_owned(),
        }
    }

    pub(crate) fn field(&mut self) -> Option<&mut Field> {
        self.lines.get_mut(self.at).map(|line| &mut line.field)
    }

    pub(crate) fn step(&mut self, by: isize) {
        let last = self.lines.len().saturating_sub(1);
        self.at = self.at.saturating_add_signed(by).min(last);
    }

    pub(crate) fn is_last(&self) -> bool {
        self.at + 1 >= self.lines.len()
    }

    /// What is wrong with the form as it is, and where; empty fields too.
    ///
    /// # Errors
    /// The first field that is wrong, with one sentence.
    pub(crate) fn said(&self) -> Result<Said, (Slot, String)> {
        match self.verb {
            Verb::Create => self.creation(),
            Verb::Upgrade => {
                let image = self.image()?;
                let pace = if self.whom.len() > 1 { self.pace()? } else { Pace::ONE_BY_ONE };
                let care = self.care()?;
                Ok(Said { intent: Intent::Upgrade { image }, pace, care, secrets: Secrets::default() })
            }
            Verb::Reprovision => {
                let image =
                    if self.text(Slot::NewImage).is_empty() { None } else { Some(self.pinned(Slot::NewImage)?) };
                Ok(Said { care: self.care()?, ..Said::one_by_one(Intent::Reprovision { image }) })
            }
            Verb::Restore => {
                let some = |slot: Slot| Some(self.text(slot).to_owned()).filter(|text| !text.is_empty());
                let (app, config) = (some(Slot::AppSnapshot), some(Slot::ConfigSnapshot));
                if app.is_none() && config.is_none() {
                    return Err((Slot::AppSnapshot, "at least one of the two goes back".to_owned()));
                }
                Ok(Said::one_by_one(Intent::Restore { app, config }))
            }
            Verb::Delete => {
                let care = Care { snapshot: self.yes(Slot::Snapshot)?, ..Care::default() };
                Ok(Said { care, ..Said::one_by_one(Intent::Delete { purge: false }) })
            }
            // Says something to a run, and plans nothing.
            Verb::Skip => Err((Slot::Tenant, "it is no plan".to_owned())),
            Verb::SetTier => Ok(Said::one_by_one(Intent::SetTier { tier: self.tier_said()? })),
            Verb::Resize => {
                let (app, config) = (self.size(Slot::AppSize)?, self.size(Slot::ConfigSize)?);
                if app.or(config).is_none() {
                    return Err((Slot::AppSize, "at least one of the two needs a new size".to_owned()));
                }
                Ok(Said::one_by_one(Intent::Resize { app, config }))
            }
            Verb::Adopt => {
                let from: Vec<String> = self.text(Slot::Managers).split_whitespace().map(str::to_owned).collect();
                if from.is_empty() {
                    return Err((Slot::Managers, "at least one is needed".to_owned()));
                }
                Ok(Said::one_by_one(Intent::Adopt { from }))
            }
        }
    }

    fn care(&self) -> Result<Care, (Slot, String)> {
        Ok(Care { prepull: self.yes(Slot::Prepull)?, snapshot: self.yes(Slot::Snapshot)?, ..Care::default() })
    }

    /// The tenant to be left out.
    ///
    /// # Errors
    /// It is none that waits.
    pub(crate) fn left_out(&self) -> Result<String, (Slot, String)> {
        let tenant = self.text(Slot::Tenant);
        match self.tiers.iter().any(|waits| waits == tenant) {
            true => Ok(tenant.to_owned()),
            false => Err((Slot::Tenant, format!("{tenant:?} is none that was not begun yet"))),
        }
    }

    /// Whether it can be sent off as it is.
    ///
    /// # Errors
    /// The first field that is wrong, with one sentence.
    pub(crate) fn complete(&self) -> Result<(), (Slot, String)> {
        if self.verb == Verb::Skip { self.left_out().map(drop) } else { self.said().map(drop) }
    }

    fn yes(&self, slot: Slot) -> Result<bool, (Slot, String)> {
        match self.text(slot) {
            "yes" | "y" => Ok(true),
            "no" | "n" => Ok(false),
            other => Err((slot, format!("{other:?} is neither yes nor no"))),
        }
    }

    fn tier_said(&self) -> Result<String, (Slot, String)> {
        let tier = self.text(Slot::Tier);
        match self.tiers.iter().any(|t| t == tier) {
            true => Ok(tier.to_owned()),
            false => Err((Slot::Tier, format!("{tier:?} is no tier: {}", self.tiers.join(" or ")))),
        }
    }

    /// Gibibytes; `None` where nothing is said.
    fn size(&self, slot: Slot) -> Result<Option<u32>, (Slot, String)> {
        let text = self.text(slot);
        if text.is_empty() {
            return Ok(None);
        }
        let digits = text.strip_suffix("Gi").unwrap_or(text);
        let size = digits.parse().ok().filter(|gi| *gi > 0);
        size.map(Some).ok_or_else(|| (slot, format!("{text:?} is no size such as 30Gi")))
    }

    fn image(&self) -> Result<PinnedImage, (Slot, String)> {
        self.pinned(Slot::Image)
    }

    fn pinned(&self, slot: Slot) -> Result<PinnedImage, (Slot, String)> {
        let repository = self.defaults.image_repository.as_deref().unwrap_or(REPOSITORY);
        PinnedImage::given(self.text(slot), Some(repository)).map_err(|why| (slot, why))
    }

    fn pace(&self) -> Result<Pace, (Slot, String)> {
        let count = |slot: Slot, least: u32| {
            let number = self.text(slot).parse::<u32>().ok().filter(|n| *n >= least);
            number.ok_or_else(|| (slot, format!("{:?} is no number from {least} on", self.text(slot))))
        };
        let soak = self.text(Slot::Soak);
        let seconds: Age = soak.parse().map_err(|why| (Slot::Soak, why))?;
        Ok(Pace {
            canary: count(Slot::Canary, 0)?,
            max_unavailable: count(Slot::MaxUnavailable, 1)?,
            soak: seconds.0,
            stop_after: count(Slot::StopAfter, 1)?,
        })
    }

    fn creation(&self) -> Result<Said, (Slot, String)> {
        let some = |slot: Slot| Some(self.text(slot).to_owned()).filter(|text| !text.is_empty());
        // In the order of the fields, so that the first that is wrong is the one that is said.
        let id = self.text(Slot::Id);
        id.parse::<TenantId>().map_err(|why| (Slot::Id, why.to_string()))?;
        let tier = self.tier_said()?;
        let image = self.image()?;
        let draft = TenantDraft {
            id: id.to_owned(),
            tier,
            image: image.to_string(),
            host: some(Slot::Host),
            owner: some(Slot::Owner),
            ..TenantDraft::default()
        };
        let spec = draft.resolve(&self.defaults).map_err(|error| (Slot::Host, error.to_string()))?;
        let mut secrets = Secrets::default();
        if let Some(key) = some(Slot::Key) {
            if key.chars().count() >= Field::MAX || key.contains(char::is_whitespace) {
                return Err((Slot::Key, "a key is one word of less than 200 letters".to_owned()));
            }
            secrets = secrets.with(spec.namespace(), key);
        }
        Ok(Said { secrets, ..Said::one_by_one(Intent::Create { spec: Box::new(spec) }) })
    }
}
