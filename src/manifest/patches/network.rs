//! The patch of the NetworkPolicy: namespaces, DNS addresses, exclusions and the models' proxy, each where the base has a place for it.

use super::{Objects, Patch, add, exchange, json_patch, pointers, replace, test};
use crate::manifest::error::ManifestError;
use crate::manifest::object::{Object, text};
use crate::manifest::spec::{LiteLlmTarget, TenantSpec};
use crate::manifest::validate::Endpoint;
use ipnet::IpNet;
use serde_json::{Value, json};

/// What a base writes where the namespaces of the models' proxy, the ingress controller and the fleet's own belong.
const LITELLM: &str = "litellm.invalid";
const INGRESS: &str = "ingress-controller.invalid";
const CONTROL: &str = "control.invalid";

pub(super) fn network_policy(base: &Objects<'_>, spec: &TenantSpec) -> Result<Patch, ManifestError> {
    let object = base.find("NetworkPolicy", "tenant")?;
    let mut operations = Vec::new();
    for (placeholder, namespace) in
        [(INGRESS, &spec.network.ingress_namespace), (CONTROL, &spec.network.control_namespace)]
    {
        let found = namespace_pointers(object, placeholder)?;
        operations.extend(found.iter().flat_map(|path| exchange(path, placeholder, namespace)));
    }
    let egress =
        object.value().pointer("/spec/egress").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for address in &spec.network.node_local_dns {
        let rule = rule_for_port(egress, 53)
            .ok_or_else(|| missing("an egress rule for port 53, to which node-local DNS addresses are added"))?;
        operations.push(test(&format!("/spec/egress/{rule}/ports/0/port"), &json!(53)));
        operations.push(add(
            &format!("/spec/egress/{rule}/to/-"),
            &json!({"ipBlock": {"cidr": IpNet::from(*address).to_string()}}),
        ));
    }
    operations.extend(excluded(egress, spec)?);
    operations.extend(litellm_rule(object, egress, &spec.litellm.target)?);
    Ok(json_patch(object, operations))
}

fn missing(what: &str) -> ManifestError {
    ManifestError::Base(format!("NetworkPolicy tenant of the base has no {what}"))
}

/// Adds the fleet's own exclusions to the blocks that are open to the world.
fn excluded(egress: &[Value], spec: &TenantSpec) -> Result<Vec<Value>, ManifestError> {
    let mut operations = Vec::new();
    for range in &spec.network.excluded_cidrs {
        let world = if range.contains(':') { "::/0" } else { "0.0.0.0/0" };
        let mut found = false;
        for (rule, to) in
            egress.iter().enumerate().filter_map(|(rule, value)| Some((rule, value.get("to")?.as_array()?)))
        {
            for (peer, block) in to.iter().enumerate().filter(|(_, peer)| text(peer, "/ipBlock/cidr") == world) {
                found = true;
                let path = format!("/spec/egress/{rule}/to/{peer}/ipBlock");
                let listed = block.pointer("/ipBlock/except").and_then(Value::as_array);
                if listed.is_some_and(|listed| listed.iter().any(|known| known == range)) {
                    continue;
                }
                operations.push(test(&format!("{path}/cidr"), &json!(world)));
                operations.push(match listed {
                    Some(_) => add(&format!("{path}/except/-"), &json!(range)),
                    None => add(&format!("{path}/except"), &json!([range])),
                });
            }
        }
        if !found {
            return Err(missing(&format!("ipBlock {world} to exclude {range} from")));
        }
    }
    Ok(operations)
}

/// The rule for the models' proxy; it comes last, since it may remove its rule and so move those behind it.
fn litellm_rule(object: &Object, egress: &[Value], target: &LiteLlmTarget) -> Result<Vec<Value>, ManifestError> {
    let pointer = namespace_pointers(object, LITELLM)?;
    // /spec/egress/<rule>/to/<peer>/...
    let position = |at: usize| pointer.first().and_then(|path| path.split('/').nth(at)?.parse::<usize>().ok());
    let ([pointer], Some(rule), Some(peer)) = (pointer.as_slice(), position(3), position(5)) else {
        return Err(missing(&format!(
            "single egress rule for the namespace {LITELLM:?}, which stands for the models' proxy"
        )));
    };
    let whole = format!("/spec/egress/{rule}");
    let first_port = egress.get(rule).and_then(|rule| rule.pointer("/ports/0/port")).cloned();
    let mut operations = vec![test(pointer, &json!(LITELLM))];
    let set_port = |operations: &mut Vec<Value>, port: u16| match &first_port {
        Some(_) => {
            operations.push(replace(&format!("{whole}/ports/0/port"), &json!(port)));
            Ok(())
        }
        None => Err(missing("port in the rule for the models' proxy")),
    };
    match target {
        LiteLlmTarget::Service { namespace, port, pods, .. } => {
            operations.push(replace(pointer, &json!(namespace)));
            set_port(&mut operations, *port)?;
            if !pods.is_empty() {
                // By expressions: Kustomize would add the tenant's own labels to matchLabels.
                let expressions: Vec<Value> =
                    pods.iter().map(|(key, value)| json!({"key": key, "operator": "In", "values": [value]})).collect();
                operations
                    .push(add(&format!("{whole}/to/{peer}/podSelector"), &json!({"matchExpressions": expressions})));
            }
        }
        LiteLlmTarget::Url { url, cidrs } if !cidrs.is_empty() => {
            let endpoint = Endpoint::parse(url).map_err(ManifestError::Base)?;
            let peers: Vec<Value> = cidrs.iter().map(|range| json!({"ipBlock": {"cidr": range}})).collect();
            operations.push(replace(&format!("{whole}/to"), &json!(peers)));
            set_port(&mut operations, endpoint.port)?;
        }
        // HTTPS to the world is open as it is.
        LiteLlmTarget::Url { .. } => operations.push(json!({"op": "remove", "path": whole})),
    }
    Ok(operations)
}

fn namespace_pointers(object: &Object, placeholder: &str) -> Result<Vec<String>, ManifestError> {
    let mut found = Vec::new();
    pointers(object.value(), placeholder, "", &mut found);
    if found.is_empty() {
        Err(missing(&format!("namespace {placeholder:?}, which stands for the fleet's own")))
    } else {
        Ok(found)
    }
}

fn rule_for_port(rules: &[Value], port: u16) -> Option<usize> {
    rules.iter().position(|rule| rule.pointer("/ports/0/port").and_then(Value::as_u64) == Some(u64::from(port)))
}
