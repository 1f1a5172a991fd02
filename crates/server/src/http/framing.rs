//! Where one HTTP/1.1 request ends and the next begins, read as strictly as the RFC allows.
//!
//! Request smuggling lives on two readers that disagree about that. The HTTP library behind us is
//! forgiving: it takes a lone line feed for a line end, and forgets a `Content-Length` that stands
//! behind a `Transfer-Encoding`. This second reader looks at the same bytes first and refuses
//! whatever could be read in two ways, so that nothing doubtful reaches the first.
//!
//! It keeps one header line at a time. After a chunked request it stops looking, because the edge
//! ends the connection behind the answer to one (see [`super::exchange`]).

/// How long a request line and all header lines may be together. The address itself is limited
/// to [`super::ADDRESS_BYTES_MAX`], the headers to [`super::HEADER_BYTES_MAX`].
const HEAD_BYTES_MAX: usize = super::ADDRESS_BYTES_MAX + super::HEADER_BYTES_MAX + 1024;
/// What an HTTP/2 connection begins with, where an HTTP/1.1 connection has its request line.
const HTTP2_REQUEST_LINE: &[u8] = b"PRI * HTTP/2.0";
/// A body length with more digits than this is a mistake or an attack.
const LENGTH_DIGITS_MAX: usize = 18;

/// Follows the bytes of one connection.
pub(super) struct Framing {
    state: State,
    /// How many bytes the head being read has so far.
    head_bytes: usize,
    line: Vec<u8>,
    head: Head,
    /// Whether nothing has come yet: only then can it be HTTP/2.
    first: bool,
}

/// What the next byte belongs to.
#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    /// The request line, or blank lines before it.
    RequestLine,
    /// The header lines.
    Headers,
    /// A body of which so many bytes are still to come.
    Body(u64),
    /// Something this reader need not follow: HTTP/2, or the last request of the connection.
    Open,
}

/// What the header lines have said about the body.
#[derive(Default)]
struct Head {
    length: Option<u64>,
    chunked: bool,
}

/// Two readers might disagree about what comes from here on.
#[derive(Debug, PartialEq)]
pub(super) struct Ambiguous {
    /// How many of the bytes are still beyond doubt.
    pub(super) good: usize,
}

impl Framing {
    pub(super) fn new() -> Self {
        Self {
            state: State::RequestLine,
            head_bytes: 0,
            line: Vec::new(),
            head: Head::default(),
            first: true,
        }
    }

    /// Whether a request has begun whose head is not complete.
    pub(super) fn is_within_head(&self) -> bool {
        match self.state {
            State::RequestLine | State::Headers => self.head_bytes > 0,
            State::Body(_) | State::Open => false,
        }
    }

    /// Follows `bytes`, which come right behind all earlier ones.
    pub(super) fn follow(&mut self, bytes: &[u8]) -> Result<(), Ambiguous> {
        let mut good = 0;
        // Ends: every round takes at least one byte.
        while let Some(rest) = bytes.get(good..).filter(|rest| !rest.is_empty()) {
            good += match self.state {
                State::Open => return Ok(()),
                State::Body(left) => self.skip_body(left, rest.len()),
                State::RequestLine | State::Headers => {
                    self.follow_line(rest).map_err(|taken| Ambiguous { good: good + taken })?
                }
            };
        }
        Ok(())
    }

    fn skip_body(&mut self, left: u64, available: usize) -> usize {
        let taken = usize::try_from(left).map_or(available, |left| left.min(available));
        let left = left.saturating_sub(taken as u64);
        self.state = if left == 0 { State::RequestLine } else { State::Body(left) };
        taken
    }

    /// Takes bytes up to the end of a line; on doubt, says how many were taken before.
    fn follow_line(&mut self, rest: &[u8]) -> Result<usize, usize> {
        let end = rest.iter().position(|byte| *byte == b'\n');
        let part = end.and_then(|end| rest.get(..end)).unwrap_or(rest);
        self.head_bytes += part.len() + usize::from(end.is_some());
        if self.head_bytes > HEAD_BYTES_MAX {
            return Err(0);
        }
        let Some(end) = end else {
            self.line.extend_from_slice(part);
            return Ok(part.len());
        };
        let whole: Vec<u8>;
        // Nearly every line comes in one piece, and is read where it is.
        let line = match self.line.is_empty() {
            true => part,
            false => {
                self.line.extend_from_slice(part);
                whole = std::mem::take(&mut self.line);
                whole.as_slice()
            }
        };
        match line.strip_suffix(b"\r") {
            Some(line) if !line.contains(&b'\r') => self.end_line(line).ok_or(end)?,
            _ => return Err(end),
        }
        Ok(end + 1)
    }

