//! Owns background jobs: each runs until the process stops, and is started again when it falls over.
//! Never touches what a job does.

use super::Stop;
use crate::edge::Metrics;
use futures_util::FutureExt;
use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};
use tokio::task::JoinSet;

/// Runs jobs.
pub struct Supervisor {
    jobs: JoinSet<()>,
    stop: Stop,
    metrics: Arc<Metrics>,
    rest: Duration,
}

/// How long a job that fell over rests.
const REST: Duration = Duration::from_secs(1);

impl Supervisor {
    /// Jobs end when `stop` asks.
    pub fn new(stop: Stop, metrics: Arc<Metrics>) -> Self {
        Self { jobs: JoinSet::new(), stop, metrics, rest: REST }
    }

    /// Run a job. It is handed a [`Stop`], and should return soon after that asks; when it returns or panics before, it
    /// is started again.
    pub fn run<F, J>(&mut self, name: &'static str, job: F)
    where
        F: Fn(Stop) -> J + Send + Sync + 'static,
        J: Future<Output = ()> + Send + 'static,
    {
        let (mut stop, metrics, rest) = (self.stop.clone(), Arc::clone(&self.metrics), self.rest);
        self.jobs.spawn(async move {
            loop {
                let ended = AssertUnwindSafe(job(stop.clone())).catch_unwind().await;
                if stop.is_requested() {
                    return;
                }
                metrics.job_failed();
                tracing::error!(
                    job = name,
                    panicked = ended.is_err(),
                    "a job ended too soon; starting it again"
                );
                tokio::select! {
                    () = stop.requested() => return,
                    () = tokio::time::sleep(rest) => {}
                }
            }
        });
    }

    /// Do something at once and then again and again. What it returns is logged when it is an error.
    pub fn every<F, J, E>(&mut self, name: &'static str, period: Duration, work: F)
    where
        F: Fn() -> J + Clone + Send + Sync + 'static,
        J: Future<Output = Result<(), E>> + Send + 'static,
        E: std::fmt::Display + Send + 'static,
    {
        self.run(name, move |mut stop| {
            let work = work.clone();
            async move {
                loop {
                    if let Err(error) = work().await {
                        tracing::error!(job = name, %error, "a job did not succeed; it is tried again later");
                    }
                    tokio::select! {
                        () = stop.requested() => return,
                        () = tokio::time::sleep(period) => {}
                    }
                }
            }
        });
    }

    /// Wait for all jobs to end, after [`Stop`] has asked; those that do not end in time are cut off.
    pub async fn finish(mut self, within: Duration) {
        let ended = async { while self.jobs.join_next().await.is_some() {} };
        if tokio::time::timeout(within, ended).await.is_err() {
            tracing::warn!(jobs = self.jobs.len(), "cut off jobs that did not end in time");
        }
        self.jobs.shutdown().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::Stopper;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    use tokio::sync::Notify;

    #[tokio::test]
    async fn a_job_that_panics_is_started_again_and_one_that_is_told_to_stop_is_not() {
        let (stopper, stop) = Stopper::new();
        let metrics = Arc::new(Metrics::default());
        let mut supervisor =
            Supervisor { rest: Duration::ZERO, ..Supervisor::new(stop, Arc::clone(&metrics)) };
        let (starts, third) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let (counted, told) = (Arc::clone(&starts), Arc::clone(&third));
        supervisor.run("test", move |mut stop| {
            let (starts, third) = (Arc::clone(&counted), Arc::clone(&told));
            async move {
                match starts.fetch_add(1, SeqCst) {
                    0 => panic!("as planned"),
                    1 => {}
                    _ => {
                        third.notify_one();
                        stop.requested().await;
                    }
                }
            }
        });
        third.notified().await;
        stopper.stop();
        supervisor.finish(Duration::from_secs(5)).await;
        assert_eq!(starts.load(SeqCst), 3);
        assert!(metrics.exposition().contains("portico_jobs_failed_total 2"));
    }
}
