//! What a client must know before its first request.

use std::path::PathBuf;
use std::time::Duration;

use crate::token::Token;

/// Everything a [`Client`](crate::Client) is made from. Start from the default and change what
/// differs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the server listens, such as `https://127.0.0.1:8200`. A path in it is put before every
    /// request's path.
    pub address: String,
    /// Who the client acts as. Without a token only public paths answer.
    pub token: Option<Token>,
    /// The namespace every path is relative to.
    pub namespace: Option<String>,
    /// Whose certificates are believed.
    pub trust: Trust,
    /// The client's own certificate, for servers that ask for one.
    pub client_certificate: Option<ClientCertificate>,
    /// The name expected in the server's certificate, when it is not the one in the address.
    pub server_name: Option<String>,
    /// Asks the server to wrap every answer for this long, such as `5m`.
    pub wrap_ttl: Option<String>,
    /// Headers sent with every request.
    pub headers: Vec<(String, String)>,
    /// How long one request may take, from connecting to the last byte of the answer.
    pub timeout: Duration,
    /// What happens when the server points elsewhere.
    pub redirects: Redirects,
}

/// Whose certificates a client believes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// Those the operating system trusts.
    #[default]
    Platform,
    /// Those signed by an authority in this PEM file.
    File(PathBuf),
    /// Those signed by an authority in one of the PEM files of this folder.
    Folder(PathBuf),
    /// Those signed by an authority in this PEM text.
    Pem(String),
    /// Anyone's. The connection is encrypted, but nobody knows with whom.
    Anyone,
}

/// A certificate and its private key, both in PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The file with the certificate, followed by those that vouch for it.
    pub certificate: PathBuf,
    /// The file with the private key.
    pub key: PathBuf,
}

/// What a client does when the server points elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Redirects {
    /// Goes there, once, with the same body and headers.
    #[default]
    FollowOne,
    /// Hands the redirecting answer to the caller.
    Ignore,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            address: "https://127.0.0.1:8200".to_owned(),
            token: None,
            namespace: None,
            trust: Trust::Platform,
            client_certificate: None,
            server_name: None,
            wrap_ttl: None,
            headers: Vec::new(),
            timeout: Duration::from_secs(60),
            redirects: Redirects::FollowOne,
        }
    }
}