    /// `None` when the line can be read in two ways.
    fn end_line(&mut self, line: &[u8]) -> Option<()> {
        match self.state {
            // Some old clients send blank lines between requests, and every reader skips those.
            State::RequestLine if line.is_empty() => {}
            State::RequestLine => {
                let http2 = self.first && line == HTTP2_REQUEST_LINE;
                self.first = false;
                self.state = if http2 { State::Open } else { State::Headers };
            }
            _ if line.is_empty() => self.end_head(),
            _ => self.head.header(line)?,
        }
        Some(())
    }

    fn end_head(&mut self) {
        let head = std::mem::take(&mut self.head);
        self.head_bytes = 0;
        self.state = match head.length.unwrap_or(0) {
            _ if head.chunked => State::Open,
            0 => State::RequestLine,
            length => State::Body(length),
        };
    }
}

impl Head {
    fn header(&mut self, line: &[u8]) -> Option<()> {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = line.split_at_checked(colon)?;
        // Also refuses lines that continue the one before, which begin with a blank.
        if name.is_empty() || name.iter().any(u8::is_ascii_whitespace) {
            return None;
        }
        let value = value.strip_prefix(b":")?.trim_ascii();
        if name.eq_ignore_ascii_case(b"content-length") {
            if self.chunked || self.length.is_some() {
                return None;
            }
            self.length = Some(length(value)?);
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if self.chunked || self.length.is_some() || !value.eq_ignore_ascii_case(b"chunked") {
                return None;
            }
            self.chunked = true;
        }
        Some(())
    }
}

fn length(digits: &[u8]) -> Option<u64> {
    if digits.len() > LENGTH_DIGITS_MAX || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, doubt_at: Option<usize>) {
        let whole = Framing::new().follow(text.as_bytes());
        assert_eq!(whole.err().map(|doubt| doubt.good), doubt_at, "{text:?}");
        let mut framing = Framing::new();
        let bytewise = text.bytes().enumerate().find(|(_, byte)| framing.follow(&[*byte]).is_err());
        assert_eq!(bytewise.map(|(place, _)| place), doubt_at, "{text:?}, byte by byte");
    }

    #[test]
    fn plain_requests_pass() {
        check("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\n\r\n", None);
        check("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", None);
        check("PUT / HTTP/1.1\r\nContent-Length: 3\r\n\r\na\nbGET / HTTP/1.1\r\n\r\n", None);
        check("PUT / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1\na\n0\n\n", None);
        check("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\n\n", None);
    }

    #[test]
    fn what_two_readers_may_read_in_two_ways_is_refused() {
        for headers in [
            "A: b\nC: d\r\n",
            "A: b\r\r\n",
            "A: b\r\n c\r\n",
            "A : b\r\n",
            "A\r\n",
            ": b\r\n",
            "Content-Length: 3\r\nContent-Length: 3\r\n",
            "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: chunked, identity\r\n",
            "Transfer-Encoding: xchunked\r\n",
            "Content-Length: +3\r\n",
            "Content-Length: 3, 3\r\n",
            "Content-Length: -1\r\n",
            "Content-Length:\r\n",
            "Content-Length: 9999999999999999999\r\n",
        ] {
            let text = format!("PUT / HTTP/1.1\r\n{headers}\r\nabc");
            let doubt = Framing::new().follow(text.as_bytes()).unwrap_err();
            assert!(doubt.good <= 16 + headers.len(), "{headers:?}");
        }
        check("GET / HTTP/1.1\n\r\n", Some(14));
        check("GET / HTTP/1.1\r\n\r\nPRI * HTTP/2.0\r\n\r\nA\nB", Some(37));
    }

    #[test]
    fn endless_heads_are_refused() {
        let endless = format!("GET / HTTP/1.1\r\n{}", "A: b\r\n".repeat(HEAD_BYTES_MAX));
        assert!(Framing::new().follow(endless.as_bytes()).is_err());
        assert!(Framing::new().follow(&vec![b'a'; HEAD_BYTES_MAX + 1]).is_err());
        assert!(Framing::new().follow(&b"\r\n".repeat(HEAD_BYTES_MAX)).is_err());
    }

    #[test]
    fn it_knows_whether_a_head_is_being_read() {
        let mut framing = Framing::new();
        for (bytes, within) in [("G", true), ("ET / HTTP/1.1\r\n", true), ("\r\n", false)] {
            framing.follow(bytes.as_bytes()).unwrap();
            assert_eq!(framing.is_within_head(), within, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn how_the_bytes_are_cut_changes_nothing(
            text in "(PUT / HTTP/1\\.1\r\n|Content-Length: [0-9]|\r?\n|a| ){0,12}",
            cut in 0_usize..64,
        ) {
            let bytes = text.as_bytes();
            let cut = cut.min(bytes.len());
            let mut framing = Framing::new();
            let parts = framing.follow(&bytes[..cut]).and_then(|()| {
                framing.follow(&bytes[cut..]).map_err(|doubt| Ambiguous { good: doubt.good + cut })
            });
            prop_assert_eq!(parts, Framing::new().follow(bytes));
        }
    }
}
