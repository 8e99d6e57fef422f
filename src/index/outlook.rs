//! What is said about a tenant's way to ready: to an operator in a clause, to the tenant's user in a sentence.
//!
//! Nothing is promised that is not known: without history there are no seconds.

use crate::fleet::{
    Age, At, Boot, Phase, Tenant,
    boot::{Comparison, Lap, Pace},
};

use super::{
    fleet::Entry,
    history::{Forecast, History},
};

/// Seconds that a big image may take over a slow line.
const PULL: u32 = 600;

/// What the tenant's user may be told. `kept_down`: something is wrong that waiting does not mend, whatever the phase says.
pub fn for_user(entry: &Entry, forecast: Option<Forecast>, kept_down: bool) -> String {
    const CANNOT: &str = "Your assistant cannot start at the moment; an operator has to look at it.";
    if kept_down && entry.verdict.phase.in_progress() {
        return CANNOT.to_owned();
    }
    let left = match forecast {
        Some(Forecast::Left { seconds, .. }) => format!(", {}", about(seconds)),
        Some(Forecast::Overdue { .. }) => "; it takes longer than usual".to_owned(),
        Some(Forecast::NoPod { seconds, .. }) => {
            format!("; then a start usually takes {}", span(seconds))
        }
        Some(Forecast::NoHistory { .. }) | None => String::new(),
    };
    match &entry.verdict.phase {
        Phase::Creating => format!("Your assistant is being set up{left}."),
        Phase::Booting { .. } => format!("Your assistant is starting{left}."),
        Phase::Starting => format!("Your assistant will soon take messages{left}."),
        Phase::Ready => "Your assistant is ready.".to_owned(),
        // Its Service sends nobody to a pod that is not Ready, whichever part of it is not; what it asks for itself still works.
        Phase::Degraded if gateway_runs(&entry.tenant) => {
            "Your assistant runs, but not all of it; its address may not answer.".to_owned()
        }
        Phase::Degraded => "Your assistant does not answer at the moment.".to_owned(),
        Phase::Failing => CANNOT.to_owned(),
        Phase::Suspended => "Your assistant is suspended.".to_owned(),
        Phase::Parked => "Your assistant is not running; its volumes are kept.".to_owned(),
        Phase::Updating => format!("Your assistant is being restarted{left}."),
        Phase::Terminating => "Your assistant is being removed.".to_owned(),
        Phase::Unknown => "It is not known at the moment how your assistant is.".to_owned(),
    }
}

fn gateway_runs(tenant: &Tenant) -> bool {
    tenant.pod().and_then(|p| p.gateway()).is_some_and(|g| g.ready)
}

/// `about 40 s left`: no finer than it is known.
fn about(seconds: u32) -> String {
    format!("{} left", span(seconds))
}

fn span(seconds: u32) -> String {
    match seconds {
        0..=9 => "a few seconds".to_owned(),
        10..=119 => format!("about {} s", (seconds + 2) / 5 * 5),
        _ => format!("about {} min", (seconds + 30) / 60),
    }
}

/// What an operator reads beside a tenant that is on its way: `~48s left`, or `slow: 41s, usually 12s`.
/// `None` where nothing is known.
pub fn clause(entry: &Entry, history: &History, now: At) -> Option<(Pace, String)> {
    let forecast = history.forecast(entry, now)?;
    let current = history.current(&entry.tenant, now);
    if let Some((lap, elapsed, Some(comparison))) = current
        && pace(lap, &comparison) > Pace::Usual
    {
        let pace = pace(lap, &comparison);
        let word = if pace == Pace::Stuck { "stuck" } else { "slow" };
        let what = if lap.waits { " image or start" } else { "" };
        return Some((pace, format!("{word}{what}: {}, usually {}", Age(elapsed), Age(comparison.median))));
    }
    match forecast {
        Forecast::Left { seconds, .. } => Some((Pace::Usual, format!("~{} left", Age(seconds)))),
        Forecast::Overdue { .. } => Some((Pace::Usual, "longer than seen before".to_owned())),
        Forecast::NoPod { seconds, .. } => {
            let why = Some(&*entry.verdict.why).filter(|why| !why.is_empty()).unwrap_or("no pod yet");
            Some((Pace::Usual, format!("{why}, then ~{}", Age(seconds))))
        }
        Forecast::NoHistory { .. } => None,
    }
}

