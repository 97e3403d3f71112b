//! Owns the servers that the tests of drivers share, and the table of users that each of them holds.
//! Never touches what a script does with it.

use super::*;
use portico_fixtures::{
    mariadb::MariaDb,
    postgres::{Durability, Server},
};
use std::sync::OnceLock;

/// `correct horse` with bcrypt at 10 rounds, made by another implementation.
const HASH: &str = "$2b$10$27BcrcA57iIs5DhwEnQTa.RXeXkaOWu62IJ6OwgaUp7Bo.DowIVxe";

const TABLE: &str =
    "CREATE TABLE users (id INTEGER PRIMARY KEY, nickname TEXT, email TEXT, password TEXT, age INTEGER,
    balance NUMERIC(20,4), seen TIMESTAMP, verified BOOLEAN);";

fn rows() -> String {
    format!(
        "INSERT INTO users VALUES
         (1, 'Mees', 'mees@hoekstra.example', '{HASH}', 41, 1234.5000, '2026-11-24 10:20:30', TRUE),
         (2, 'Ünal', 'unal@hoekstra.example', NULL, NULL, NULL, NULL, FALSE);"
    )
}

/// The PostgreSQL of these tests, with the database `legacy`.
pub(super) fn postgres() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let server = Server::start(Durability::None).unwrap();
        server.create("legacy").unwrap();
        server.query("legacy", &format!("{TABLE} {}", rows())).unwrap();
        server
    })
}

/// The MariaDB of these tests, with the database `legacy`.
pub(super) fn mariadb() -> &'static MariaDb {
    static SERVER: OnceLock<MariaDb> = OnceLock::new();
    SERVER.get_or_init(|| {
        let server = MariaDb::start().unwrap();
        server.create("legacy").unwrap();
        server.query("legacy", &format!("{TABLE} {}", rows())).unwrap();
        server
    })
}

/// Scripts may reach this port of this machine.
pub(super) fn allowed(port: u16) -> Settings {
    Settings { databases: vec![format!("127.0.0.1:{port}").parse().unwrap()], ..Settings::default() }
}

/// The port in `postgres://…@127.0.0.1:PORT/…`.
pub(super) fn port_of(url: &str) -> u16 {
    url.rsplit_once(':').and_then(|(_, rest)| rest.split('/').next()?.parse().ok()).unwrap()
}
