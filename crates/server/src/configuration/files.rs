//! Which files hold the configuration, and their text.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use api::hcl::TEXT_BYTES_MAX;

use super::{ConfigurationError, Result, wrong};

/// How many files are read from one folder.
const FILES_MAX: usize = 256;

/// Every file meant by `paths`, in the order they are read.
pub(super) fn find(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    if paths.is_empty() {
        return Err(wrong("Must specify at least one config path using -config"));
    }
    let mut files = Vec::new();
    for path in paths {
        let about = fs::metadata(path).map_err(|error| unreadable(path, &error))?;
        if about.is_dir() {
            files.extend(within(path)?);
        } else {
            files.push(path.clone());
        }
    }
    if files.is_empty() {
        return Err(wrong(
            "No configuration files found. Of a folder, the files that end in .hcl and .json are \
             read",
        ));
    }
    Ok(files)
}

fn within(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(|error| unreadable(folder, &error))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| unreadable(folder, &error))?.path();
        if is_meant(&path) && !path.is_dir() {
            files.push(path);
        }
    }
    if files.len() > FILES_MAX {
        let folder = folder.display();
        return Err(wrong(format!("{folder} holds more than {FILES_MAX} configuration files")));
    }
    files.sort();
    Ok(files)
}

/// Editors leave files behind whose names begin with a dot or a hash.
fn is_meant(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let is_left_behind = name.starts_with(['.', '#']);
    let is_ours = path.extension().is_some_and(|end| end == "hcl" || end == "json");
    is_ours && !is_left_behind
}

/// The text of one file.
pub(super) fn read(path: &Path) -> Result<String> {
    let mut text = String::new();
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    // One byte more than is allowed: the parser then says what the limit is.
    let limit = TEXT_BYTES_MAX as u64 + 1;
    file.take(limit).read_to_string(&mut text).map_err(|error| unreadable(path, &error))?;
    Ok(text)
}

fn unreadable(path: &Path, error: &std::io::Error) -> ConfigurationError {
    wrong(format!("cannot read configuration from {}: {error}", path.display()))
}
