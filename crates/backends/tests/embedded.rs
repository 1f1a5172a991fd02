//! What the embedded store promises, seen from outside.

#![allow(clippy::disallowed_methods, reason = "a child process is told its folder this way")]
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use backends::Embedded;
use storage::testing::conformance;
use storage::{Commit, Store};
use tempfile::TempDir;

/// Tells the re-executed test where to open a store.
const FOLDER: &str = "STRONGROOM_TEST_FOLDER";

fn put(key: &str, value: &str) -> Commit {
    Commit { puts: [(key.to_owned(), value.to_owned().into())].into(), ..Commit::default() }
}

fn refusal(folder: &Path) -> String {
    Embedded::open(folder).err().unwrap().to_string()
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o7777
}

/// Fresh stores, each in a folder that lives as long as the returned list.
fn fresh(folders: &Mutex<Vec<TempDir>>) -> Arc<dyn Store> {
    let folder = TempDir::new().unwrap();
    let store = Embedded::open(folder.path()).unwrap();
    folders.lock().unwrap().push(folder);
    Arc::new(store)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_keeps_every_promise_of_a_store() {
    let folders = Mutex::default();
    conformance::run(async || fresh(&folders)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_keeps_every_promise_when_busy() {
    let folders = Mutex::default();
    for seed in 0..2 {
        conformance::run_busy(async || fresh(&folders), seed).await;
    }
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_reopening() {
    let folder = TempDir::new().unwrap();
    let store = Embedded::open(folder.path()).unwrap();
    let first = store.commit(put("kept", "value")).await.unwrap();
    store.commit(put("gone", "")).await.unwrap();
    let delete = Commit { deletes: ["gone".to_owned()].into(), ..Commit::default() };
    let last = store.commit(delete).await.unwrap();
    drop(store);
    let store = Embedded::open(folder.path()).unwrap();
    let record = store.get("kept").await.unwrap().unwrap();
    assert_eq!((record.value.as_ref(), record.revision), (b"value".as_slice(), first));
    assert_eq!(store.list("", "", 9).await.unwrap(), ["kept"]);
    assert_eq!(store.commit(Commit::default()).await, Ok(last));
    // The same key must not come back as an earlier version of itself.
    assert!(store.commit(put("gone", "")).await.unwrap() > last);
}

#[tokio::test]
async fn what_was_queued_is_finished_when_the_store_is_dropped() {
    let folder = TempDir::new().unwrap();
    let store = Arc::new(Embedded::open(folder.path()).unwrap());
    let mut started = Vec::new();
    for n in 0..100 {
        let store = store.clone();
        let commit = put(&format!("key/{n}"), "");
        started.push(tokio::spawn(async move { store.commit(commit).await }));
    }
    // On one thread, this queues them all; one turn is for about sixty tasks.
    for _ in 0..16 {
        tokio::task::yield_now().await;
    }
    for task in &started {
        task.abort();
    }
    for task in started {
        let _ = task.await;
    }
    drop(store);
    let store = Embedded::open(folder.path()).unwrap();
    assert_eq!(store.list("key/", "", 999).await.unwrap().len(), 100);
}

#[tokio::test]
async fn what_was_deleted_is_not_left_on_the_disk() {
    let folder = TempDir::new().unwrap();
    let store = Embedded::open(folder.path()).unwrap();
    let secret = "canary-".repeat(20);
    store.commit(put("secret", &secret)).await.unwrap();
    let delete = Commit { deletes: ["secret".to_owned()].into(), ..Commit::default() };
    store.commit(delete).await.unwrap();
    drop(store);
    for file in fs::read_dir(folder.path()).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(7).any(|window| window == b"canary-"));
    }
}

#[test]
fn a_second_server_on_the_same_folder_is_refused() {
    let folder = TempDir::new().unwrap();
    let store = Embedded::open(folder.path()).unwrap();
    let path = folder.path().display();
    let expected = format!(
        "the folder \"{path}\" is in use by another server; stop it first or choose another path"
    );
    assert_eq!(refusal(folder.path()), expected);
    // Also when it comes by another way.
    let link = TempDir::new().unwrap();
    let link = link.path().join("link");
    std::os::unix::fs::symlink(folder.path(), &link).unwrap();
    assert!(refusal(&link).contains("is in use by another server"));
    drop(store);
    Embedded::open(folder.path()).unwrap();
}

#[test]
fn places_that_cannot_hold_a_store_are_refused_with_a_reason() {
    let folder = TempDir::new().unwrap();
    let check = |path: &str, expected: &str| {
        let said = refusal(&folder.path().join(path));
        assert!(said.contains(expected), "{said}");
    };
    fs::write(folder.path().join("file"), "").unwrap();
    check("file", "which is not a folder");
    check("file/below", "cannot be used");
    fs::create_dir(folder.path().join("garbage")).unwrap();
    fs::write(folder.path().join("garbage/strongroom.db"), "not a database ".repeat(500)).unwrap();
    check("garbage", "is damaged");
    check("garbage", "restore it from a backup");
    check("zero\0byte", "cannot be used");
}

#[test]
fn data_of_another_format_is_refused_and_not_touched() {
    let check = |pragma: &str, expected: &str| {
        let folder = TempDir::new().unwrap();
        drop(Embedded::open(folder.path()).unwrap());
        let database = folder.path().join("strongroom.db");
        rusqlite::Connection::open(&database).unwrap().execute_batch(pragma).unwrap();
        let said = refusal(folder.path());
        assert!(said.contains(expected), "{said}");
    };
    check("PRAGMA user_version = 2", "has format 2 and this version reads format 1");
    check("PRAGMA user_version = 0", "has format 0 and this version reads format 1");
    check("PRAGMA application_id = 1", "is not ours; choose another path");
}

#[tokio::test]
async fn damage_is_an_error_and_not_an_answer() {
    let folder = TempDir::new().unwrap();
    let store = Embedded::open(folder.path()).unwrap();
    for n in 0..200 {
        store.commit(put(&format!("key/{n:03}"), &"x".repeat(1000))).await.unwrap();
    }
    drop(store);
    let database = folder.path().join("strongroom.db");
    let mut bytes = fs::read(&database).unwrap();
    // The first pages hold the tables' description; all records lie behind.
    bytes[4096 * 3..].fill(0xA5);
    fs::write(&database, bytes).unwrap();
    let said = match Embedded::open(folder.path()) {
        Err(error) => error.to_string(),
        Ok(store) => store.get("key/100").await.unwrap_err().to_string(),
    };
    assert!(said.contains("is damaged"), "{said}");
}

/// The part that runs in a process of its own, because a umask belongs to the whole process.
#[tokio::test]
async fn child_fills_a_folder() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let store = Embedded::open(Path::new(&folder)).unwrap();
    store.commit(put("key", "value")).await.unwrap();
    for path in [folder.clone(), format!("{folder}/..")] {
        assert_eq!(mode(Path::new(&path)), 0o700, "{path}");
    }
    let names = ["strongroom.db", "strongroom.db-wal", "strongroom.db-shm", "lock"];
    for name in names {
        assert_eq!(mode(&Path::new(&folder).join(name)), 0o600, "{name}");
    }
    assert_eq!(fs::read_dir(folder).unwrap().count(), names.len());
}

#[test]
fn nobody_else_can_look_inside_whatever_the_umask_says() {
    for umask in ["000", "022", "277"] {
        let folder = TempDir::new().unwrap();
        let status = Command::new("sh")
            .args(["-c", "umask $0; exec \"$1\" --exact child_fills_a_folder", umask])
            .arg(std::env::current_exe().unwrap())
            .env(FOLDER, folder.path().join("outer/inner"))
            .status()
            .unwrap();
        assert!(status.success(), "umask {umask}");
    }
}

#[test]
fn files_that_others_could_read_are_closed_to_them_on_opening() {
    let folder = TempDir::new().unwrap();
    drop(Embedded::open(folder.path()).unwrap());
    let database = folder.path().join("strongroom.db");
    fs::set_permissions(&database, Permissions::from_mode(0o666)).unwrap();
    let _store = Embedded::open(folder.path()).unwrap();
    assert_eq!(mode(&database), 0o600);
}
