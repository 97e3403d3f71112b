//! Owns randomness: [`Entropy`], the only source of it, and the random texts that ids and tokens are made of.
//! Never touches what the texts are for.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// The only source of randomness.
pub trait Entropy: Send + Sync {
    /// Fill `out` with unpredictable bytes.
    fn fill(&self, out: &mut [u8]);
}

impl dyn Entropy + '_ {
    /// `N` unpredictable bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// 256 unpredictable bits as 43 URL-safe characters.
    pub fn token(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.bytes::<32>())
    }

    /// `length` characters out of `A-Z a-z 0-9`, each equally likely.
    pub fn alphanumeric(&self, length: usize) -> String {
        const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        let mut text = String::with_capacity(length);
        while text.len() < length {
            // 248 = 4 * 62: bytes above would make the first letters likelier than the rest.
            let fair = self.bytes::<32>().into_iter().filter(|byte| *byte < 248);
            text.extend(
                fair.take(length - text.len()).map(|byte| char::from(ALPHABET[usize::from(byte % 62)])),
            );
        }
        text
    }

    /// `length` lower-case hexadecimal digits.
    pub fn hex(&self, length: usize) -> String {
        let mut text = String::with_capacity(length);
        while text.len() < length {
            let digits = self.bytes::<16>().into_iter().flat_map(|byte| [byte >> 4, byte & 15]);
            text.extend(
                digits
                    .take(length - text.len())
                    .map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)])),
            );
        }
        text
    }
}

/// The operating system's generator.
#[derive(Debug, Default)]
pub struct SystemEntropy(SystemRandom);

impl Entropy for SystemEntropy {
    #[expect(clippy::expect_used, reason = "without randomness nothing may go on: no token is safe")]
    fn fill(&self, out: &mut [u8]) {
        self.0.fill(out).expect("the operating system gives random bytes");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_their_length_and_alphabet() {
        let entropy: &dyn Entropy = &SystemEntropy::default();
        assert_eq!(entropy.token().len(), 43);
        let ticket = entropy.alphanumeric(32);
        assert_eq!(ticket.len(), 32);
        assert!(ticket.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_eq!(entropy.hex(24).len(), 24);
        assert_ne!(entropy.token(), entropy.token());
    }
}
