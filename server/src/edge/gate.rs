//! Owns the refusal of heads of HTTP/1.1 that two parsers may read in two ways (INF-02).
//! Never touches requests: it sees bytes on their way to the parser.
//!
//! The parser behind it takes a lone LF for the end of a line, and reads a head that has both `Content-Length` and
//! `Transfer-Encoding` by the latter. Both are allowed by RFC 9112 (§2.2, §6.1), and both have been the way to smuggle a
//! request past a proxy that reads them differently. The gate breaks such a head on purpose, so that the parser answers 400.

/// Scans the heads of one connection.
#[derive(Debug, Default)]
pub(super) struct HeadGate {
    place: Place,
    line: Vec<u8>,
    length: Option<u64>,
    chunked: bool,
}

/// Where in the stream the next byte is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Place {
    /// In a head.
    #[default]
    Head,
    /// In a body, with this many bytes to come.
    Body(u64),
    /// In or behind a chunked body: the connection is closed after its answer, so no head follows.
    Rest,
}

/// How much of a line is looked at: enough for the names and numbers that matter.
const LOOK: usize = 64;
/// A byte that no head may hold.
const BROKEN: u8 = 0;

impl HeadGate {
    /// Look at bytes that came in, and break the head that may not pass.
    pub(super) fn pass(&mut self, bytes: &mut [u8]) {
        let mut at = 0;
        while at < bytes.len() {
            match self.place {
                Place::Rest => return,
                Place::Body(left) => {
                    let here = u64::try_from(bytes.len() - at).unwrap_or(u64::MAX).min(left);
                    at += usize::try_from(here).unwrap_or(usize::MAX);
                    self.place = if left == here { Place::Head } else { Place::Body(left - here) };
                }
                Place::Head => {
                    if bytes[at] != b'\n' {
                        // The carriage return is kept, whatever else is cut off: it decides about the line's end.
                        if self.line.len() < LOOK {
                            self.line.push(bytes[at]);
                        } else if let Some(last) = self.line.last_mut() {
                            *last = bytes[at];
                        }
                    } else if !self.end_of_line() {
                        bytes[at] = BROKEN;
                        self.place = Place::Rest;
                    }
                    at += 1;
                }
            }
        }
    }

    /// Whether the line that has just ended may stand in a head.
    fn end_of_line(&mut self) -> bool {
        let mut line = std::mem::take(&mut self.line);
        if line.pop() != Some(b'\r') {
            return false;
        }
        if line.is_empty() {
            self.place = match (self.chunked, self.length.take()) {
                (true, _) => Place::Rest,
                (false, Some(length)) if length > 0 => Place::Body(length),
                (false, _) => Place::Head,
            };
            return true;
        }
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let (name, value) = line.split_at(colon);
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.chunked = true;
        } else if name.eq_ignore_ascii_case(b"content-length") {
            // What is no number is the parser's to refuse; two numbers that differ are, too.
            self.length = std::str::from_utf8(&value[1..])
                .ok()
                .and_then(|value| value.trim().parse().ok())
                .or(self.length);
        }
        !(self.chunked && self.length.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the stream passes unchanged, however it is cut into pieces.
    fn passes(stream: &str) -> bool {
        let verdicts: Vec<bool> = [1, 2, 7, 4096]
            .iter()
            .map(|size| {
                let mut gate = HeadGate::default();
                stream.as_bytes().chunks(*size).all(|piece| {
                    let mut bytes = piece.to_vec();
                    gate.pass(&mut bytes);
                    bytes == piece
                })
            })
            .collect();
        assert!(verdicts.iter().all(|verdict| *verdict == verdicts[0]), "{stream:?}: {verdicts:?}");
        verdicts[0]
    }

    #[test]
    fn ordinary_streams_pass() {
        let long = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(5000));
        for stream in [
            "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\na\nb\nc",
            "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n\n\n\nGET / HTTP/1.1\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n\n\r\n0\r\n\r\n",
            "GET / HTTP/1.1\r\nX-Transfer-Encoding: a\r\nContent-Length: 0\r\n\r\n",
            &long,
        ] {
            assert!(passes(stream), "{stream:?}");
        }
    }

    #[test]
    fn heads_that_can_be_read_in_two_ways_are_broken() {
        for stream in [
            "GET / HTTP/1.1\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n\n",
            "POST / HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\ntransfer-encoding:chunked\r\nCONTENT-LENGTH:4\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nabGET / HTTP/1.1\n\n",
        ] {
            assert!(!passes(stream), "{stream:?}");
        }
    }
}
