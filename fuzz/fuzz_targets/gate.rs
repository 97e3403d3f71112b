//! Owns the search for documents that the gate reads in another way than others do.
//! Never touches what has to hold: `portico-properties` says it.

#![no_main]

portico_fuzz::target!("gate");
