//! Owns the count of connections: all, and per address.
//! Never touches sockets.

use dashmap::DashMap;
use std::{
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

/// The places there are.
#[derive(Debug, Default)]
pub(super) struct Slots {
    all: AtomicUsize,
    by_address: DashMap<IpAddr, usize>,
}

impl Slots {
    /// Take a place, if there is one. `counted` is `None` for an address whose connections are not counted by address.
    pub(super) fn take(
        self: &Arc<Self>,
        counted: Option<IpAddr>,
        most: usize,
        most_per_address: usize,
    ) -> Result<Slot, Full> {
        if self.all.fetch_add(1, Relaxed) >= most {
            self.all.fetch_sub(1, Relaxed);
            return Err(Full::All);
        }
        let mut slot = Slot { slots: Arc::clone(self), address: None };
        let Some(address) = counted.map(neighbourhood) else { return Ok(slot) };
        {
            let mut count = self.by_address.entry(address).or_insert(0);
            if *count >= most_per_address {
                return Err(Full::Address);
            }
            *count += 1;
        }
        slot.address = Some(address);
        Ok(slot)
    }

    /// How many are taken.
    pub(super) fn taken(&self) -> usize {
        self.all.load(Relaxed)
    }
}

/// One subscriber has a whole /64 of IPv6.
fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        v4 @ IpAddr::V4(_) => v4,
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
    }
}

/// Which places are all taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Full {
    /// All there are.
    All,
    /// Those of one address.
    Address,
}

/// A place, given back when dropped.
#[derive(Debug)]
pub(super) struct Slot {
    slots: Arc<Slots>,
    address: Option<IpAddr>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.slots.all.fetch_sub(1, Relaxed);
        let Some(address) = self.address else { return };
        if let Some(mut count) = self.slots.by_address.get_mut(&address) {
            *count = count.saturating_sub(1);
        }
        self.slots.by_address.remove_if(&address, |_address, count| *count == 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_share_and_all_have_theirs() {
        let slots = Arc::new(Slots::default());
        let address = |text: &str| Some(text.parse().unwrap());
        let first = slots.take(address("2001:db8::1"), 3, 1).unwrap();
        assert_eq!(slots.take(address("2001:db8::2"), 3, 1).unwrap_err(), Full::Address);
        let second = slots.take(address("192.0.2.1"), 3, 1).unwrap();
        let third = slots.take(None, 3, 1).unwrap();
        assert_eq!(slots.take(address("192.0.2.2"), 3, 1).unwrap_err(), Full::All);
        assert_eq!(slots.taken(), 3);
        drop((first, second, third));
        assert_eq!(slots.taken(), 0);
        assert!(slots.by_address.is_empty(), "nothing is kept of addresses that are gone");
    }
}
