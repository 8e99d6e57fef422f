//! `pods/exec`: a command in a container, its streams on channels 0 to 2, its end on channel 3 and the terminal's size on 4.

use std::{sync::Arc, time::Duration};

use axum::Extension;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::{Value, json};

use super::channel::{Channels, Incoming, negotiate};
use super::shell::{Done, Inside, is_shell};
use super::{container_spec, is_running, pick_container, pod, reachable_node};
use crate::sim::Api;
use crate::sim::object::{name_of, namespace_of, text_at};
use crate::sim::route::Query;
use crate::sim::scenario::Place;
use crate::sim::status::Status;

const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const ERROR: u8 = 3;
const RESIZE: u8 = 4;
/// How long a process takes to start.
const STARTS: Duration = Duration::from_millis(50);
/// What a command may read from its standard input.
const INPUT: usize = 1 << 20;

pub(super) async fn serve(
    State(api): State<Api>,
    Path((namespace, name)): Path<(String, String)>,
    Extension(query): Extension<Query>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Status> {
    let pod = pod(&api, &namespace, &name)?;
    let container = pick_container(&pod, query.get("container"))?;
    reachable_node(&api, &pod)?;
    let argv: Vec<String> = query.all("command").map(str::to_owned).collect();
    if argv.is_empty() {
        return Err(Status::bad_request("you must specify at least one command for the container"));
    }
    if !is_running(&pod, &container) {
        return Err(Status::internal(format!("unable to upgrade connection: container not found (\"{container}\")")));
    }
    let upgrade =
        upgrade.map_err(|_| Status::bad_request("unable to upgrade: this server executes over a WebSocket only"))?;
    let session = Session {
        api,
        pod,
        container,
        argv,
        stdin: query.truth("stdin"),
        stdout: query.truth("stdout"),
        stderr: query.truth("stderr"),
        tty: query.truth("tty"),
    };
    Ok(negotiate(upgrade).on_upgrade(|socket| session.run(Channels::new(socket))))
}

struct Session {
    api: Api,
    pod: Arc<Value>,
    container: String,
    argv: Vec<String>,
    stdin: bool,
    stdout: bool,
    stderr: bool,
    tty: bool,
}

impl Session {
    async fn run(self, mut channels: Channels) {
        // kubectl drops what comes before it has made its streams; no runtime starts a process faster than this.
        tokio::time::sleep(STARTS).await;
        let shell = is_shell(&self.argv) && self.argv.len() == 1;
        let status = if is_shell(&self.argv) && !self.has_shell() {
            not_found(self.argv.first().map_or("", String::as_str))
        } else if self.stdin && self.tty && shell {
            self.converse(&mut channels).await
        } else {
            let reads = self.stdin && (shell || self.argv.iter().any(|a| a == "cat"));
            let input = if reads { read_all(&mut channels).await } else { String::new() };
            match self.execute(&self.argv, &input) {
                Some(done) => {
                    self.show(&mut channels, &done).await;
                    ended(done.code)
                }
                None => not_found(self.argv.first().map_or("", String::as_str)),
            }
        };
        channels.send(ERROR, status.to_string().as_bytes()).await;
        channels.close().await;
    }

    fn has_shell(&self) -> bool {
        let image = container_spec(&self.pod, &self.container).map_or("", |c| text_at(c, &["image"]));
        let place = Place {
            namespace: Some(namespace_of(&self.pod)),
            pod: Some(name_of(&self.pod)),
            container: Some(&self.container),
            image: Some(image),
            ..Place::default()
        };
        self.api.ctx.rules.at(&place).shell
    }

    fn execute(&self, argv: &[String], input: &str) -> Option<Done> {
        let container = container_spec(&self.pod, &self.container)?;
        Inside { api: &self.api, pod: &self.pod, container }.run(argv, input)
    }

    async fn show(&self, channels: &mut Channels, done: &Done) {
        let newlines = |text: &str| if self.tty { text.replace('\n', "\r\n") } else { text.to_owned() };
        if self.stdout {
            channels.send(STDOUT, newlines(&done.out).as_bytes()).await;
        }
        // A terminal has one stream for both.
        let (channel, wanted) = if self.tty { (STDOUT, self.stdout) } else { (STDERR, self.stderr) };
        if wanted {
            channels.send(channel, newlines(&done.err).as_bytes()).await;
        }
    }

    /// A shell at a terminal: echo, a line, its output, a prompt.
    async fn converse(&self, channels: &mut Channels) -> Value {
        let mut line = String::new();
        let mut code = 0;
        let mut size = (0, 0);
        channels.send(STDOUT, b"$ ").await;
        while let Some(incoming) = channels.next().await {
            let bytes = match incoming {
                Incoming::Data(STDIN, bytes) => bytes,
                Incoming::Data(RESIZE, bytes) => {
                    let new: Value = serde_json::from_slice(&bytes).unwrap_or_default();
                    size = (new["Height"].as_u64().unwrap_or(0), new["Width"].as_u64().unwrap_or(0));
                    continue;
                }
                _ => continue,
            };
            for c in String::from_utf8_lossy(&bytes).chars() {
                match c {
                    '\r' | '\n' => {
                        channels.send(STDOUT, b"\r\n").await;
                        let script = std::mem::take(&mut line);
                        if let Some(n) = script.trim().strip_prefix("exit") {
                            return ended(n.trim().parse().unwrap_or(code));
                        }
                        // The terminal is this conversation's.
                        let script = script.replace("stty size", &format!("echo {} {}", size.0, size.1));
                        let argv = ["sh".to_owned(), "-c".to_owned(), script];
                        if let Some(done) = self.execute(&argv, "") {
                            code = done.code;
                            self.show(channels, &done).await;
                        }
                        channels.send(STDOUT, b"$ ").await;
                    }
                    '\u{4}' if line.is_empty() => return ended(code),
                    '\u{3}' => {
                        line.clear();
                        channels.send(STDOUT, b"^C\r\n$ ").await;
                    }
                    '\u{7f}' | '\u{8}' if !line.is_empty() => {
                        line.pop();
                        channels.send(STDOUT, b"\x08 \x08").await;
                    }
                    c if !c.is_control() && line.len() < 4096 => {
                        line.push(c);
                        channels.send(STDOUT, c.to_string().as_bytes()).await;
                    }
                    _ => {}
                }
            }
        }
        ended(code)
    }
}

/// All of standard input, until the client closes it or goes.
async fn read_all(channels: &mut Channels) -> String {
    let mut all = vec![];
    while let Some(incoming) = channels.next().await {
        match incoming {
            Incoming::Data(STDIN, bytes) if all.len() + bytes.len() <= INPUT && !bytes.is_empty() => {
                all.extend_from_slice(&bytes);
            }
            Incoming::Data(STDIN, _) | Incoming::Closed(STDIN) => break,
            _ => {}
        }
    }
    String::from_utf8_lossy(&all).into_owned()
}

fn ended(code: i32) -> Value {
    if code == 0 {
        return json!({"metadata": {}, "status": "Success"});
    }
    json!({
        "metadata": {}, "status": "Failure", "reason": "NonZeroExitCode",
        "message": format!("command terminated with non-zero exit code: exit status {code}"),
        "details": {"causes": [{"reason": "ExitCode", "message": code.to_string()}]},
    })
}

fn not_found(command: &str) -> Value {
    let why = format!("exec: \"{command}\": executable file not found in $PATH");
    json!({
        "metadata": {}, "status": "Failure", "reason": "InternalError", "code": 500,
        "message": format!("Internal error occurred: error executing command in container: failed to exec in container: OCI runtime exec failed: exec failed: unable to start container process: {why}: unknown"),
        "details": {"causes": [{"message": why}]},
    })
}
