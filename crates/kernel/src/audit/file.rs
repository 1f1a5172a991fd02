//! The file device: one entry a line, in a file that only its owner can read.
//!
//! A thread of its own writes, so that a slow disk or a blocked pipe never holds up a request for
//! longer than it is given; what waits meanwhile goes out in one write.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Component, Path};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use api::KeyValues;
use rustix::fs::OFlags;
use tokio::sync::oneshot;

/// How long a device may take for one entry before it counts as failed.
const WRITE_TIME_MAX: Duration = Duration::from_secs(5);
/// Entries that may wait for the device.
const QUEUE_MAX: usize = 4096;
/// Permissions of a new file: its owner reads and writes.
const MODE_DEFAULT: u32 = 0o600;
/// Options this device understands, besides the path under either of its names.
const OPTIONS: &[&str] =
    &["file_path", "path", "mode", "format", "log_raw", "hmac_accessor", "skip_test"];

/// A file that takes entries.
pub(super) struct FileSink(SyncSender<Pending>);

struct Pending {
    line: Vec<u8>,
    done: oneshot::Sender<Result<(), String>>,
}

/// What the options of a file device say.
struct Wanted {
    target: Target,
    mode: Option<u32>,
}

enum Target {
    Discard,
    Stdout,
    File(String),
}

/// Why options make no sense, in words for whoever gave them.
///
/// # Errors
/// What would work.
pub(super) fn check(options: &KeyValues) -> Result<(), String> {
    read(options).map(|_| ())
}

impl FileSink {
    /// Opens what `options` name.
    ///
    /// # Errors
    /// Why not, in words for the operator.
    pub(super) fn open(options: &KeyValues) -> Result<Self, String> {
        let wanted = read(options)?;
        let target: Box<dyn Write + Send> = match &wanted.target {
            Target::Discard => Box::new(io::sink()),
            Target::Stdout => Box::new(io::stdout()),
            Target::File(path) => Box::new(open_file(path, wanted.mode)?),
        };
        let (sender, receiver) = sync_channel(QUEUE_MAX);
        let writer = move || write_all(target, &receiver);
        let thread = std::thread::Builder::new().name("audit file".to_owned()).spawn(writer);
        thread.map_err(|error| format!("cannot start writing: {error}"))?;
        Ok(Self(sender))
    }

    /// Writes one entry; it is with the system when this answers.
    ///
    /// # Errors
    /// Why it is not.
    pub(super) async fn write(&self, line: Vec<u8>) -> Result<(), String> {
        let (done, written) = oneshot::channel();
        self.0.try_send(Pending { line, done }).map_err(|error| match error {
            TrySendError::Full(_) => "too many entries wait for the device".to_owned(),
            TrySendError::Disconnected(_) => "the device has stopped".to_owned(),
        })?;
        match tokio::time::timeout(WRITE_TIME_MAX, written).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err("the device has stopped".to_owned()),
            Err(_) => Err("the device takes too long".to_owned()),
        }
    }
}

/// Writes what comes until nobody is left to send.
fn write_all(mut target: Box<dyn Write + Send>, entries: &Receiver<Pending>) {
    while let Ok(first) = entries.recv() {
        let pending: Vec<_> = std::iter::once(first).chain(entries.try_iter()).collect();
        let lines: Vec<u8> = pending.iter().flat_map(|entry| entry.line.iter().copied()).collect();
        let written = target.write_all(&lines).and_then(|()| target.flush());
        let outcome = written.map_err(|error| error.to_string());
        for entry in pending {
            // Whoever asked may have given up waiting.
            let _ = entry.done.send(outcome.clone());
        }
    }
}

fn read(options: &KeyValues) -> Result<Wanted, String> {
    if let Some(unknown) = options.keys().find(|name| !OPTIONS.contains(&name.as_str())) {
        return Err(format!(
            "the option \"{unknown}\" is not supported by file devices; leave it out"
        ));
    }
    let is = |name: &str, expected: &str| options.get(name).is_none_or(|text| text == expected);
    if !is("format", "json") {
        return Err("unknown format type; say \"json\" or leave \"format\" out".to_owned());
    }
    if !is("log_raw", "false") || !is("hmac_accessor", "true") {
        return Err("entries without hashes are not supported yet; \
                    leave \"log_raw\" and \"hmac_accessor\" out"
            .to_owned());
    }
    let path = options.get("file_path").or_else(|| options.get("path"));
    let path = path.filter(|path| !path.is_empty()).ok_or("file_path is required")?;
    let target = match path.as_str() {
        "discard" => Target::Discard,
        "stdout" => Target::Stdout,
        path => Target::File(check_path(path)?),
    };
    Ok(Wanted { target, mode: mode(options.get("mode"))? })
}

