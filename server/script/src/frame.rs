//! Owns the frames between the pool and a worker: how they are written, read and bounded.
//! Never touches what their parts mean.

use portico_core::port::script::{Limits, ScriptError};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, time::Duration};

/// The number of one run: random, so that a worker cannot answer for another.
pub(crate) type RunId = [u8; 16];

/// What a frame is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// From a worker that has started. Part: the protections it could not have, as a JSON array of texts.
    Hello,
    /// To a worker. Parts: [`Order`], the script, the arguments as a JSON array, the globals as a JSON object.
    Run,
    /// To a worker. Parts: [`Order`], the script.
    Check,
    /// From a worker. Parts: the number of the request in its run, the method, the request as JSON.
    Ask,
    /// To a worker. Parts: the number of the request, [`DONE`] or [`NOT_DONE`], the answer or the properties of the error
    /// as JSON.
    Answer,
    /// From a worker, the end of a run. Parts: the [`Failure`] or `null`, the values as a JSON array, the console as one.
    Done,
}

const KINDS: [Kind; 6] = [Kind::Hello, Kind::Run, Kind::Check, Kind::Ask, Kind::Answer, Kind::Done];

/// The second part of [`Kind::Answer`] when there is an answer.
pub(crate) const DONE: &[u8] = b"+";
/// The second part of [`Kind::Answer`] when there is none.
pub(crate) const NOT_DONE: &[u8] = b"-";

/// The most bytes of a frame: beyond what any script, argument or result may be.
const MAX_FRAME: usize = 4 << 20;

/// A frame that was read.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Frame {
    pub(crate) kind: Kind,
    pub(crate) id: RunId,
    pub(crate) parts: Vec<Vec<u8>>,
}

/// Bytes that are no frame.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a frame: {0}")]
pub(crate) struct NotAFrame(&'static str);

/// Write a frame: its length, its kind, the run, and its parts, each after its length. Lengths are 4 bytes, little-endian.
pub(crate) fn encode(kind: Kind, id: &RunId, parts: &[&[u8]]) -> Result<Vec<u8>, NotAFrame> {
    let size = 1 + id.len() + parts.iter().map(|part| 4 + part.len()).sum::<usize>();
    if size > MAX_FRAME {
        return Err(NotAFrame("it is too long"));
    }
    let mut bytes = Vec::with_capacity(4 + size);
    bytes.extend(length(size));
    bytes.push(kind as u8);
    bytes.extend(id);
    for part in parts {
        bytes.extend(length(part.len()));
        bytes.extend(*part);
    }
    Ok(bytes)
}

fn length(of: usize) -> [u8; 4] {
    u32::try_from(of).unwrap_or(u32::MAX).to_le_bytes()
}

/// Take the first frame out of `inbox`; `None` while it is not complete.
pub(crate) fn decode(inbox: &mut Vec<u8>) -> Result<Option<Frame>, NotAFrame> {
    let Some(size) = inbox.first_chunk::<4>() else { return Ok(None) };
    let size = u32::from_le_bytes(*size) as usize;
    if size > MAX_FRAME {
        return Err(NotAFrame("it is too long"));
    }
    let Some(body) = inbox.get(4..4 + size) else { return Ok(None) };
    let frame = parse(body)?;
    inbox.drain(..4 + size);
    Ok(Some(frame))
}

fn parse(body: &[u8]) -> Result<Frame, NotAFrame> {
    let (kind, body) = body.split_first().ok_or(NotAFrame("it is empty"))?;
    let kind = *KINDS.get(usize::from(*kind)).ok_or(NotAFrame("its kind is unknown"))?;
    let (id, mut body) = body.split_first_chunk().ok_or(NotAFrame("it has no run"))?;
    let mut parts = Vec::new();
    while !body.is_empty() {
        let (size, rest) = body.split_first_chunk().ok_or(NotAFrame("a length is cut off"))?;
        let (part, rest) = rest
            .split_at_checked(u32::from_le_bytes(*size) as usize)
            .ok_or(NotAFrame("a part is cut off"))?;
        parts.push(part.to_vec());
        body = rest;
    }
    Ok(Frame { kind, id: *id, parts })
}

/// How a run is to be done.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Order {
    pub(crate) wall: Duration,
    pub(crate) cpu: Duration,
    pub(crate) memory: usize,
    pub(crate) stack: usize,
    pub(crate) output: usize,
    pub(crate) redact: BTreeSet<String>,
    pub(crate) promised: bool,
}

