//! Owns the wish that the process should stop, and who is told of it.
//! Never touches what stopping means to each of them.

use std::{sync::Arc, time::Duration};
use tokio::sync::watch;

/// Asks everything to stop. Dropping it asks, too.
#[derive(Clone, Debug)]
pub struct Stopper(Arc<watch::Sender<bool>>);

/// Hears of it.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

impl Stopper {
    /// With the ear that goes with it.
    pub fn new() -> (Self, Stop) {
        let (sender, receiver) = watch::channel(false);
        (Self(Arc::new(sender)), Stop(receiver))
    }

    /// Ask.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Stop {
    /// Returns once somebody has asked.
    pub async fn requested(&mut self) {
        // An error means that the last stopper is gone.
        let _ = self.0.wait_for(|stop| *stop).await;
    }

    /// Whether somebody has asked.
    pub fn is_requested(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }

    /// Between two pieces of work, at once if there is more and otherwise after a pause: whether somebody has asked.
    pub(crate) async fn requested_before_next(&mut self, more: bool, pause: Duration) -> bool {
        if !more && !self.is_requested() {
            tokio::select! {
                () = self.requested() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        self.is_requested()
    }
}
