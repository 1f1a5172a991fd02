//! Everything said to SQLite about records.
//!
//! One table of key, value and revision. Keys are stored as bytes, which sort as such. One row
//! holds the newest revision ever given, so that no key can get the same revision twice, not even
//! after all were deleted.

use std::collections::BTreeMap;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, types::Type};
use storage::{Commit, Record, Revision};

use super::folder::Folder;
use crate::OpenError;

/// Only a checkpoint or a tool of the operator's can be in the way, and only for a moment.
pub(super) const WAIT: Duration = Duration::from_secs(5);
/// Which layout of tables this code reads and writes.
const FORMAT: i64 = 1;
/// "strg": marks the file as ours.
const APPLICATION: i64 = 0x7374_7267;
/// The log's file keeps at most this length when the log starts anew in it: as much as a log gets
/// that nobody holds up. Writing over what is there is much sooner durable than a longer file.
const LOG_FILE_BYTES_MAX: i64 = 40 << 20;
/// What the writer keeps in memory of the pages it changes. Nearly every commit changes one, and
/// one that is not kept is read again.
const WRITTEN_PAGES_KIBIBYTES: i64 = 16 << 10;
/// Statements a connection keeps prepared.
const STATEMENTS_MAX: usize = 16;

const SCHEMA: &str = "
    CREATE TABLE record (
        key BLOB PRIMARY KEY,
        value BLOB NOT NULL,
        revision INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE newest (revision INTEGER NOT NULL) STRICT;
    INSERT INTO newest VALUES (0);";

/// A connection to the database in `folder`, set up to lose nothing.
pub(super) fn open(folder: &Folder) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let connection = Connection::open_with_flags(folder.database(), flags)?;
    connection.busy_timeout(WAIT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    // The log is checkpointed by `checkpoints`; after an error, closing must not touch it either.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    // A full sync is what survives power loss; on macOS a plain one does not reach the disk.
    connection.pragma_update(None, "journal_size_limit", LOG_FILE_BYTES_MAX)?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA fullfsync = ON;
         PRAGMA checkpoint_fullfsync = ON;
         PRAGMA wal_autocheckpoint = 0;
         PRAGMA secure_delete = ON;
         PRAGMA temp_store = MEMORY;
         PRAGMA trusted_schema = OFF;
         PRAGMA cell_size_check = ON;",
    )?;
    Ok(connection)
}

/// The same for the one connection that writes: it keeps more of the pages that it changes.
pub(super) fn open_to_write(folder: &Folder) -> rusqlite::Result<Connection> {
    let connection = open(folder)?;
    // A negative number counts kibibytes.
    connection.pragma_update(None, "cache_size", -WRITTEN_PAGES_KIBIBYTES)?;
    Ok(connection)
}

/// Creates the tables in a new database, and refuses one this code cannot read.
pub(super) fn prepare(connection: &Connection, folder: &Folder) -> Result<(), OpenError> {
    let refused = |error| folder.refused(&error);
    let number = |pragma| connection.query_row(pragma, [], |row| row.get::<_, i64>(0));
    let format = number("PRAGMA user_version").map_err(refused)?;
    let application = number("PRAGMA application_id").map_err(refused)?;
    let tables = number("SELECT count(*) FROM sqlite_schema").map_err(refused)?;
    if tables == 0 && format == 0 {
        let create = format!(
            "BEGIN IMMEDIATE; {SCHEMA} PRAGMA application_id = {APPLICATION};
             PRAGMA user_version = {FORMAT}; COMMIT;"
        );
        return connection.execute_batch(&create).map_err(refused);
    }
    let folder = folder.display();
    if application != APPLICATION {
        let text = format!("the database in \"{folder}\" is not ours; choose another path");
        return Err(OpenError(text));
    }
    if format != FORMAT {
        return Err(OpenError(format!(
            "the data in \"{folder}\" has format {format} and this version reads format {FORMAT}; \
             use the version that wrote it, or a newer one"
        )));
    }
    Ok(())
}

/// Starts a transaction that may write, and waits for its turn right away.
pub(super) fn begin(connection: &Connection) -> rusqlite::Result<()> {
    // Kept prepared: a lone commit would notice what parsing costs.
    connection.prepare_cached("BEGIN IMMEDIATE")?.execute([]).map(|_| ())
}

/// Makes the transaction durable.
pub(super) fn commit(connection: &Connection) -> rusqlite::Result<()> {
    connection.prepare_cached("COMMIT")?.execute([]).map(|_| ())
}

/// The newest revision in the database, as this connection sees it.
pub(super) fn newest(connection: &Connection) -> rusqlite::Result<Revision> {
    let mut statement = connection.prepare_cached("SELECT revision FROM newest")?;
    statement.query_row([], |row| revision(row, 0))
}

/// The record under `key`.
pub(super) fn find(connection: &Connection, key: &str) -> rusqlite::Result<Option<Record>> {
    let sql = "SELECT value, revision FROM record WHERE key = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_row([key.as_bytes()], |row| {
        Ok(Record { value: row.get::<_, Vec<u8>>(0)?.into(), revision: revision(row, 1)? })
    });
    found.optional()
}

