//! Owns the encodings of `Buffer`: from text to bytes and back.
//! Never touches the engine.

use super::Outcome;

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const HEX: &[u8; 16] = b"0123456789abcdef";

/// The bytes that a text stands for. What is not of the encoding ends it (`hex`) or is passed over (`base64`), as everywhere.
pub(super) fn encode(text: &str, encoding: &str) -> Outcome<Vec<u8>> {
    Ok(match encoding {
        "utf8" => text.as_bytes().to_vec(),
        "utf16le" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        #[expect(clippy::cast_possible_truncation, reason = "the low byte of each unit is what is asked for")]
        "latin1" | "ascii" => text.encode_utf16().map(|unit| unit as u8).collect(),
        "hex" => {
            let digits: Vec<u8> =
                text.chars().map_while(|digit| u8::try_from(digit.to_digit(16)?).ok()).collect();
            digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()
        }
        "base64" | "base64url" => from_base64(text),
        _ => return Err(format!("Unknown encoding: {encoding}")),
    })
}

/// The text that bytes stand for.
pub(super) fn decode(bytes: &[u8], encoding: &str) -> Outcome<String> {
    Ok(match encoding {
        "utf8" => String::from_utf8_lossy(bytes).into_owned(),
        "utf16le" => {
            let units: Vec<u16> =
                bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
            String::from_utf16_lossy(&units)
        }
        "latin1" => bytes.iter().map(|byte| char::from(*byte)).collect(),
        "ascii" => bytes.iter().map(|byte| char::from(byte & 0x7f)).collect(),
        "hex" => bytes
            .iter()
            .flat_map(|byte| [byte >> 4, byte & 15])
            .map(|digit| char::from(HEX[usize::from(digit)]))
            .collect(),
        "base64" => to_base64(bytes, false),
        "base64url" => to_base64(bytes, true),
        _ => return Err(format!("Unknown encoding: {encoding}")),
    })
}

/// Both alphabets, with and without `=`, which ends it.
pub(super) fn from_base64(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    let (mut bits, mut count) = (0_u32, 0);
    for digit in text.bytes() {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => break,
            _ => continue,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            let [.., byte] = (bits >> count).to_be_bytes();
            bytes.push(byte);
        }
    }
    bytes
}

fn to_base64(bytes: &[u8], for_urls: bool) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for part in bytes.chunks(3) {
        let bits =
            part.iter().fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte)) << (8 * (3 - part.len()));
        for place in 0..4 {
            let digit = char::from(DIGITS[bits >> (18 - 6 * place) & 63]);
            match digit {
                _ if place > part.len() => text.push_str(if for_urls { "" } else { "=" }),
                '+' if for_urls => text.push('-'),
                '/' if for_urls => text.push('_'),
                _ => text.push(digit),
            }
        }
    }
    text
}
