//! The roles a theme may style, each with the role it falls back to.

/// What a piece of screen is there for. A theme may style any of them; what it leaves out is taken from the parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Role {
    Text,
    Dim,
    Title,
    Frame,
    Columns,
    Field,
    Selected,
    Key,
    Hint,
    Context,
    Protected,
    Banner,
    Ok,
    Progress,
    Warn,
    Error,
    Stale,
    PhaseReady,
    PhaseCreating,
    PhaseBooting,
    PhaseStarting,
    PhaseUpdating,
    PhaseDegraded,
    PhaseFailing,
    PhaseSuspended,
    PhaseParked,
    PhaseTerminating,
    PhaseUnknown,
    BarDone,
    BarTodo,
    Meter,
    MeterHigh,
    MeterFull,
}

impl Role {
    pub(crate) const ALL: [Self; 33] = [
        Self::Text,
        Self::Dim,
        Self::Title,
        Self::Frame,
        Self::Columns,
        Self::Field,
        Self::Selected,
        Self::Key,
        Self::Hint,
        Self::Context,
        Self::Protected,
        Self::Banner,
        Self::Ok,
        Self::Progress,
        Self::Warn,
        Self::Error,
        Self::Stale,
        Self::PhaseReady,
        Self::PhaseCreating,
        Self::PhaseBooting,
        Self::PhaseStarting,
        Self::PhaseUpdating,
        Self::PhaseDegraded,
        Self::PhaseFailing,
        Self::PhaseSuspended,
        Self::PhaseParked,
        Self::PhaseTerminating,
        Self::PhaseUnknown,
        Self::BarDone,
        Self::BarTodo,
        Self::Meter,
        Self::MeterHigh,
        Self::MeterFull,
    ];

    /// The role's name in a theme file, and the role it falls back to. A parent stands before its children in `ALL`.
    pub(crate) fn spec(self) -> (&'static str, Option<Self>) {
        match self {
            Self::Text => ("text", None),
            Self::Dim => ("dim", Some(Self::Text)),
            Self::Title => ("title", Some(Self::Text)),
            Self::Frame => ("frame", Some(Self::Dim)),
            Self::Columns => ("columns", Some(Self::Dim)),
            Self::Field => ("field", Some(Self::Text)),
            Self::Selected => ("selected", None),
            Self::Key => ("key", Some(Self::Title)),
            Self::Hint => ("hint", Some(Self::Dim)),
            Self::Context => ("context", Some(Self::Title)),
            Self::Protected => ("context.protected", Some(Self::Context)),
            Self::Banner => ("banner", Some(Self::Title)),
            Self::Ok => ("ok", Some(Self::Text)),
            Self::Progress => ("progress", Some(Self::Text)),
            Self::Warn => ("warn", Some(Self::Text)),
            Self::Error => ("error", Some(Self::Warn)),
            Self::Stale => ("stale", Some(Self::Dim)),
            Self::PhaseReady => ("phase.ready", Some(Self::Ok)),
            Self::PhaseCreating => ("phase.creating", Some(Self::Progress)),
            Self::PhaseBooting => ("phase.booting", Some(Self::Progress)),
            Self::PhaseStarting => ("phase.starting", Some(Self::Progress)),
            Self::PhaseUpdating => ("phase.updating", Some(Self::Progress)),
            Self::PhaseDegraded => ("phase.degraded", Some(Self::Warn)),
            Self::PhaseFailing => ("phase.failing", Some(Self::Error)),
            Self::PhaseSuspended => ("phase.suspended", Some(Self::Dim)),
            Self::PhaseParked => ("phase.parked", Some(Self::Dim)),
            Self::PhaseTerminating => ("phase.terminating", Some(Self::Dim)),
            Self::PhaseUnknown => ("phase.unknown", Some(Self::Stale)),
            Self::BarDone => ("bar.done", Some(Self::Progress)),
            Self::BarTodo => ("bar.todo", Some(Self::Dim)),
            Self::Meter => ("meter", Some(Self::Text)),
            Self::MeterHigh => ("meter.high", Some(Self::Warn)),
            Self::MeterFull => ("meter.full", Some(Self::Error)),
        }
    }

    pub(crate) fn name(self) -> &'static str {
        self.spec().0
    }

    pub(crate) fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_come_first_and_names_are_unique() {
        for (i, role) in Role::ALL.into_iter().enumerate() {
            assert_eq!(role as usize, i, "{role:?} is out of order");
            assert_eq!(Role::by_name(role.name()), Some(role));
            if let (_, Some(parent)) = role.spec() {
                assert!((parent as usize) < i, "{role:?} stands before its parent");
            }
        }
    }
}
