//! The door of a tenant that was made: whether its Ingress has an address and, where it has none, why. That is a remark and no
//! failure: whether anybody serves Ingresses is the cluster's affair, and cannot be known for sure.

use serde_json::Value;
use tokio::time::Instant;

use super::super::{act::Act, trouble::Trouble};
use crate::{
    cluster::{ClusterError, Fault},
    fleet::clean::clean,
};

/// Seconds between two looks.
const EVERY: u32 = 3;
const DEFAULT: &str = "ingressclass.kubernetes.io/is-default-class";
/// How a class was named before there was a field for it; some controllers still read it.
const LEGACY: &str = "kubernetes.io/ingress.class";

/// Who would give the Ingress an address.
enum Server {
    /// Somebody may: these words.
    Perhaps(String),
    /// Nobody who is known: these words. Waiting on would not help.
    Nobody(String),
}

impl Act<'_> {
    pub(super) async fn addressed(&mut self, seconds: u32) -> Result<String, Trouble> {
        let Some(name) = self.rendered("Ingress").into_iter().next() else {
            return Ok("it has no Ingress".to_owned());
        };
        let (began, limit) = (Instant::now(), self.shared.cluster.clock().real(seconds));
        let mut last = String::new();
        loop {
            let live = match self.live("Ingress", &name).await {
                Err(Trouble::Cluster(error)) if error.fault == Fault::Forbidden => {
                    return Ok("whether its Ingress has an address is not known: it may not be read".to_owned());
                }
                other => other?,
            };
            let Some(live) = live else { return Ok(format!("Ingress {name} is gone")) };
            if let Some(address) = address(&live) {
                return Ok(format!("its Ingress has the address {address}"));
            }
            let classes = self.shared.cluster.objects("IngressClass", "", "").await;
            let why = match server(&live, classes) {
                Server::Perhaps(who) if began.elapsed() < limit => {
                    self.rest(format!("its Ingress has no address yet: {who}"), &mut last, EVERY).await?;
                    continue;
                }
                Server::Perhaps(why) | Server::Nobody(why) => why,
            };
            let said = self.complaint(&name).await;
            return Ok(format!("its Ingress has no address: {why}{said}"));
        }
    }

    /// What was last warned of about the Ingress; nothing where that may not be read.
    async fn complaint(&self, name: &str) -> String {
        let events = self.shared.cluster.objects("Event", &self.turn.namespace, "").await.unwrap_or_default();
        let about = |event: &&Value| {
            let of = &event["involvedObject"];
            event["type"] == "Warning" && of["kind"] == "Ingress" && of["name"] == name
        };
        let last = events.iter().filter(about).max_by_key(|event| event["lastTimestamp"].as_str().map(str::to_owned));
        let message = last.and_then(|event| event["message"].as_str()).unwrap_or_default();
        if message.is_empty() { String::new() } else { format!("; warned of it was: {}", clean(message)) }
    }
}

fn address(ingress: &Value) -> Option<String> {
    let points = ingress.pointer("/status/loadBalancer/ingress").and_then(Value::as_array)?;
    let of = |point: &Value| point["ip"].as_str().or(point["hostname"].as_str()).map(|text| clean(text).into_owned());
    points.iter().find_map(of)
}

fn server(ingress: &Value, classes: Result<Vec<Value>, ClusterError>) -> Server {
    let text = |value: &Value| value.as_str().map(|text| clean(text).into_owned());
    let named = text(&ingress["spec"]["ingressClassName"]);
    let legacy = ingress.pointer("/metadata/annotations").and_then(|all| text(&all[LEGACY]));
    let classes = match (classes, &named, &legacy) {
        (_, None, Some(class)) => {
            return Server::Perhaps(format!("class {class} stands in an annotation; who serves it is not known"));
        }
        (Ok(classes), ..) => classes,
        (Err(error), ..) => {
            let class = named.as_ref().map_or_else(|| "no class".to_owned(), |name| format!("class {name}"));
            let why = if error.fault == Fault::Forbidden { "you may not list IngressClasses" } else { &*error.said };
            return Server::Perhaps(format!("it is of {class}, and who serves that is not known: {why}"));
        }
    };
    let called = |name: &str| classes.iter().find(|class| class["metadata"]["name"] == name);
    let default = classes
        .iter()
        .find(|class| class.pointer("/metadata/annotations").and_then(|all| all[DEFAULT].as_str()) == Some("true"));
    match (named, default) {
        (Some(name), _) => match called(&name) {
            None => Server::Nobody(format!("the cluster has no IngressClass {name}, which it names")),
            Some(class) => {
                let by = text(&class["spec"]["controller"]).unwrap_or_else(|| "nobody".to_owned());
                Server::Perhaps(format!("IngressClass {name} is for {by}; whether that runs is not known"))
            }
        },
        // The server writes the default class into an Ingress when it is made.
        (None, Some(class)) => {
            let name = text(&class["metadata"]["name"]).unwrap_or_default();
            Server::Nobody(format!("it names no IngressClass; {name} became the default after it was made"))
        }
        (None, None) if classes.is_empty() => {
            Server::Nobody("the cluster has no IngressClass, so that no controller is known to serve it".to_owned())
        }
        (None, None) => Server::Nobody("it names no IngressClass, and the cluster has no default one".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn who_would_give_an_address() {
        let class = |name: &str, default: bool| {
            json!({
                "metadata": { "name": name, "annotations": { DEFAULT: default.to_string() } },
                "spec": { "controller": "k8s.io/ingress-nginx" },
            })
        };
        let check = |ingress: Value, classes: &[Value], waits: bool, expect: &str| {
            let (waited, said) = match server(&ingress, Ok(classes.to_vec())) {
                Server::Perhaps(said) => (true, said),
                Server::Nobody(said) => (false, said),
            };
            assert!(waited == waits && said.contains(expect), "{ingress}: {said}");
        };
        let named = json!({ "spec": { "ingressClassName": "nginx" } });
        check(
            named.clone(),
            &[class("nginx", false)],
            true,
            "for k8s.io/ingress-nginx; whether that runs is not known",
        );
        check(named, &[class("other", true)], false, "no IngressClass nginx");
        let none = json!({ "spec": {} });
        check(none.clone(), &[], false, "the cluster has no IngressClass");
        check(none.clone(), &[class("nginx", false)], false, "no default one");
        check(none, &[class("nginx", true)], false, "became the default after");
        let old = json!({ "metadata": { "annotations": { LEGACY: "gce" } }, "spec": {} });
        check(old, &[], true, "class gce stands in an annotation");
    }

    #[test]
    fn an_address_is_an_ip_or_a_name() {
        let check = |points: Value, expect: Option<&str>| {
            let ingress = json!({ "status": { "loadBalancer": { "ingress": points } } });
            assert_eq!(address(&ingress).as_deref(), expect);
        };
        check(json!([{ "ip": "10.0.0.7" }]), Some("10.0.0.7"));
        check(json!([{}, { "hostname": "lb.example.com\u{1b}[2J" }]), Some("lb.example.com"));
        check(json!([]), None);
        assert_eq!(address(&json!({})), None);
    }
}
