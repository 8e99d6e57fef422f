//! Facts about a tenant in words, as the console and the verbs both say them.

use crate::fleet::{
    Age, At, Claim, ClaimPhase, Container, Growth, PartUsage, Phase, Quantity, State, Tenant, Terminated, Warning,
    quantity::Bytes,
};

use super::Entry;

/// What the state of a container is called.
pub fn container_state(container: &Container) -> String {
    match &container.state {
        State::Running { .. } if container.ready => "ready".to_owned(),
        State::Running { .. } => "running, not ready".to_owned(),
        State::Waiting(words) => words.reason().map_or_else(|| "waiting".to_owned(), ToString::to_string),
        State::Terminated(t) => ending(t),
    }
}

pub fn ending(t: &Terminated) -> String {
    let reason = t.reason().filter(|r| !matches!(*r, "Error" | "Completed"));
    match reason {
        _ if t.exit_code == 0 => "done".to_owned(),
        Some(reason) => format!("{reason}, exit {}", t.exit_code),
        None => format!("exit {}", t.exit_code),
    }
}

/// What a container uses, asks for and may use at most: `cpu 300m used, 100m asked, 1 at most · memory ...`.
pub fn shares(container: &Container, usage: Option<PartUsage>) -> String {
    let of = |used: Option<String>, asked: Option<String>, most: Option<String>| {
        let used = used.map_or_else(|| "use unknown".to_owned(), |q| format!("{q} used"));
        let asked = asked.map_or_else(|| "nothing asked".to_owned(), |q| format!("{q} asked"));
        let most = most.map_or_else(|| "no limit".to_owned(), |q| format!("{q} at most"));
        format!("{used}, {asked}, {most}")
    };
    let cpu = |q: Option<Quantity>| q.map(|q| q.to_string());
    let memory = |q: Option<Quantity>| q.map(|q| q.bytes().to_string());
    let (requests, limits) = (container.requests, container.limits);
    format!(
        "cpu {} · memory {}",
        of(cpu(usage.map(PartUsage::cpu)), cpu(requests.cpu), cpu(limits.cpu)),
        of(memory(usage.map(PartUsage::memory)), memory(requests.memory), memory(limits.memory))
    )
}

/// The same in a narrow place: `cpu 300m/100m/1, memory 600Mi/512Mi/1Gi`, which is used, asked and at most.
pub fn shares_short(container: &Container, usage: PartUsage) -> String {
    let or = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let cpu = |q: Option<Quantity>| or(q.map(|q| q.to_string()));
    let memory = |q: Option<Quantity>| or(q.map(|q| q.bytes().to_string()));
    let (asked, most) = (container.requests, container.limits);
    format!(
        "cpu {}/{}/{}, memory {}/{}/{}",
        usage.cpu(),
        cpu(asked.cpu),
        cpu(most.cpu),
        usage.memory().bytes(),
        memory(asked.memory),
        memory(most.memory)
    )
}

/// The container whose memory is nearest to its limit, which is what it dies of: `browser has 120Mi of memory left of 1Gi`.
/// `None` where nothing is measured or limited.
pub fn headroom(tenant: &Tenant) -> Option<String> {
    let left = tenant.pod()?.containers.iter().filter_map(|c| {
        let (used, limit) = (tenant.part_usage(&c.name)?.memory(), c.limits.memory?);
        Some((used.percent_of(limit)?, c, limit.value().saturating_sub(used.value()).max(0), limit))
    });
    let (percent, container, left, limit) = left.max_by_key(|(percent, ..)| *percent)?;
    Some(format!("{} has {} of memory left of {} ({percent}% used)", container.name, Bytes(left), limit.bytes()))
}

