//! Lists of words that are too long for memory: files with a word a line, in one directory that the
//! server's configuration names.
//!
//! Asking reads the whole file, piece by piece, at a bench of the workshop: a list of ten million
//! lines takes about half a second and no memory. What cannot be read refuses everybody, since a
//! list that is silently not looked at protects nobody.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::OFlags;

use crate::{Error, Result, Scratch, Secret, Workshop};

/// How much of a file is looked at at once.
const PIECE_BYTES: usize = 64 * 1024;
/// Lines that are longer are no words.
const WORD_BYTES_MAX: usize = 1024;
/// A file beyond this would keep a bench busy for too long.
const FILE_BYTES_MAX: u64 = 8 * 1024 * 1024 * 1024;
/// How long the name of a file may be.
const NAME_BYTES_MAX: usize = 255;

/// The lists of words on this node.
#[derive(Clone, Debug, Default)]
pub struct Wordlists {
    directory: Option<Arc<Path>>,
}

/// A piece of a file, in memory that is kept from job to job.
struct Piece(Vec<u8>);

/// Looks for words in what comes by in pieces.
struct Search<'a> {
    /// Where in the question each word stands.
    places: HashMap<&'a [u8], Vec<usize>>,
    /// The beginning of a line whose end has not come yet.
    open: Vec<u8>,
    found: Vec<usize>,
}

impl Wordlists {
    /// The files in `directory`.
    pub fn in_directory(directory: impl Into<PathBuf>) -> Self {
        Self { directory: Some(directory.into().into()) }
    }

    /// Refuses what is not the name of a readable list.
    ///
    /// # Errors
    /// What would work.
    pub fn check(&self, name: &str) -> Result<()> {
        let plain = !name.is_empty() && name.len() <= NAME_BYTES_MAX && !name.starts_with('.');
        if !plain || name.contains(['/', '\\', '\0']) {
            return Err(Error::invalid(
                "a list is named by its file alone: no directory, and no dot at the beginning",
            ));
        }
        self.open(name).map(|_| ())
    }

    /// Which of `words`, by their place, stand in the list called `name` on a line of their own.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the list cannot be read, [`Error::Busy`] when no bench is free.
    pub async fn find(
        &self,
        name: &str,
        words: Vec<Secret>,
        workshop: &Workshop,
    ) -> Result<Vec<usize>> {
        self.check(name)?;
        let file = self.open(name)?;
        let job = move |scratch: &mut Scratch| {
            let Piece(piece) = scratch.of();
            let mut search = Search::new(&words);
            search.read(file, piece).map_err(|_| unreadable())?;
            Ok(search.found)
        };
        workshop.work(job).await?
    }

    fn open(&self, name: &str) -> Result<File> {
        let directory = self.directory.as_deref().ok_or_else(|| {
            Error::invalid("there are no lists here; set password_lists_directory on every server")
        })?;
        // Not through a link, and without waiting for somebody at the other end of a pipe.
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
        let flags = i32::try_from(flags).map_err(Error::internal)?;
        let file = OpenOptions::new().read(true).custom_flags(flags).open(directory.join(name));
        let file = file.map_err(|_| unreadable())?;
        let facts = file.metadata().map_err(|_| unreadable())?;
        if facts.is_file() && facts.len() <= FILE_BYTES_MAX { Ok(file) } else { Err(unreadable()) }
    }
}

/// Why not, for somebody who need not know what is on the server's disk.
fn unreadable() -> Error {
    Error::invalid(
        "the list of refused passwords cannot be read; it has to be a file of at most 8 GiB in the \
         server's password_lists_directory, and no link",
    )
}

impl<'a> Search<'a> {
    fn new(words: &'a [Secret]) -> Self {
        let mut places: HashMap<&[u8], Vec<usize>> = HashMap::new();
        for (place, word) in words.iter().enumerate() {
            places.entry(word.reveal().as_bytes()).or_default().push(place);
        }
        Self { places, open: Vec::new(), found: vec![] }
    }

