//! Owns the cases of database connections (`security.md` §1.6): the connector, the use cases of accounts, their pages, and
//! signing in.
//! Never touches other connections.

mod accounts;
mod house;
mod logins;
mod pages;
mod passwords;
mod resets;
mod sign_up_pages;
mod sign_ups;
