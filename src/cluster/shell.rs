//! A shell in a container, at the other end of whatever it is joined with.

use std::{io, sync::Arc, time::Duration};

use futures::{FutureExt, SinkExt as _, Stream, StreamExt as _, future::BoxFuture};
use k8s_openapi::{api::core::v1::Pod as KubePod, apimachinery::pkg::apis::meta::v1::Status};
use kube::{
    Api,
    api::{AttachParams, AttachedProcess, TerminalSize},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy},
    time::timeout,
};

use super::{Cluster, ClusterError, Fault, Place};
use crate::fleet::{Container, Pod, State, Text, Uid, clean::clean};

/// What is tried, the most comfortable first.
pub const SHELLS: [&str; 2] = ["bash", "sh"];
/// Until the server has opened the stream.
const OPENS: Duration = Duration::from_secs(15);
/// Bytes on their way in each direction.
const BUFFER: usize = 16 << 10;
/// After the last output, until the word about the end must have come.
const LAST_WORD: Duration = Duration::from_secs(5);

/// A container of one very pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    pub namespace: Text,
    pub pod: Text,
    pub uid: Uid,
    pub container: Text,
}

impl Room {
    /// Containers of a pod that run, those that stay before stages.
    pub fn all(namespace: &Text, pod: &Pod) -> Vec<Self> {
        let runs = |c: &&Container| matches!(c.state, State::Running { .. });
        let running = pod.containers.iter().filter(runs).chain(pod.stages.iter().filter(runs));
        let room = |c: &Container| Self {
            namespace: namespace.clone(),
            pod: pod.name.clone(),
            uid: pod.uid,
            container: c.name.clone(),
        };
        running.map(room).collect()
    }
}

/// How a shell ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Exit {
    /// With the code of its last command.
    Code(i32),
    /// There is no such program in the container's image.
    Absent,
    /// Not by itself: the pod has gone, or the line broke.
    Cut,
}

/// A running shell. Dropping it ends it.
pub struct Shell {
    process: AttachedProcess,
    place: Arc<Place>,
    what: String,
    status: BoxFuture<'static, Option<Status>>,
}

impl Cluster {
    /// Starts a program in a container; at a terminal, or for a script.
    ///
    /// # Errors
    /// Another pod has that name by now; it may not be entered, or nothing of this name runs in it.
    pub async fn shell(&self, room: &Room, program: &str, terminal: bool) -> Result<Shell, ClusterError> {
        let what = format!("open a shell in container {} of pod {}/{}", room.container, room.namespace, room.pod);
        // An exec names no UID: what has taken the pod's place is not what was meant.
        if self.pod(&room.namespace, &room.pod).await?.is_none_or(|pod| pod.uid != room.uid) {
            let said = format!("{what}: that pod is gone");
            return Err(ClusterError::new(Fault::NotFound, &self.place, said, "look again: another may have come"));
        }
        let api: Api<KubePod> = Api::namespaced(self.client.clone(), &room.namespace);
        let params = AttachParams::default()
            .container(&*room.container)
            .stdin(true)
            .stdout(true)
            .stderr(!terminal)
            .tty(terminal)
            .max_stdin_buf_size(BUFFER)
            .max_stdout_buf_size(BUFFER);
        let opened = timeout(OPENS, api.exec(&room.pod, [program], &params)).await;
        let opened = opened.map_err(|_| ClusterError::timeout(&self.place, &what, OPENS))?;
        let mut process = opened.map_err(|e| ClusterError::kube(&self.place, &what, &e))?;
        let status = process.take_status().map(FutureExt::boxed);
        let status = status.unwrap_or_else(|| std::future::ready(None).boxed());
        Ok(Shell { process, place: Arc::clone(&self.place), what, status })
    }
}

