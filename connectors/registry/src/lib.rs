//! Owns the list of connectors: which factory serves which strategy.
//! Never touches what they do. The only crate that names all of them.
