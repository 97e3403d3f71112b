//! Owns the entries of the log about requests that were turned away before anybody knew whose they are (`security.md`
//! §3.11).
//! Never touches what is turned away, or how it is answered.

use crate::{
    entropy::Entropy,
    id::ReferenceId,
    login::throttle::network,
    model::{AuditEvent, EventKind},
    port::store::{Charge, Store, StoreError},
    time::Clock,
};
use serde_json::json;
use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// A request that was turned away.
#[derive(Clone, Debug)]
pub struct TurnedAway {
    /// What the log calls it.
    pub kind: EventKind,
    /// The reason code.
    pub reason: String,
    /// In words.
    pub description: &'static str,
    /// From which address.
    pub ip: IpAddr,
    /// With which browser.
    pub user_agent: Option<String>,
    /// What was asked for, without its query.
    pub path: String,
    /// The site that the browser named.
    pub origin: Option<String>,
    /// The number on the page that was shown.
    pub reference: ReferenceId,
}

/// Writes such entries, and never so many that they bury the rest of the log: anybody can cause them. What there was no
/// room for is counted, and the next entry of its kind tells how many those were.
#[derive(Clone)]
pub struct Watch {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    unwritten: Arc<Unwritten>,
}

/// How many requests of a kind this node has not written down since the last that it has.
#[derive(Default)]
struct Unwritten(Mutex<BTreeMap<EventKind, u64>>);

impl Unwritten {
    fn take(&self, kind: EventKind) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&kind).unwrap_or_default()
    }

    fn add(&self, kind: EventKind, count: u64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(kind).or_default() += count;
    }
}

impl Watch {
    /// Over these ports.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self { store, clock, entropy, unwritten: Arc::default() }
    }

    /// Write it down; whether there was room. Whatever a stranger says is cut.
    pub async fn note(&self, away: TurnedAway) -> Result<bool, StoreError> {
        let ip = away.ip;
        self.write(self.event(away, self.clock.now()), Some(ip)).await
    }

    /// Write this entry about a request from this address; whether there was room.
    ///
    /// Of a kind, five from one address at once and one a minute, so that nobody alone can use up what all have: sixty,
    /// and six a minute. An entry after some that had no room says how many: `not_logged`.
    pub async fn write(&self, mut event: AuditEvent, ip: Option<IpAddr>) -> Result<bool, StoreError> {
        let (kind, at) = (event.kind, event.at);
        let charges = [
            charge(kind, &network(ip), 5, Duration::from_mins(1)),
            charge(kind, "all", 60, Duration::from_secs(10)),
        ];
        let unwritten = self.unwritten.take(kind);
        if unwritten > 0 {
            event.details.insert("not_logged".to_owned(), unwritten.into());
        }
        let work = self.store.write(move |unit| {
            Box::pin(async move {
                if unit.limits().charge(&charges, at).await?.is_some() {
                    return Ok(false);
                }
                unit.events().insert(&event).await.map(|()| true)
            })
        });
        let written = work.await;
        if !matches!(written, Ok(true)) {
            self.unwritten.add(kind, unwritten + 1);
        }
        written
    }

    fn event(&self, away: TurnedAway, at: crate::time::Timestamp) -> AuditEvent {
        let cut = |text: String| text.chars().take(256).collect::<String>();
        let mut event = AuditEvent::new(away.kind, at, &*self.entropy)
            .because(&away.reason, away.description)
            .on_page(&away.reference);
        event.ip = Some(away.ip.to_string());
        event.user_agent = away.user_agent.map(cut);
        event.details.insert("request".to_owned(), json!({ "path": cut(away.path) }));
        if let Some(origin) = away.origin {
            event.details.insert("origin".to_owned(), cut(origin).into());
        }
        event
    }
}

fn charge(kind: EventKind, whose: &str, burst: u32, period: Duration) -> Charge {
    Charge { key: format!("noted:{}:{whose}", kind.code()), burst, period }
}
