//! The accounts of database connections (strategy `auth0`): with passwords, kept by Portico itself.
//!
//! Nothing is written here but a hash with newer parameters: accounts that are made come back as credentials, and
//! whoever asked for them stores them in the unit of work of the use case.

mod accounts;
mod context;
mod dictionary;
mod factory;
pub mod foreign;
pub mod hashing;
mod options;
mod password;
pub mod policy;
mod table;
mod username;

pub use context::Context;
pub use dictionary::Dictionary;
pub use factory::Tables;
pub use foreign::ForeignHash;
pub use hashing::{HashingPool, HashingSettings};
pub use options::Options;
pub use password::Password;
pub use policy::Policy;
pub use username::Usernames;
