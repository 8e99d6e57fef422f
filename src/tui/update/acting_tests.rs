//! From keys to plans to runs: what is asked, what is agreed to, and what never is.

use std::sync::Arc;

use super::update;
use crate::{
    engine::{Order, Proposal, dry::Verdict},
    fleet::{Right, fixture::*},
    index::{Delta, Kind, Link},
    plan::{
        self, End, Intent, Ledger, News, Pace, Plan, Preview, Refusal, Why,
        situation_for_tests::{entry_at, situation},
    },
    tui::{
        command::Place,
        effect::{Effect, Say},
        fixture::*,
        keymap::Keymap,
        msg::{Begun, Msg},
        state::{Notice, State},
    },
};

fn say(state: &mut State, msg: Msg) {
    assert_eq!(update(state, &Keymap::new(), msg), []);
    state.settle();
}

fn said(state: &State) -> String {
    match &state.notice {
        Some(Notice::Info(text) | Notice::Error(text)) => text.clone(),
        None => String::new(),
    }
}

/// What would be proposed for these tenants.
pub(in crate::tui) fn proposal(intent: &Intent, tenants: &[&str]) -> Box<Proposal> {
    let entries: Vec<_> = tenants
        .iter()
        .map(|id| {
            let tenant = tenant(id, Some(later(ready(), NOW - 400)));
            entry_at(tenant, NOW)
        })
        .collect();
    let refs: Vec<_> = entries.iter().collect();
    let pace = Pace { canary: 1, soak: 120, ..Pace::ONE_BY_ONE };
    let plan = situation(|seen| Plan::make(intent.clone(), pace, &refs, seen)).unwrap();
    let preview = Preview::of(&plan);
    let verdict = |object: String| Verdict {
        object,
        said: "would be deleted".into(),
        changes: vec![],
        refused: None,
        owned: false,
    };
    let server =
        tenants.iter().map(|t| ((*t).to_owned(), vec![verdict(format!("Pod tenant-{t}/openclaw-0"))])).collect();
    Box::new(Proposal { plan, preview, left_out: Refusal::default(), server, recorded: true, notes: vec![] })
}

fn asked(effects: &[Effect]) -> (u64, Intent, Vec<String>) {
    let [Effect::Propose { token, intent, whom, .. }] = effects else { panic!("{effects:?}") };
    (*token, intent.clone(), whom.iter().map(|w| w.id.to_string()).collect())
}

fn begin(state: &mut State, token: u64, proposal: &Proposal) {
    let plan = Arc::new(proposal.plan.clone());
    let ledger = Ledger::new(&plan);
    say(state, Msg::Begun(Some(token), Ok(Begun { plan, ledger, recorded: true })));
}

#[test]
fn a_restart_is_asked_for_shown_agreed_to_and_seen_to_its_end() {
    let mut state = with(mixed());
    press(&mut state, "/ \"chloe\" enter");
    let (token, intent, whom) = asked(&press(&mut state, "r"));
    assert_eq!((intent.clone(), whom), (Intent::Restart, vec!["chloe".to_owned()]));
    assert_eq!(press(&mut state, "enter y"), [], "there is no plan yet");
    assert!(screen(&mut state, 80, 24).contains("asking the cluster; nothing is changed yet"));
    let proposal = proposal(&intent, &["chloe"]);
    say(&mut state, Msg::Proposed(token + 7, Err(vec!["of another dialog".into()])));
    say(&mut state, Msg::Proposed(token, Ok(proposal.clone())));
    insta::assert_snapshot!("confirm_one_80x24", screen(&mut state, 80, 24));
    press(&mut state, "tab");
    assert!(screen(&mut state, 80, 24).contains("delete the pod"));
    let effects = press(&mut state, "enter");
    assert!(
        matches!(&effects[..], [Effect::Begin { token: t, proposal: p, .. }] if *t == token && p.plan == proposal.plan)
    );
    assert_eq!(press(&mut state, "enter y"), [], "once is enough");
    begin(&mut state, token, &proposal);
    assert_eq!(state.place(), Place::Fleet);
    assert!(screen(&mut state, 80, 24).contains("restart chloe"), "{}", screen(&mut state, 80, 24));

    let id = proposal.plan.id.clone();
    let tenant = "tenant-chloe".to_owned();
    let event = |news| Box::new(plan::Event { at: at(NOW), news });
    let step = News::Step { tenant: tenant.clone(), step: 1, said: "wait until a new pod is Ready".into() };
    say(&mut state, Msg::Ran(id.clone(), event(step)));
    assert!(matches!(&press(&mut state, "R")[..], [Effect::Remember(_)]));
    insta::assert_snapshot!("runs_80x24", screen(&mut state, 80, 24));
    insta::assert_snapshot!("runs_120x40", screen(&mut state, 120, 40));
    press(&mut state, "enter");
    insta::assert_snapshot!("run_80x24", screen(&mut state, 80, 24));
    insta::assert_snapshot!("run_120x40", screen(&mut state, 120, 40));
    assert_eq!(press(&mut state, "p"), [Effect::Order(id.clone(), Order::Pause)]);
    assert_eq!(press(&mut state, "p"), [Effect::Order(id.clone(), Order::Go)]);
    say(&mut state, Msg::Ran(id.clone(), event(News::Done { tenant, said: "Ready".into(), down: Some(84) })));
    say(&mut state, Msg::Ran(id.clone(), event(News::Ended { end: End::Done, said: "1 done".into() })));
    say(&mut state, Msg::RunEnded(id.clone()));
    assert_eq!(said(&state), format!("{id}: 1 done"));
    assert_eq!(press(&mut state, "p X"), [], "what is at its end hears nothing");
    let shown = screen(&mut state, 120, 40);
    assert!(shown.contains("without the gateway: median 84s"), "{shown}");
    assert!(!shown.contains("(R)"), "no line for a run that is over: {shown}");
}

