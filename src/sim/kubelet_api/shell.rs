//! The few commands that a simulated container has.

use serde_json::Value;

use crate::sim::Api;
use crate::sim::controllers::objects::items;
use crate::sim::kinds::PVC;
use crate::sim::metrics;
use crate::sim::object::{name_of, namespace_of, text_at};

/// What a command did.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Done {
    pub out: String,
    pub err: String,
    pub code: i32,
}

impl Done {
    fn say(out: impl Into<String>) -> Self {
        Self { out: out.into(), ..Self::default() }
    }

    fn fail(code: i32, err: impl Into<String>) -> Self {
        Self { err: err.into(), code, ..Self::default() }
    }
}

/// The inside of one container.
pub(super) struct Inside<'a> {
    pub api: &'a Api,
    pub pod: &'a Value,
    pub container: &'a Value,
}

/// The last part of a command's path.
fn base(command: &str) -> &str {
    command.rsplit('/').next().unwrap_or_default()
}

pub(super) fn is_shell(argv: &[String]) -> bool {
    argv.first().is_some_and(|c| matches!(base(c), "sh" | "bash" | "ash"))
}

impl Inside<'_> {
    /// Runs a command; none if the container has no such program.
    pub(super) fn run(&self, argv: &[String], stdin: &str) -> Option<Done> {
        let args: Vec<&str> = argv.iter().skip(1).map(String::as_str).collect();
        Some(match base(argv.first()?) {
            "sh" | "bash" | "ash" => match args.as_slice() {
                ["-c" | "-lc", script, ..] => self.script(script, stdin),
                [] => self.script(stdin, ""),
                [other, ..] => Done::fail(2, format!("sh: 0: Illegal option {other}\n")),
            },
            "echo" => match args.split_first() {
                Some((&"-n", rest)) => Done::say(rest.join(" ")),
                _ => Done::say(format!("{}\n", args.join(" "))),
            },
            "true" | ":" => Done::default(),
            "false" => Done::fail(1, ""),
            "exit" => Done { code: args.first().and_then(|a| a.parse().ok()).unwrap_or(0), ..Done::default() },
            "hostname" => Done::say(format!("{}\n", name_of(self.pod))),
            "pwd" => Done::say("/app\n"),
            "date" => Done::say(format!("{}\n", self.api.store.now().strftime("%a %b %e %H:%M:%S UTC %Y"))),
            "cat" => self.cat(&args, stdin),
            "df" => self.df(&args),
            _ => return None,
        })
    }

    /// Commands one after the other, with `;`, newlines, `&&` and `||`. No pipes, no variables: they are refused.
    fn script(&self, script: &str, stdin: &str) -> Done {
        let words = match split(script) {
            Ok(words) => words,
            Err(why) => return Done::fail(2, format!("sh: 1: {why}\n")),
        };
        let mut all = Done::default();
        let mut command: Vec<String> = vec![];
        let mut runs = true;
        for word in words.into_iter().chain([Word::Operator(";")]) {
            let operator = match word {
                Word::Plain(text) => {
                    command.push(text);
                    continue;
                }
                Word::Operator(operator) => operator,
            };
            let argv = std::mem::take(&mut command);
            if runs && let Some(name) = argv.first().cloned() {
                let done =
                    self.run(&argv, stdin).unwrap_or_else(|| Done::fail(127, format!("sh: 1: {name}: not found\n")));
                all.out.push_str(&done.out);
                all.err.push_str(&done.err);
                all.code = done.code;
                if base(&name) == "exit" {
                    return all;
                }
            }
            runs = match operator {
                "&&" => all.code == 0,
                "||" => all.code != 0,
                _ => true,
            };
        }
        all
    }

    fn cat(&self, paths: &[&str], stdin: &str) -> Done {
        if paths.is_empty() {
            return Done::say(stdin);
        }
        let mut all = Done::default();
        for path in paths {
            match *path {
                "-" => all.out.push_str(stdin),
                "/etc/hostname" => all.out.push_str(&format!("{}\n", name_of(self.pod))),
                "/etc/os-release" => {
                    all.out.push_str("PRETTY_NAME=\"Simulated Linux\"\nNAME=\"Simulated Linux\"\nID=sim\n");
                }
                "/var/run/secrets/kubernetes.io/serviceaccount/namespace" => all.out.push_str(namespace_of(self.pod)),
                other => {
                    all.err.push_str(&format!("cat: {other}: No such file or directory\n"));
                    all.code = 1;
                }
            }
        }
        all
    }

    /// `df -P` with `-B1`, `-k` or `-i`, and paths.
    fn df(&self, args: &[&str]) -> Done {
        let (options, paths): (Vec<&str>, Vec<&str>) = args.iter().copied().partition(|a| a.starts_with('-'));
        let unit = |o: &str| match o {
            "-B1" | "-PB1" | "--block-size=1" => Some(Unit::Bytes),
            "-k" | "-Pk" => Some(Unit::Kibibytes),
            "-i" | "-Pi" => Some(Unit::Inodes),
            _ => None,
        };
        let known = |o: &str| matches!(o, "-P" | "--portability") || unit(o).is_some();
        let Some(unit) = options.iter().find_map(|o| unit(o)).filter(|_| options.iter().all(|o| known(o))) else {
            return Done::fail(1, "df: this container's df knows -P with -B1, -k or -i only\n");
        };
        let mounts = self.mounts();
        let chosen: Vec<&(String, String, Value)> = if paths.is_empty() {
            mounts.iter().collect()
        } else {
            // The longest mount point that the path is below; the root is below all.
            let below = |path: &str, at: &str| {
                at == "/" || path == at || path.strip_prefix(at).is_some_and(|r| r.starts_with('/'))
            };
            paths.iter().filter_map(|p| mounts.iter().filter(|m| below(p, &m.1)).max_by_key(|m| m.1.len())).collect()
        };
        let heads = match unit {
            Unit::Bytes => ["1-blocks", "Used", "Available", "Capacity"],
            Unit::Kibibytes => ["1024-blocks", "Used", "Available", "Capacity"],
            Unit::Inodes => ["Inodes", "IUsed", "IFree", "IUse%"],
        };
        let [all, used, free, share] = heads;
        let mut out = format!("{:<20} {all:>14} {used:>14} {free:>14} {share:>8} Mounted on\n", "Filesystem");
        for (device, at, stats) in chosen {
            let number = |key: &str| stats[key].as_u64().unwrap_or(0);
            let (all, used, free) = match unit {
                Unit::Inodes => (number("inodes"), number("inodesUsed"), number("inodesFree")),
                _ => (number("capacityBytes"), number("usedBytes"), number("availableBytes")),
            };
            let per = if matches!(unit, Unit::Kibibytes) { 1_024 } else { 1 };
            let (all, used, free) = (all / per, used.div_ceil(per), free / per);
            let percent = if used + free == 0 { 0 } else { (used * 100).div_ceil(used + free) };
            out.push_str(&format!("{device:<20} {all:>14} {used:>14} {free:>14} {percent:>7}% {at}\n"));
        }
        Done::say(out)
    }

    /// Device, mount point and figures of the root and of every mounted claim.
    fn mounts(&self) -> Vec<(String, String, Value)> {
        let root = serde_json::json!({"capacityBytes": 214_748_364_800_u64, "usedBytes": 32_212_254_720_u64, "availableBytes": 182_536_110_080_u64});
        let mut mounts = vec![("overlay".to_owned(), "/".to_owned(), root)];
        let now = self.api.store.now();
        for (i, mount) in items(self.container, &["volumeMounts"]).iter().enumerate() {
            let volume = items(self.pod, &["spec", "volumes"]).iter().find(|v| v["name"] == mount["name"]);
            let claim = volume.map_or("", |v| text_at(v, &["persistentVolumeClaim", "claimName"]));
            let claim = self.api.store.get(PVC, namespace_of(self.pod), claim);
            if let Some(stats) = claim.and_then(|c| metrics::volume(&self.api.ctx, &c, now)) {
                let device = format!("/dev/sd{}", char::from(b'b' + u8::try_from(i % 24).unwrap_or(0)));
                mounts.push((device, text_at(mount, &["mountPath"]).to_owned(), stats));
            }
        }
        mounts
    }
}

