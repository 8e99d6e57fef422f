//! Where keys go, and the groups of places that commands share.

/// Where keys go: the view or overlay on top.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    Fleet,
    Tenant,
    Findings,
    Volumes,
    Capacity,
    Facets,
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
    pub(crate) const ALL: [Self; 23] = [
        Self::Fleet,
        Self::Tenant,
        Self::Findings,
        Self::Volumes,
        Self::Capacity,
        Self::Facets,
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
            Self::Facets => "facets",
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
            Self::Leave => "question",
        }
    }

    /// Letters are typed here, not looked up.
    pub(crate) fn is_field(self) -> bool {
        matches!(self, Self::Filter | Self::Palette | Self::Contexts | Self::Form | Self::ConfirmNames)
    }
}

/// A set of places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Places(u32);

impl Places {
    pub(crate) const fn of(places: &[Place]) -> Self {
        Self(0).and(places)
    }

    const fn and(self, places: &[Place]) -> Self {
        let (mut set, mut i) = (self.0, 0);
        while i < places.len() {
            set |= 1 << places[i] as u32;
            i += 1;
        }
        Self(set)
    }

    const fn without(self, places: &[Place]) -> Self {
        Self(self.0 & !Self::of(places).0)
    }

    pub(crate) fn has(self, place: Place) -> bool {
        self.0 & (1 << place as u32) != 0
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = Place> {
        Place::ALL.into_iter().filter(move |place| self.has(*place))
    }
}

pub(super) const VIEWS: Places = Places::of(&[
    Place::Fleet,
    Place::Tenant,
    Place::Findings,
    Place::Volumes,
    Place::Capacity,
    Place::Facets,
    Place::Boots,
    Place::Events,
    Place::Changes,
    Place::Objects,
    Place::Yaml,
    Place::Runs,
    Place::Run,
]);
/// Where the palette opens.
pub(super) const WITH_PALETTE: Places = VIEWS.and(&[Place::Logs]);
pub(super) const PAGES: Places = WITH_PALETTE.and(&[Place::Sources, Place::Help]);
/// Pages that lie over another one.
pub(super) const ABOVE: Places = PAGES.without(&[Place::Fleet, Place::Logs]);
/// `n` and `N` go from match to match in the one that is searched in.
pub(super) const UNSEARCHED: Places = VIEWS.without(&[Place::Yaml]);
/// What may be longer than a screen.
pub(super) const TURNED: Places = PAGES.and(&[Place::Confirm, Place::ConfirmNames]);
pub(super) const IN_YAML: Places = Places::of(&[Place::Yaml]);
pub(super) const IN_LOGS: Places = Places::of(&[Place::Logs]);
/// Where tenants can be acted on.
pub(super) const ACTED: Places =
    Places::of(&[Place::Fleet, Place::Tenant, Place::Volumes, Place::Events, Place::Objects, Place::Yaml]);
pub(super) const FIELDS: Places = Places::of(&[Place::Filter, Place::Palette, Place::Contexts]);
/// Where Enter takes what was typed.
pub(super) const ACCEPTED: Places = FIELDS.and(&[Place::Form]);
/// Where Esc means no.
pub(super) const LEFT: Places = ACCEPTED.and(&[Place::Confirm, Place::ConfirmNames, Place::Leave]);
