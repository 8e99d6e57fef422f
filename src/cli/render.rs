//! `fleetdeck render TENANT`: the tenant's objects, or its overlay as a folder. Asks no cluster.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use clap::{Args as ClapArgs, ValueEnum};
use serde_json::json;

use super::{failure::Failure, print::Out, tenant_args::TenantArgs};
use crate::{
    config::{Config, files},
    manifest::{Base, ManifestError, Object, TenantSpec, overlay, render, to_yaml},
};

#[derive(Clone, Debug, ClapArgs)]
pub(super) struct RenderArgs {
    #[command(flatten)]
    tenant: TenantArgs,

    /// Write the tenant's Kustomize overlay here, for `kubectl apply -k DIR`.
    #[arg(long, value_name = "DIR", conflicts_with = "output")]
    overlay: Option<PathBuf>,

    #[arg(short, long, value_enum, default_value_t)]
    output: RenderFormat,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum RenderFormat {
    #[default]
    Yaml,
    /// One object of kind List.
    Json,
}

pub(super) fn run(args: RenderArgs, config: &Config) -> Result<(), Failure> {
    let base = base(config.manifests.as_deref())?;
    let spec = args.tenant.draft().map_err(Failure::Usage)?.resolve(&config.defaults).map_err(wrong)?;
    if let Some(folder) = &args.overlay {
        return write_overlay(folder, &base, &spec);
    }
    let objects = render(&base, &spec).map_err(wrong)?;
    let mut out = Out::new();
    out.bytes(print(&objects, args.output).as_bytes())?;
    out.flush()
}

/// The manifest tree of a folder, or the one in the program.
pub(super) fn base(folder: Option<&Path>) -> Result<Base, Failure> {
    let Some(folder) = folder else { return Base::embedded().map_err(wrong) };
    let found = files::read_tree(folder).map_err(|error| Failure::Usage(error.to_string()))?;
    let files: Vec<(String, &str)> = found.iter().map(|(path, text)| (slashed(path), text.as_str())).collect();
    // Places inside the tree are told as paths from where the person is.
    Base::load(files.iter().map(|(path, text)| (path.as_str(), *text))).map_err(|error| match error {
        ManifestError::At(mut place, message) => {
            place.file = folder.join(&place.file).display().to_string();
            wrong(ManifestError::At(place, message))
        }
        other => wrong(other),
    })
}

fn slashed(path: &Path) -> String {
    path.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
}

fn wrong(error: ManifestError) -> Failure {
    match error {
        ManifestError::Spec(errors) => Failure::Usage(ManifestError::Spec(errors).to_string()),
        other => Failure::Failed(other.to_string()),
    }
}

fn print(objects: &[Object], format: RenderFormat) -> String {
    let values = objects.iter().map(Object::value);
    match format {
        RenderFormat::Yaml => to_yaml(values),
        RenderFormat::Json => {
            let list = json!({"apiVersion": "v1", "kind": "List", "items": values.collect::<Vec<_>>()});
            format!("{list:#}\n")
        }
    }
}

/// Writes the overlay. A folder that holds anything else is left alone: whose it is, is not known.
fn write_overlay(folder: &Path, base: &Base, spec: &TenantSpec) -> Result<(), Failure> {
    let failed = |error: files::FileError| Failure::Failed(error.to_string());
    let written = overlay(base, spec).map_err(wrong)?;
    if folder.exists() {
        let ours: BTreeSet<&str> = written.iter().map(|(path, _)| path.as_str()).collect();
        let there = files::read_tree(folder).map_err(failed)?;
        if let Some((path, _)) = there.iter().find(|(path, _)| !ours.contains(slashed(path).as_str())) {
            let path = folder.join(path);
            return Err(Failure::Usage(format!(
                "{} is no part of this tenant's overlay: choose a new folder, or remove it",
                path.display()
            )));
        }
    }
    written.iter().try_for_each(|(path, text)| files::write_atomic(&folder.join(path), text)).map_err(failed)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::manifest::Defaults;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        render: RenderArgs,
    }

    fn parse(line: &str) -> RenderArgs {
        Line::try_parse_from(["render"].into_iter().chain(line.split_whitespace())).unwrap().render
    }

    fn spec(line: &str, defaults: &str) -> Result<TenantSpec, ManifestError> {
        let config = Config::parse(defaults, "c.toml").unwrap();
        parse(line).tenant.draft().unwrap().resolve(&config.defaults)
    }

