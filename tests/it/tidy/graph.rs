//! The module graph of a crate: which module names what. Every path is made absolute, through imports, renames, type
//! aliases and globs, also inside macros.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, Item, UseTree};

/// Path below `src` -> text.
pub(super) type Files = BTreeMap<String, String>;

/// Somewhere a module names something outside itself.
#[derive(Debug)]
pub(super) struct Reference {
    pub(super) file: String,
    pub(super) line: usize,
    /// `["index", "digest", "pod"]`; empty for `lib.rs`, `["main"]` for the binary.
    pub(super) module: Vec<String>,
    /// `["crate", "fleet", "Tier"]` or `["std", "fs", "read"]`; ends in `*` for a glob.
    pub(super) path: Vec<String>,
}

#[derive(Debug, Default)]
pub(super) struct Graph {
    pub(super) references: Vec<Reference>,
    /// Files that cannot be read as part of the graph, and why.
    pub(super) problems: Vec<String>,
}

/// What a module's names mean.
#[derive(Default)]
struct Scope {
    /// Name -> the path it stands for, as written.
    imports: BTreeMap<String, Vec<String>>,
    globs: Vec<Vec<String>>,
    children: BTreeSet<String>,
}

/// One file's place in the graph.
struct Source<'a> {
    file: &'a str,
    module: Vec<String>,
    syntax: syn::File,
}

/// Follows the `mod` declarations from `lib.rs` and `main.rs`. `crates` are the names that dependencies have in paths.
pub(super) fn read(files: &Files, crates: &[String]) -> Graph {
    let mut graph = Graph::default();
    let mut sources = Vec::new();
    let mut reached = BTreeSet::new();
    let mut queue: Vec<(String, Vec<String>)> = Vec::new();
    for (file, module) in [("lib.rs", vec![]), ("main.rs", vec!["main".to_owned()])] {
        if files.contains_key(file) {
            queue.push((file.to_owned(), module));
        }
    }
    while let Some((name, module)) = queue.pop() {
        let Some((file, text)) = files.get_key_value(&name) else {
            graph.problems.push(format!("src/{name}: declared as a module, but there is no such file"));
            continue;
        };
        reached.insert(file.clone());
        match syn::parse_file(text) {
            Ok(syntax) => {
                let folder = match file.as_str() {
                    "lib.rs" | "main.rs" => String::new(),
                    other => format!("{}/", other.trim_end_matches(".rs")),
                };
                follow(&syntax.items, &folder, &module, &mut queue, &mut reached, files);
                sources.push(Source { file, module, syntax });
            }
            Err(error) => graph.problems.push(format!("src/{file}: {error}")),
        }
    }
    for file in files.keys().filter(|file| !reached.contains(*file)) {
        graph.problems.push(format!("src/{file}: no `mod` declaration leads here"));
    }

    let mut scopes = Scopes { crates, scopes: BTreeMap::new() };
    for source in &sources {
        let mut collect = Collect { scopes: &mut scopes.scopes, module: source.module.clone() };
        collect.visit_file(&source.syntax);
    }
    for source in &sources {
        let mut walk =
            Walk { scopes: &scopes, file: source.file, module: source.module.clone(), found: &mut graph.references };
        walk.visit_file(&source.syntax);
    }
    graph
}

/// Queues the files that `items` declare as modules. Modules of tests only are marked as reached, and left alone.
fn follow(
    items: &[Item],
    folder: &str,
    module: &[String],
    queue: &mut Vec<(String, Vec<String>)>,
    reached: &mut BTreeSet<String>,
    files: &Files,
) {
    for item in items {
        let Item::Mod(item) = item else { continue };
        let name = item.ident.to_string();
        let child: Vec<String> = module.iter().cloned().chain([name.clone()]).collect();
        match &item.content {
            _ if only_for_tests(&item.attrs) => {
                let (file, below) = (format!("{folder}{name}.rs"), format!("{folder}{name}/"));
                reached.extend(files.keys().filter(|path| **path == file || path.starts_with(&below)).cloned());
            }
            Some((_, items)) => follow(items, &format!("{folder}{name}/"), &child, queue, reached, files),
            None => queue.push((format!("{folder}{name}.rs"), child)),
        }
    }
}

fn only_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let path = attribute.path();
        if path.segments.last().is_some_and(|last| last.ident == "test") {
            return true;
        }
        let text = match &attribute.meta {
            syn::Meta::List(list) if path.is_ident("cfg") => list.tokens.to_string(),
            _ => return false,
        };
        let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        words.contains(&"test") && !words.contains(&"not") && !words.contains(&"any")
    })
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// First pass: what names mean.
struct Collect<'a> {
    scopes: &'a mut BTreeMap<Vec<String>, Scope>,
    module: Vec<String>,
}

impl Collect<'_> {
    fn scope(&mut self) -> &mut Scope {
        self.scopes.entry(self.module.clone()).or_default()
    }
}

