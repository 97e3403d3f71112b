//! Owns what is known of a connection's use: requests under way, and since when there is none.
//! Never touches the connection.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::Instant;

/// The use of one connection.
#[derive(Debug)]
pub(super) struct Activity {
    under_way: AtomicUsize,
    idle: Mutex<Idle>,
}

#[derive(Clone, Copy, Debug)]
struct Idle {
    since: Instant,
    used: bool,
}

impl Activity {
    /// A connection that was opened now.
    pub(super) fn new() -> Arc<Self> {
        let idle = Mutex::new(Idle { since: Instant::now(), used: false });
        Arc::new(Self { under_way: AtomicUsize::new(0), idle })
    }

    /// A request has come; it is over when the guard is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> UnderWay {
        self.under_way.fetch_add(1, SeqCst);
        UnderWay(Arc::clone(self))
    }

    /// When the connection has been idle for too long, unless something happens on it before. `first` is how long the
    /// first request may let itself be waited for, `next` any other.
    pub(super) fn idle_until(&self, first: Duration, next: Duration) -> Instant {
        let idle = *self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if self.under_way.load(SeqCst) > 0 {
            return Instant::now() + next;
        }
        idle.since + if idle.used { next } else { first }
    }
}

/// A request under way.
#[derive(Debug)]
pub(super) struct UnderWay(Arc<Activity>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        *self.0.idle.lock().unwrap_or_else(PoisonError::into_inner) =
            Idle { since: Instant::now(), used: true };
        self.0.under_way.fetch_sub(1, SeqCst);
    }
}

/// A body that keeps its request under way until it is sent.
pub(super) struct Sending {
    body: axum::body::Body,
    _under_way: UnderWay,
}

impl Sending {
    /// This body, of this request.
    pub(super) fn new(body: axum::body::Body, under_way: UnderWay) -> Self {
        Self { body, _under_way: under_way }
    }
}

impl hyper::body::Body for Sending {
    type Data = bytes::Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.body.size_hint()
    }
}