/// What a claim holds: `8.3Gi of 20Gi`, or why nobody knows.
pub fn claim(claim: &Claim) -> String {
    let size = claim.capacity.or(claim.requested).map_or_else(|| "unknown size".to_owned(), |q| q.bytes().to_string());
    let state = match claim.phase {
        ClaimPhase::Pending => return format!("{size}, pending: no volume yet"),
        ClaimPhase::Lost => return format!("{size}, lost: its volume is gone"),
        ClaimPhase::Bound => "",
        ClaimPhase::Unknown => ", state unknown",
    };
    match claim.usage {
        Some(_) if claim.on_node_disk() => format!("{size}, on the node's disk: no share of its own{state}"),
        Some(usage) => {
            let used = Bytes(i64::try_from(usage.used).unwrap_or(i64::MAX));
            format!("{used} of {size}{state}")
        }
        None => format!("{size}, use unknown{state}"),
    }
}

/// `maria-k: Failing for 12m: quota refuses its pod`.
pub fn headline(entry: &Entry, now: At) -> String {
    let verdict = &entry.verdict;
    let mut line = format!("{}: {}", entry.tenant.id, phase(&verdict.phase));
    if let Some(since) = verdict.since {
        line.push_str(&format!(" for {}", Age(now.since(since))));
    }
    if !verdict.why.is_empty() {
        line.push_str(&format!(": {}", verdict.why));
    }
    line
}

pub fn phase(phase: &Phase) -> String {
    match phase {
        Phase::Booting { index, total, stage } => format!("Booting, stage {index} of {total} ({stage})"),
        other => other.word().to_owned(),
    }
}

/// Warnings, the latest first.
pub fn latest(entry: &Entry) -> impl Iterator<Item = &Warning> {
    let mut all: Vec<_> = entry.tenant.warnings.iter().collect();
    all.sort_by_key(|w| std::cmp::Reverse((w.last, w.uid)));
    all.into_iter()
}

/// `+0.9Gi`, `-20Mi`, `0`.
pub fn pace(growth: Growth) -> String {
    let sign = if growth.bytes_per_day > 0 { "+" } else { "" };
    format!("{sign}{}", Bytes(growth.bytes_per_day))
}

/// `5h`, `8d`, `>1y`.
pub fn span(seconds: u64) -> String {
    match seconds {
        0..3_600 => format!("{}m", seconds / 60),
        3_600..172_800 => format!("{}h", seconds / 3_600),
        172_800..31_536_000 => format!("{}d", seconds / 86_400),
        _ => ">1y".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::fixture::*;

    #[test]
    fn a_container_s_use_stands_beside_what_it_asks_for_and_may_use() {
        let mut t = tenant("a", Some(ready()));
        let gi = |n: i64| Some(Quantity::whole(n << 30));
        for (i, (asked, most)) in [(1, 4), (1, 2)].into_iter().enumerate() {
            let spec = std::sync::Arc::make_mut(&mut t.pods[0].containers[i].spec);
            spec.requests.memory = gi(asked);
            spec.limits.memory = gi(most);
            (spec.requests.cpu, spec.limits.cpu) = (Some(Quantity::from_milli(100)), None);
        }
        let part = |memory: i64| PartUsage::new(Quantity::from_milli(300), Quantity::whole(memory << 30));
        assert_eq!(headroom(&t), None, "nothing is measured");
        t.parts = Box::new([part(2), part(1), None]);
        let first = &t.pods[0].containers[0];
        let said = shares(first, t.part_usage(&first.name));
        let expect = "cpu 300m used, 100m asked, no limit · memory 2Gi used, 1Gi asked, 4Gi at most";
        assert_eq!(said, expect);
        assert_eq!(shares_short(first, t.part_usage(&first.name).unwrap()), "cpu 300m/100m/-, memory 2Gi/1Gi/4Gi");
        assert!(shares(first, None).starts_with("cpu use unknown, 100m asked"));
        let left = headroom(&t).unwrap();
        assert!(
            left.ends_with("has 2Gi of memory left of 4Gi (50% used)")
                || left.ends_with("has 1Gi of memory left of 2Gi (50% used)"),
            "{left}"
        );
    }
}