fn check_path(path: &str) -> Result<String, String> {
    let path_is_clear = Path::new(path).is_absolute()
        && Path::new(path).components().all(|part| part != Component::ParentDir)
        && !path.chars().any(char::is_control);
    match path_is_clear {
        true => Ok(path.to_owned()),
        false => Err("file_path must be an absolute path without \"..\"".to_owned()),
    }
}

/// The permissions of a new file; `None` leaves those of an existing one alone.
fn mode(text: Option<&String>) -> Result<Option<u32>, String> {
    let Some(text) = text else { return Ok(Some(MODE_DEFAULT)) };
    let mode = u32::from_str_radix(text, 8).map_err(|_| "mode must be octal, such as \"0600\"")?;
    match mode {
        0 => Ok(None),
        mode if mode & !0o666 != 0 => {
            Err("mode may let people read and write, and nothing else".to_owned())
        }
        mode => Ok(Some(mode)),
    }
}

fn open_file(path: &str, mode: Option<u32>) -> Result<File, String> {
    let failed = |error: &dyn std::fmt::Display| {
        format!("sanity check failed; unable to open \"{path}\" for writing: {error}")
    };
    let flags = (OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK).bits();
    let flags = i32::try_from(flags).map_err(|error| failed(&error))?;
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(MODE_DEFAULT).custom_flags(flags);
    let mut file = options.open(path).map_err(|error| failed(&error))?;
    let metadata = file.metadata().map_err(|error| failed(&error))?;
    if metadata.is_dir() {
        return Err(failed(&"it is a directory"));
    }
    if metadata.is_file() {
        if metadata.mode() & 0o111 != 0 {
            return Err(failed(&"it is an executable file"));
        }
        if let Some(mode) = mode {
            let permissions = std::fs::Permissions::from_mode(mode);
            file.set_permissions(permissions).map_err(|error| failed(&error))?;
        }
        end_torn_line(&mut file, path).map_err(|error| failed(&error))?;
    }
    Ok(file)
}

/// A crash or a full disk may have left half an entry at the end; the next must not become part of
/// it, or both would be lost.
fn end_torn_line(file: &mut File, path: &str) -> io::Result<()> {
    let Some(last) = file.metadata()?.len().checked_sub(1) else { return Ok(()) };
    let mut byte = [0];
    // Where we may only write, nobody can tell.
    let Ok(reader) = File::open(path) else { return Ok(()) };
    reader.read_exact_at(&mut byte, last)?;
    if byte == *b"\n" { Ok(()) } else { file.write_all(b"\n") }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn options(pairs: &[(&str, &str)]) -> KeyValues {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[track_caller]
    fn refused(pairs: &[(&str, &str)]) {
        assert!(check(&options(pairs)).is_err(), "{pairs:?}");
    }

    #[test]
    fn options_that_are_not_safe_are_refused() {
        refused(&[]);
        refused(&[("file_path", "relative/audit.log")]);
        refused(&[("file_path", "/tmp/../etc/audit.log")]);
        refused(&[("file_path", "/tmp/a\nb")]);
        refused(&[("file_path", "/tmp/a"), ("mode", "0700")]);
        refused(&[("file_path", "/tmp/a"), ("mode", "rw")]);
        refused(&[("file_path", "/tmp/a"), ("prefix", "#!/bin/sh\n")]);
        refused(&[("file_path", "/tmp/a"), ("log_raw", "true")]);
        refused(&[("file_path", "/tmp/a"), ("format", "jsonx")]);
        assert_eq!(check(&options(&[("file_path", "/tmp/a"), ("mode", "0640")])), Ok(()));
        assert_eq!(check(&options(&[("path", "discard")])), Ok(()));
    }

    #[tokio::test]
    async fn an_entry_never_becomes_part_of_a_torn_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("audit.log");
        for (before, after) in [("", "two\n"), ("one\n", "one\ntwo\n"), ("on", "on\ntwo\n")] {
            std::fs::write(&file, before).unwrap();
            let sink = FileSink::open(&options(&[("file_path", file.to_str().unwrap())])).unwrap();
            sink.write(b"two\n".to_vec()).await.unwrap();
            assert_eq!(std::fs::read_to_string(&file).unwrap(), after);
        }
    }

    #[tokio::test]
    async fn files_are_for_their_owner_and_never_links_or_programs() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let file = path("audit.log");
        let sink = FileSink::open(&options(&[("file_path", &file)])).unwrap();
        sink.write(b"one\n".to_vec()).await.unwrap();
        sink.write(b"two\n".to_vec()).await.unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "one\ntwo\n");
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

        std::os::unix::fs::symlink(&file, path("link")).unwrap();
        std::fs::write(path("program"), "").unwrap();
        std::fs::set_permissions(path("program"), std::fs::Permissions::from_mode(0o755)).unwrap();
        for bad in ["link", "program", ""] {
            assert!(FileSink::open(&options(&[("file_path", &path(bad))])).is_err(), "{bad}");
        }
    }
}
