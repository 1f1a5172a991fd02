//! `sys/mounts` and `sys/auth`: what operators do with mounts; `sys/internal/ui/mounts`: what
//! clients ask before they talk to one.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::{Class, Data, Error, KeyValues, NoContent, Path, Reply, Respond, Result, Seconds};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::record::{Mount, Tuning};
use super::view::{MountView, MountViews, Seen, TuneView};
use super::{Wanted, disable, enable, options, shown_path, tune};
use crate::lockout::LockoutTuning;
use crate::policies;
use crate::tokens::KindRule;
use crate::visit::Visit;

/// Everything that can be done with mounts.
pub(crate) fn paths() -> Vec<Path<Visit>> {
    vec![
        Path::new("mounts")
            .help("List the secrets engines that are mounted.", "By path, with their settings.")
            .top_level()
            .read(list_secrets),
        Path::new("mounts/{path...}")
            .help(
                "Mount, read and unmount a secrets engine.",
                "Unmounting removes everything that is stored there.",
            )
            .read(read_secret)
            .write(enable_secret)
            .delete(disable_secret),
        Path::new("mounts/{path...}/tune")
            .help("Read and change the settings of a mount.", "What is left out stays as it is.")
            .read(read_secret_tuning)
            .write(tune_secret),
        Path::new("auth")
            .help("List the auth methods that are enabled.", "By path, with their settings.")
            .top_level()
            .read(list_auth),
        Path::new("auth/{path...}")
            .help(
                "Enable, read and disable an auth method.",
                "Disabling ends every token it gave out and removes its users.",
            )
            .sudo()
            .read(read_auth)
            .write(enable_auth)
            .delete(disable_auth),
        Path::new("auth/{path...}/tune")
            .help("Read and change the settings of an auth method.", "The rest stays as it is.")
            .sudo()
            .read(read_auth_tuning)
            .write(tune_auth),
        Path::new("internal/ui/mounts")
            .help("List the mounts the caller can use.", "Strangers see what is open to all.")
            .public()
            .read(list_visible),
        Path::new("internal/ui/mounts/{path...}")
            .help("Read the mount a path belongs to.", "For whoever may do anything there.")
            .public()
            .read(read_visible),
    ]
}

#[derive(Deserialize, JsonSchema)]
struct At {
    /// Where the engine is mounted.
    path: String,
}

#[derive(Deserialize, JsonSchema)]
struct Nothing {}

/// What shall be mounted.
#[derive(Deserialize, JsonSchema)]
struct Enable {
    /// The kind of engine, such as "kv" or "userpass".
    #[serde(default)]
    r#type: String,
    /// A sentence for people.
    #[serde(default)]
    description: String,
    /// Settings that can be changed later.
    #[serde(default)]
    config: Config,
    /// Settings of the engine itself, such as "version".
    options: Option<KeyValues>,
    /// Whether it is kept out of replication.
    #[serde(default)]
    local: bool,
    /// Whether its records are wrapped by the seal as well.
    #[serde(default)]
    seal_wrap: bool,
    /// An older way to name the engine.
    #[serde(default)]
    plugin_name: String,
}

/// Settings that can be changed at any time.
#[derive(Default, Deserialize, JsonSchema)]
struct Config {
    /// How long things issued there live, unless they say; "system" means what the system says.
    default_lease_ttl: Option<TimeToLive>,
    /// How long things issued there live at most; "system" means what the system says.
    max_lease_ttl: Option<TimeToLive>,
    /// Keeps nothing of it in memory.
    force_no_cache: Option<bool>,
    /// Shows the mount to everybody with "unauth", to nobody with "hidden".
    listing_visibility: Option<String>,
    /// The kind of tokens an auth method gives out: "service" or "batch", or the same with
    /// "default-" in front to let the method decide.
    token_type: Option<String>,
    /// When names are locked after failed logins.
    user_lockout_config: Option<LockoutTuning>,
}

#[derive(Deserialize, JsonSchema)]
struct Tune {
    /// A sentence for people.
    description: Option<String>,
    /// Settings of the engine itself; an empty value removes one.
    options: Option<KeyValues>,
}

/// A duration, or `system` for what the system says.
#[derive(Clone, Copy, Default)]
struct TimeToLive(Seconds);

impl<'de> Deserialize<'de> for TimeToLive {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == "system" || text.is_empty() {
            return Ok(Self::default());
        }
        api::duration::parse(&text)
            .map(|ttl| Self(Seconds(ttl)))
            .map_err(|error| serde::de::Error::custom(error.discreet()))
    }
}

impl JsonSchema for TimeToLive {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "TimeToLive".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Seconds::json_schema(generator)
    }
}

