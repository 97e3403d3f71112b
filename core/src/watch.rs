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
use std::{net::IpAddr, sync::Arc, time::Duration};

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

/// Writes such entries, and never so many that they bury the rest of the log: anybody can cause them.
#[derive(Clone)]
pub struct Watch {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl Watch {
    /// Over these ports.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self { store, clock, entropy }
    }

    /// Write it down; whether there was room.
    ///
    /// Five from one address at once and one a minute, so that nobody alone can use up what all have: sixty, and six a
    /// minute. Whatever a stranger says is cut.
    pub async fn note(&self, away: TurnedAway) -> Result<bool, StoreError> {
        let at = self.clock.now();
        let charges = [
            charge(away.kind, &network(Some(away.ip)), 5, Duration::from_mins(1)),
            charge(away.kind, "all", 60, Duration::from_secs(10)),
        ];
        let event = self.event(away, at);
        self.store
            .write(move |unit| {
                Box::pin(async move {
                    if unit.limits().charge(&charges, at).await?.is_some() {
                        return Ok(false);
                    }
                    unit.events().insert(&event).await.map(|()| true)
                })
            })
            .await
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
