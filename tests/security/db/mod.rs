//! Owns the cases of database connections (`security.md` §1.6) that need no login flow: the connector, the use cases of
//! accounts, and their pages.
//! Never touches the flow: what it adds is in `tests/flows`.

mod accounts;
mod house;
mod pages;
mod passwords;
mod resets;
mod sign_ups;