impl<'ast> Visit<'ast> for Collect<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if only_for_tests(attributes(item)) {
            return;
        }
        match item {
            Item::Use(item) => {
                let mut leaves = Vec::new();
                flatten(&item.tree, &mut root(item.leading_colon.is_some()), &mut leaves);
                for leaf in leaves {
                    match leaf.name {
                        Some(name) => drop(self.scope().imports.insert(name, leaf.path)),
                        None => self.scope().globs.push(leaf.path),
                    }
                }
            }
            Item::Type(item) => {
                if let syn::Type::Path(path) = &*item.ty {
                    let path = path.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
                    self.scope().imports.insert(item.ident.to_string(), path);
                }
            }
            Item::ExternCrate(item) => {
                let name = item.rename.as_ref().map_or(&item.ident, |(_, name)| name).to_string();
                self.scope().imports.insert(name, vec![String::new(), item.ident.to_string()]);
            }
            Item::Mod(item) => {
                self.scope().children.insert(item.ident.to_string());
                self.module.push(item.ident.to_string());
                visit::visit_item_mod(self, item);
                self.module.pop();
                return;
            }
            _ => {}
        }
        visit::visit_item(self, item);
    }
}

/// A path that starts with `::` has an empty first segment here.
fn root(leading_colon: bool) -> Vec<String> {
    if leading_colon { vec![String::new()] } else { Vec::new() }
}

struct Leaf {
    /// `None` for a glob.
    name: Option<String>,
    path: Vec<String>,
    line: usize,
}

fn flatten(tree: &UseTree, path: &mut Vec<String>, leaves: &mut Vec<Leaf>) {
    let line = tree.span().start().line;
    match tree {
        UseTree::Path(step) => {
            path.push(step.ident.to_string());
            flatten(&step.tree, path, leaves);
            path.pop();
        }
        UseTree::Group(group) => group.items.iter().for_each(|tree| flatten(tree, path, leaves)),
        UseTree::Glob(_) => leaves.push(Leaf { name: None, path: path.clone(), line }),
        UseTree::Name(name) if name.ident == "self" => {
            leaves.push(Leaf { name: path.last().cloned(), path: path.clone(), line });
        }
        UseTree::Name(name) => {
            let path = path.iter().cloned().chain([name.ident.to_string()]).collect();
            leaves.push(Leaf { name: Some(name.ident.to_string()), path, line });
        }
        UseTree::Rename(name) => {
            let own = (name.ident != "self").then(|| name.ident.to_string());
            let path = path.iter().cloned().chain(own).collect();
            leaves.push(Leaf { name: Some(name.rename.to_string()), path, line });
        }
    }
}

struct Scopes<'a> {
    crates: &'a [String],
    scopes: BTreeMap<Vec<String>, Scope>,
}

impl Scopes<'_> {
    /// The absolute form of `path` as written in `module`; `None` for names of the module's own and of the prelude.
    fn absolute(&self, module: &[String], path: &[String], depth: usize) -> Option<Vec<String>> {
        let (first, rest) = path.split_first()?;
        if depth > 16 {
            return None;
        }
        match first.as_str() {
            "crate" if is_binary(module) => return None,
            "crate" => return Some(path.to_vec()),
            "fleetdeck" => return Some(within(&[], rest)),
            "" => return Some(rest.to_vec()),
            "self" => return self.absolute(module, rest, depth + 1).or_else(|| Some(within(module, rest))),
            "super" => {
                let parent = &module[..module.len().saturating_sub(1)];
                let rest: Vec<String> = if rest.first().is_some_and(|next| next == "super") {
                    rest.to_vec()
                } else {
                    ["self".to_owned()].into_iter().chain(rest.iter().cloned()).collect()
                };
                return self.absolute(parent, &rest, depth + 1);
            }
            _ => {}
        }
        // A single word may be a variable or a function: only a longer path starts at a module or a crate.
        self.named(module, first, rest, depth).or_else(|| self.unimported(module, path).filter(|_| path.len() > 1))
    }

    /// The absolute form of what a `use` names, where a single word is a module or a crate.
    fn used(&self, module: &[String], path: &[String], depth: usize) -> Option<Vec<String>> {
        self.absolute(module, path, depth).or_else(|| self.unimported(module, path))
    }

    /// Through the imports of `module`, also those that a glob of a module of ours brings in.
    fn named(&self, module: &[String], name: &str, rest: &[String], depth: usize) -> Option<Vec<String>> {
        let scope = self.scopes.get(module).filter(|_| depth <= 16)?;
        if let Some(import) = scope.imports.get(name) {
            let path: Vec<String> = import.iter().chain(rest).cloned().collect();
            return match import.split_first() {
                // `use pod::Pod as pod` beside `mod pod`, or `use kube`: looked up by name it would go round for ever.
                Some((first, _)) if first == name && scope.children.contains(name) => Some(within(module, &path)),
                Some((first, _)) if first == name => self.outside(&path),
                _ => self.absolute(module, &path, depth + 1),
            };
        }
        scope.globs.iter().find_map(|glob| {
            let target = self.used(module, glob, depth + 1)?;
            let (first, inner) = target.split_first()?;
            (first == "crate" && inner != module).then(|| self.named(inner, name, rest, depth + 1)).flatten()
        })
    }

    /// A child module, or another crate.
    fn unimported(&self, module: &[String], path: &[String]) -> Option<Vec<String>> {
        let first = path.first()?;
        if self.scopes.get(module).is_some_and(|scope| scope.children.contains(first)) {
            return Some(within(module, path));
        }
        self.outside(path)
    }

    fn outside(&self, path: &[String]) -> Option<Vec<String>> {
        let first = path.first()?;
        let external = ["std", "core", "alloc"].contains(&first.as_str()) || self.crates.contains(first);
        external.then(|| path.to_vec())
    }
}