/// What `df` counts.
#[derive(Clone, Copy)]
enum Unit {
    Bytes,
    Kibibytes,
    Inodes,
}

#[derive(Debug, PartialEq, Eq)]
enum Word {
    Plain(String),
    Operator(&'static str),
}

/// Words and operators of a script, with quotes; an error where it needs more of a shell than there is.
fn split(script: &str) -> Result<Vec<Word>, String> {
    let mut words = vec![];
    let mut word: Option<String> = None;
    let mut chars = script.chars().peekable();
    while let Some(c) = chars.next() {
        let operator = match c {
            '\n' | ';' => Some(";"),
            '&' if chars.peek() == Some(&'&') => Some("&&"),
            '|' if chars.peek() == Some(&'|') => Some("||"),
            _ => None,
        };
        if let Some(operator) = operator {
            if operator.len() == 2 {
                chars.next();
            }
            words.extend(word.take().map(Word::Plain));
            words.push(Word::Operator(operator));
            continue;
        }
        match c {
            ' ' | '\t' | '\r' => words.extend(word.take().map(Word::Plain)),
            '\'' | '"' => {
                let text = word.get_or_insert_default();
                loop {
                    match chars.next() {
                        Some(end) if end == c => break,
                        Some('$' | '`') if c == '"' => return Err("expansions are not simulated".into()),
                        Some(inner) => text.push(inner),
                        None => return Err("Syntax error: Unterminated quoted string".into()),
                    }
                }
            }
            '\\' => word.get_or_insert_default().extend(chars.next()),
            '|' | '&' | '<' | '>' | '$' | '`' | '(' | ')' | '*' => return Err(format!("`{c}` is not simulated")),
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word.take().map(Word::Plain));
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_are_split_as_a_shell_does() {
        let plain = |s: &str| Word::Plain(s.into());
        assert_eq!(
            split("echo 'a b' \"c\"d && df;x"),
            Ok(vec![
                plain("echo"),
                plain("a b"),
                plain("cd"),
                Word::Operator("&&"),
                plain("df"),
                Word::Operator(";"),
                plain("x")
            ])
        );
        assert!(split("echo 'a").is_err());
        assert!(split("echo $HOME").is_err());
        assert!(split("a | b").is_err());
    }
}
