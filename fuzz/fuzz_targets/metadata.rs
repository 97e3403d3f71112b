//! Owns the search for metadata that is read in another way than others read it.
//! Never touches what has to hold: `portico-properties` says it.

#![no_main]

portico_fuzz::target!("metadata");