/// `path` as it reads from the crate's root. The binary's own modules count as its root's.
fn within(module: &[String], path: &[String]) -> Vec<String> {
    let own = if is_binary(module) { &module[1..] } else { module };
    ["crate".to_owned()].into_iter().chain(own.iter().cloned()).chain(path.iter().cloned()).collect()
}

fn is_binary(module: &[String]) -> bool {
    module.first().is_some_and(|room| room == "main")
}

/// Second pass: who names what.
struct Walk<'a> {
    scopes: &'a Scopes<'a>,
    file: &'a str,
    module: Vec<String>,
    found: &'a mut Vec<Reference>,
}

impl Walk<'_> {
    fn add(&mut self, line: usize, path: Option<Vec<String>>) {
        if let Some(path) = path {
            self.found.push(Reference { file: self.file.to_owned(), line, module: self.module.clone(), path });
        }
    }

    /// Paths among tokens that no parser has looked into: the arguments of macros and attributes.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let (mut line, mut colons) = (0, 0);
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.flush(line, &mut path);
                    }
                    line = ident.span().start().line;
                    path.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    // `a::{b, c}` in a macro that holds a `use`: each inner path goes on from the outer one.
                    let outer = (colons == 2 && group.delimiter() == Delimiter::Brace).then(|| path.clone());
                    self.flush(line, &mut path);
                    colons = 0;
                    match outer {
                        Some(outer) => self.continued(&outer, group.stream()),
                        None => self.tokens(group.stream()),
                    }
                }
                _ => {
                    self.flush(line, &mut path);
                    colons = 0;
                }
            }
        }
        self.flush(line, &mut path);
    }

    fn continued(&mut self, outer: &[String], tokens: TokenStream) {
        for token in tokens {
            if let TokenTree::Ident(ident) = token {
                let path: Vec<String> = outer.iter().cloned().chain([ident.to_string()]).collect();
                self.add(ident.span().start().line, self.scopes.absolute(&self.module, &path, 0));
            }
        }
    }

    fn flush(&mut self, line: usize, path: &mut Vec<String>) {
        let path = std::mem::take(path);
        // A lone word in a macro is whatever the macro makes of it, unless it was imported.
        if path.len() > 1 || (path.len() == 1 && self.scopes.named(&self.module, &path[0], &[], 0).is_some()) {
            self.add(line, self.scopes.absolute(&self.module, &path, 0));
        }
    }
}

impl<'ast> Visit<'ast> for Walk<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if only_for_tests(attributes(item)) {
            return;
        }
        match item {
            Item::Use(item) => {
                let mut leaves = Vec::new();
                flatten(&item.tree, &mut root(item.leading_colon.is_some()), &mut leaves);
                for leaf in leaves {
                    let mut path = self.scopes.used(&self.module, &leaf.path, 0);
                    if let (None, Some(path)) = (&leaf.name, &mut path) {
                        path.push("*".to_owned());
                    }
                    self.add(leaf.line, path);
                }
            }
            Item::ExternCrate(item) => {
                self.add(item.ident.span().start().line, Some(vec![item.ident.to_string()]));
            }
            Item::Mod(item) => {
                self.module.push(item.ident.to_string());
                visit::visit_item_mod(self, item);
                self.module.pop();
            }
            _ => visit::visit_item(self, item),
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !only_for_tests(&item.attrs) {
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let mut segments = root(path.leading_colon.is_some());
        segments.extend(path.segments.iter().map(|segment| segment.ident.to_string()));
        self.add(path.span().start().line, self.scopes.absolute(&self.module, &segments, 0));
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        self.visit_path(&mac.path);
        self.tokens(mac.tokens.clone());
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        self.visit_path(attribute.path());
        if let syn::Meta::List(list) = &attribute.meta {
            self.tokens(list.tokens.clone());
        }
    }
}
