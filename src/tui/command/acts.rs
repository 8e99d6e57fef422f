//! Commands that change tenants, and those of the runs that do it.

use super::{
    Command, Danger, Id, LOOK,
    enabled::{
        changed, created, deleted, marked, one, pausable, purged, restarted, resumed, retriable, run_selected,
        skippable, stoppable, suspended, visible,
    },
    place::{ACTED, Place, Places},
};

const PLAN: Command = Command { danger: Danger::Plan, places: ACTED, enabled: changed, ..LOOK };
const ORDER: Command =
    Command { danger: Danger::Order, places: Places::of(&[Place::Runs, Place::Run]), listed: false, ..LOOK };

pub(super) const COMMANDS: &[Command] = &[
    Command {
        id: Id::Mark,
        name: "mark-tenant",
        hint: Some("mark"),
        help: "mark the tenant, or take the mark off: what is done next is done to all that are marked",
        keys: &["space"],
        places: Places::of(&[Place::Fleet]),
        listed: false,
        ..LOOK
    },
    Command {
        id: Id::MarkAll,
        name: "mark-all",
        hint: None,
        help: "mark every tenant that is shown, or take their marks off",
        keys: &["M"],
        places: Places::of(&[Place::Fleet, Place::Findings]),
        enabled: visible,
        ..LOOK
    },
    Command {
        id: Id::Unmark,
        name: "unmark",
        hint: None,
        help: "take all marks off, also those that the filter hides",
        keys: &["U"],
        places: Places::of(&[Place::Fleet]),
        enabled: marked,
        ..LOOK
    },
    Command {
        id: Id::Restart,
        name: "restart",
        hint: Some("restart"),
        help: "replace the pod; volumes and everything else stay",
        keys: &["r"],
        enabled: restarted,
        ..PLAN
    },
    Command {
        id: Id::Upgrade,
        name: "upgrade",
        hint: Some("upgrade"),
        help: "run another image of the gateway; of many tenants a canary first, then wave by wave",
        keys: &["u"],
        ..PLAN
    },
    Command {
        id: Id::Create,
        name: "create",
        hint: Some("create"),
        help: "make a tenant, finish one that was begun, or revive a parked one",
        keys: &["c"],
        places: Places::of(&[Place::Fleet]),
        enabled: created,
        ..PLAN
    },
    Command {
        id: Id::Reprovision,
        name: "reprovision",
        hint: Some("reprovision"),
        help: "delete the StatefulSet and make it anew by the manifests, on the same volumes",
        keys: &["P"],
        ..PLAN
    },
    Command {
        id: Id::Snapshot,
        name: "snapshot",
        hint: None,
        help: "a VolumeSnapshot of each volume, where the cluster can; nothing is stopped",
        keys: &["s"],
        ..PLAN
    },
    Command {
        id: Id::Restore,
        name: "restore",
        hint: None,
        help: "new volumes from snapshots, and the tenant on them; those of before stay",
        keys: &[],
        enabled: one,
        ..PLAN
    },
    Command {
        id: Id::Apply,
        name: "apply",
        hint: None,
        help: "take back what is not as the tenant's spec renders it; fields of other managers are left alone and named",
        keys: &["A"],
        ..PLAN
    },
    Command {
        id: Id::ApplyForce,
        name: "apply-force",
        hint: None,
        help: "the same, also where another field manager owns what has drifted: the plan names them",
        keys: &[],
        ..PLAN
    },
    Command {
        id: Id::SetTier,
        name: "set-tier",
        hint: None,
        help: "give the tenant another tier: its quota and its pod's resources",
        keys: &[],
        ..PLAN
    },
    Command {
        id: Id::Resize,
        name: "resize",
        hint: None,
        help: "larger volumes; they never shrink",
        keys: &[],
        ..PLAN
    },
    Command {
        id: Id::RotateToken,
        name: "rotate-token",
        hint: None,
        help: "a new gateway token, which nobody sees; whoever is connected has to sign in again",
        keys: &[],
        ..PLAN
    },
    Command {
        id: Id::Adopt,
        name: "adopt",
        hint: None,
        help: "give a spec to a tenant that another hand has made, and take over the fields of its manager",
        keys: &[],
        ..PLAN
    },
    Command {
        id: Id::SuspendTenant,
        name: "suspend-tenant",
        hint: None,
        help: "run no pod until it is resumed; everything else stays",
        keys: &["z"],
        enabled: suspended,
        ..PLAN
    },
    Command {
        id: Id::ResumeTenant,
        name: "resume-tenant",
        hint: None,
        help: "run the pod of a suspended tenant again",
        keys: &["Z"],
        enabled: resumed,
        ..PLAN
    },
    Command {
        id: Id::Delete,
        name: "delete",
        hint: None,
        help: "remove StatefulSet, Service and Ingress; volumes stay, and create revives the tenant",
        keys: &["ctrl-d"],
        enabled: deleted,
        ..PLAN
    },
    Command {
        id: Id::Purge,
        name: "delete-with-all-data",
        hint: None,
        help: "delete the Namespace and the volumes with all data, for good; each name is to be typed",
        keys: &[],
        enabled: purged,
        ..PLAN
    },
    Command {
        id: Id::Runs,
        name: "runs",
        hint: None,
        help: "what is being done to tenants, and was: by this console and by others",
        keys: &["R"],
        ..LOOK
    },
    Command {
        id: Id::RunOpen,
        name: "open-run",
        hint: Some("open"),
        help: "open the run: its waves, who is acted on, what failed",
        keys: &["enter"],
        places: Places::of(&[Place::Runs]),
        enabled: run_selected,
        ..ORDER
    },
    Command {
        id: Id::RunPause,
        name: "pause-run",
        hint: Some("pause or go on"),
        help: "begin nobody new, and finish who was begun; on a paused run: go on",
        keys: &["p"],
        enabled: pausable,
        ..ORDER
    },
    Command {
        id: Id::RunAbort,
        name: "abort-run",
        hint: Some("abort"),
        help: "stop before the next step, for good; what is done stays done",
        keys: &["X"],
        enabled: stoppable,
        ..ORDER
    },
    Command {
        id: Id::RunRetry,
        name: "retry-run",
        hint: Some("take up"),
        help: "go on with a run that nobody holds, and try those again that failed or were held",
        keys: &["T"],
        enabled: retriable,
        ..ORDER
    },
    Command {
        id: Id::RunSkip,
        name: "skip-tenant",
        hint: Some("skip"),
        help: "leave a tenant out that the run has not begun yet",
        keys: &["s"],
        places: Places::of(&[Place::Run]),
        enabled: skippable,
        ..ORDER
    },
    Command {
        id: Id::Agree,
        name: "agree",
        hint: Some("yes"),
        help: "agree to the plan, or to what was typed",
        keys: &["enter"],
        places: Places::of(&[Place::Confirm, Place::ConfirmNames, Place::Leave]),
        ..ORDER
    },
    Command {
        id: Id::AgreeYes,
        name: "yes",
        hint: None,
        help: "yes, where many tenants are meant",
        keys: &["y"],
        places: Places::of(&[Place::Confirm, Place::Leave]),
        ..ORDER
    },
    Command {
        id: Id::Details,
        name: "details",
        hint: Some("details"),
        help: "every step, and what the server says to it; and back",
        keys: &["tab"],
        places: Places::of(&[Place::Confirm, Place::ConfirmNames]),
        ..ORDER
    },
    Command {
        id: Id::NextField,
        name: "next-field",
        hint: Some("next"),
        help: "to the next field",
        keys: &["tab", "down"],
        places: Places::of(&[Place::Form]),
        ..ORDER
    },
    Command {
        id: Id::PreviousField,
        name: "previous-field",
        hint: None,
        help: "to the field before",
        keys: &["shift-tab", "up"],
        places: Places::of(&[Place::Form]),
        ..ORDER
    },
];
