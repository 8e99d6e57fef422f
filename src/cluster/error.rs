//! What went wrong with a cluster, in words: what happened, where, and what to do.

use std::{error::Error as StdError, fmt, io, sync::Arc, time::Duration};

use super::Place;
use crate::{
    fleet::clean::clean,
    index::digest::{DigestError, Status},
};

/// A failure to reach, enter or understand a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterError {
    pub fault: Fault,
    /// One sentence without a full stop; names what was asked for.
    pub said: String,
    /// What to do about it.
    pub advice: String,
    pub place: Arc<Place>,
    /// What the server asked us to wait.
    pub retry_after: Option<Duration>,
    /// Of [`Fault::Owned`]: the other managers, each with a field of theirs.
    pub conflicts: Vec<(String, String)>,
}

/// What kind of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The kubeconfig, or the context asked for.
    Config,
    /// No connection, or it broke.
    Unreachable,
    /// A connection without an answer.
    Timeout,
    /// An answer that is not Kubernetes'.
    Answer,
    /// 401: who we are is not accepted.
    Unauthorized,
    /// 403.
    Forbidden,
    NotFound,
    /// 410: what we know is too old.
    Gone,
    /// 429 and 5xx.
    Busy,
    /// 409: the object has changed, or is not the one that was meant.
    Conflict,
    /// 409: there is one of this name already.
    Exists,
    /// 409: another field manager owns what was to be applied.
    Owned,
    /// Any other refusal.
    Refused,
}

impl fmt::Display for ClusterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.said)?;
        if !self.place.context.is_empty() {
            write!(f, "\n  context {}, server {}", self.place.context, self.place.server)?;
        }
        if !self.advice.is_empty() {
            write!(f, "\n  {}", self.advice)?;
        }
        Ok(())
    }
}

impl StdError for ClusterError {}

