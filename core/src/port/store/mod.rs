//! Owns the port of storage: units of work, and one trait per aggregate.
//! Never touches a database: nothing here names one.
//!
//! Verbs: `find` (by key, `Option`), `list` (filter and page), `count`, `insert`, `update`, `delete`, and the
//! compare-and-swaps `advance` and `consume`. "Not found" is `None` or `false`.

mod actions;
mod answers;
mod certified_keys;
mod clients;
mod connections;
mod events;
mod grants;
mod invitations;
mod jobs;
mod keys;
mod limits;
mod organizations;
mod outbox;
mod page;
mod roles;
mod rules;
mod sessions;
mod tenant;
mod tickets;
mod transactions;
mod unit;
mod users;

pub use actions::{ActionFilter, Actions};
pub use answers::Answers;
pub use certified_keys::CertifiedKeys;
pub use clients::{ClientFilter, ClientGrantFilter, ClientGrants, Clients, ResourceServers};
pub use connections::{ConnectionFilter, Connections};
pub use events::{EventFilter, Events};
pub use grants::{Codes, Grants};
pub use invitations::Invitations;
pub use jobs::Jobs;
pub use keys::Keys;
pub use limits::{Charge, Limits};
pub use organizations::{Members, Organizations};
pub use outbox::Outbox;
pub use page::{Direction, Page};
pub use roles::Roles;
pub use rules::Rules;
pub use sessions::Sessions;
pub use tenant::Tenant;
pub use tickets::Tickets;
pub use transactions::Transactions;
pub use unit::{BoxFuture, Durability, Store, StoreError, UnitOfWork, Verdict, Work};
pub use users::{Credentials, UserFilter, Users};