    #[test]
    fn flags_are_over_the_fleets_defaults() {
        let fleet = "[defaults]\ndomain = \"example.com\"\nstorage_class = \"fast\"\napp_size_gi = 30\n\
            node_selector = { pool = \"a\" }\ningress_namespace = \"traefik\"\n\
            litellm = { service = { name = \"proxy\", namespace = \"models\", port = 4000 } }\n\
            tolerations = [{ key = \"dedicated\", operator = \"Exists\" }]\n";
        let plain = spec("maria --tier pro --image 2026.8.2", fleet).unwrap();
        assert_eq!(plain.image.to_string(), "ghcr.io/openclaw/openclaw:2026.8.2");
        assert_eq!(
            (plain.host.as_str(), plain.volumes.app.size_gi, plain.volumes.config.size_gi),
            ("maria.example.com", 30, 20)
        );
        assert_eq!((plain.tolerations.len(), plain.network.ingress_namespace.as_str()), (1, "traefik"));
        let own = "maria --tier max --image x/y:1 --host h.example.org --app-size 40 --node-selector pool=b --label team=red \
            --issuer Issuer/own --litellm https://llm.example.net:8443 --litellm-cidr 203.0.113.0/24 --litellm-key k/v \
            --toleration gpu=yes:NoSchedule --with stand-in --suspended --owner @m --storage-class slow --pull-secret a,b";
        let own = spec(own, fleet).unwrap();
        assert_eq!(
            (own.host.as_str(), own.volumes.app.size_gi, own.node_selector["pool"].as_str()),
            ("h.example.org", 40, "b")
        );
        assert_eq!(
            (own.litellm.target.url().as_str(), own.litellm.key.secret.as_str()),
            ("https://llm.example.net:8443", "k")
        );
        assert_eq!((own.tolerations.len(), own.image_pull_secrets.len(), own.suspended), (2, 2, true));
        assert_eq!(own.volumes.config.storage_class.as_deref(), Some("slow"));
    }

    #[test]
    fn the_example_names_every_default() {
        let full: String = crate::config::EXAMPLE
            .lines()
            .map(|line| line.strip_prefix("#= ").unwrap_or(line))
            .fold(String::new(), |all, line| all + line + "\n");
        let config = Config::parse(&full, "example").unwrap();
        // A default that the example does not name reads as its default still, and stands out by it.
        let named = serde_json::to_value(&config.defaults).unwrap();
        let unnamed = serde_json::to_value(Defaults::default()).unwrap();
        for (key, value) in named.as_object().unwrap() {
            assert!(*value != unnamed[key] || key == "options", "{key} is not in the example");
        }
        let draft = parse("maria --tier pro --image 2026.8.2").tenant.draft().unwrap();
        assert!(render(&base(None).unwrap(), &draft.resolve(&config.defaults).unwrap()).is_ok());
    }

    #[test]
    fn a_wrong_default_is_said_with_its_place() {
        let error = Config::parse("[defaults]\ndomains = \"x\"\n", "c.toml").unwrap_err().to_string();
        assert!(error.starts_with("c.toml:2:1: unknown field `domains`"), "{error}");
    }

    #[test]
    fn an_overlay_goes_into_a_folder_of_its_own() {
        let spec = spec("maria --tier pro --image 2026.8.2 --host h.example.org", "").unwrap();
        let base = base(None).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("maria");
        write_overlay(&folder, &base, &spec).unwrap();
        // Again is fine, and what was written is itself a tree to render from.
        write_overlay(&folder, &base, &spec).unwrap();
        let again = super::base(Some(&folder)).unwrap();
        assert_eq!(render(&again, &spec).unwrap(), render(&base, &spec).unwrap());
        files::write_atomic(&folder.join("notes.txt"), "mine").unwrap();
        let Failure::Usage(text) = write_overlay(&folder, &base, &spec).unwrap_err() else { panic!() };
        assert!(text.contains("notes.txt is no part"), "{text}");
    }

    #[test]
    fn a_broken_tree_is_named_by_its_path() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("base/kustomization.yaml");
        files::write_atomic(&path, "resources: []\nnamePrefix: x-\n").unwrap();
        let Failure::Failed(text) = base(Some(dir.path())).unwrap_err() else { panic!() };
        assert!(text.starts_with(&format!("{}:2: ", path.display())) && text.contains("namePrefix"), "{text}");
    }

    #[test]
    fn json_is_one_list() {
        let spec = spec("maria --tier pro --image 2026.8.2 --host h.example.org", "").unwrap();
        let objects = render(&base(None).unwrap(), &spec).unwrap();
        let list: serde_json::Value = serde_json::from_str(&print(&objects, RenderFormat::Json)).unwrap();
        assert_eq!(list["kind"], "List");
        assert_eq!(list["items"].as_array().unwrap().len(), objects.len());
    }
}
