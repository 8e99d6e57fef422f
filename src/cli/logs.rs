//! `fleetdeck logs TENANT...`: one ordered stream on standard output, whatever happens to the pods behind it.
//!
//! On standard output stand lines of containers and nothing else; our own words about restarts, new pods and gaps go to
//! standard error (with `-o jsonl` they are documents of their own kind).

use std::collections::{BTreeMap, BTreeSet};

use super::{
    args::{LineFormat, Logs},
    failure::Failure,
    follow::Follow,
    json::{API_VERSION, LogLine},
    open,
    print::{self, Out},
    show::namespace_of,
};
use crate::{
    cluster::{
        ClusterError, Prompt,
        logs::{Block, Channel, Kind, Lane, Line, MOST_TENANTS, News, Pattern, Tail, Target, Wanted, stamp},
    },
    config::Config,
    index::Entry,
};

pub(super) async fn run(config: &Config, args: Logs) -> Result<(), Failure> {
    let grep = args.grep.as_deref().map(Pattern::new).transpose();
    let grep = grep.map_err(|why| Failure::Usage(format!("--grep: {why}")))?;
    let (cluster, scope) = open(config, Prompt::May).await?;
    let mut follow = Follow::start(cluster, scope);
    follow.settle().await?;
    let targets = targets(&mut follow, &args).await?;
    let wanted = Wanted {
        follow: args.follow,
        previous: args.previous,
        since: args.since.map(|d| d.as_secs()),
        tail: args.tail,
        containers: args.containers.clone(),
    };
    let mut tail = Tail::start(follow.cluster(), wanted, targets);
    let mut writer = Writer::new(&args, grep, tail.targets());
    loop {
        tail.sight(|target| follow.fleet.get(&target.namespace));
        let news = tokio::select! {
            news = tail.news.recv() => news,
            changed = follow.changed(), if args.follow => {
                changed?;
                continue;
            }
            () = hung_up(), if args.follow => return Err(Failure::PipeClosed),
        };
        match news {
            Some(News::Done) | None => return writer.end(),
            Some(news) => writer.take(news)?,
        }
        // What is there now is written at once; a flood is written in big pieces.
        if tail.news.is_empty() {
            writer.out.flush()?;
        }
    }
}

/// Once whoever reads our output has gone; a quiet log would never find out by writing.
async fn hung_up() {
    let mut every = tokio::time::interval(std::time::Duration::from_secs(1));
    while !print::is_hung_up() {
        every.tick().await;
    }
}

/// Who is meant; refuses what cannot be read before anything is printed.
async fn targets(follow: &mut Follow, args: &Logs) -> Result<Vec<Target>, Failure> {
    let mut targets: Vec<Target> = Vec::new();
    let mut known = BTreeSet::new();
    for text in &args.tenants {
        let namespace = namespace_of(follow, text).await?;
        let Some(entry) = follow.fleet.get(&namespace) else { continue };
        let Some(target) = Target::of(entry) else { continue };
        if !args.follow && entry.tenant.pods.is_empty() {
            let said = format!("{} has no pod: it is {}", entry.tenant.id, entry.verdict.phase);
            if args.tenants.len() == 1 {
                return Err(Failure::Failed(said));
            }
            print::note(&format!("note: {said}"));
        }
        known.extend(containers(entry));
        if !targets.iter().any(|t| t.uid == target.uid) {
            targets.push(target);
        }
    }
    if targets.len() > MOST_TENANTS {
        return Err(Failure::Usage(format!(
            "{} tenants are named; at most {MOST_TENANTS} can be tailed",
            targets.len()
        )));
    }
    // A tenant that has no pod yet may bring any container.
    if let Some(unknown) = args.containers.iter().find(|c| !known.is_empty() && !known.contains(c.as_str())) {
        let names = known.into_iter().collect::<Vec<_>>().join(", ");
        return Err(Failure::NoSuchTenant(format!(
            "no container {unknown:?} in {}; there are {names}",
            args.tenants.join(", ")
        )));
    }
    Ok(targets)
}

fn containers(entry: &Entry) -> impl Iterator<Item = String> {
    entry.tenant.pods.iter().flat_map(crate::fleet::Pod::all).map(|c| c.name.to_string())
}

