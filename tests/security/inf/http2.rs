//! Owns INF-02 for HTTP/2: floods of frames, sent as raw bytes because no client would.
//! Never touches HTTP/1.1.

use super::*;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const ENHANCE_YOUR_CALM: u32 = 11;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// `GET /echo` in HPACK: indexed fields for method and scheme, literals for path and authority.
fn request(front: &Front) -> Vec<u8> {
    let mut block = vec![0x82, 0x86];
    for (name, value) in [(4, "/echo".to_owned()), (1, format!("localhost:{}", front.address.port()))] {
        block.extend([name, u8::try_from(value.len()).unwrap()]);
        block.extend(value.as_bytes());
    }
    block
}

/// Frames as they came: kind, stream, payload.
fn frames(mut bytes: &[u8]) -> Vec<(u8, u32, Vec<u8>)> {
    let mut frames = Vec::new();
    while let [a, b, c, kind, _flags, s0, s1, s2, s3, rest @ ..] = bytes {
        let length = usize::try_from(u32::from_be_bytes([0, *a, *b, *c])).unwrap().min(rest.len());
        frames.push((*kind, u32::from_be_bytes([*s0, *s1, *s2, *s3]), rest[..length].to_vec()));
        bytes = &rest[length..];
    }
    frames
}

/// Send frames, and read until the other side closes or has sent what `enough` looks for.
async fn converse(
    front: &Front,
    sent: &[u8],
    enough: impl Fn(&[(u8, u32, Vec<u8>)]) -> bool + Send + Sync,
) -> Vec<(u8, u32, Vec<u8>)> {
    let mut stream = front.connect().await;
    let mut opening = PREFACE.to_vec();
    opening.extend(frame(SETTINGS, 0, 0, &[]));
    opening.extend(sent);
    let _ = stream.write_all(&opening).await;
    let mut bytes = Vec::new();
    let mut piece = vec![0; 16 << 10];
    let read = async {
        while let Ok(count @ 1..) = stream.read(&mut piece).await {
            bytes.extend_from_slice(&piece[..count]);
            if enough(&frames(&bytes)) {
                break;
            }
        }
    };
    tokio::time::timeout(Duration::from_mins(1), read).await.expect("there is an answer in the end");
    frames(&bytes)
}

fn calmed(frames: &[(u8, u32, Vec<u8>)]) -> bool {
    let code = |payload: &[u8]| payload.get(4..8).map(|code| u32::from_be_bytes(code.try_into().unwrap()));
    frames.iter().any(|(kind, _, payload)| *kind == GOAWAY && code(payload) == Some(ENHANCE_YOUR_CALM))
}

#[tokio::test]
async fn http2_is_spoken_without_tls_to_those_who_begin_with_it() {
    let front = Front::new(Make::default()).await;
    let asked = frame(HEADERS, END_STREAM | END_HEADERS, 1, &request(&front));
    let data = |frames: &[(u8, u32, Vec<u8>)]| {
        frames.iter().any(|(kind, stream, body)| (*kind, *stream) == (0, 1) && body == b"127.0.0.1")
    };
    assert!(data(&converse(&front, &asked, data).await));
}

#[tokio::test]
async fn inf_02_streams_that_are_opened_and_reset_end_the_connection() {
    let front = Front::new(Make::default()).await;
    let mut flood = Vec::new();
    for number in 0..2000 {
        let stream = 2 * number + 1;
        flood.extend(frame(HEADERS, END_STREAM | END_HEADERS, stream, &request(&front)));
        flood.extend(frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
    }
    assert!(calmed(&converse(&front, &flood, calmed).await));
    assert!(front.is_healthy().await);
}

#[tokio::test]
async fn inf_02_a_head_in_endless_continuations_ends_the_connection() {
    let front = Front::new(Make::default()).await;
    let mut flood = frame(HEADERS, END_STREAM, 1, &request(&front));
    for number in 0..2000 {
        let mut field = vec![0x00, 8];
        field.extend(format!("x-{number:06}").as_bytes());
        field.push(100);
        field.extend([b'a'; 100]);
        flood.extend(frame(CONTINUATION, 0, 1, &field));
    }
    let answer = converse(&front, &flood, |frames| frames.iter().any(|(kind, ..)| *kind == GOAWAY)).await;
    assert!(answer.iter().any(|(kind, ..)| *kind == GOAWAY), "{answer:?}");
    assert!(front.is_healthy().await);
}

#[tokio::test]
async fn inf_02_a_head_with_too_many_fields_is_refused() {
    let front = Front::new(Make::default()).await;
    let mut block = request(&front);
    for number in 0..101 {
        block.extend([0x00, 5]);
        block.extend(format!("x-{number:03}").as_bytes());
        block.extend([1, b'a']);
    }
    let asked = frame(HEADERS, END_STREAM | END_HEADERS, 1, &block);
    let ended = |frames: &[(u8, u32, Vec<u8>)]| {
        frames.iter().any(|(kind, stream, _)| *kind == HEADERS && *stream == 1)
    };
    let answer = converse(&front, &asked, ended).await;
    // `:status` with a literal value: index 8 of the static table, then three digits, Huffman-coded or not.
    let (_, _, head) = answer.iter().find(|(kind, ..)| *kind == HEADERS).expect("an answer");
    assert_ne!(head[0], 0x88, "0x88 would be 200");
}
