//! Owns the search for queries that are accepted and that nobody signed.
//! Never touches what has to hold: `portico-properties` says it.

#![no_main]

portico_fuzz::target!("query");