struct Writer {
    out: Out,
    format: LineFormat,
    timestamps: bool,
    grep: Option<Pattern>,
    targets: Vec<Target>,
    channels: BTreeMap<Lane, Channel>,
    /// What stands before each line of a lane; nothing where one container of one tenant was asked for.
    prefixes: BTreeMap<Lane, String>,
    prefixed: bool,
    failures: Vec<ClusterError>,
    text: String,
}

impl Writer {
    fn new(args: &Logs, grep: Option<Pattern>, targets: &[Target]) -> Self {
        Self {
            out: Out::new(),
            format: args.output,
            timestamps: args.timestamps,
            grep,
            targets: targets.to_vec(),
            channels: BTreeMap::new(),
            prefixes: BTreeMap::new(),
            prefixed: targets.len() > 1 || args.containers.len() != 1,
            failures: Vec::new(),
            text: String::new(),
        }
    }

    fn take(&mut self, news: News) -> Result<(), Failure> {
        match news {
            News::Channel(channel) => {
                let tenant = if self.targets.len() > 1 { self.targets.get(channel.tenant) } else { None };
                let tenant = tenant.map_or_else(String::new, |t| format!("{}/", t.id));
                let prefix = if self.prefixed { format!("{tenant}{} | ", channel.container) } else { String::new() };
                self.prefixes.insert(channel.lane, prefix);
                self.channels.insert(channel.lane, channel);
            }
            News::Lines(block) => {
                for line in block.lines() {
                    self.line(&block, line)?;
                }
            }
            News::Failed(_, error) => {
                // A refusal stands among the lines already.
                if !matches!(error.fault, crate::cluster::Fault::Forbidden | crate::cluster::Fault::Unauthorized) {
                    print::note(&format!("error: {}", error.said));
                }
                self.failures.push(error);
            }
            News::Stream(..) | News::Done => {}
        }
        Ok(())
    }

    fn line(&mut self, block: &Block, line: &Line) -> Result<(), Failure> {
        let text = block.text(line);
        let is_log = line.kind == Kind::Log;
        if is_log && self.grep.as_ref().is_some_and(|g| !g.is_match(text)) {
            return Ok(());
        }
        match self.format {
            LineFormat::Jsonl => self.json(block, line),
            LineFormat::Text if !is_log => {
                self.out.flush()?;
                let text = String::from_utf8_lossy(text);
                let who = self.prefixes.get(&line.lane).map_or("", String::as_str);
                let who = who.trim_end_matches("| ").trim_end().trim_end_matches('/');
                let colon = if who.is_empty() { "" } else { ": " };
                print::note(&format!("-- {who}{colon}{text} --"));
                Ok(())
            }
            LineFormat::Text => {
                if let Some(prefix) = self.prefixes.get(&line.lane) {
                    self.out.bytes(prefix.as_bytes())?;
                }
                if self.timestamps
                    && let Some(time) = line.time
                {
                    self.out.bytes(stamp::rfc3339(time, 9).as_bytes())?;
                    self.out.bytes(b" ")?;
                }
                self.out.bytes(text)?;
                if line.cut > 0 {
                    self.out.bytes(format!(" [{} bytes cut]", line.cut).as_bytes())?;
                }
                self.out.bytes(b"\n")
            }
        }
    }

    fn json(&mut self, block: &Block, line: &Line) -> Result<(), Failure> {
        let channel = self.channels.get(&line.lane);
        let target = channel.and_then(|c| self.targets.get(c.tenant));
        self.text.clear();
        self.text.push_str(&String::from_utf8_lossy(block.text(line)));
        self.out.json_line(&LogLine {
            api_version: API_VERSION,
            kind: if line.kind == Kind::Log { "LogLine" } else { "LogJoint" },
            time: line.time.map(|t| stamp::rfc3339(t, 9)),
            tenant: target.map_or("", |t| t.id.as_str()),
            namespace: target.map_or("", |t| t.namespace.as_str()),
            container: channel.map_or("", |c| c.container.as_str()),
            level: line.level.word(),
            message: &self.text,
            cut: line.cut,
            masked: line.masked,
        })
    }

    /// What was read stands; a part that could not be read is a failure all the same.
    fn end(mut self) -> Result<(), Failure> {
        self.out.flush()?;
        match self.failures.pop() {
            Some(error) if error.exit_code() == 3 => Err(Failure::Failed(error.to_string())),
            Some(error) => Err(error.into()),
            None => Ok(()),
        }
    }
}
