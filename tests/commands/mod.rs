//! Owns commands of the program, as an administrator types them.
//! Never touches what is behind them but through the program itself.

mod saml;
