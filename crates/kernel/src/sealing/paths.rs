//! The doors that work whatever the state of the server.

use api::{Bare, Error, NoContent, Path, Result, Secret};
use data_encoding::{BASE64, HEXLOWER};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::initialize::{CLUSTER, CLUSTER_NAME, Cluster, told};
use crate::seal::{Status, decode_share};
use crate::visit::{Sudo, Visit};

/// Initialising, unsealing, sealing, and how things are.
pub(crate) fn paths() -> Vec<Path<Visit>> {
    vec![
        Path::new("init")
            .help("Initialize a new server.", "Answers the shares of the unseal key, once.")
            .while_sealed()
            .read(is_initialized)
            .write(initialize),
        Path::new("seal-status")
            .help("Tell whether the server is sealed.", "And how far unsealing has come.")
            .while_sealed()
            .read(seal_status),
        Path::new("unseal")
            .help("Submit one share of the unseal key.", "Enough of them unseal the server.")
            .while_sealed()
            .write(unseal),
        Path::new("health")
            .help("Tell whether the server is well.", "The status code tells it as well.")
            .while_sealed()
            .read(health),
        Path::new("leader")
            .help("Tell who leads the cluster.", "Every node is active; none leads.")
            .while_sealed()
            .read(leader),
        Path::new("seal")
            .help("Seal the server.", "It forgets the keys and answers nothing until unsealed.")
            .sudo()
            .once()
            .write(seal),
        Path::new("step-down")
            .help("Make the node step down.", "Every node is active, so this changes nothing.")
            .sudo()
            .write(step_down),
    ]
}

#[derive(Deserialize, JsonSchema)]
struct Nothing {}

#[derive(Deserialize, JsonSchema)]
struct Initialize {
    /// How many shares the unseal key is split into.
    #[serde(default)]
    secret_shares: i64,
    /// How many of them unseal the server.
    #[serde(default)]
    secret_threshold: i64,
    /// Keys to encrypt the shares with; not supported.
    #[serde(default)]
    pgp_keys: Vec<String>,
    /// A key to encrypt the root token with; not supported.
    #[serde(default)]
    root_token_pgp_key: String,
    /// Shares of a recovery key, for seals that open by themselves; not supported.
    #[serde(default)]
    recovery_shares: i64,
    /// Threshold of a recovery key, for seals that open by themselves; not supported.
    #[serde(default)]
    recovery_threshold: i64,
    /// An older parameter of seals that open by themselves.
    #[serde(default)]
    stored_shares: i64,
}

#[derive(Deserialize, JsonSchema)]
struct Unseal {
    /// One share of the unseal key, in hexadecimal or base64.
    key: Option<Secret>,
    /// Forgets the shares submitted so far.
    #[serde(default)]
    reset: bool,
    /// Moves to another kind of seal; there is only one.
    #[serde(default)]
    migrate: bool,
}

#[derive(JsonSchema, Serialize)]
struct IsInitialized {
    initialized: bool,
}

/// The shares and the root token: said once.
#[derive(JsonSchema, Serialize)]
struct InitializedView {
    keys: Vec<String>,
    keys_base64: Vec<String>,
    root_token: String,
}

#[derive(JsonSchema, Serialize)]
struct SealStatus {
    r#type: &'static str,
    initialized: bool,
    sealed: bool,
    t: u8,
    n: u8,
    progress: u8,
    nonce: String,
    version: &'static str,
    build_date: &'static str,
    migration: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster_id: Option<String>,
    recovery_seal: bool,
    storage_type: String,
}

#[derive(JsonSchema, Serialize)]
struct Health {
    initialized: bool,
    sealed: bool,
    standby: bool,
    performance_standby: bool,
    replication_performance_mode: &'static str,
    replication_dr_mode: &'static str,
    server_time_utc: u64,
    version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster_id: Option<String>,
}

#[derive(JsonSchema, Serialize)]
struct Leader {
    ha_enabled: bool,
    is_self: bool,
    active_time: &'static str,
    leader_address: &'static str,
    leader_cluster_address: &'static str,
    performance_standby: bool,
    performance_standby_last_remote_wal: u64,
}

async fn is_initialized(visit: &Visit, _: Nothing) -> Result<Bare<IsInitialized>> {
    let status = visit.kernel.seal.status().await.map_err(told)?;
    Ok(Bare(IsInitialized { initialized: status.initialized }))
}

async fn initialize(visit: &Visit, given: Initialize) -> Result<Bare<InitializedView>> {
    refuse_unsupported(&given)?;
    let made = visit.kernel.initialize(given.secret_shares, given.secret_threshold).await?;
    let shares = || made.shares.iter().map(crate::seal::Share::as_bytes);
    Ok(Bare(InitializedView {
        keys: shares().map(|share| HEXLOWER.encode(share)).collect(),
        keys_base64: shares().map(|share| BASE64.encode(share)).collect(),
        root_token: made.root_token.reveal().to_owned(),
    }))
}

