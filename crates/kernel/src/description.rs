//! What the server says of itself: `path-help` and OpenAPI, from the declarations.

use std::sync::Arc;

use api::describe::{document, mount_help, path_help, path_item};
use api::{Bare, Engine, Path, Reply, Result};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::mounts::{Found, Mount, Room, Route};
use crate::policies;
use crate::visit::Visit;

/// The door that describes all doors.
pub(crate) fn paths() -> Vec<Path<Visit>> {
    vec![
        Path::new("internal/specs/openapi")
            .help(
                "Describe every path as an OpenAPI document.",
                "With a token, the paths of the mounts it can use; without, the house's own.",
            )
            .public()
            .read(openapi)
            .write(openapi),
    ]
}

#[derive(Deserialize, JsonSchema)]
struct Scope {
    /// Names the places of mounts instead of their paths, and describes every engine there is.
    #[serde(default)]
    generic_mount_paths: bool,
}

/// The text of `path-help` for wherever a route leads.
pub(crate) fn help(visit: &Visit, route: &Route<'_>) -> Result<Reply> {
    let path = route.path.to_string();
    let (text, item) = match route.found {
        Found::System(door) => (path_help(door, &path), path_item(door)),
        Found::Engine(door) => (path_help(door, &path), path_item(door)),
        Found::Nothing | Found::NothingInPublic if is_root(route) => return Ok(root(visit, route)),
        Found::Nothing | Found::NothingInPublic => return Err(api::Error::UnsupportedPath),
    };
    if is_root(route) {
        return Ok(root(visit, route));
    }
    let template = format!("/{}{}", route.mount.path.trim_end_matches('/'), item.0);
    let version = visit.kernel.settings.version;
    Ok(bare(&text, &document(version, std::iter::once((template, item.1)))))
}

fn is_root(route: &Route<'_>) -> bool {
    route.mount.path.strip_suffix('/') == Some(route.path.as_str())
}

/// The text for a mount itself: what it is for, and its paths.
fn root(visit: &Visit, route: &Route<'_>) -> Reply {
    let kernel = &visit.kernel;
    let mount = &route.mount;
    let (about, paths): (&str, Vec<(String, &str)>) = match mount.room {
        Room::Engine => (
            kernel.engine(mount).map_or("", |engine: &Engine| engine.help),
            kernel.engine_paths(mount).iter().map(line).collect(),
        ),
        room => (&mount.description, kernel.room_paths(room).iter().map(line).collect()),
    };
    let text = mount_help(about, paths.into_iter());
    bare(&text, &document(kernel.settings.version, items(visit, mount, &mount.path).into_iter()))
}

fn line<C: Send + Sync + 'static>(path: &Path<C>) -> (String, &str) {
    (path.pattern.regex(), path.summary)
}

fn bare(text: &str, openapi: &Value) -> Reply {
    Reply::Bare(json!({ "help": text, "see_also": null, "openapi": openapi }))
}

async fn openapi(visit: &Visit, scope: Scope) -> Result<Bare<Value>> {
    let mounts = visit.mounts().await?;
    let compiled = policies::of_whoever_asks(visit).await?;
    let now = visit.now.unix();
    // Where things are mounted is not for strangers; what the house itself offers is in the manual.
    let is_shown = |mount: &&Arc<Mount>| match &compiled {
        Some(compiled) => compiled.reaches_below(&mount.path, now),
        None => mount.room != Room::Engine || mount.engine == "cubbyhole",
    };
    let shown = mounts.iter().filter(is_shown);
    let paths = shown.flat_map(|mount| match scope.generic_mount_paths && is_anybodys(mount) {
        true => items(visit, mount, &format!("{}/", generic(mount))),
        false => items(visit, mount, &mount.path),
    });
    let paths: Vec<_> = paths.collect();
    Ok(Bare(document(visit.kernel.settings.version, paths.into_iter())))
}

fn is_anybodys(mount: &Mount) -> bool {
    mount.room == Room::Engine && mount.engine != "cubbyhole"
}

fn generic(mount: &Mount) -> String {
    match mount.path.strip_prefix("auth/") {
        Some(_) => format!("auth/{{{}_mount_path}}", mount.engine),
        None => format!("{{{}_mount_path}}", mount.engine),
    }
}

/// The entries of an OpenAPI document for one mount, shown at `prefix`.
fn items(visit: &Visit, mount: &Mount, prefix: &str) -> Vec<(String, Value)> {
    let kernel = &visit.kernel;
    let at = |(template, item): (String, Value)| {
        (format!("/{}{template}", prefix.trim_end_matches('/')), item)
    };
    match mount.room {
        Room::Engine => kernel.engine_paths(mount).iter().map(path_item).map(at).collect(),
        room => kernel.room_paths(room).iter().map(path_item).map(at).collect(),
    }
}