impl ClusterError {
    pub(super) fn new(fault: Fault, place: &Arc<Place>, said: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            fault,
            said: said.into(),
            advice: advice.into(),
            place: Arc::clone(place),
            retry_after: None,
            conflicts: Vec::new(),
        }
    }

    /// The exit code of the command line (design.md section 8).
    pub fn exit_code(&self) -> u8 {
        match self.fault {
            Fault::Config => 2,
            Fault::Unreachable | Fault::Timeout | Fault::Answer | Fault::Busy => 4,
            Fault::Unauthorized | Fault::Forbidden => 5,
            Fault::NotFound => 3,
            Fault::Gone | Fault::Conflict | Fault::Exists | Fault::Owned | Fault::Refused => 1,
        }
    }

    /// Whether waiting alone may mend it; others want a person first.
    pub fn may_pass(&self) -> bool {
        matches!(self.fault, Fault::Timeout | Fault::Busy | Fault::Gone) || self.said.contains("reset")
    }

    /// A body that is not what was asked for.
    pub(super) fn digest(place: &Arc<Place>, what: &str, body: &[u8], error: &DigestError) -> Self {
        if let Some(page) = web_page(body) {
            return Self::not_kubernetes(place, what, &page);
        }
        let said = match error {
            DigestError::Syntax { cut_off: true, .. } => format!("the answer to {what} was cut off: {error}"),
            _ => format!("the answer to {what} makes no sense: {error}"),
        };
        Self::new(Fault::Answer, place, said, "is this address a Kubernetes API server, or a proxy in front of one?")
    }

    pub(super) fn not_kubernetes(place: &Arc<Place>, what: &str, page: &str) -> Self {
        let said = format!("{what} was answered with {page}, not by a Kubernetes API server");
        Self::new(
            Fault::Answer,
            place,
            said,
            "a proxy, a sign-in page or a wrong address? check the context's server URL, VPN and proxy variables",
        )
    }

    /// A refusal with a status code.
    pub(super) fn status(place: &Arc<Place>, what: &str, status: &Status) -> Self {
        let message = if status.message.is_empty() { status.reason.as_str() } else { status.message.as_str() };
        let who = place.user.as_deref().unwrap_or("this user");
        let (fault, said, advice) = match status.code {
            401 => (
                Fault::Unauthorized,
                format!("the server does not accept the credentials of {who} (401 Unauthorized)"),
                "they may have expired: sign in again, or renew the token or client certificate of this context"
                    .to_owned(),
            ),
            // Admission says no to everybody; rights say no to this user.
            403 if ADMISSION.iter().any(|words| message.contains(words)) => {
                (Fault::Refused, format!("{what}: the server refused: {message}"), String::new())
            }
            403 => (
                Fault::Forbidden,
                format!("{who} may not {what}: {message}"),
                "ask for the rights of manifests/rbac, or name the namespaces you may read in the configuration"
                    .to_owned(),
            ),
            404 => (Fault::NotFound, format!("{what}: the server has no such thing: {message}"), String::new()),
            409 => {
                let fault = match status.reason.as_str() {
                    _ if !status.conflicts.is_empty() => Fault::Owned,
                    "AlreadyExists" => Fault::Exists,
                    _ => Fault::Conflict,
                };
                (fault, format!("{what}: the server refused (409): {message}"), String::new())
            }
            410 => (Fault::Gone, format!("{what}: what we knew is too old: {message}"), String::new()),
            429 => (
                Fault::Busy,
                format!("{what}: the server asks to slow down (429): {message}"),
                "it is retried by itself".to_owned(),
            ),
            code @ 500..=599 => (
                Fault::Busy,
                format!("{what}: the server failed ({code}): {message}"),
                "it is retried by itself; look at the health of the API server if it stays".to_owned(),
            ),
            code => (Fault::Refused, format!("{what}: the server refused ({code}): {message}"), String::new()),
        };
        let mut error = Self::new(fault, place, said, advice);
        error.retry_after = status.retry_after.map(|s| Duration::from_secs(s.into()));
        error.conflicts.clone_from(&status.conflicts);
        error
    }

    pub(super) fn timeout(place: &Arc<Place>, what: &str, after: Duration) -> Self {
        let said = format!("no answer to {what} within {} s", after.as_secs());
        Self::new(
            Fault::Timeout,
            place,
            said,
            "the server or something on the way hangs: try `kubectl get --raw /livez`",
        )
    }

    /// The connection failed, or broke in the middle.
    pub(super) fn transport(place: &Arc<Place>, what: &str, error: &(dyn StdError + 'static)) -> Self {
        let found = Cause::of(error);
        let server = if place.server.is_empty() { "the server" } else { &place.server };
        let (said, advice) = match found {
            Cause::Refused => (
                format!("nothing listens at {server}: connection refused"),
                "is the cluster up? is a tunnel or VPN down?".to_owned(),
            ),
            Cause::Name(name) => {
                (format!("the name in {server} is not known: {name}"), "check the URL, DNS and VPN".to_owned())
            }
            Cause::NoRoute => (format!("there is no way to {server}: host unreachable"), "is the VPN up?".to_owned()),
            Cause::Reset => (
                format!("the connection to {server} was reset during {what}"),
                "something on the way cut it; it is tried again by itself".to_owned(),
            ),
            Cause::Cut => (
                format!("{server} closed the connection in the middle of {what}"),
                "something on the way cut it; it is tried again by itself".to_owned(),
            ),
            Cause::TimedOut => (
                format!("{server} did not take the connection in time"),
                "is the VPN up? is the address right?".to_owned(),
            ),
            Cause::NotTls => (
                format!("what listens at {server} does not speak TLS"),
                "is this https URL really http, or another service?".to_owned(),
            ),
            Cause::NotHttp => (
                format!("what listens at {server} does not speak HTTP"),
                "is this the API server's port? an https server behind an http URL looks like this too".to_owned(),
            ),
            Cause::Tls(why) => (format!("no trusted connection to {server}: {why}"), tls_advice(&why).to_owned()),
            Cause::Plugin(why) => (
                format!("the kubeconfig's credential plugin failed: {why}"),
                "run it by hand, sign in again, or check that it is installed".to_owned(),
            ),
            Cause::Other(why) => {
                (format!("{what} failed: {why}"), "check the context's server URL and the network".to_owned())
            }
        };
        Self::new(Fault::Unreachable, place, said, advice)
    }

    pub(super) fn kube(place: &Arc<Place>, what: &str, error: &kube::Error) -> Self {
        match error {
            kube::Error::Api(api) => {
                let retry_after = api.details.as_ref().map(|d| d.retry_after_seconds);
                let status = Status {
                    code: api.code,
                    reason: clean(&api.reason).into_owned(),
                    message: clean(&api.message).into_owned(),
                    retry_after: retry_after.filter(|s| *s > 0),
                    conflicts: Vec::new(),
                };
                Self::status(place, what, &status)
            }
            kube::Error::Auth(auth) => Self::plugin(place, auth),
            kube::Error::Service(inner) => Self::transport(place, what, inner.as_ref()),
            kube::Error::HyperError(inner) => Self::transport(place, what, inner),
            kube::Error::ProxyProtocolUnsupported { .. } | kube::Error::ProxyProtocolDisabled { .. } => Self::new(
                Fault::Config,
                place,
                "the proxy asked for is neither http nor https",
                "set proxy-url in the kubeconfig, HTTPS_PROXY or NO_PROXY",
            ),
            kube::Error::RustlsTls(inner) => Self::new(
                Fault::Config,
                place,
                format!("the certificates of this context cannot be used: {}", words(inner)),
                "check certificate-authority, client-certificate and client-key in the kubeconfig",
            ),
            other => Self::transport(place, what, other),
        }
    }

    /// The credential plugin or token file. Never shows what the plugin printed: it may be a token.
    pub(super) fn plugin(place: &Arc<Place>, error: &kube::client::AuthError) -> Self {
        use kube::client::AuthError;
        let (said, advice) = match error {
            AuthError::AuthExecStart(e) if e.kind() == io::ErrorKind::NotFound => (
                "the credential plugin that the kubeconfig names is not installed".to_owned(),
                "install the command under users[].user.exec, or put it on PATH".to_owned(),
            ),
            AuthError::AuthExecStart(e) => (
                format!("the kubeconfig's credential plugin could not be started: {e}"),
                "check the command under users[].user.exec".to_owned(),
            ),
            AuthError::AuthExecRun { out, .. } => {
                let stderr = String::from_utf8_lossy(&out.stderr);
                let last = stderr.lines().rev().find(|l| !l.trim().is_empty()).unwrap_or("");
                let why = if last.is_empty() { out.status.to_string() } else { clean(last).into_owned() };
                (
                    format!("the kubeconfig's credential plugin failed: {why}"),
                    "sign in again with the plugin's own tool, then retry".to_owned(),
                )
            }
            AuthError::AuthExecParse(_) => (
                "the kubeconfig's credential plugin printed something else than credentials".to_owned(),
                "run the command under users[].user.exec by hand".to_owned(),
            ),
            AuthError::MissingCommand => {
                ("the kubeconfig's credential plugin names no command".to_owned(), "see users[].user.exec".to_owned())
            }
            AuthError::ReadTokenFile(e, path) => (
                format!("the token file {} could not be read: {e}", path.display()),
                "see users[].user.tokenFile in the kubeconfig".to_owned(),
            ),
            other => (
                format!("the credentials of this context cannot be used: {}", words(other)),
                "check the users[] entry of the kubeconfig".to_owned(),
            ),
        };
        Self::new(Fault::Config, place, said, advice)
    }
}

