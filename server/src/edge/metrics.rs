//! Owns the numbers that `/metrics` shows, in Prometheus' text format.
//! Never touches names of people, clients or organizations: no label holds any.

use http::StatusCode;
use std::{
    fmt::Write,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// What became of a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OutgoingMail {
    /// A server took it.
    Sent,
    /// It is tried again later.
    Deferred,
    /// It was given up.
    Failed,
}

/// Counters of this process since it was started.
#[derive(Debug, Default)]
pub struct Metrics {
    connections_opened: AtomicU64,
    connections_closed: AtomicU64,
    connections_refused: AtomicU64,
    handshakes_failed: AtomicU64,
    requests: [AtomicU64; 5],
    duration_buckets: [AtomicU64; BUCKETS_MS.len()],
    duration_sum_us: AtomicU64,
    mail_sent: AtomicU64,
    mail_deferred: AtomicU64,
    mail_failed: AtomicU64,
    jobs_failed: AtomicU64,
}

/// Upper bounds of the histogram of durations, in milliseconds.
const BUCKETS_MS: [u64; 9] = [1, 5, 10, 25, 50, 100, 250, 1000, 5000];

impl Metrics {
    /// A connection was accepted.
    pub fn connection_opened(&self) {
        self.connections_opened.fetch_add(1, Relaxed);
    }

    /// It is gone.
    pub fn connection_closed(&self) {
        self.connections_closed.fetch_add(1, Relaxed);
    }

    /// A connection was turned away: there were too many.
    pub fn connection_refused(&self) {
        self.connections_refused.fetch_add(1, Relaxed);
    }

    /// A TLS handshake did not succeed, or not in time.
    pub fn handshake_failed(&self) {
        self.handshakes_failed.fetch_add(1, Relaxed);
    }

    /// A request was answered, after this long.
    pub fn answered(&self, status: StatusCode, took: Duration) {
        let class = usize::from(status.as_u16() / 100).clamp(1, 5) - 1;
        self.requests[class].fetch_add(1, Relaxed);
        self.duration_sum_us.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Relaxed);
        if let Some(bucket) = BUCKETS_MS.iter().position(|bound| took <= Duration::from_millis(*bound)) {
            self.duration_buckets[bucket].fetch_add(1, Relaxed);
        }
    }

    /// Something became of a message.
    pub fn mail(&self, outcome: OutgoingMail) {
        let counter = match outcome {
            OutgoingMail::Sent => &self.mail_sent,
            OutgoingMail::Deferred => &self.mail_deferred,
            OutgoingMail::Failed => &self.mail_failed,
        };
        counter.fetch_add(1, Relaxed);
    }

    /// A job of the worker ended before it should, and was started again.
    pub fn job_failed(&self) {
        self.jobs_failed.fetch_add(1, Relaxed);
    }

    /// Messages that were sent.
    pub fn mail_sent_total(&self) -> u64 {
        self.mail_sent.load(Relaxed)
    }

    /// Connections that were turned away.
    pub fn connections_refused_total(&self) -> u64 {
        self.connections_refused.load(Relaxed)
    }

    /// Everything, as Prometheus reads it.
    pub fn exposition(&self) -> String {
        let mut text = String::new();
        let opened = self.connections_opened.load(Relaxed);
        let open = opened.saturating_sub(self.connections_closed.load(Relaxed));
        let singles = [
            ("portico_connections", "gauge", "Connections that are open.", open),
            ("portico_connections_total", "counter", "Connections that were accepted.", opened),
            (
                "portico_connections_refused_total",
                "counter",
                "Connections that were turned away because there were too many.",
                self.connections_refused.load(Relaxed),
            ),
            (
                "portico_tls_handshakes_failed_total",
                "counter",
                "TLS handshakes that did not succeed, or not in time.",
                self.handshakes_failed.load(Relaxed),
            ),
            (
                "portico_jobs_failed_total",
                "counter",
                "Background jobs that ended before they should and were started again.",
                self.jobs_failed.load(Relaxed),
            ),
        ];
        for (name, kind, help, value) in singles {
            let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n");
        }
        text.push_str("# HELP portico_requests_total Requests that were answered, by class of status.\n");
        text.push_str("# TYPE portico_requests_total counter\n");
        let mut requests = 0;
        for (class, counter) in self.requests.iter().enumerate() {
            let count = counter.load(Relaxed);
            requests += count;
            let _ = writeln!(text, "portico_requests_total{{status=\"{}xx\"}} {count}", class + 1);
        }
        self.durations(&mut text, requests);
        text.push_str("# HELP portico_mail_total Messages of the outbox, by what became of an attempt.\n");
        text.push_str("# TYPE portico_mail_total counter\n");
        let mail =
            [("sent", &self.mail_sent), ("deferred", &self.mail_deferred), ("failed", &self.mail_failed)];
        for (outcome, counter) in mail {
            let _ = writeln!(text, "portico_mail_total{{outcome=\"{outcome}\"}} {}", counter.load(Relaxed));
        }
        text
    }

    fn durations(&self, text: &mut String, requests: u64) {
        let name = "portico_request_duration_seconds";
        let _ = write!(
            text,
            "# HELP {name} How long requests took, from head to head.\n# TYPE {name} histogram\n"
        );
        let mut below = 0;
        for (bound, counter) in BUCKETS_MS.iter().zip(&self.duration_buckets) {
            below += counter.load(Relaxed);
            let _ = writeln!(text, "{name}_bucket{{le=\"{}\"}} {below}", Seconds(bound * 1000));
        }
        let _ = writeln!(text, "{name}_bucket{{le=\"+Inf\"}} {}", requests.max(below));
        let _ = writeln!(text, "{name}_sum {}", Seconds(self.duration_sum_us.load(Relaxed)));
        let _ = writeln!(text, "{name}_count {}", requests.max(below));
    }
}

/// Microseconds, written as seconds.
struct Seconds(u64);

impl std::fmt::Display for Seconds {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_is_counted() {
        let metrics = Metrics::default();
        metrics.connection_opened();
        metrics.connection_opened();
        metrics.connection_closed();
        metrics.answered(StatusCode::OK, Duration::from_millis(3));
        metrics.answered(StatusCode::NOT_FOUND, Duration::from_secs(9));
        metrics.mail(OutgoingMail::Deferred);
        let text = metrics.exposition();
        for line in [
            "portico_connections 1",
            "portico_connections_total 2",
            "portico_requests_total{status=\"2xx\"} 1",
            "portico_requests_total{status=\"4xx\"} 1",
            "portico_request_duration_seconds_bucket{le=\"0.001000\"} 0",
            "portico_request_duration_seconds_bucket{le=\"0.005000\"} 1",
            "portico_request_duration_seconds_bucket{le=\"5.000000\"} 1",
            "portico_request_duration_seconds_bucket{le=\"+Inf\"} 2",
            "portico_request_duration_seconds_sum 9.003000",
            "portico_request_duration_seconds_count 2",
            "portico_mail_total{outcome=\"deferred\"} 1",
        ] {
            assert!(text.lines().any(|each| each == line), "{line}\n{text}");
        }
    }
}