    fn read(&mut self, file: impl Read, piece: &mut Vec<u8>) -> io::Result<()> {
        piece.resize(PIECE_BYTES, 0);
        // A file that grows meanwhile is not followed for ever.
        let mut file = file.take(FILE_BYTES_MAX);
        loop {
            let count = match file.read(piece) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            self.pass(piece.get(..count).unwrap_or_default());
        }
        let last = std::mem::take(&mut self.open);
        self.see(&last);
        Ok(())
    }

    /// Looks at the lines that end in `piece`, and keeps what is left.
    fn pass(&mut self, piece: &[u8]) {
        let mut lines = piece.split(|byte| *byte == b'\n').peekable();
        while let Some(line) = lines.next() {
            match lines.peek() {
                Some(_) if self.open.is_empty() => self.see(line),
                Some(_) => {
                    self.keep(line);
                    let whole = std::mem::take(&mut self.open);
                    self.see(&whole);
                }
                None => self.keep(line),
            }
        }
    }

    /// Keeps the beginning of a line; of one that is too long for a word, just enough to tell.
    fn keep(&mut self, part: &[u8]) {
        let room = (WORD_BYTES_MAX + 2).saturating_sub(self.open.len());
        self.open.extend(part.iter().take(room));
    }

    fn see(&mut self, line: &[u8]) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() > WORD_BYTES_MAX {
            return;
        }
        if let Some(places) = self.places.remove(line) {
            self.found.extend(places);
        }
    }
}

impl Default for Piece {
    fn default() -> Self {
        Self(Vec::with_capacity(PIECE_BYTES))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    #[track_caller]
    fn check(text: &[u8], words: &[&str], expected: &[usize]) {
        let words: Vec<Secret> = words.iter().copied().map(Secret::new).collect();
        for piece_bytes in [1, 2, 3, 7, PIECE_BYTES] {
            let mut search = Search::new(&words);
            for piece in text.chunks(piece_bytes) {
                search.pass(piece);
            }
            search.read(io::empty(), &mut vec![]).unwrap();
            search.found.sort_unstable();
            assert_eq!(search.found, expected, "in pieces of {piece_bytes}");
        }
    }

    #[test]
    fn only_whole_lines_count() {
        let text = b"123456\r\npassword\n\nhunter2\nlast";
        check(text, &["123456", "hunter2", "last"], &[0, 1, 2]);
        check(text, &["12345", "1234567", "unter2", "Hunter2", "hunter2 ", "123456\r"], &[]);
        check(text, &["hunter2", "x", "hunter2"], &[0, 2]);
        check(b"", &["x"], &[]);
        let long = [b'x'; WORD_BYTES_MAX + 9];
        check(&long, &["x"], &[]);
        check(&[&long[..], b"\nx\n"].concat(), &["x"], &[0]);
        let longest = "x".repeat(WORD_BYTES_MAX);
        check(longest.as_bytes(), &[&longest], &[0]);
        check(&long, &[&longest], &[]);
    }

    #[tokio::test]
    async fn a_list_is_a_plain_file_in_its_directory_or_refused() {
        let directory = std::env::temp_dir().join(format!("wordlists-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let outside = directory.with_extension("outside");
        std::fs::write(&outside, "secret\n").unwrap();
        std::fs::write(directory.join("common.txt"), "123456\nhunter2\n").unwrap();
        let _ = std::fs::remove_file(directory.join("link"));
        std::os::unix::fs::symlink(&outside, directory.join("link")).unwrap();

        let lists = Wordlists::in_directory(&directory);
        let workshop = Workshop::new(1, 1);
        let words = vec![Secret::new("correct horse"), Secret::new("hunter2")];
        let found = lists.find("common.txt", words, &workshop).await.unwrap();
        assert_eq!(found, [1]);
        for name in ["", ".", "..", ".hidden", "a/b", "../outside", "link", "absent", "a\\b", "\0"]
        {
            assert!(lists.check(name).is_err(), "{name}");
            assert!(lists.find(name, vec![], &workshop).await.is_err(), "{name}");
        }
        assert!(Wordlists::default().check("common.txt").is_err());
        std::fs::remove_dir_all(&directory).unwrap();
        std::fs::remove_file(&outside).unwrap();
    }
}
