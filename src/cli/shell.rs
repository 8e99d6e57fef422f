//! `fleetdeck shell TENANT`: into a container of its pod.

use std::io::{self, IsTerminal as _};

use futures::stream;

use super::{
    args::ShellArgs, failure::Failure, follow::Follow, open, print, show::namespace_of, signal::End, visit::Visitor,
};
use crate::{
    cluster::{
        Access, Cluster, Exit, Prompt, Room,
        shell::{SHELLS, Shell},
    },
    config::Config,
    engine::journal::Way,
    fleet::Right,
    index::Entry,
    tui,
};

pub(super) async fn run(config: &Config, args: ShellArgs) -> Result<(), Failure> {
    let (cluster, scope) = open(config, Prompt::May).await?;
    let mut visitor = Visitor::new(config, &cluster)?;
    let mut follow = Follow::start(cluster.clone(), scope);
    follow.settle().await?;
    let namespace = namespace_of(&mut follow, &args.tenant).await?;
    let Some(entry) = follow.fleet.get(&namespace) else {
        return Err(Failure::NoSuchTenant(format!("tenant {} has just gone", args.tenant)));
    };
    let (room, others) = room(entry, args.container.as_deref())?;
    // Nothing else goes over the line while somebody types.
    drop(follow);
    let at_terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
    if at_terminal {
        print::note(&welcome(&room, cluster.context()));
    }
    match enter(&cluster, &mut visitor, &room, &others, at_terminal).await? {
        0 => Ok(()),
        code => Err(Failure::Exited(code)),
    }
}

/// Where somebody is, before the shell says anything.
pub(super) fn welcome(room: &Room, context: &str) -> String {
    format!("container {} of pod {}/{} in context {context}; `exit` returns", room.container, room.namespace, room.pod)
}

/// The container that is meant, and the others that run.
fn room(entry: &Entry, wanted: Option<&str>) -> Result<(Room, Vec<String>), Failure> {
    let id = &entry.tenant.id;
    let Some(pod) = entry.tenant.pod() else {
        return Err(Failure::Failed(format!("{id} has no pod: it is {}", entry.verdict.phase)));
    };
    let mut running = Room::all(&entry.tenant.namespace_name, pod);
    let names: Vec<String> = running.iter().map(|r| r.container.to_string()).collect();
    let wanted = wanted.unwrap_or("gateway");
    match names.iter().position(|n| n == wanted) {
        Some(at) => {
            let room = running.swap_remove(at);
            Ok((room, names.into_iter().filter(|n| n != wanted).collect()))
        }
        None if pod.all().any(|c| c.name == *wanted) => {
            Err(Failure::Failed(format!("container {wanted} of {id} does not run now; {}", offered(&names))))
        }
        None => {
            let all = pod.all().map(|c| c.name.as_str()).collect::<Vec<_>>().join(", ");
            Err(Failure::NoSuchTenant(format!("no container {wanted:?} in {id}; there are {all}")))
        }
    }
}

fn offered(names: &[String]) -> String {
    if names.is_empty() { "no other runs".to_owned() } else { format!("others that run: {}", names.join(", ")) }
}

/// Enters by right, leaves a line in the journal, and comes back with the shell's exit code.
pub(super) async fn enter(
    cluster: &Cluster,
    visitor: &mut Visitor,
    room: &Room,
    others: &[String],
    at_terminal: bool,
) -> Result<u8, Failure> {
    Access::default().demand(cluster, Right::Shell, &room.namespace).await?;
    let (pod, container) = (room.pod.as_str(), room.container.as_str());
    // A shell that has the terminal hears of it by itself.
    let mut end = (!at_terminal).then(End::listen);
    let mut inside = Inside::enter(visitor, room);
    let ended = tokio::select! {
        ended = try_all(cluster, room, at_terminal) => ended,
        why = async { match &mut end { Some(end) => end.comes().await, None => std::future::pending().await } } => Err(why),
    };
    inside.said = match &ended {
        Ok(Exit::Code(code)) => format!("exit {code}"),
        Ok(Exit::Absent) => "no shell in the image".to_owned(),
        Ok(Exit::Cut) => "cut off".to_owned(),
        Err(Failure::Exited(_)) => INTERRUPTED.to_owned(),
        Err(failure) => failure.to_string(),
    };
    drop(inside);
    match ended? {
        Exit::Code(code) => Ok(u8::try_from(code.rem_euclid(256)).unwrap_or(u8::MAX)),
        Exit::Absent => Err(Failure::Failed(format!(
            "the image of {container} has no shell ({}); {}",
            SHELLS.join(", "),
            offered(others)
        ))),
        Exit::Cut => Err(Failure::Failed(format!(
            "the shell in {container} of {}/{pod} was cut off: its pod has gone, or the line broke",
            room.namespace
        ))),
    }
}

const INTERRUPTED: &str = "interrupted";

/// Somebody is in there. However they come out, that is written down.
struct Inside<'a> {
    visitor: &'a mut Visitor,
    room: &'a Room,
    said: String,
}

impl<'a> Inside<'a> {
    fn enter(visitor: &'a mut Visitor, room: &'a Room) -> Self {
        visitor.note(&room.namespace, Way::ShellBegan { pod: &room.pod, container: &room.container });
        Self { visitor, room, said: INTERRUPTED.to_owned() }
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        let Self { visitor, room, said } = self;
        visitor.note(&room.namespace, Way::ShellEnded { pod: &room.pod, container: &room.container, said });
    }
}

async fn try_all(cluster: &Cluster, room: &Room, at_terminal: bool) -> Result<Exit, Failure> {
    // A script is read once, so it goes to the shell that is most likely there.
    let programs = if at_terminal { &SHELLS[..] } else { &SHELLS[1..] };
    for program in programs {
        let shell = cluster.shell(room, program, at_terminal).await?;
        let exit = if at_terminal { lend(shell).await? } else { pipe(shell).await? };
        if exit != Exit::Absent {
            return Ok(exit);
        }
    }
    Ok(Exit::Absent)
}

async fn lend(shell: Shell) -> Result<Exit, Failure> {
    match tui::attach(shell).await {
        Ok(exit) => Ok(exit?),
        Err(e) if e.kind() == io::ErrorKind::Interrupted => Err(Failure::Interrupted),
        Err(e) => Err(Failure::Failed(format!("the terminal cannot be used: {e}"))),
    }
}

async fn pipe(shell: Shell) -> Result<Exit, Failure> {
    let (mut out, mut errors) = (tokio::io::stdout(), tokio::io::stderr());
    Ok(shell.join(tokio::io::stdin(), &mut out, &mut errors, stream::pending()).await?)
}
