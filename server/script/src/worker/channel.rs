//! Owns the worker's end of the socket pair: descriptor 0, read and written.
//! Never touches any other descriptor.

use crate::frame::{self, Frame, Kind, RunId};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    stdio::stdin,
};
use std::{io, time::Duration};

pub(super) struct Channel {
    inbox: Vec<u8>,
}

impl Channel {
    pub(super) const fn new() -> Self {
        Self { inbox: Vec::new() }
    }

    pub(super) fn send(&self, kind: Kind, id: &RunId, parts: &[&[u8]]) -> io::Result<()> {
        let bytes = frame::encode(kind, id, parts).map_err(io::Error::other)?;
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            match rustix::io::write(stdin(), rest) {
                Ok(written) => rest = &rest[written..],
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// The next frame; `None` when the gateway has closed its end.
    pub(super) fn receive(&mut self) -> io::Result<Option<Frame>> {
        loop {
            if let Some(frame) = frame::decode(&mut self.inbox).map_err(io::Error::other)? {
                return Ok(Some(frame));
            }
            if self.fill()? == 0 {
                return Ok(None);
            }
        }
    }

    /// The next frame, if it comes within this time.
    pub(super) fn receive_within(&mut self, patience: Duration) -> io::Result<Option<Frame>> {
        if let Some(frame) = frame::decode(&mut self.inbox).map_err(io::Error::other)? {
            return Ok(Some(frame));
        }
        let patience = Timespec::try_from(patience).map_err(io::Error::other)?;
        match poll(&mut [PollFd::from_borrowed_fd(stdin(), PollFlags::IN)], Some(&patience)) {
            Ok(0) | Err(Errno::INTR) => return Ok(None),
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        if self.fill()? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        frame::decode(&mut self.inbox).map_err(io::Error::other)
    }

    fn fill(&mut self) -> io::Result<usize> {
        let mut bytes = [0; 16 << 10];
        loop {
            match rustix::io::read(stdin(), &mut bytes) {
                Ok(read) => {
                    self.inbox.extend_from_slice(&bytes[..read]);
                    return Ok(read);
                }
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}
