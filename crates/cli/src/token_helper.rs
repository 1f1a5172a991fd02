//! The token of the last login, kept in `~/.vault-token`.
//!
//! The file is readable by its owner alone, and is replaced whole: nobody ever sees half a token.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use client::Token;

use crate::environment::Environment;

/// The stored token; `None` when nobody has logged in.
pub(crate) fn load(environment: &Environment) -> Result<Option<Token>, String> {
    let Some(path) = environment.token_file() else { return Ok(None) };
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Some(Token::new(text)).filter(|token| !token.is_empty())),
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(format!("failed to get token from {}: {cause}", path.display())),
    }
}

/// Stores the token of a login.
pub(crate) fn store(environment: &Environment, token: &Token) -> Result<(), String> {
    let Some(path) = environment.token_file() else {
        return Err("the token cannot be stored: HOME is not set".to_owned());
    };
    store_at(&path, token)
}

/// Stores a token in a file of one's choice.
pub(crate) fn store_at(path: &Path, token: &Token) -> Result<(), String> {
    replace(path, token).map_err(|cause| {
        format!(
            "Error storing token in {}: {cause}; please set VAULT_TOKEN instead",
            path.display()
        )
    })
}

fn replace(path: &Path, token: &Token) -> std::io::Result<()> {
    let fresh = beside(path);
    let written = write_new(&fresh, token).and_then(|()| std::fs::rename(&fresh, path));
    if written.is_err() {
        // The first error is the one worth telling; a left-over file is only untidy.
        let _ = std::fs::remove_file(&fresh);
    }
    written
}

/// A name next to the file, since a rename is whole only within one file system.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", std::process::id()));
    PathBuf::from(name)
}

fn write_new(path: &Path, token: &Token) -> std::io::Result<()> {
    // An earlier process of the same number may have died here.
    if let Err(cause) = std::fs::remove_file(path)
        && cause.kind() != ErrorKind::NotFound
    {
        return Err(cause);
    }
    // `create_new` refuses a link that somebody put there in the meantime.
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(token.expose().as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_stored_token_is_read_back_and_is_the_owners_alone() {
        let home = tempfile::tempdir().unwrap();
        let environment = Environment::made_of(&[("HOME", home.path().to_str().unwrap())]);
        assert_eq!(load(&environment).unwrap(), None);
        std::fs::write(home.path().join(".vault-token"), " old \n").unwrap();
        assert_eq!(load(&environment).unwrap(), Some(Token::new("old")));
        store(&environment, &Token::new("s.new")).unwrap();
        assert_eq!(load(&environment).unwrap(), Some(Token::new("s.new")));
        let file = std::fs::metadata(home.path().join(".vault-token")).unwrap();
        assert_eq!(file.permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1);
    }
}
