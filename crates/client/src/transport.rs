//! The connection: HTTP/1.1 or HTTP/2, in the clear or over TLS, whichever the address and the
//! server agree on.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper_rustls::{FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientConfig, WantsClientCert};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ConfigBuilder, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_platform_verifier::BuilderVerifierExt;

use crate::error::Error;
use crate::settings::{Settings, Trust};

/// A pool of connections to one server.
pub(crate) type Transport = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// The most PEM files that are read from a folder of authorities.
const AUTHORITY_FILES_MAX: usize = 10_000;

pub(crate) fn open(settings: &Settings) -> Result<Transport, Error> {
    let builder = HttpsConnectorBuilder::new().with_tls_config(tls(settings)?).https_or_http();
    let connector = match &settings.server_name {
        None => builder.enable_all_versions().build(),
        Some(name) => {
            let name = ServerName::try_from(name.clone()).map_err(|_| {
                Error::Settings(format!("{name:?} is not a name a certificate can carry"))
            })?;
            let resolver = FixedServerNameResolver::new(name);
            builder.with_server_name_resolver(resolver).enable_all_versions().build()
        }
    };
    Ok(Client::builder(TokioExecutor::new()).build(connector))
}

fn tls(settings: &Settings) -> Result<ClientConfig, Error> {
    // Reading the system's authorities takes longer than a whole request in the clear, which needs
    // none of them.
    if !settings.address.starts_with("https:") && settings.trust == Trust::Platform {
        return Ok(builder()?.with_root_certificates(RootCertStore::empty()).with_no_client_auth());
    }
    let builder = trusting(&settings.trust)?;
    let Some(own) = &settings.client_certificate else {
        return Ok(builder.with_no_client_auth());
    };
    let chain = CertificateDer::pem_file_iter(&own.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|cause| unreadable(&own.certificate, &cause))?;
    let key =
        PrivateKeyDer::from_pem_file(&own.key).map_err(|cause| unreadable(&own.key, &cause))?;
    builder
        .with_client_auth_cert(chain, key)
        .map_err(|cause| Error::Settings(format!("the client certificate cannot be used: {cause}")))
}

fn trusting(trust: &Trust) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, Error> {
    let builder = builder()?;
    let roots = match trust {
        Trust::Platform => {
            return builder.with_platform_verifier().map_err(|cause| {
                Error::Settings(format!("the system's certificate authorities: {cause}"))
            });
        }
        Trust::Anyone => {
            let verifier = Arc::new(BelieveAnyone(provider()));
            return Ok(builder.dangerous().with_custom_certificate_verifier(verifier));
        }
        Trust::File(file) => authorities_in_file(file)?,
        Trust::Folder(folder) => authorities_in_folder(folder)?,
        Trust::Pem(text) => authorities(CertificateDer::pem_slice_iter(text.as_bytes()))
            .map_err(|cause| Error::Settings(format!("certificate authorities: {cause}")))?,
    };
    Ok(builder.with_root_certificates(roots))
}

fn builder() -> Result<ConfigBuilder<ClientConfig, rustls::WantsVerifier>, Error> {
    ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|cause| Error::Settings(format!("TLS cannot be set up: {cause}")))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn authorities_in_folder(folder: &Path) -> Result<RootCertStore, Error> {
    let entries = std::fs::read_dir(folder).map_err(|cause| unreadable(folder, &cause))?;
    let mut roots = RootCertStore::empty();
    for entry in entries.take(AUTHORITY_FILES_MAX) {
        let file = entry.map_err(|cause| unreadable(folder, &cause))?.path();
        if file.is_file() {
            roots.roots.extend(authorities_in_file(&file)?.roots);
        }
    }
    Ok(roots)
}

fn authorities_in_file(file: &Path) -> Result<RootCertStore, Error> {
    let certificates =
        CertificateDer::pem_file_iter(file).map_err(|cause| unreadable(file, &cause))?;
    authorities(certificates).map_err(|cause| unreadable(file, &cause))
}

fn authorities<E: std::fmt::Display>(
    certificates: impl Iterator<Item = Result<CertificateDer<'static>, E>>,
) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        let certificate = certificate.map_err(|cause| cause.to_string())?;
        roots.add(certificate).map_err(|cause| cause.to_string())?;
    }
    if roots.is_empty() {
        return Err("no certificate in PEM form was found".to_owned());
    }
    Ok(roots)
}

fn unreadable(file: &Path, cause: &impl std::fmt::Display) -> Error {
    Error::Settings(format!("Error loading certificates from {}: {cause}", file.display()))
}

/// Says why a request did not get through, in one line, as people know it from other clients of
/// this API.
pub(crate) fn cause_of(error: &hyper_util::client::legacy::Error, authority: &str) -> String {
    let mut deepest: &dyn std::error::Error = error;
    // Chains of causes are short; the limit is only there because every loop has one.
    for _ in 0..32 {
        match deepest.source() {
            Some(source) => deepest = source,
            None => break,
        }
    }
    let text = text_of(deepest);
    if error.is_connect() && !text.starts_with("http:") && !text.starts_with("tls:") {
        return format!("dial tcp {authority}: {text}");
    }
    text
}

/// What the verifier calls a server that shows an authority's certificate, as those have it who let
/// `openssl req -x509` decide.
const AUTHORITY_AS_SERVER: &str = "CaUsedAsEndEntity";

fn text_of(cause: &(dyn std::error::Error + 'static)) -> String {
    if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
        return match tls {
            rustls::Error::InvalidMessage(_) => {
                "http: server gave HTTP response to HTTPS client".to_owned()
            }
            rustls::Error::InvalidCertificate(rustls::CertificateError::Other(reason))
                if reason.0.to_string() == AUTHORITY_AS_SERVER =>
            {
                "tls: failed to verify certificate: the server shows the certificate of an \
                 authority (CA:TRUE); give it one that is not"
                    .to_owned()
            }
            other => format!("tls: failed to verify or negotiate: {other}"),
        };
    }
    let Some(system) = cause.downcast_ref::<std::io::Error>() else {
        return cause.to_string();
    };
    if let Some(inner) = system.get_ref() {
        return text_of(inner);
    }
    match system.kind() {
        std::io::ErrorKind::ConnectionRefused => "connect: connection refused".to_owned(),
        std::io::ErrorKind::UnexpectedEof => "EOF".to_owned(),
        _ => system.to_string(),
    }
}

/// Checks that the other side owns the key of its certificate, and nothing about whose certificate
/// it is.
#[derive(Debug)]
struct BelieveAnyone(Arc<CryptoProvider>);

impl ServerCertVerifier for BelieveAnyone {
    fn verify_server_cert(
        &self,
        _certificate: &CertificateDer<'_>,
        _others: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _revocation: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_trusts_an_authority_that_serves_itself_is_told_what_to_change() {
        let reason = rustls::OtherError(Arc::new(std::io::Error::other(AUTHORITY_AS_SERVER)));
        let invalid = rustls::CertificateError::Other(reason);
        let text = text_of(&rustls::Error::InvalidCertificate(invalid));
        assert!(text.ends_with("give it one that is not"), "{text}");
    }
}
