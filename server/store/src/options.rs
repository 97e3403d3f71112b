//! Owns how a store is opened.
//! Never touches configuration files: those are the server's.

use crate::{migrate::Schema, seal::Keks};
use std::{path::PathBuf, time::Duration};

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// The keys that everything secret in it is encrypted under.
    pub keks: Keks,
    /// Whether its schema may be changed.
    pub schema: Schema,
    /// PostgreSQL: connections in each of the two pools.
    pub connections: usize,
    /// PostgreSQL: how long to wait for a connection.
    pub wait: Duration,
    /// PostgreSQL: a PEM file with the certificates to trust, instead of the public ones.
    pub root_certificates: Option<PathBuf>,
}

impl StoreOptions {
    /// With these keys, and defaults for the rest: update the schema, 16 connections a pool, 5 seconds, public roots.
    pub fn new(keks: Keks) -> Self {
        Self {
            keks,
            schema: Schema::default(),
            connections: 16,
            wait: Duration::from_secs(5),
            root_certificates: None,
        }
    }
}

/// Where a store is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Location<'u> {
    /// A file.
    File(PathBuf),
    /// A server.
    Server(&'u str),
}

impl<'u> Location<'u> {
    /// `postgres://…`, or a file's path, with or without `sqlite:` before it.
    pub(crate) fn of(url: &'u str) -> Self {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Self::Server(url);
        }
        let path = url.strip_prefix("sqlite:").unwrap_or(url);
        Self::File(PathBuf::from(path.strip_prefix("//").unwrap_or(path)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_a_server_or_a_file() {
        assert_eq!(Location::of("postgres://u@h/d"), Location::Server("postgres://u@h/d"));
        for url in ["sqlite:///var/lib/x.db", "sqlite:/var/lib/x.db", "/var/lib/x.db"] {
            assert_eq!(Location::of(url), Location::File("/var/lib/x.db".into()), "{url}");
        }
        assert_eq!(Location::of("sqlite:x.db"), Location::File("x.db".into()));
    }
}