/// The first key whose check does not hold.
pub(super) fn lost(
    connection: &Connection,
    checks: &BTreeMap<String, Option<Revision>>,
) -> rusqlite::Result<Option<String>> {
    for (key, expected) in checks {
        if revision_of(connection, key)? != *expected {
            return Ok(Some(key.clone()));
        }
    }
    Ok(None)
}

/// The revision of the record under `key`.
pub(super) fn revision_of(
    connection: &Connection,
    key: &str,
) -> rusqlite::Result<Option<Revision>> {
    let sql = "SELECT revision FROM record WHERE key = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    statement.query_row([key.as_bytes()], |row| revision(row, 0)).optional()
}

/// Keys that start with `prefix` and sort after `after`, at most `limit` of them.
pub(super) fn list(
    connection: &Connection,
    (prefix, after): (&str, &str),
    limit: usize,
) -> rusqlite::Result<Vec<String>> {
    let sql = "SELECT key FROM record WHERE key >= ?1 AND key < ?2 ORDER BY key LIMIT ?3";
    let (from, to) = bounds(prefix, after);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(sql)?;
    let keys = statement.query_map((from, to, limit), |row| {
        let not_text = |error| rusqlite::Error::FromSqlConversionFailure(0, Type::Blob, error);
        String::from_utf8(row.get(0)?).map_err(|error| not_text(Box::new(error)))
    })?;
    keys.collect()
}

/// Does what `commit` says, as `revision`; its checks were made before.
pub(super) fn apply(
    connection: &Connection,
    commit: &Commit,
    revision: Revision,
) -> rusqlite::Result<()> {
    for key in &commit.deletes {
        let mut delete = connection.prepare_cached("DELETE FROM record WHERE key = ?1")?;
        delete.execute([key.as_bytes()])?;
    }
    let sql = "INSERT INTO record VALUES (?1, ?2, ?3)
               ON CONFLICT (key) DO UPDATE SET value = ?2, revision = ?3";
    let mut put = connection.prepare_cached(sql)?;
    for (key, value) in &commit.puts {
        put.execute((key.as_bytes(), value.as_ref(), revision.cast_signed()))?;
    }
    Ok(())
}

/// Notes the newest revision given.
pub(super) fn record_newest(connection: &Connection, newest: Revision) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached("UPDATE newest SET revision = ?1")?;
    statement.execute([newest.cast_signed()])?;
    Ok(())
}

/// How far a checkpoint goes.
#[derive(Clone, Copy)]
pub(super) enum Mode {
    /// Copies what nobody is in the way of.
    Passive,
    /// Waits for readers and writers, copies everything, and lets the log start anew in its file.
    Restart,
    /// The same, and empties the file.
    Truncate,
}

/// Copies the log into the database file; whether that went as far as `mode` asks.
pub(super) fn checkpoint(connection: &Connection, mode: Mode) -> rusqlite::Result<bool> {
    let sql = match mode {
        Mode::Passive => "PRAGMA wal_checkpoint(PASSIVE)",
        Mode::Restart => "PRAGMA wal_checkpoint(RESTART)",
        Mode::Truncate => "PRAGMA wal_checkpoint(TRUNCATE)",
    };
    let busy: i64 = connection.query_row(sql, [], |row| row.get(0))?;
    Ok(busy == 0)
}

fn revision(row: &Row<'_>, column: usize) -> rusqlite::Result<Revision> {
    Ok(row.get::<_, i64>(column)?.cast_unsigned())
}

/// The first byte string that is wanted, and the first that no longer is.
fn bounds(prefix: &str, after: &str) -> (Vec<u8>, Vec<u8>) {
    let mut from = prefix.as_bytes().to_vec();
    if after >= prefix {
        // Nothing lies between a byte string and itself with a zero behind.
        from = after.as_bytes().to_vec();
        from.push(0);
    }
    // Text in UTF-8 has no byte 255: adding one to the last never overflows, and 255 ends it all.
    let mut to = prefix.as_bytes().to_vec();
    let last = to.pop().unwrap_or(u8::MAX - 1);
    to.push(last.saturating_add(1));
    (from, to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check((prefix, after): (&str, &str), (from, to): (&[u8], &[u8])) {
        assert_eq!(bounds(prefix, after), (from.to_vec(), to.to_vec()));
    }

    #[test]
    fn bounds_enclose_exactly_what_is_wanted() {
        check(("", ""), (b"\0", b"\xff"));
        check(("", "a"), (b"a\0", b"\xff"));
        check(("a/", ""), (b"a/", b"a0"));
        check(("a/", "a"), (b"a/", b"a0"));
        check(("a/", "a/"), (b"a/\0", b"a0"));
        check(("a/", "a/b"), (b"a/b\0", b"a0"));
        check(("a/", "z"), (b"z\0", b"a0"));
        check(("é", ""), (b"\xc3\xa9", b"\xc3\xaa"));
        check(("\u{7f}", ""), (b"\x7f", b"\x80"));
    }
}