#[test]
fn marked_tenants_are_meant_whatever_the_filter_hides() {
    let mut state = with(mixed());
    press(&mut state, "/ \"chloe\" enter space esc / \"ada\" enter space esc / \"gus\" enter");
    assert!(screen(&mut state, 80, 24).contains("2 marked"));
    let (token, intent, whom) = asked(&press(&mut state, "r"));
    assert_eq!(whom, ["ada", "chloe"], "not gus, who is only selected");
    let proposal = proposal(&intent, &["ada", "chloe"]);
    say(&mut state, Msg::Proposed(token, Ok(proposal.clone())));
    insta::assert_snapshot!("confirm_many_120x40", screen(&mut state, 120, 40));
    assert_eq!(press(&mut state, "enter"), []);
    assert!(said(&state).contains("y begins it"));
    assert!(matches!(press(&mut state, "y")[..], [Effect::Begin { .. }]));
    begin(&mut state, token, &proposal);
    assert!(state.marks.is_empty(), "they are not marked for what is done next");
    // On a tenant's page it is that tenant, whoever is marked.
    press(&mut state, "esc M enter");
    let (_, _, whom) = asked(&press(&mut state, "r"));
    assert_eq!(whom.len(), 1);
}

#[test]
fn what_is_destroyed_is_typed_and_so_is_the_name_of_a_protected_context() {
    let mut state = with(mixed());
    state.context.protected = true;
    press(&mut state, "/ \"chloe\" enter");
    let (token, intent, _) = asked(&press(&mut state, "ctrl-d enter"));
    say(&mut state, Msg::Proposed(token, Ok(proposal(&intent, &["chloe"]))));
    assert_eq!(state.place(), Place::ConfirmNames);
    assert!(screen(&mut state, 80, 24).contains("1 of 2: type chloe and Enter to go on"));
    assert_eq!(press(&mut state, "enter \"chlo\" enter"), []);
    assert!(said(&state).contains("that is not chloe"));
    assert_eq!(press(&mut state, "\"chloe\" enter"), []);
    assert!(screen(&mut state, 80, 24).contains("2 of 2: type prod-weu"));
    assert!(matches!(press(&mut state, "\"prod-weu\" enter")[..], [Effect::Begin { .. }]));
}

#[test]
fn who_may_not_or_sees_only_the_past_is_told_why() {
    let mut state = with(mixed());
    press(&mut state, "/ \"chloe\" enter");
    state.context.read_only = true;
    assert_eq!(press(&mut state, "r u c z ctrl-d"), []);
    assert!(said(&state).contains("read-only"), "{}", said(&state));
    state.context.read_only = false;
    let mut rights = oncall();
    rights.set(Right::Restart, false);
    feed(&mut state, vec![Delta::Rights { namespace: None, rights }]);
    assert_eq!(press(&mut state, "r"), []);
    assert!(said(&state).contains("you may not restart tenants (delete pods)"), "{}", said(&state));
    let broken = Link::Broken { since: at(NOW), why: text("connection reset") };
    feed(&mut state, vec![Delta::Rights { namespace: None, rights: oncall() }, Delta::Link(Kind::Pod, broken)]);
    assert_eq!(press(&mut state, "r"), []);
    assert!(said(&state).contains("stale"), "{}", said(&state));
    assert_eq!(press(&mut state, "Z"), []);
}

