//! Owns a connection in the form that the mail library takes.
//! Never touches what is said on it.

use lettre::transport::smtp::client::AsyncTokioStream;
use std::{
    fmt::{self, Debug},
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What a connection may be: TCP, or TLS over it.
trait Wire: AsyncRead + AsyncWrite + Send + Sync + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin> Wire for S {}

/// A connection, and what shall be read before anything that comes from it.
pub(crate) struct Stream {
    wire: Box<dyn Wire>,
    peer: SocketAddr,
    beginning: &'static [u8],
}

impl Stream {
    /// The connection with this server.
    pub(crate) fn new(
        wire: impl AsyncRead + AsyncWrite + Send + Sync + Unpin + 'static,
        peer: SocketAddr,
    ) -> Self {
        Self { wire: Box::new(wire), peer, beginning: b"" }
    }

    /// The same, where this is read first.
    pub(crate) fn beginning_with(self, beginning: &'static [u8]) -> Self {
        Self { beginning, ..self }
    }
}

impl AsyncTokioStream for Stream {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer)
    }
}

impl Debug for Stream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Stream").field("peer", &self.peer).finish_non_exhaustive()
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.beginning.is_empty() {
            return Pin::new(&mut self.wire).poll_read(context, into);
        }
        let (now, later) = self.beginning.split_at(self.beginning.len().min(into.remaining()));
        into.put_slice(now);
        self.beginning = later;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.wire).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_shutdown(context)
    }
}