/// The pace of a lap. An image that is on no node yet takes minutes where one that is takes none: a wait for it is stuck
/// only later.
pub fn pace(lap: Lap, comparison: &Comparison) -> Pace {
    match comparison.pace() {
        Pace::Stuck if lap.waits && comparison.elapsed < PULL => Pace::Slow,
        pace => pace,
    }
}

/// The same with what it stands on, for a page.
pub fn long(forecast: Forecast) -> String {
    match forecast {
        Forecast::Left { seconds, samples } => format!("about {} left (told by {})", Age(seconds), boots(samples)),
        Forecast::Overdue { samples } => format!("this takes longer than in any of {}", boots(samples)),
        Forecast::NoPod { seconds, samples } => format!(
            "when its pod comes nobody can tell; from then on usually {} (told by {})",
            Age(seconds),
            boots(samples)
        ),
        Forecast::NoHistory { samples: 0 } => "no history yet: nothing to compare with".to_owned(),
        Forecast::NoHistory { samples } => format!("no history yet: only {} to compare with", boots(samples)),
    }
}

pub fn boots(n: u32) -> String {
    if n == 1 { "1 boot".to_owned() } else { format!("{n} boots") }
}

/// Why a boot does not move, in the cluster's words: the latest warning about its pod, or about this very container,
/// since the lap began. `None` where no event says.
pub fn stuck_because(tenant: &Tenant, lap: Lap, since: At) -> Option<String> {
    let pod = tenant.pod()?;
    let boot = Boot::of(pod);
    let step = boot.steps.get(lap.step)?.kind.name();
    let told = tenant.warnings.iter().filter(|w| {
        w.object_uid == Some(pod.uid)
            && w.last.is_some_and(|last| last >= since)
            && w.container.as_deref().is_none_or(|c| c == step)
    });
    told.max_by_key(|w| w.last).map(|w| format!("{}: {}", w.reason, w.message))
}