impl Order {
    pub(crate) fn new(limits: Limits, redact: BTreeSet<String>, promised: bool) -> Self {
        let Limits { wall, cpu, memory, stack, output } = limits;
        Self { wall, cpu, memory, stack, output, redact, promised }
    }
}

/// How a run failed.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) enum Failure {
    Syntax { line: u32, column: u32, message: String },
    Raised { name: String, message: String, code: Option<String>, line: u32 },
    TimedOut(Duration),
    OutOfMemory,
    Silent,
    Unusable(String),
}

impl Failure {
    /// Whether the process that ran it should run nothing more (`security.md` §3.8).
    pub(crate) const fn hit_a_limit(&self) -> bool {
        matches!(self, Self::TimedOut(_) | Self::OutOfMemory)
    }

    /// As the port says it.
    pub(crate) fn into_error(self, console: Vec<String>) -> ScriptError {
        match self {
            Self::Syntax { line, column, message } => ScriptError::Syntax { line, column, message },
            Self::Raised { name, message, code, line } => {
                ScriptError::Raised { name, message, code, line, console }
            }
            Self::TimedOut(after) => ScriptError::TimedOut(after),
            Self::OutOfMemory => ScriptError::OutOfMemory,
            Self::Silent => ScriptError::Silent,
            Self::Unusable(why) => ScriptError::Unusable(why),
        }
    }
}

/// How deep and how long the array of a run's values may be: checked in the worker, and again by whoever reads what a worker wrote.
pub(crate) fn check_json(json: &str, most_bytes: usize) -> Result<(), String> {
    if json.len() > most_bytes {
        return Err(format!("it is longer than {most_bytes} bytes"));
    }
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => depth += 1,
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(format!("it is deeper than {} levels", MAX_DEPTH - 1));
        }
    }
    Ok(())
}

/// 16 levels of a value (JS-13), and the array of values around them.
const MAX_DEPTH: usize = 17;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_comes_back_however_it_is_cut() {
        let bytes = encode(Kind::Run, &[7; 16], &[b"one", b"", b"three"]).unwrap();
        let mut inbox = Vec::new();
        for byte in &bytes[..bytes.len() - 1] {
            inbox.push(*byte);
            assert_eq!(decode(&mut inbox), Ok(None));
        }
        inbox.push(bytes[bytes.len() - 1]);
        inbox.extend(b"next");
        let frame = decode(&mut inbox).unwrap().unwrap();
        assert_eq!((frame.kind, frame.id), (Kind::Run, [7; 16]));
        assert_eq!(frame.parts, [b"one".to_vec(), Vec::new(), b"three".to_vec()]);
        assert_eq!(inbox, b"next", "the rest stays");
    }

    #[test]
    fn nonsense_is_no_frame() {
        assert!(decode(&mut b"\xff\xff\xff\xff".to_vec()).is_err(), "too long");
        assert!(decode(&mut b"\x00\x00\x00\x00".to_vec()).is_err(), "empty");
        let mut unknown = encode(Kind::Done, &[0; 16], &[]).unwrap();
        unknown[4] = 99;
        assert!(decode(&mut unknown).is_err(), "unknown kind");
        let mut cut = encode(Kind::Done, &[0; 16], &[b"abc"]).unwrap();
        cut[21] = 200;
        assert!(decode(&mut cut).is_err(), "a part longer than its frame");
    }

    #[test]
    fn js_13_depth_and_length_are_bounded() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert_eq!(check_json(&nested(17), 100), Ok(()));
        assert!(check_json(&nested(18), 100).unwrap_err().contains("deeper"));
        assert_eq!(
            check_json(r#"["[[[[[[[[[[[[[[[[[[\"[[["]"#, 100),
            Ok(()),
            "brackets in a text do not count"
        );
        assert!(check_json(&"1".repeat(101), 100).unwrap_err().contains("longer"));
    }
}