/// What a 403 of admission says, and one of RBAC does not.
const ADMISSION: [&str; 4] =
    ["exceeded quota: ", "because it is being terminated", "violates PodSecurity ", "denied request: "];

fn tls_advice(why: &str) -> &'static str {
    if why.contains("UnknownIssuer") {
        "the server's certificate is not signed by the kubeconfig's certificate-authority: is this the right cluster?"
    } else if why.contains("xpired") {
        "a certificate has expired: renew it, or check this machine's clock"
    } else {
        "check certificate-authority, tls-server-name and the client certificate of this context"
    }
}

/// An error's own words, cleaned; of those about credentials and files only.
fn words(error: &dyn StdError) -> String {
    clean(&error.to_string()).into_owned()
}

/// `a web page ("502 Bad Gateway")`, where the body is one.
pub(super) fn web_page(body: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(&body[..body.len().min(4_096)]);
    let head = head.trim_start_matches('\u{feff}').trim_start();
    if !head.starts_with('<') {
        return None;
    }
    let lower = head.to_ascii_lowercase();
    let title = lower.find("<title>").and_then(|from| {
        let text = head.get(from + "<title>".len()..)?;
        text.get(..text.find('<').unwrap_or(text.len()))
    });
    Some(match title.map(|t| clean(t.trim()).into_owned()).filter(|t| !t.is_empty()) {
        Some(title) => format!("a web page ({title:?})"),
        None => "a web page".to_owned(),
    })
}

