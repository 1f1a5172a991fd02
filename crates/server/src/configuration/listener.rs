//! The `listener` blocks.

use std::path::{Path, PathBuf};
use std::time::Duration;

use api::hcl::{self, Block};

use super::{Reader, Result, at, keys, place, wrong};
use crate::http::{Certificate, Limits, TlsVersion};

const ADDRESS: &str = "127.0.0.1:8200";

/// Where clients connect, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct ListenerSettings {
    /// A host and a port.
    pub address: String,
    /// Encryption; `None` only where the file turns it off.
    pub tls: Option<TlsSettings>,
    /// How much requests and connections may take.
    pub limits: Limits,
}

/// How a listener encrypts.
#[derive(Clone, Debug, PartialEq)]
pub struct TlsSettings {
    /// Who the server says it is.
    pub certificate: Certificate,
    /// The oldest version that is offered.
    pub oldest: TlsVersion,
    /// The newest version that is offered.
    pub newest: TlsVersion,
}

impl ListenerSettings {
    /// A listener without encryption, within the usual limits.
    pub fn plain(address: impl Into<String>) -> Self {
        Self { address: address.into(), tls: None, limits: Limits::default() }
    }
}

/// The listeners of one file. `request_seconds` is how long requests may take where a listener
/// does not say.
pub(super) fn read(
    body: &hcl::Body,
    path: &Path,
    request_seconds: Option<u64>,
    warnings: &mut Vec<String>,
) -> Result<Vec<ListenerSettings>> {
    let mut listeners = Vec::new();
    for block in body.blocks("listener", 1).map_err(|error| at(path, &error))? {
        warnings.extend(keys::check(keys::LISTENER, block.body, path)?);
        listeners.push(listener(&block, path, request_seconds)?);
    }
    Ok(listeners)
}

fn listener(
    block: &Block<'_>,
    path: &Path,
    request_seconds: Option<u64>,
) -> Result<ListenerSettings> {
    let kind = block.labels.first().map_or("", |label| label.text.as_str());
    if kind != "tcp" {
        let problem = format!("unknown listener type {kind:?}; use \"tcp\"");
        return Err(at(path, &block.position.error(problem)));
    }
    let reader = Reader { body: block.body, path };
    let address = reader.text("address")?.filter(|address| !address.is_empty());
    Ok(ListenerSettings {
        address: whole_address(address.as_deref().unwrap_or(ADDRESS)),
        tls: tls(&reader, &place(path, block.position))?,
        limits: limits(&reader, request_seconds)?,
    })
}

/// `:8200` means every address of the machine.
fn whole_address(address: &str) -> String {
    if address.starts_with(':') { format!("[::]{address}") } else { address.to_owned() }
}

fn tls(reader: &Reader<'_>, place: &str) -> Result<Option<TlsSettings>> {
    let file = |key: &str| reader.text(key).map(|path| path.filter(|path| !path.is_empty()));
    let (chain, key) = (file("tls_cert_file")?, file("tls_key_file")?);
    let oldest = version(reader, "tls_min_version")?.unwrap_or(TlsVersion::Tls12);
    let newest = version(reader, "tls_max_version")?.unwrap_or(TlsVersion::Tls13);
    if newest < oldest {
        let problem = "'tls_max_version' must be greater than or equal to 'tls_min_version'";
        return Err(wrong(format!("{problem}, in the listener at {place}")));
    }
    if reader.truth("tls_disable")?.unwrap_or(false) {
        return Ok(None);
    }
    let missing = |key| {
        wrong(format!(
            "Error initializing listener of type tcp: '{key}' must be set, or tls_disable = true, \
             in the listener at {place}"
        ))
    };
    let chain = PathBuf::from(chain.ok_or_else(|| missing("tls_cert_file"))?);
    let key = PathBuf::from(key.ok_or_else(|| missing("tls_key_file"))?);
    Ok(Some(TlsSettings { certificate: Certificate { chain, key }, oldest, newest }))
}

fn version(reader: &Reader<'_>, key: &str) -> Result<Option<TlsVersion>> {
    match reader.text(key)?.as_deref() {
        None | Some("") => Ok(None),
        Some("tls12") => Ok(Some(TlsVersion::Tls12)),
        Some("tls13") => Ok(Some(TlsVersion::Tls13)),
        Some(other) => Err(wrong(format!(
            "'{key}' value {other:?} not supported, please specify one of [tls12,tls13]"
        ))),
    }
}

fn limits(reader: &Reader<'_>, request_seconds: Option<u64>) -> Result<Limits> {
    let mut limits = Limits::default();
    let set = |limit: &mut Duration, seconds: Option<u64>| {
        // Nothing here may take for ever: zero means the default.
        if let Some(seconds) = seconds.filter(|seconds| *seconds > 0) {
            *limit = Duration::from_secs(seconds);
        }
    };
    set(&mut limits.request, reader.seconds("max_request_duration")?.or(request_seconds));
    set(&mut limits.head, reader.seconds("http_read_header_timeout")?);
    set(&mut limits.body, reader.seconds("http_read_timeout")?);
    set(&mut limits.idle, reader.seconds("http_idle_timeout")?);
    let size = reader.value("max_request_size", hcl::Value::whole_number)?;
    if let Some(size) = size.filter(|size| *size > 0) {
        limits.body_bytes_max = size;
    }
    Ok(limits)
}
