//! `sys/policies/password`: writing password policies, and making passwords by them.

use api::{Data, Error, Keys, NoContent, Page, Path, Result, Secret};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use storage::Table;

use super::parse::parse;
use super::rules::PasswordPolicy;
use crate::policies::paths::{NAME_MAX, plain};
use crate::visit::Visit;

/// Where password policies are stored, below the kernel's own corner.
const POLICIES: Table<Record> = Table::new("password-policy/");
/// The longest text of a password policy, in bytes.
const TEXT_BYTES_MAX: usize = 64 * 1024;
/// What the door that makes passwords has behind the name.
const GENERATE: &str = "/generate";

/// Everything that can be done with password policies.
pub(crate) fn paths() -> Vec<Path<Visit>> {
    vec![
        Path::new("policies/password")
            .help("List the password policies.", "By name, with all that is in their names.")
            .in_batch()
            .list(list),
        Path::new("policies/password/{name...}")
            .help(
                "Read, write and remove a password policy.",
                "It says how long a password is and what has to be in it.",
            )
            .in_batch()
            .read(read)
            .write(write)
            .delete(delete),
        Path::new("policies/password/{name...}/generate")
            .help("Make a password.", "It satisfies the password policy of this name.")
            .read(generate),
    ]
}

/// Why `password` does not satisfy the password policy called `name`, if it does not.
///
/// # Errors
/// [`Error::Invalid`] when there is no such policy.
pub(crate) async fn password_flaw(
    visit: &Visit,
    name: &str,
    password: &Secret,
) -> Result<Option<String>> {
    match find(visit, name).await? {
        Some(policy) => Ok(policy.flaw(password)),
        None => Err(Error::invalid(
            "there is no password policy of this name; write one to sys/policies/password first",
        )),
    }
}

/// A password policy as its author wrote it.
#[derive(Deserialize, Serialize)]
struct Record {
    text: String,
}

#[derive(Deserialize, JsonSchema)]
struct Named {
    /// Name of the password policy.
    name: String,
}

#[derive(Deserialize, JsonSchema)]
struct Write {
    /// The password policy, in HCL or JSON, plain or in base64.
    #[serde(default)]
    policy: String,
}

/// A password policy.
#[derive(JsonSchema, Serialize)]
struct PolicyView {
    /// Its text.
    policy: String,
}

/// A new password.
#[derive(JsonSchema, Serialize)]
struct PasswordView {
    /// The password. It is kept nowhere.
    password: String,
}

async fn list(visit: &Visit, page: Page) -> Result<Keys> {
    Ok(Keys(POLICIES.list(&visit.system, &page.after, page.limit()).await?))
}

async fn read(visit: &Visit, named: Named) -> Result<Data<PolicyView>> {
    let record = POLICIES.get(&visit.system, &named.name).await?.ok_or_else(missing)?;
    Ok(Data(PolicyView { policy: record.text }))
}

async fn write(visit: &Visit, (named, given): (Named, Write)) -> Result<NoContent> {
    check_name(&named.name)?;
    if given.policy.trim().is_empty() {
        return Err(Error::InvalidListed("missing policy".to_owned()));
    }
    let text = plain(&given.policy);
    if text.len() > TEXT_BYTES_MAX {
        let problem = "invalid password policy: it is longer than 64 KiB";
        return Err(Error::InvalidListed(problem.to_owned()));
    }
    parse(&text).map_err(Error::InvalidListed)?;
    POLICIES.put(&visit.system, &named.name, &Record { text });
    Ok(NoContent)
}

async fn delete(visit: &Visit, named: Named) -> Result<NoContent> {
    POLICIES.delete(&visit.system, &named.name);
    Ok(NoContent)
}

async fn generate(visit: &Visit, named: Named) -> Result<Data<PasswordView>> {
    let policy = find(visit, &named.name).await?.ok_or_else(missing)?;
    let password = policy.generate(&*visit.kernel.entropy);
    Ok(Data(PasswordView { password: password.reveal().to_owned() }))
}

async fn find(visit: &Visit, name: &str) -> Result<Option<PasswordPolicy>> {
    let Some(record) = POLICIES.get(&visit.system, name).await? else {
        return Ok(None);
    };
    parse(&record.text).map(Some).map_err(Error::internal)
}

fn missing() -> Error {
    Error::MissingBecause("policy does not exist".to_owned())
}

fn check_name(name: &str) -> Result<()> {
    if name.chars().count() > NAME_MAX {
        return Err(Error::invalid("the name of a password policy has at most 256 letters"));
    }
    if name.trim() != name {
        return Err(Error::invalid("the name of a password policy has no spaces around it"));
    }
    if name.ends_with(GENERATE) {
        return Err(Error::invalid(
            "the name of a password policy does not end in \"/generate\": reading it would make a \
             password",
        ));
    }
    Ok(())
}