impl Shell {
    /// Joins it with somebody's keys and screen until it ends; `sizes` are columns and rows as they change.
    ///
    /// # Errors
    /// The runtime says something else than how the program ended, or our own side broke.
    pub async fn join(
        mut self,
        mut keys: impl AsyncRead + Unpin,
        screen: &mut (impl AsyncWrite + Unpin),
        errors: &mut (impl AsyncWrite + Unpin),
        mut sizes: impl Stream<Item = (u16, u16)> + Unpin,
    ) -> Result<Exit, ClusterError> {
        let broke =
            |e: io::Error| ClusterError::new(Fault::Config, &self.place, format!("the terminal broke: {e}"), "");
        let stdin = self.process.stdin();
        let resize = self.process.terminal_size();
        let (stdout, stderr) = (self.process.stdout(), self.process.stderr());
        let typing = async {
            if let Some(mut to) = stdin {
                // Whoever reads it may be gone; how it ended tells why.
                _ = copy(&mut keys, &mut to).await;
                _ = to.shutdown().await;
            }
            std::future::pending::<()>().await;
        };
        let resizing = async {
            if let Some(mut to) = resize {
                while let Some((width, height)) = sizes.next().await {
                    if to.send(TerminalSize { width, height }).await.is_err() {
                        break;
                    }
                }
            }
            std::future::pending::<()>().await;
        };
        let showing = async { tokio::try_join!(show(stdout, screen), show(stderr, errors)) };
        tokio::select! {
            shown = showing => drop(shown.map_err(broke)?),
            () = typing => {}
            () = resizing => {}
        }
        match timeout(LAST_WORD, self.status).await {
            Ok(Some(status)) => exit(&status).map_err(|why| {
                let said = format!("{}: {}", self.what, clean(&why));
                ClusterError::new(Fault::Refused, &self.place, said, "")
            }),
            Ok(None) | Err(_) => Ok(Exit::Cut),
        }
    }
}

/// Hands on what comes, at once, to its end.
async fn show(from: Option<impl AsyncRead + Unpin>, to: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
    let Some(mut from) = from else { return Ok(()) };
    let mut buffer = vec![0; BUFFER];
    loop {
        let n = from.read(&mut buffer).await?;
        if n == 0 {
            return Ok(());
        }
        to.write_all(&buffer[..n]).await?;
        to.flush().await?;
    }
}

/// What the runtime says about the end; an error where it is no end of a program.
fn exit(status: &Status) -> Result<Exit, String> {
    if status.status.as_deref() == Some("Success") {
        return Ok(Exit::Code(0));
    }
    let causes = status.details.iter().flat_map(|d| d.causes.iter().flatten());
    let code = causes.filter(|c| c.reason.as_deref() == Some("ExitCode")).find_map(|c| c.message.as_deref());
    if let Some(code) = code.and_then(|c| c.parse().ok()) {
        return Ok(Exit::Code(code));
    }
    let said = status.message.as_deref().unwrap_or("it ended without a reason");
    let absent = ["executable file not found", "no such file or directory"].iter().any(|w| said.contains(w));
    if absent { Ok(Exit::Absent) } else { Err(said.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_read_as_kubelets_write_them() {
        let check = |json: &str, expect: Result<Exit, &str>| {
            let status: Status = serde_json::from_str(json).unwrap();
            assert_eq!(exit(&status), expect.map_err(str::to_owned), "{json}");
        };
        check(r#"{"status":"Success"}"#, Ok(Exit::Code(0)));
        check(
            r#"{"status":"Failure","reason":"NonZeroExitCode","message":"command terminated with non-zero exit code",
                "details":{"causes":[{"reason":"ExitCode","message":"130"}]}}"#,
            Ok(Exit::Code(130)),
        );
        check(
            r#"{"status":"Failure","reason":"InternalError","message":"OCI runtime exec failed: exec: \"bash\": executable file not found in $PATH: unknown"}"#,
            Ok(Exit::Absent),
        );
        check(
            r#"{"status":"Failure","message":"exec: \"/bin/sh\": stat /bin/sh: no such file or directory: unknown"}"#,
            Ok(Exit::Absent),
        );
        check(r#"{"status":"Failure","message":"container is paused"}"#, Err("container is paused"));
    }
}
