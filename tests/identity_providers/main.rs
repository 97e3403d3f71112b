//! Owns sign-ins through real identity providers, which the tests start: what they send is what customers' providers send.
//! Never touches hostile documents: `security::saml` does.
//!
//! `tests/install.sh test` installs the providers. Each test starts its own, on a free port, in a folder of its own.

#[cfg(test)]
mod gateway;
#[cfg(test)]
mod lemonldap;
#[cfg(test)]
mod pysaml2;
#[cfg(test)]
mod running;
#[cfg(test)]
mod samlp;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod simplesamlphp;
#[cfg(test)]
#[path = "../world/mod.rs"]
#[expect(dead_code, reason = "the world is made for the other tests, too")]
mod world;
