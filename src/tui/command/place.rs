//! Where keys go, and the groups of places that commands share.

/// Where keys go: the view or overlay on top.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    Fleet,
    Tenant,
    Findings,
    Volumes,
    Capacity,
    Logs,
    Filter,
    Palette,
    Contexts,
    Sources,
    Help,
    Boots,
    Events,
    Changes,
    Objects,
    Yaml,
    Runs,
    Run,
    Form,
    Confirm,
    ConfirmNames,
    Leave,
}

impl Place {
    pub(crate) const ALL: [Self; 22] = [
        Self::Fleet,
        Self::Tenant,
        Self::Findings,
        Self::Volumes,
        Self::Capacity,
        Self::Logs,
        Self::Filter,
        Self::Palette,
        Self::Contexts,
        Self::Sources,
        Self::Help,
        Self::Boots,
        Self::Events,
        Self::Changes,
        Self::Objects,
        Self::Yaml,
        Self::Runs,
        Self::Run,
        Self::Form,
        Self::Confirm,
        Self::ConfirmNames,
        Self::Leave,
    ];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Fleet => "fleet",
            Self::Tenant => "tenant",
            Self::Findings => "findings",
            Self::Volumes => "volumes",
            Self::Capacity => "capacity",
            Self::Logs => "logs",
            Self::Filter => "filter",
            Self::Palette => "palette",
            Self::Contexts => "contexts",
            Self::Sources => "sources",
            Self::Help => "help",
            Self::Boots => "boots",
            Self::Events => "events",
            Self::Changes => "changes",
            Self::Objects => "objects",
            Self::Yaml => "yaml",
            Self::Runs => "runs",
            Self::Run => "run",
            Self::Form => "form",
            Self::Confirm => "confirm",
            Self::ConfirmNames => "confirm by name",
            Self::Leave => "leave",
        }
    }

    /// Letters are typed here, not looked up.
    pub(crate) fn is_field(self) -> bool {
        matches!(self, Self::Filter | Self::Palette | Self::Contexts | Self::Form | Self::ConfirmNames)
    }
}

pub(super) const VIEWS: &[Place] = &[
    Place::Fleet,
    Place::Tenant,
    Place::Findings,
    Place::Volumes,
    Place::Capacity,
    Place::Boots,
    Place::Events,
    Place::Changes,
    Place::Objects,
    Place::Yaml,
    Place::Runs,
    Place::Run,
];
pub(super) const PAGES: &[Place] = &[
    Place::Fleet,
    Place::Tenant,
    Place::Findings,
    Place::Volumes,
    Place::Capacity,
    Place::Logs,
    Place::Boots,
    Place::Events,
    Place::Changes,
    Place::Objects,
    Place::Yaml,
    Place::Runs,
    Place::Run,
    Place::Sources,
    Place::Help,
];
/// Pages that lie over another one.
pub(super) const ABOVE: &[Place] = &[
    Place::Tenant,
    Place::Findings,
    Place::Volumes,
    Place::Capacity,
    Place::Boots,
    Place::Events,
    Place::Changes,
    Place::Objects,
    Place::Yaml,
    Place::Runs,
    Place::Run,
    Place::Sources,
    Place::Help,
];
/// Where the palette opens.
pub(super) const WITH_PALETTE: &[Place] = &[
    Place::Fleet,
    Place::Tenant,
    Place::Logs,
    Place::Findings,
    Place::Volumes,
    Place::Capacity,
    Place::Boots,
    Place::Events,
    Place::Changes,
    Place::Objects,
    Place::Yaml,
    Place::Runs,
    Place::Run,
];
pub(super) const IN_LOGS: &[Place] = &[Place::Logs];
/// [`VIEWS`] without the one that is searched in: `n` and `N` go from match to match there.
pub(super) const UNSEARCHED: &[Place] = &[
    Place::Fleet,
    Place::Tenant,
    Place::Findings,
    Place::Volumes,
    Place::Capacity,
    Place::Boots,
    Place::Events,
    Place::Changes,
    Place::Objects,
    Place::Runs,
    Place::Run,
];
pub(super) const IN_YAML: &[Place] = &[Place::Yaml];
/// Where tenants can be acted on.
pub(super) const ACTED: &[Place] =
    &[Place::Fleet, Place::Tenant, Place::Volumes, Place::Events, Place::Objects, Place::Yaml];
/// Where Enter takes what was typed.
pub(super) const ACCEPTED: &[Place] = &[Place::Filter, Place::Palette, Place::Contexts, Place::Form];
/// Where Esc means no.
pub(super) const LEFT: &[Place] =
    &[Place::Filter, Place::Palette, Place::Contexts, Place::Form, Place::Confirm, Place::ConfirmNames, Place::Leave];
/// What may be longer than a screen.
pub(super) const TURNED: &[Place] = &[
    Place::Fleet,
    Place::Tenant,
    Place::Findings,
    Place::Volumes,
    Place::Capacity,
    Place::Logs,
    Place::Boots,
    Place::Events,
    Place::Changes,
    Place::Objects,
    Place::Yaml,
    Place::Runs,
    Place::Run,
    Place::Sources,
    Place::Help,
    Place::Confirm,
    Place::ConfirmNames,
];
pub(super) const FIELDS: &[Place] = &[Place::Filter, Place::Palette, Place::Contexts];