/// What would be asked for in vain must not look as if it had been done.
fn refuse_unsupported(given: &Initialize) -> Result<()> {
    if given.recovery_shares > 0 || given.recovery_threshold > 0 {
        let names = [
            (given.recovery_shares > 0).then_some("recovery_shares"),
            (given.recovery_threshold > 0).then_some("recovery_threshold"),
        ];
        let names: Vec<_> = names.into_iter().flatten().collect();
        return Err(Error::invalid(format!(
            "parameters {} not applicable to seal type shamir",
            names.join(",")
        )));
    }
    if !given.pgp_keys.is_empty() || !given.root_token_pgp_key.is_empty() {
        return Err(Error::invalid(
            "encrypting shares or the root token with PGP keys is not supported yet; \
             leave pgp_keys and root_token_pgp_key out",
        ));
    }
    if given.stored_shares > 0 {
        return Err(Error::invalid("parameters stored_shares not applicable to seal type shamir"));
    }
    Ok(())
}

async fn seal_status(visit: &Visit, _: Nothing) -> Result<Bare<SealStatus>> {
    let status = visit.kernel.seal.status().await.map_err(told)?;
    Ok(Bare(status_view(visit, status).await?))
}

async fn unseal(visit: &Visit, given: Unseal) -> Result<Bare<SealStatus>> {
    if given.migrate {
        return Err(Error::invalid("can't perform a seal migration, no migration seal found"));
    }
    let kernel = &visit.kernel;
    let status = if given.reset {
        kernel.seal.reset().await.map_err(told)
    } else {
        let key = given.key.filter(|key| !key.is_empty()).ok_or_else(|| {
            Error::invalid(
                "'key' must be specified in request body as JSON, or 'reset' set to true",
            )
        })?;
        // One share too many is no error, whatever it looks like.
        match kernel.is_sealed() {
            true => kernel.submit_share(decode_share(key.reveal()).map_err(told)?).await,
            false => kernel.seal.status().await.map_err(told),
        }
    };
    let status = status?;
    Ok(Bare(status_view(visit, status).await?))
}

async fn status_view(visit: &Visit, status: Status) -> Result<SealStatus> {
    let cluster = cluster(visit, status.sealed).await?;
    let settings = &visit.kernel.settings;
    Ok(SealStatus {
        r#type: "shamir",
        initialized: status.initialized,
        sealed: status.sealed,
        t: status.threshold,
        n: status.shares,
        progress: status.progress,
        nonce: status.nonce,
        version: settings.version,
        build_date: settings.build_date,
        migration: false,
        cluster_name: cluster.as_ref().map(|cluster| cluster.name.clone()),
        cluster_id: cluster.map(|cluster| cluster.id),
        recovery_seal: false,
        storage_type: settings.storage_type.clone(),
    })
}

async fn health(visit: &Visit, _: Nothing) -> Result<Bare<Health>> {
    let status = visit.kernel.seal.status().await.map_err(told)?;
    let cluster = cluster(visit, status.sealed).await?;
    let mode = if status.sealed { "unknown" } else { "disabled" };
    Ok(Bare(Health {
        initialized: status.initialized,
        sealed: status.sealed,
        // One that does not know the time yet will answer in a moment; others answer now.
        standby: status.sealed || !visit.kernel.is_ready(),
        performance_standby: false,
        replication_performance_mode: mode,
        replication_dr_mode: mode,
        server_time_utc: visit.now.unix(),
        version: visit.kernel.settings.version,
        cluster_name: cluster.as_ref().map(|cluster| cluster.name.clone()),
        cluster_id: cluster.map(|cluster| cluster.id),
    }))
}

async fn leader(_: &Visit, _: Nothing) -> Result<Bare<Leader>> {
    Ok(Bare(Leader {
        ha_enabled: false,
        is_self: false,
        active_time: "0001-01-01T00:00:00Z",
        leader_address: "",
        leader_cluster_address: "",
        performance_standby: false,
        performance_standby_last_remote_wal: 0,
    }))
}

async fn seal(visit: &Visit, _: Nothing) -> Result<NoContent> {
    // Whatever this request still has to check, it must check before the keys are gone.
    visit.commit().await?;
    visit.kernel.seal();
    tracing::info!("sealed");
    Ok(NoContent)
}

async fn step_down(visit: &Visit, _: Nothing) -> Result<NoContent> {
    match visit.sudo {
        Sudo::Held => Ok(NoContent),
        Sudo::NotHeld => Err(Error::Denied),
    }
}

async fn cluster(visit: &Visit, sealed: bool) -> Result<Option<Cluster>> {
    match sealed {
        true => Ok(None),
        false => Ok(CLUSTER.get(&visit.system, CLUSTER_NAME).await?),
    }
}
