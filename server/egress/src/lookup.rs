//! Owns looking names up, and vetting every address a name has before one of them is connected to.
//! Never touches which URL it was for: that has been vetted before.

use crate::vet::Listing;
use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

/// Where names are looked up.
#[async_trait]
pub trait Lookup: Send + Sync {
    /// All addresses of this name.
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The operating system's resolver.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemLookup;

#[async_trait]
impl Lookup for SystemLookup {
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// A name that may not be connected to, because of one of its addresses.
#[derive(Debug, thiserror::Error)]
#[error("`{name}` has the address {address}: {reason}")]
pub(crate) struct Vetoed {
    name: String,
    address: IpAddr,
    reason: &'static str,
}

/// Gives the HTTP client nothing but vetted addresses. A name is looked up once per connection, and what was vetted is
/// what is connected to: an answer that changes in between (DNS rebinding) changes nothing.
#[derive(Clone)]
pub(crate) struct VettingResolver {
    pub(crate) lookup: Arc<dyn Lookup>,
    pub(crate) listing: Listing,
    pub(crate) own: Arc<[IpAddr]>,
}

impl Resolve for VettingResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (lookup, listing, own) = (Arc::clone(&self.lookup), self.listing, Arc::clone(&self.own));
        Box::pin(async move {
            let addresses = lookup.addresses(name.as_str()).await?;
            let objection = addresses.iter().find_map(|address| {
                let own = || {
                    (listing == Listing::Unlisted && own.contains(address)).then_some("an address of our own")
                };
                listing.objection(*address).or_else(own).map(|reason| (*address, reason))
            });
            if let Some((address, reason)) = objection {
                return Err(Vetoed { name: name.as_str().to_owned(), address, reason }.into());
            }
            let addresses: Addrs = Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}