async fn list_secrets(visit: &Visit, _: Nothing) -> Result<Data<MountViews>> {
    list(visit, Class::Secret).await
}

async fn list_auth(visit: &Visit, _: Nothing) -> Result<Data<MountViews>> {
    list(visit, Class::Auth).await
}

async fn list(visit: &Visit, class: Class) -> Result<Data<MountViews>> {
    let mounts = visit.mounts().await?;
    let own = mounts.iter().filter(|mount| mount.class == class);
    let version = visit.kernel.settings.version;
    let shown =
        own.map(|mount| (shown_path(class, &mount.path).to_owned(), mount.to_view(version)));
    Ok(Data(shown.collect()))
}

async fn read_secret(visit: &Visit, at: At) -> Result<Data<MountView>> {
    let path = format!("{}/", at.path);
    let mounts = visit.mounts().await?;
    let mount = mounts.by_path(&path).filter(|mount| mount.class == Class::Secret);
    let missing = || Error::invalid(format!("No secret engine mount at {path}"));
    Ok(Data(mount.ok_or_else(missing)?.to_view(visit.kernel.settings.version)))
}

async fn read_auth(visit: &Visit, at: At) -> Result<Data<MountView>> {
    let path = format!("auth/{}/", at.path);
    let mounts = visit.mounts().await?;
    let missing = || Error::invalid(format!("No auth engine at {}/", at.path));
    let mount = mounts.by_path(&path).ok_or_else(missing)?;
    Ok(Data(mount.to_view(visit.kernel.settings.version)))
}

async fn enable_secret(visit: &Visit, (at, given): (At, Enable)) -> Result<NoContent> {
    enable_at(visit, Class::Secret, format!("{}/", at.path), given).await
}

async fn enable_auth(visit: &Visit, (at, given): (At, Enable)) -> Result<NoContent> {
    if given.r#type == "token" {
        return Err(Error::invalid("token credential backend cannot be instantiated"));
    }
    enable_at(visit, Class::Auth, format!("auth/{}/", at.path), given).await
}

async fn enable_at(visit: &Visit, class: Class, path: String, given: Enable) -> Result<NoContent> {
    let named = match given.r#type.as_str() {
        "plugin" if given.plugin_name.is_empty() => {
            return Err(Error::invalid("plugin_name must be provided for plugin backend"));
        }
        "plugin" => given.plugin_name.clone(),
        "" => return Err(Error::invalid("backend type must be specified as a string")),
        name => name.to_owned(),
    };
    let (engine, options) = options::resolve(class, named, given.options)?;
    let remark = options.as_ref().and_then(|options| options::without_effect(&engine, options));
    let mut tuning = Tuning::default();
    given.config.apply(&mut tuning, class, &engine)?;
    let max = if tuning.ttl_max.is_zero() { visit.kernel.settings.ttl_max } else { tuning.ttl_max };
    if !tuning.ttl_max.is_zero() && tuning.ttl_default > max {
        return Err(Error::invalid("given default lease TTL greater than given max lease TTL"));
    }
    let wanted = Wanted {
        class,
        path,
        engine,
        description: given.description,
        options,
        local: given.local,
        seal_wrap: given.seal_wrap,
        tuning,
    };
    enable(visit, wanted).await?;
    if let Some(remark) = remark {
        visit.warn(remark);
    }
    Ok(NoContent)
}

impl Config {
    fn apply(self, tuning: &mut Tuning, class: Class, engine: &str) -> Result<()> {
        if let Some(TimeToLive(ttl)) = self.default_lease_ttl {
            tuning.ttl_default = ttl;
        }
        if let Some(TimeToLive(ttl)) = self.max_lease_ttl {
            tuning.ttl_max = ttl;
        }
        if let Some(force_no_cache) = self.force_no_cache {
            tuning.force_no_cache = force_no_cache;
        }
        if let Some(visibility) = self.listing_visibility {
            if !["", "hidden", "unauth"].contains(&visibility.as_str()) {
                return Err(Error::invalid(
                    "invalid listing_visibility; say \"hidden\" or \"unauth\"",
                ));
            }
            tuning.listing_visibility = Some(visibility);
        }
        if let Some(lockout) = self.user_lockout_config {
            lockout.apply(engine, &mut tuning.lockout)?;
        }
        if let Some(name) = self.token_type {
            if class == Class::Secret {
                return Err(Error::invalid("'token_type' can only be modified on auth mounts"));
            }
            let rule = KindRule::named(&name);
            tuning.token_type =
                rule.ok_or_else(|| Error::invalid("invalid value for 'token_type'"))?;
        }
        Ok(())
    }
}

