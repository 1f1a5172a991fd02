//! What a mount wants of names and passwords, and what it lets users do for themselves.

use api::{Context, Data, Error, NoContent, Path, Result, Seconds, Secret};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use storage::Table;

use super::hash::Parameters;
use super::kinds::Kinds;

/// How many passwords can be kept from coming again: each costs a hash at every change.
const HISTORY_MAX: usize = 24;
const POLICY_NAME_BYTES_MAX: usize = 256;

const CONFIGURATION: Table<Configuration> = Table::new("config/");
/// There is one per mount.
const NAME: &str = "current";

/// As it is stored. Everything is off until it is set.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Configuration {
    pub(super) hashing: Parameters,
    pub(super) password_policy: String,
    pub(super) refused_passwords: String,
    pub(super) password_history: usize,
    pub(super) password_max_age: Seconds,
    pub(super) email_names: bool,
    pub(super) self_service: bool,
}

pub(super) fn path() -> Path {
    Path::new("config")
        .help(
            "Say what passwords must be like, and what users may do for themselves.",
            "Fields that are left out of a change stay as they are. Rules for passwords are \
             applied when a password is set; those that are set already stay good, but for the \
             maximum age. A hash that is not made the way new ones are is replaced at its user's \
             next login.",
        )
        .read(read)
        .write(write)
}

#[derive(Deserialize, JsonSchema)]
struct Fields {
    /// Memory that hashing a password takes, in KiB.
    argon2_memory_kib: Option<u32>,
    /// How often the hash goes over that memory.
    argon2_passes: Option<u32>,
    /// Into how many lanes that memory is divided.
    argon2_lanes: Option<u32>,
    /// Name of the password policy, as written to sys/policies/password, that new passwords must
    /// satisfy. Empty means none.
    password_policy: Option<String>,
    /// Name of a file with passwords that are refused, one a line, in the directory that the
    /// server's configuration calls password_lists_directory. Empty means none.
    refused_passwords: Option<String>,
    /// How many passwords, the current one included, a new one must differ from; 0 means none.
    password_history: Option<usize>,
    /// How old a password can get before it has to be changed; 0 means any age.
    password_max_age: Option<Seconds>,
    /// Whether names may be e-mail addresses: with "@" and "+" inside.
    email_names: Option<bool>,
    /// Whether users may read their own record, change their password and end their sessions.
    self_service: Option<bool>,
}

#[derive(JsonSchema, Serialize)]
struct View {
    /// Memory that hashing a password takes, in KiB.
    argon2_memory_kib: u32,
    /// How often the hash goes over that memory.
    argon2_passes: u32,
    /// Into how many lanes that memory is divided.
    argon2_lanes: u32,
    /// Name of the password policy that new passwords must satisfy.
    password_policy: String,
    /// Name of the file with passwords that are refused.
    refused_passwords: String,
    /// How many passwords a new one must differ from.
    password_history: usize,
    /// How old a password can get before it has to be changed.
    password_max_age: Seconds,
    /// Whether names may be e-mail addresses.
    email_names: bool,
    /// Whether users may look after themselves.
    self_service: bool,
}

impl Configuration {
    /// That of this mount.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub(super) async fn of(context: &Context) -> Result<Self> {
        Ok(CONFIGURATION.get(&context.store, NAME).await?.unwrap_or_default())
    }
}

async fn read(context: &Context, (): ()) -> Result<Data<View>> {
    let configuration = Configuration::of(context).await?;
    Ok(Data(View {
        argon2_memory_kib: configuration.hashing.memory_kib,
        argon2_passes: configuration.hashing.passes,
        argon2_lanes: configuration.hashing.lanes,
        password_policy: configuration.password_policy,
        refused_passwords: configuration.refused_passwords,
        password_history: configuration.password_history,
        password_max_age: configuration.password_max_age,
        email_names: configuration.email_names,
        self_service: configuration.self_service,
    }))
}

async fn write(context: &Context, fields: Fields) -> Result<NoContent> {
    let mut configuration = Configuration::of(context).await?;
    change_hashing(context, &mut configuration, &fields).await?;
    if let Some(policy) = fields.password_policy {
        check_policy(context, &policy).await?;
        configuration.password_policy = policy;
    }
    if let Some(list) = fields.refused_passwords {
        if !list.is_empty() {
            context.wordlists.check(&list)?;
        }
        configuration.refused_passwords = list;
    }
    if let Some(history) = fields.password_history {
        if history > HISTORY_MAX {
            let text = format!("'password_history' can be at most {HISTORY_MAX}");
            return Err(Error::Invalid(text));
        }
        configuration.password_history = history;
    }
    let before = configuration.clone();
    configuration.password_max_age = fields.password_max_age.unwrap_or(before.password_max_age);
    configuration.email_names = fields.email_names.unwrap_or(before.email_names);
    configuration.self_service = fields.self_service.unwrap_or(before.self_service);
    CONFIGURATION.put(&context.store, NAME, &configuration);
    Ok(NoContent)
}

async fn change_hashing(
    context: &Context,
    configuration: &mut Configuration,
    fields: &Fields,
) -> Result<()> {
    let before = configuration.hashing;
    let after = Parameters {
        memory_kib: fields.argon2_memory_kib.unwrap_or(before.memory_kib),
        passes: fields.argon2_passes.unwrap_or(before.passes),
        lanes: fields.argon2_lanes.unwrap_or(before.lanes),
    };
    if after != before {
        after.check()?;
        configuration.hashing = after;
        Kinds::of(context, configuration).await?.admit(after.kind())?;
    }
    Ok(())
}

/// Whether there is such a policy; what it says of some password does not matter here.
async fn check_policy(context: &Context, policy: &str) -> Result<()> {
    if policy.len() > POLICY_NAME_BYTES_MAX {
        return Err(Error::invalid("the name of the password policy is too long"));
    }
    if !policy.is_empty() {
        context.services.password_flaw(policy, &Secret::new("")).await?;
    }
    Ok(())
}
