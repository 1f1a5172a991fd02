//! Encryption on the way: certificate files, and how they are replaced while the server runs.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::SupportedProtocolVersion;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem};
use tokio_rustls::TlsAcceptor;

/// How many certificates a file may hold: the server's own and the chain above it.
const CHAIN_MAX: usize = 16;

/// A certificate and its key, as files.
#[derive(Clone, Debug, PartialEq)]
pub struct Certificate {
    /// The server's certificate, followed by those that vouch for it.
    pub chain: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// The versions of TLS that are offered. Older ones are not safe to offer at all.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum TlsVersion {
    /// RFC 5246, with authenticated encryption only.
    Tls12,
    /// RFC 8446.
    Tls13,
}

/// Encryption for one listener.
pub struct Tls {
    certificate: Certificate,
    versions: Vec<&'static SupportedProtocolVersion>,
    /// Replaced as a whole; a handshake uses what was there when it began.
    current: RwLock<Arc<ServerConfig>>,
}

/// Why certificate files cannot be used.
#[derive(Debug)]
pub struct TlsError(String);

impl Tls {
    /// Encryption with `certificate`, in the versions from `oldest` to `newest`.
    ///
    /// # Errors
    /// When a file cannot be read, or the two do not belong together.
    pub fn load(
        certificate: Certificate,
        oldest: TlsVersion,
        newest: TlsVersion,
    ) -> Result<Self, TlsError> {
        let offered = [
            (TlsVersion::Tls12, &rustls::version::TLS12),
            (TlsVersion::Tls13, &rustls::version::TLS13),
        ];
        let wanted = offered.into_iter().filter(|(version, _)| (oldest..=newest).contains(version));
        let versions: Vec<_> = wanted.map(|(_, version)| version).collect();
        let current = RwLock::new(Arc::new(read(&certificate, &versions)?));
        Ok(Self { certificate, versions, current })
    }

    /// Reads the files again. New connections get the new certificate.
    ///
    /// # Errors
    /// As [`Tls::load`]; the old certificate then stays in use.
    pub fn reload(&self) -> Result<(), TlsError> {
        let fresh = Arc::new(read(&self.certificate, &self.versions)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// What does the next handshake.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone().into()
    }
}

fn read(
    certificate: &Certificate,
    versions: &[&'static SupportedProtocolVersion],
) -> Result<ServerConfig, TlsError> {
    let Certificate { chain, key } = certificate;
    let certificates = CertificateDer::pem_file_iter(chain)
        .and_then(|certificates| certificates.take(CHAIN_MAX).collect::<Result<Vec<_>, _>>())
        .map_err(|error| unreadable(chain, &error))?;
    if certificates.is_empty() {
        return Err(TlsError(format!("{} holds no certificate in PEM form", chain.display())));
    }
    let key = PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable(key, &error))?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .map_err(|error| TlsError(error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .map_err(|error| TlsError(format!("{}: {error}", chain.display())))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn unreadable(path: &Path, error: &pem::Error) -> TlsError {
    let path = path.display();
    TlsError(match error {
        pem::Error::Io(cause) => format!("cannot read {path}: {cause}"),
        pem::Error::NoItemsFound => format!("{path} holds nothing in PEM form that fits here"),
        // The details quote the file, which may be the key.
        _ => format!("{path} is not a valid PEM file"),
    })
}

impl fmt::Display for TlsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for TlsError {}
