//! Owns how many runs one organization may have at a time, and how many may wait (`security.md` §3.8, JS-16).
//! Never touches workers.

use portico_core::port::script::ScriptError;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// One gate per organization that has runs now.
#[derive(Default)]
pub(crate) struct Gates {
    open: Mutex<BTreeMap<Option<String>, Gate>>,
}

struct Gate {
    places: Arc<Semaphore>,
    /// Runs that run or wait.
    inside: usize,
}

/// A run that may run. The place is free again when this is dropped.
pub(crate) struct Entry<'a> {
    gates: &'a Gates,
    organization: Option<String>,
    place: Option<OwnedSemaphorePermit>,
}

impl Gates {
    /// Wait for a place; [`ScriptError::Busy`] at once when too many wait already. Runs without an organization share one gate.
    pub(crate) async fn enter(
        &self,
        organization: Option<String>,
        places: usize,
    ) -> Result<Entry<'_>, ScriptError> {
        let (mut entry, places) = {
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            let gate = open
                .entry(organization.clone())
                .or_insert_with(|| Gate { places: Arc::new(Semaphore::new(places)), inside: 0 });
            if gate.inside >= places + QUEUE {
                return Err(ScriptError::Busy);
            }
            gate.inside += 1;
            (Entry { gates: self, organization, place: None }, gate.places.clone())
        };
        entry.place = places.acquire_owned().await.ok();
        Ok(entry)
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        drop(self.place.take());
        let mut open = self.gates.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(gate) = open.get_mut(&self.organization) {
            gate.inside -= 1;
            if gate.inside == 0 {
                open.remove(&self.organization);
            }
        }
    }
}

/// Runs of one organization that may wait.
const QUEUE: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{FutureExt, future::join_all};

    #[tokio::test]
    async fn an_organization_waits_for_itself_and_is_turned_away_when_too_many_wait() {
        let gates = Gates::default();
        let hoekstra = Some("org_hoekstra".to_owned());
        let mut running = join_all((0..4).map(|_| gates.enter(hoekstra.clone(), 4))).await;
        let mut waiting: Vec<_> = (0..QUEUE).map(|_| Box::pin(gates.enter(hoekstra.clone(), 4))).collect();
        assert!(waiting.iter_mut().all(|entry| entry.now_or_never().is_none()), "no place is free");
        assert!(matches!(gates.enter(hoekstra.clone(), 4).await, Err(ScriptError::Busy)));
        assert!(gates.enter(None, 4).await.is_ok(), "the control: others are not concerned");
        running.pop();
        assert!(waiting[0].as_mut().now_or_never().is_some_and(|entry| entry.is_ok()));
        drop((running, waiting));
        assert!(gates.open.lock().unwrap().is_empty(), "nothing is kept");
    }
}
