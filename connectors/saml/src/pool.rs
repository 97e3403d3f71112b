//! Owns where answers are judged: on threads of their own, a few at a time, and not for long (`security.md` §3.1.1).
//! Never touches what is judged.

use portico_core::connector::ConnectorError;
use std::{sync::Arc, thread, time::Duration};
use tokio::sync::Semaphore;

/// How long a judgement may take, with the wait for its turn. A genuine answer takes a few milliseconds.
const BUDGET: Duration = Duration::from_millis(500);

/// As many judgements at once as there are cores.
#[derive(Clone, Debug)]
pub(crate) struct JudgementPool {
    turns: Arc<Semaphore>,
    budget: Duration,
}

impl Default for JudgementPool {
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self { turns: Arc::new(Semaphore::new(cores)), budget: BUDGET }
    }
}

impl JudgementPool {
    /// Judge something. [`ConnectorError::Busy`] when it does not get its turn in time or takes too long; a panic in
    /// there is a failed judgement, and nothing else.
    pub(crate) async fn judge<T, F>(&self, judgement: F) -> Result<T, ConnectorError>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let turns = Arc::clone(&self.turns);
        let judged = async move {
            let turn = turns.acquire_owned().await.map_err(|_closed| ConnectorError::Busy)?;
            // The turn is over when the judgement is, not when somebody stops waiting for it.
            let judged = tokio::task::spawn_blocking(move || {
                let judged = judgement();
                drop(turn);
                judged
            });
            judged.await.map_err(|panicked| {
                tracing::error!(%panicked, "a judgement of a SAML message broke off");
                ConnectorError::Protocol("judgement_broke_off".to_owned())
            })
        };
        tokio::time::timeout(self.budget, judged).await.unwrap_or(Err(ConnectorError::Busy))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_failed_judgement_and_gives_its_turn_back() {
        // Writing a panic down takes longer than a judgement may, on a busy machine.
        let pool = JudgementPool { turns: Arc::new(Semaphore::new(1)), budget: Duration::from_mins(1) };
        for _ in 0..3 {
            let judged = pool.judge(|| -> u8 { panic!("as planned") }).await;
            assert!(
                matches!(judged, Err(ConnectorError::Protocol(reason)) if reason == "judgement_broke_off")
            );
        }
        assert_eq!(pool.judge(|| 7).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn who_waits_too_long_for_a_turn_is_told_to_come_again() {
        let pool = JudgementPool { turns: Arc::new(Semaphore::new(0)), budget: Duration::from_millis(1) };
        assert!(matches!(pool.judge(|| 7).await, Err(ConnectorError::Busy)));
    }
}
