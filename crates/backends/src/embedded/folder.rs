//! The folder on disk: its permissions, its files, and that only one server uses it.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::OpenError;

/// Only the server's own user may look inside.
const FOLDER_MODE: u32 = 0o700;
/// Only the server's own user may read or write.
const FILE_MODE: u32 = 0o600;
const DATABASE: &str = "strongroom.db";
const LOCK: &str = "lock";

/// A folder that this server has to itself for as long as this value lives.
///
/// The kernel lets go of the lock when the process ends, however it ends.
pub(super) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Creates `path` if need be, and takes it.
    pub(super) fn claim(path: &Path) -> Result<Self, OpenError> {
        let refused = |error: io::Error| unusable(path, &error);
        create(path).map_err(refused)?;
        // SQLite is told not to follow links, so it gets a path without any.
        let real = path.canonicalize().map_err(refused)?;
        if !real.is_dir() {
            let text = format!("'path' is \"{}\", which is not a folder", path.display());
            return Err(OpenError(text));
        }
        let lock = private_file(&real.join(LOCK)).map_err(refused)?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => OpenError(format!(
                "the folder \"{}\" is in use by another server; stop it first or choose \
                 another path",
                path.display()
            )),
            TryLockError::Error(error) => unusable(path, &error),
        })?;
        // SQLite gives its other files the permissions of this one.
        private_file(&real.join(DATABASE)).map_err(refused)?;
        sync_folder(&real).map_err(refused)?;
        Ok(Self { path: real, _lock: lock })
    }

    pub(super) fn database(&self) -> PathBuf {
        self.path.join(DATABASE)
    }

    /// What to tell the operator when SQLite refuses.
    pub(super) fn refused(&self, error: &rusqlite::Error) -> OpenError {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        let file = self.database();
        let file = file.display();
        OpenError(match error.sqlite_error_code() {
            Some(DatabaseCorrupt | NotADatabase) => {
                format!("\"{file}\" is damaged ({error}); restore it from a backup")
            }
            _ => format!("\"{file}\" cannot be opened: {error}"),
        })
    }

    pub(super) fn display(&self) -> std::path::Display<'_> {
        self.path.display()
    }
}

/// Creates what is missing of `path`, private from the first moment and whatever the umask says.
fn create(path: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = path
        .ancestors()
        .filter(|ancestor| !ancestor.as_os_str().is_empty())
        .take_while(|ancestor| !ancestor.exists())
        .collect();
    for folder in missing.into_iter().rev() {
        DirBuilder::new().mode(FOLDER_MODE).create(folder)?;
        fs::set_permissions(folder, Permissions::from_mode(FOLDER_MODE))?;
        // A folder is not safely there until the one around it says so on disk.
        let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
        sync_folder(parent.unwrap_or(Path::new(".")))?;
    }
    Ok(())
}

fn private_file(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(FILE_MODE)
        .open(path)?;
    file.set_permissions(Permissions::from_mode(FILE_MODE))?;
    Ok(file)
}

fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn unusable(path: &Path, error: &io::Error) -> OpenError {
    OpenError(format!("the folder \"{}\" cannot be used: {error}", path.display()))
}