/// The root of a chain of transport errors.
enum Cause {
    Refused,
    Name(String),
    NoRoute,
    Reset,
    Cut,
    TimedOut,
    NotTls,
    NotHttp,
    Tls(String),
    Plugin(String),
    Other(String),
}

impl Cause {
    fn of(error: &(dyn StdError + 'static)) -> Self {
        let mut chain: Vec<&(dyn StdError + 'static)> = vec![error];
        // An io::Error hides the error that it wraps from `source`.
        while let Some(last) = chain.last().copied()
            && chain.len() < 24
        {
            let inner =
                last.downcast_ref::<io::Error>().and_then(|e| e.get_ref()).map(|e| e as &(dyn StdError + 'static));
            match inner.or_else(|| last.source()) {
                Some(next) => chain.push(next),
                None => break,
            }
        }
        if let Some(auth) = chain.iter().find_map(|e| e.downcast_ref::<kube::client::AuthError>()) {
            let place = Arc::new(Place::default());
            return Self::Plugin(ClusterError::plugin(&place, auth).said);
        }
        let texts: Vec<String> = chain.iter().map(ToString::to_string).collect();
        let says = |needle: &str| texts.iter().any(|t| t.contains(needle));
        if says("InvalidContentType") || says("corrupt message") {
            return Self::NotTls;
        }
        if let Some(text) = texts.iter().rev().find(|t| {
            ["certificate", "fatal alert", "HandshakeFailure", "peer is incompatible"].iter().any(|n| t.contains(n))
        }) {
            return Self::Tls(clean(text).into_owned());
        }
        if says("dns error") || says("failed to lookup address") {
            return Self::Name(texts.last().map(|t| clean(t).into_owned()).unwrap_or_default());
        }
        for io in chain.iter().rev().filter_map(|e| e.downcast_ref::<io::Error>()) {
            match io.kind() {
                io::ErrorKind::ConnectionRefused => return Self::Refused,
                io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
                    return Self::Reset;
                }
                io::ErrorKind::UnexpectedEof => return Self::Cut,
                io::ErrorKind::TimedOut => return Self::TimedOut,
                io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => return Self::NoRoute,
                _ => {}
            }
        }
        for hyper in chain.iter().filter_map(|e| e.downcast_ref::<hyper::Error>()) {
            if hyper.is_incomplete_message()
                || hyper.is_body_write_aborted()
                || hyper.is_closed()
                || hyper.is_canceled()
            {
                return Self::Cut;
            }
            if hyper.is_parse() {
                return Self::NotHttp;
            }
        }
        if says("deadline has elapsed") || says("timed out") {
            return Self::TimedOut;
        }
        if says("unexpected EOF") || says("connection closed") {
            return Self::Cut;
        }
        Self::Other(texts.last().map(|t| clean(t).into_owned()).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn web_pages_are_told_by_their_title() {
        for (body, expect) in [
            ("<html><head><title>502 Bad Gateway</title>", Some(r#"a web page ("502 Bad Gateway")"#)),
            ("  <!DOCTYPE html><TITLE>Sign in\u{1b}[2J</TITLE>", Some(r#"a web page ("Sign in")"#)),
            ("<p>hi", Some("a web page")),
            ("{}", None),
            ("", None),
        ] {
            assert_eq!(web_page(body.as_bytes()).as_deref(), expect, "{body}");
        }
    }

    #[test]
    fn refusals_say_who_may_not_do_what() {
        let place = Arc::new(Place { user: Some("dana".to_owned()), ..Place::default() });
        let error = |code, message: &str| {
            let status = Status { code, message: message.to_owned(), ..Status::default() };
            ClusterError::status(&place, "list pods", &status)
        };
        assert_eq!(error(403, "no").said, "dana may not list pods: no");
        assert_eq!((error(403, "").exit_code(), error(401, "").exit_code(), error(503, "").exit_code()), (5, 5, 4));
        assert!(error(503, "").may_pass() && !error(401, "").may_pass());
    }
}
