//! `sys/audit`: enabling and disabling devices; `sys/audit-hash`: finding a value in their entries.

use std::collections::BTreeMap;

use api::{Data, Error, KeyValues, NoContent, Path, Result, Secret, unique};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::hash::Hasher;
use super::{AuditTable, Device, Kind, TABLE, TABLE_NAME, file};
use crate::visit::Visit;

/// Devices there can be at once.
const DEVICES_MAX: usize = 16;

/// Everything that can be done with audit devices.
pub(crate) fn paths() -> Vec<Path<Visit>> {
    vec![
        Path::new("audit")
            .help("List the audit devices.", "By path, with their options.")
            .sudo()
            .top_level()
            .read(list),
        Path::new("audit/{path...}")
            .help(
                "Enable and disable an audit device.",
                "While devices are enabled, nothing is done that none of them takes an entry of.",
            )
            .sudo()
            .write(enable)
            .delete(disable),
        Path::new("audit-hash/{path...}")
            .help("Hash a value as a device would.", "To find it in that device's entries.")
            .top_level()
            .write(hash),
    ]
}

#[derive(Deserialize, JsonSchema)]
struct At {
    /// The name of the device.
    path: String,
}

#[derive(Deserialize, JsonSchema)]
struct Nothing {}

#[derive(Deserialize, JsonSchema)]
struct Enable {
    /// The kind of device: "file".
    #[serde(default)]
    r#type: String,
    /// A sentence for people.
    #[serde(default)]
    description: String,
    /// What the device needs to know, such as "file_path".
    #[serde(default)]
    options: KeyValues,
    /// Whether it is kept out of replication.
    #[serde(default)]
    local: bool,
}

#[derive(Deserialize, JsonSchema)]
struct Input {
    /// The value to hash.
    #[serde(default = "Input::nothing")]
    input: Secret,
}

/// A device as clients are told of it.
#[derive(JsonSchema, Serialize)]
struct DeviceView {
    path: String,
    r#type: &'static str,
    description: String,
    options: KeyValues,
    local: bool,
}

#[derive(JsonSchema, Serialize)]
struct Hash {
    hash: String,
}

impl Input {
    fn nothing() -> Secret {
        Secret::new("")
    }
}

async fn list(visit: &Visit, _: Nothing) -> Result<Data<BTreeMap<String, DeviceView>>> {
    let table = visit.kernel.audit.get(visit.transaction()).await?;
    let view = |device: &Device| DeviceView {
        path: device.path.clone(),
        r#type: device.kind.name(),
        description: device.description.clone(),
        options: device.options.clone(),
        local: device.local,
    };
    Ok(Data(table.devices.iter().map(|device| (device.path.clone(), view(device))).collect()))
}

async fn enable(visit: &Visit, (at, given): (At, Enable)) -> Result<NoContent> {
    let kind = match given.r#type.as_str() {
        "file" => Kind::File,
        "socket" | "syslog" | "http" => {
            return Err(Error::invalid("only file devices are supported yet; say \"file\""));
        }
        _ => return Err(Error::invalid("unknown backend type; say \"file\"")),
    };
    file::check(&given.options).map_err(Error::Invalid)?;
    let path = format!("{}/", at.path);
    let mut table = AuditTable::clone(&*visit.kernel.audit.get(visit.transaction()).await?);
    if table.devices.iter().any(|device| device.path == path) {
        return Err(Error::invalid("path already in use"));
    }
    if table.devices.len() >= DEVICES_MAX {
        return Err(Error::invalid("there are 16 audit devices already; disable one first"));
    }
    let device = Device {
        path,
        kind,
        description: given.description,
        options: given.options,
        local: given.local,
        salt: unique(&*visit.kernel.entropy),
        since: visit.now,
    };
    if device.options.get("skip_test").is_none_or(|skip| skip != "true") {
        test(visit, &device).await?;
    }
    table.devices.push(device);
    TABLE.put(&visit.system, TABLE_NAME, &table);
    Ok(NoContent)
}

/// Writes an entry that is none, to see whether the device takes it.
async fn test(visit: &Visit, device: &Device) -> Result<()> {
    let entry = json!({
        "time": visit.now,
        "type": "request",
        "auth": { "token_type": "default" },
        "request": {
            "id": unique(&*visit.kernel.entropy),
            "operation": "update",
            "namespace": { "id": "root" },
            "path": "sys/audit/test",
        },
    });
    let written = visit.kernel.devices.write(device, format!("{entry}\n").into_bytes()).await;
    written.map_err(|cause| Error::Invalid(format!("audit backend failed test message: {cause}")))
}

async fn disable(visit: &Visit, at: At) -> Result<NoContent> {
    let path = format!("{}/", at.path);
    let mut table = AuditTable::clone(&*visit.kernel.audit.get(visit.transaction()).await?);
    let Some(place) = table.devices.iter().position(|device| device.path == path) else {
        return Ok(NoContent);
    };
    table.devices.remove(place);
    TABLE.put(&visit.system, TABLE_NAME, &table);
    Ok(NoContent)
}

async fn hash(visit: &Visit, (at, given): (At, Input)) -> Result<Data<Hash>> {
    if given.input.is_empty() {
        return Err(Error::invalid("the \"input\" parameter is empty"));
    }
    let path = format!("{}/", at.path);
    let table = visit.kernel.audit.get(visit.transaction()).await?;
    let device = table.devices.iter().find(|device| device.path == path);
    let device =
        device.ok_or_else(|| Error::Invalid(format!("unknown audit backend \"{path}\"")))?;
    Ok(Data(Hash { hash: Hasher::new(&device.salt).text(given.input.reveal()) }))
}