/// How a comparison reads: `usually 12s, p95 15s`.
pub fn usually(of: &Comparison) -> String {
    format!("usually {}, p95 {}", Age(of.median), Age(of.p95))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::{Pod, Verdict, Warning, fixture::*};

    fn entry(pod: Option<Pod>, now: u32) -> Entry {
        let tenant = tenant("a", pod);
        Entry { verdict: Verdict::of(&tenant, at(now)), tenant, changed: None }
    }

    #[test]
    fn there_is_a_sentence_for_every_phase_and_no_promise_without_history() {
        let check = |entry: &Entry, forecast, expect: &str| {
            assert_eq!(for_user(entry, forecast, false), expect, "{:?}", entry.verdict.phase);
        };
        let left = |seconds| Some(Forecast::Left { seconds, samples: 9 });
        let booting = entry(Some(booting(3)), 40);
        check(&booting, left(41), "Your assistant is starting, about 40 s left.");
        check(&booting, left(4), "Your assistant is starting, a few seconds left.");
        check(&booting, left(150), "Your assistant is starting, about 3 min left.");
        let overdue = Some(Forecast::Overdue { samples: 9 });
        check(&booting, overdue, "Your assistant is starting; it takes longer than usual.");
        check(&booting, Some(Forecast::NoHistory { samples: 2 }), "Your assistant is starting.");
        check(&entry(None, 40), None, "Your assistant is being set up.");
        check(&entry(Some(starting()), 90), None, "Your assistant will soon take messages.");
        check(&entry(Some(ready()), 200), None, "Your assistant is ready.");

        let mut lame = ready();
        lame.containers[1].ready = false;
        lame.containers[1].restarts = 1;
        let lame_said = "Your assistant runs, but not all of it; its address may not answer.";
        check(&entry(Some(lame.clone()), 200), None, lame_said);
        lame.containers[0].ready = false;
        lame.ready = condition(false, 300);
        check(&entry(Some(lame), 310), None, "Your assistant does not answer at the moment.");
        let mut stuck = booting_with("ImagePullBackOff");
        check(&stuck, None, "Your assistant cannot start at the moment; an operator has to look at it.");
        stuck.verdict.phase = Phase::Unknown;
        for word in Phase::WORDS {
            assert!(!word.is_empty());
        }
        for (phase, said) in [
            (Phase::Suspended, "Your assistant is suspended."),
            (Phase::Parked, "Your assistant is not running; its volumes are kept."),
            (Phase::Updating, "Your assistant is being restarted."),
            (Phase::Terminating, "Your assistant is being removed."),
            (Phase::Unknown, "It is not known at the moment how your assistant is."),
        ] {
            stuck.verdict.phase = phase;
            check(&stuck, None, said);
        }
    }

    #[test]
    fn every_sentence_is_read_whole_on_the_narrowest_screen() {
        // A page of 80 columns, less its frame.
        const ROOM: usize = 75;
        let forecasts = [
            None,
            Some(Forecast::Left { seconds: 7, samples: 9 }),
            Some(Forecast::Left { seconds: 600, samples: 9 }),
            Some(Forecast::Overdue { samples: 9 }),
            Some(Forecast::NoPod { seconds: 600, samples: 9 }),
        ];
        let mut lame = ready();
        lame.containers[1].ready = false;
        let pods = [None, Some(booting(3)), Some(starting()), Some(ready()), Some(lame)];
        for (pod, forecast) in pods.iter().flat_map(|p| forecasts.map(|f| (p, f))) {
            if pod.is_some() && matches!(forecast, Some(Forecast::NoPod { .. })) {
                continue;
            }
            let mut of = entry(pod.clone(), 200);
            let phases = [of.verdict.phase.clone(), Phase::Updating, Phase::Failing, Phase::Unknown, Phase::Parked];
            for phase in phases {
                of.verdict.phase = phase;
                let said = for_user(&of, forecast, false);
                assert!(said.chars().count() <= ROOM, "{said}");
            }
        }
    }

    fn booting_with(reason: &str) -> Entry {
        let mut pod = booting(3);
        pod.stages[3].state = waiting(reason);
        entry(Some(pod), 400)
    }

    #[test]
    fn an_image_may_take_minutes_before_it_is_called_stuck() {
        let compare = |elapsed| Comparison { elapsed, median: 1, p95: 1, samples: 20 };
        let (wait, work) = (Lap::of(2), Lap::of(3));
        assert_eq!((pace(wait, &compare(300)), pace(work, &compare(300))), (Pace::Slow, Pace::Stuck));
        assert_eq!((pace(wait, &compare(600)), pace(wait, &compare(2))), (Pace::Stuck, Pace::Usual));
    }

    #[test]
    fn a_stuck_boot_has_the_latest_word_about_its_pod() {
        let warning = |object: u128, container: Option<&str>, last: u32, reason: &str| Warning {
            object_uid: Some(uid(object)),
            container: container.map(text),
            last: Some(at(last)),
            reason: text(reason),
            message: text("why"),
            ..refusal(0)
        };
        let mut tenant = entry(Some(pod()), 400).tenant;
        tenant.warnings = Box::new([
            warning(10, None, 100, "FailedMount"),
            warning(10, None, 90, "FailedAttachVolume"),
            warning(10, Some("seed-app"), 300, "Failed"),
            warning(77, None, 300, "Other"),
        ]);
        let check = |lap, since, expect: Option<&str>| {
            assert_eq!(stuck_because(&tenant, lap, at(since)).as_deref(), expect, "{lap:?} {since}");
        };
        check(Lap::of(1), 1, Some("FailedMount: why"));
        check(Lap::of(1), 200, None);
        check(Lap::of(3), 5, Some("Failed: why"));
    }
}
