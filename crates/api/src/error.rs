//! What can go wrong, in words a client may read.
//!
//! Errors become HTTP once, at the edge, in one `match` without a wildcard.

use std::fmt;

use storage::CommitError;

/// What an endpoint answers.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong. Texts are lower case, without a full stop, and say what would work.
#[derive(Clone, Debug, PartialEq)]
pub enum Error {
    /// Another writer got there first; the walk tries again. Holds the key, for the log.
    Conflict(String),
    /// No policy of the caller allows this. Deliberately says nothing more.
    Denied,
    /// There is no token, or it is not good here. Deliberately says nothing more.
    Unauthenticated,
    /// There is a token, but nobody knows it (any more).
    UnknownToken,
    /// Refused with a reason the caller may know.
    Forbidden(String),
    /// What a login showed proves nothing. Deliberately says nothing more; the kernel counts it.
    LoginFailed(Box<LoginFailure>),
    /// Too many logins failed; until some time has passed none succeeds. Says nothing more.
    LockedOut,
    /// The request makes no sense as it stands; the text says what would.
    Invalid(String),
    /// As [`Error::Invalid`], in the layout that clients know from this endpoint.
    InvalidListed(String),
    /// The request was understood but cannot be done; the text says why.
    Failed(String),
    /// A bug or a broken dependency. The text is for the log, never for the client.
    Internal(String),
    /// There is nothing at this path.
    Missing,
    /// There is nothing at this path, and a word about why.
    MissingBecause(String),
    /// No engine is mounted where this path points.
    NoRoute(String),
    /// The engine has no such path.
    UnsupportedPath,
    /// The path exists but does not support this operation.
    UnsupportedOperation,
    /// The body is not written in the notation this operation takes.
    Notation(String),
    /// The request is larger than this server takes.
    TooLarge,
    /// More work of this kind than can be done now.
    Busy {
        /// When trying again makes sense.
        retry_after_seconds: u64,
    },
    /// The barrier is sealed.
    Sealed,
    /// This node cannot answer yet; the text says what it waits for.
    NotYet(&'static str),
    /// The store cannot be reached. The text is for the log.
    Unavailable(String),
    /// The store cannot say whether the request was carried out. The text is for the log.
    OutcomeUnknown(String),
}

/// A login that failed, as the kernel counts it.
#[derive(Clone, PartialEq)]
pub struct LoginFailure {
    /// The name that was given. It may be anything, even a password typed into the wrong field.
    pub alias: String,
    /// Whether the auth method knows anybody of that name. Never told to whoever asks.
    pub known: bool,
    /// What whoever asks is told: the same for every failure of this method.
    pub text: &'static str,
}

impl fmt::Debug for LoginFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("LoginFailure").field("text", &self.text).finish_non_exhaustive()
    }
}

impl Error {
    /// A bug or a broken dependency.
    pub fn internal(cause: impl fmt::Display) -> Self {
        Self::Internal(cause.to_string())
    }

    /// The request makes no sense as it stands.
    pub fn invalid(text: impl Into<String>) -> Self {
        Self::Invalid(text.into())
    }

    /// Whether starting over may help: somebody else was faster.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict(_))
    }
}

impl From<CommitError> for Error {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Conflict { key } => Self::Conflict(key),
            CommitError::Unknown(cause) => Self::OutcomeUnknown(cause),
            CommitError::Store(error) => error.into(),
        }
    }
}

impl From<storage::Error> for Error {
    fn from(error: storage::Error) -> Self {
        match error {
            storage::Error::Sealed => Self::Sealed,
            storage::Error::Unavailable(cause) => Self::Unavailable(cause),
            storage::Error::Corrupt { .. } => Self::internal(error),
        }
    }
}
