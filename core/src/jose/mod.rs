//! Owns JOSE: public keys, signatures over compact tokens, and the checks of a token.
//! Never touches private keys: those are behind [`crate::port::key_ring::KeyRing`].

pub mod jwk;
pub mod jws;
pub mod jwt;
