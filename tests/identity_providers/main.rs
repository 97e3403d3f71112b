//! Owns sign-ins through real identity providers, which the tests start: what they send is what customers' providers send.
//! Never touches hostile documents: `security::saml` does.
//!
//! `tests/install.sh test` installs the providers. Each test starts its own, on a free port, in a folder of its own.

/// What the world takes from the other tests, at the path where they have it.
#[cfg(test)]
mod conformance {
    pub(crate) mod store {
        pub(crate) use crate::home;
    }
}
#[cfg(test)]
mod gateway;
#[cfg(test)]
#[path = "../conformance/store/home.rs"]
#[expect(dead_code, reason = "the homes are made for the other tests, too")]
mod home;
#[cfg(test)]
mod pysaml2;
#[cfg(test)]
mod running;
#[cfg(test)]
mod samlp;
#[cfg(test)]
mod simplesamlphp;
#[cfg(test)]
#[path = "../world/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the world is made for the other tests, too")]
mod world;