#[test]
fn a_refusal_gives_every_reason_and_begins_nothing() {
    let mut state = with(mixed());
    press(&mut state, "/ \"chloe\" enter");
    let (token, intent, _) = asked(&press(&mut state, "r"));
    let mut refusal = Refusal::one(Why::NoPod, "it has no pod to replace");
    refusal.add(Some("chloe"), Why::Busy, "dana@desk acts on it");
    say(&mut state, Msg::Proposed(token, Err(refusal.lines())));
    let shown = screen(&mut state, 80, 24);
    assert!(shown.contains("it has no pod") && shown.contains("chloe: dana@desk acts on it"), "{shown}");
    assert_eq!(press(&mut state, "enter y"), []);
    press(&mut state, "esc");
    let (token, ..) = asked(&press(&mut state, "r"));
    let mut refused = proposal(&intent, &["chloe"]);
    refused.server.get_mut("chloe").unwrap()[0].refused = Some("admission webhook says no".into());
    say(&mut state, Msg::Proposed(token, Ok(refused)));
    assert_eq!(press(&mut state, "enter y"), []);
    assert!(screen(&mut state, 80, 24).contains("admission webhook says no"));
}

#[test]
fn forms_are_judged_while_they_are_typed() {
    let mut state = with(mixed());
    state.defaults.domain = Some("claw.example".into());
    press(&mut state, "c");
    assert_eq!(state.place(), Place::Form);
    insta::assert_snapshot!("form_create_80x24", screen(&mut state, 80, 24));
    press(&mut state, "\"Not_a_label\"");
    assert!(screen(&mut state, 120, 40).contains("tenant id:"), "{}", screen(&mut state, 120, 40));
    for _ in 0.."Not_a_label".len() {
        press(&mut state, "backspace");
    }
    press(&mut state, "\"zora\" enter enter \"2026.8.2\" enter");
    assert!(screen(&mut state, 120, 40).contains("host: empty: zora.claw.example"));
    press(&mut state, "enter \"@zora\" enter \"sk-1234\"");
    let shown = screen(&mut state, 120, 40);
    assert!(shown.contains("everything that is needed is there"), "{shown}");
    assert!(!shown.contains("sk-1234"), "a key is shown to nobody");
    let effects = press(&mut state, "enter");
    let [Effect::Propose { intent: Intent::Create { spec }, whom, .. }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((spec.id.as_str(), spec.host.as_str(), whom.len()), ("zora", "zora.claw.example", 0));
    // No leads back to what was typed.
    press(&mut state, "esc");
    assert_eq!(state.place(), Place::Form);
    press(&mut state, "esc");

    press(&mut state, "/ \"chloe\" enter u \"latest\" enter enter enter");
    assert_eq!(state.place(), Place::Confirm, "what a tag means is judged by the plan");
    press(&mut state, "esc esc esc M u");
    insta::assert_snapshot!("form_upgrade_120x40", screen(&mut state, 120, 40));
    press(&mut state, "\"2026.8.3\" enter enter backspace \"none\" enter enter enter enter enter enter");
    assert!(said(&state).contains("down at once"), "{}", said(&state));
}

#[test]
fn tiers_sizes_and_managers_are_asked_for() {
    let mut state = with(mixed());
    press(&mut state, "/ \"chloe\" enter");
    let palette = |state: &mut State, verb: &str| press(state, &format!(": \"{verb}\" enter"));
    let intent = |effects: &[Effect]| asked(effects).1;
    palette(&mut state, "set-tier");
    assert_eq!(press(&mut state, "\"gold\" enter"), []);
    assert!(said(&state).contains("\"gold\" is no tier: pro or max"), "{}", said(&state));
    press(&mut state, "esc esc");
    palette(&mut state, "set-tier");
    assert_eq!(intent(&press(&mut state, "\"max\" enter")), Intent::SetTier { tier: "max".into() });
    press(&mut state, "esc esc");
    palette(&mut state, "resize");
    assert_eq!(press(&mut state, "enter enter"), [], "neither says anything");
    assert_eq!(intent(&press(&mut state, "\"40Gi\" enter enter")), Intent::Resize { app: Some(40), config: None });
    press(&mut state, "esc esc esc");
    palette(&mut state, "adopt");
    let from = vec!["kubectl-client-side-apply".to_owned()];
    assert_eq!(intent(&press(&mut state, "enter")), Intent::Adopt { from });
    press(&mut state, "esc esc");
    assert_eq!(intent(&palette(&mut state, "rotate-token")), Intent::RotateToken);
}

#[test]
fn leaving_asks_while_a_run_is_under_way_and_another_cluster_keeps_it() {
    let mut state = with(mixed());
    press(&mut state, "/ \"chloe\" enter");
    let (token, intent, _) = asked(&press(&mut state, "r"));
    let proposal = proposal(&intent, &["chloe"]);
    say(&mut state, Msg::Proposed(token, Ok(proposal.clone())));
    press(&mut state, "enter");
    begin(&mut state, token, &proposal);
    assert_eq!(press(&mut state, "esc q"), []);
    insta::assert_snapshot!("leave_80x24", screen(&mut state, 80, 24));
    assert_eq!(press(&mut state, "esc"), []);
    press(&mut state, "space r");
    let context = crate::tui::session::ContextInfo { name: "lab".into(), ..context() };
    say(&mut state, Msg::Switched { context, banner: None });
    assert!(state.marks.is_empty() && state.overlays.is_empty());
    assert!(screen(&mut state, 120, 40).contains("restart chloe on prod"), "{}", screen(&mut state, 120, 40));
    assert_eq!(press(&mut state, "q"), []);
    assert_eq!(press(&mut state, "y"), [Effect::Quit]);
}

#[test]
fn forms_say_what_is_done_first() {
    let mut state = with(mixed());
    press(&mut state, "/ \"chloe\" enter");
    let care = |effects: &[Effect]| {
        let [Effect::Propose { intent, care, .. }] = effects else { panic!("{effects:?}") };
        (intent.clone(), care.prepull, care.snapshot)
    };
    let yes = "backspace backspace \"yes\" enter";
    let (intent, prepull, snapshot) = care(&press(&mut state, &format!("P enter enter {yes}")));
    assert!(matches!(intent, Intent::Reprovision { image: None }) && prepull && snapshot);
    press(&mut state, "esc esc");
    let (intent, ..) = care(&press(&mut state, "P \"2026.9.1\" enter enter enter"));
    assert!(matches!(intent, Intent::Reprovision { image: Some(image) } if image.tag() == Some("2026.9.1")));
    press(&mut state, "esc esc");
    let (intent, _, snapshot) = care(&press(&mut state, &format!("ctrl-d {yes}")));
    assert!(matches!(intent, Intent::Delete { purge: false }) && snapshot);
    press(&mut state, "esc esc");
    let (intent, ..) = care(&press(&mut state, ": \"restore\" enter enter enter"));
    assert_eq!(intent, Intent::Restore { app: Some("latest".into()), config: Some("latest".into()) });
    press(&mut state, "esc esc");
    assert!(matches!(care(&press(&mut state, "s")).0, Intent::Snapshot { class: None }));
}

#[test]
fn a_tenant_is_left_out_of_a_run_that_has_not_begun_it() {
    let mut state = with(mixed());
    press(&mut state, "M");
    let (token, intent, whom) = asked(&press(&mut state, "r"));
    let mut of: Vec<&str> = whom.iter().map(String::as_str).collect();
    of.truncate(3);
    let mut proposal = proposal(&intent, &of);
    proposal.plan.context = state.context.name.clone();
    begin(&mut state, token, &proposal);
    press(&mut state, "esc R enter s \"nobody\"");
    assert!(screen(&mut state, 80, 24).contains("leave a tenant out of the run"));
    assert_eq!(press(&mut state, "enter"), []);
    assert!(said(&state).contains("is none that was not begun yet"), "{}", said(&state));
    let gone = "backspace ".repeat(6);
    let effects = press(&mut state, &format!("{gone} \"{}\" enter", of[2]));
    assert_eq!(effects, [Effect::Say(proposal.plan.id.clone(), Say::Skip(of[2].to_owned()))]);
}

/// To give up another's run is for good; to take one up acts on tenants: neither goes by one key.
#[test]
fn what_is_for_good_or_acts_on_tenants_is_asked_for_on_the_pages_of_runs_too() {
    let mut state = with(mixed());
    let proposal = proposal(&Intent::Restart, &["chloe", "ada"]);
    let id = proposal.plan.id.clone();
    state.context.name.clone_from(&proposal.plan.context);
    begin(&mut state, 1, &proposal);
    press(&mut state, "R");
    press(&mut state, "X");
    assert!(screen(&mut state, 80, 24).contains("for good"), "{}", screen(&mut state, 80, 24));
    assert_eq!(press(&mut state, "enter"), [], "an Enter is no yes to that");
    assert_eq!((press(&mut state, "esc"), state.place()), (vec![], Place::Runs));
    press(&mut state, "X");
    assert_eq!(press(&mut state, "y"), [Effect::Order(id.clone(), Order::Stop), Effect::Say(id.clone(), Say::Abort)]);

    let event = |news| Box::new(plan::Event { at: at(NOW), news });
    let stopped = || event(News::Ended { end: End::Stopped, said: "stopped: 0 done".into() });
    say(&mut state, Msg::Ran(id.clone(), stopped()));
    say(&mut state, Msg::RunEnded(id.clone()));
    assert_eq!((press(&mut state, "enter T"), state.place()), (vec![], Place::Run), "it is at its end, for good");

    // From another context it cannot be ended for good, and that is said.
    let mut state = with(mixed());
    begin(&mut state, 1, &proposal);
    press(&mut state, "R X");
    let shown = screen(&mut state, 80, 24);
    assert!(
        shown.contains("on prod?") && shown.contains("others can go on with it") && !shown.contains("for good:"),
        "{shown}"
    );
    assert_eq!(press(&mut state, "y"), [Effect::Order(id.clone(), Order::Stop)]);

    // Stopped midway: nobody is acted on any more, and the page does not say so.
    let mut state = with(mixed());
    state.context.name.clone_from(&proposal.plan.context);
    begin(&mut state, 1, &proposal);
    press(&mut state, "R");
    let event = |news| Box::new(plan::Event { at: at(NOW), news });
    let step = News::Step { tenant: "tenant-ada".into(), step: 1, said: "wait".into() };
    say(&mut state, Msg::Ran(id.clone(), event(step)));
    say(&mut state, Msg::Ran(id.clone(), stopped()));
    say(&mut state, Msg::RunEnded(id.clone()));
    press(&mut state, "enter");
    insta::assert_snapshot!("run_stopped_80x24", screen(&mut state, 80, 24));

    // Taken up again, whoever is deleted is typed, and so is a protected context.
    press(&mut state, "T");
    insta::assert_snapshot!("take_up_80x24", screen(&mut state, 80, 24));
    assert_eq!(press(&mut state, "enter"), []);
    assert_eq!(press(&mut state, "y"), [Effect::Say(id, Say::TakeUp)]);

    let mut state = with(mixed());
    state.context.protected = true;
    let parked = self::proposal(&Intent::Delete { purge: false }, &["chloe"]);
    let (id, context) = (parked.plan.id.clone(), parked.plan.context.clone());
    state.context.name.clone_from(&context);
    begin(&mut state, 1, &parked);
    say(&mut state, Msg::Ran(id.clone(), event(News::Ended { end: End::Stopped, said: "stopped".into() })));
    say(&mut state, Msg::RunEnded(id.clone()));
    press(&mut state, "R enter T");
    assert_eq!(state.place(), Place::ConfirmNames);
    assert_eq!(press(&mut state, "\"ada\" enter"), []);
    assert!(said(&state).contains("that is not chloe"), "{}", said(&state));
    assert_eq!(press(&mut state, "\"chloe\" enter"), []);
    assert_eq!(press(&mut state, &format!("{context:?} enter")), [Effect::Say(id, Say::TakeUp)]);

    // A purge is never taken up.
    let mut state = with(mixed());
    let purge = self::proposal(&Intent::Delete { purge: true }, &["chloe"]);
    state.context.name.clone_from(&context);
    begin(&mut state, 1, &purge);
    say(&mut state, Msg::Ran(purge.plan.id.clone(), stopped()));
    say(&mut state, Msg::RunEnded(purge.plan.id.clone()));
    press(&mut state, "R enter");
    assert_eq!((press(&mut state, "T"), state.place()), (vec![], Place::Run));
}