async fn disable_secret(visit: &Visit, at: At) -> Result<NoContent> {
    disable(visit, Class::Secret, &format!("{}/", at.path)).await?;
    Ok(NoContent)
}

async fn disable_auth(visit: &Visit, at: At) -> Result<NoContent> {
    disable(visit, Class::Auth, &format!("auth/{}/", at.path)).await?;
    Ok(NoContent)
}

async fn read_secret_tuning(visit: &Visit, at: At) -> Result<Data<TuneView>> {
    read_tuning(visit, format!("{}/", at.path)).await
}

async fn read_auth_tuning(visit: &Visit, at: At) -> Result<Data<TuneView>> {
    read_tuning(visit, format!("auth/{}/", at.path)).await
}

async fn read_tuning(visit: &Visit, path: String) -> Result<Data<TuneView>> {
    let mounts = visit.mounts().await?;
    let missing = || Error::invalid(format!("cannot fetch sysview for path \"{path}\""));
    Ok(Data(mounts.by_path(&path).ok_or_else(missing)?.to_tune_view(visit)))
}

async fn tune_secret(visit: &Visit, (at, given, config): (At, Tune, Config)) -> Result<NoContent> {
    tune_at(visit, format!("{}/", at.path), given, config).await
}

async fn tune_auth(visit: &Visit, (at, given, config): (At, Tune, Config)) -> Result<NoContent> {
    tune_at(visit, format!("auth/{}/", at.path), given, config).await
}

async fn tune_at(visit: &Visit, path: String, given: Tune, config: Config) -> Result<NoContent> {
    if path == "auth/token/" && config.token_type.is_some() {
        return Err(Error::invalid(
            "'token_type' cannot be set for 'token' or 'ns_token' auth mounts",
        ));
    }
    let (mut upgrade, mut remark) = (None, None);
    let change = |mount: &mut Mount| {
        if let Some(description) = given.description {
            mount.description = description;
        }
        if let Some(options) = given.options {
            remark = options::without_effect(&mount.engine, &options);
            upgrade = options::change(mount, options, visit.now)?;
        }
        let Mount { class, engine, tuning, .. } = mount;
        config.apply(tuning, *class, engine)
    };
    tune(visit, &path, change).await?;
    if let Some(upgrade) = upgrade {
        visit.warn(upgrade.told());
    }
    if let Some(remark) = remark {
        visit.warn(remark);
    }
    Ok(NoContent)
}

/// The mounts somebody sees, by class.
#[derive(JsonSchema, Serialize)]
struct Visible {
    secret: BTreeMap<String, Seen>,
    auth: BTreeMap<String, Seen>,
}

async fn list_visible(visit: &Visit, _: Nothing) -> Result<Data<Visible>> {
    let mounts = visit.mounts().await?;
    let compiled = policies::of_whoever_asks(visit).await?;
    let now = visit.now.unix();
    let is_visible = |mount: &&Arc<Mount>| match &compiled {
        Some(compiled) => compiled.reaches_below(&mount.path, now),
        None => mount.tuning.listing_visibility.as_deref() == Some("unauth"),
    };
    let mut visible = Visible { secret: BTreeMap::new(), auth: BTreeMap::new() };
    for mount in mounts.iter().filter(is_visible) {
        let view = match &compiled {
            Some(_) => Seen::Whole(Box::new(mount.to_view(visit.kernel.settings.version))),
            None => Seen::Outline(mount.to_outline()),
        };
        let shown = shown_path(mount.class, &mount.path).to_owned();
        match mount.class {
            Class::Auth => visible.auth.insert(shown, view),
            Class::Secret => visible.secret.insert(shown, view),
        };
    }
    Ok(Data(visible))
}

async fn read_visible(visit: &Visit, at: At) -> Result<Reply> {
    let refuse = || {
        Error::Forbidden(format!(
            "preflight capability check returned 403, please ensure client's policies grant \
             access to path \"{}/\"",
            at.path
        ))
    };
    let mounts = visit.mounts().await?;
    // No policy grants this path, so that clients with any policy can ask; a token it takes.
    let compiled = policies::of_whoever_asks(visit).await?.ok_or(Error::Unauthenticated)?;
    let mount =
        mounts.of(&at.path).filter(|mount| compiled.reaches_below(&mount.path, visit.now.unix()));
    let mount = mount.ok_or_else(refuse)?;
    let mut fields = match Data(mount.to_view(visit.kernel.settings.version)).into_reply() {
        Reply::Data(fields, _) => fields,
        other => return Ok(other),
    };
    fields.insert("path".to_owned(), mount.path.clone().into());
    Ok(Reply::Data(fields, None))
}
