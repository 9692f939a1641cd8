//! Computing on the bytes of a stream without holding up the threads that serve connections.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use terrace_runtime::Tasks;
use tokio::task::JoinHandle;

/// Something that is computed from bytes in order.
pub trait Absorb: Send + 'static {
    /// Takes the next bytes.
    fn absorb(&mut self, bytes: &[u8]);

    /// About how many bytes it takes in a microsecond on one core: what it is worth to move it to another thread.
    fn bytes_per_microsecond(&self) -> usize;
}

/// Longest that a piece is computed on the task that took it, in microseconds; longer is handed to a blocking thread.
const HERE: usize = 100;
/// Most bytes that wait behind what is being computed.
const WAITING: usize = 512 << 10;

/// Most pieces that wait, however small they are.
const WAITING_PIECES: usize = 1_024;

/// Computes here what is short, elsewhere what is long, in the order of the bytes. At most one hand-off is under way, and about
/// 512 KiB wait behind it, if [`Aside::poll_room`] is asked before each piece.
pub struct Aside<A> {
    tasks: Tasks,
    place: Place<A>,
    waiting: Vec<Bytes>,
    bytes: usize,
}

enum Place<A> {
    Here(A),
    Away(JoinHandle<A>),
    /// Taken back, or lost.
    Gone,
}

/// What was computed on another thread did not come back: the process is stopping, or it panicked.
#[derive(Debug, thiserror::Error)]
#[error("a digest was lost")]
pub struct Lost {
    #[source]
    source: Option<tokio::task::JoinError>,
}

impl<A: Absorb> Aside<A> {
    /// Nothing taken yet.
    pub fn new(tasks: Tasks, absorbing: A) -> Self {
        Self { tasks, place: Place::Here(absorbing), waiting: Vec::new(), bytes: 0 }
    }

    /// Takes the next bytes. Must be called on a runtime.
    pub fn take(&mut self, piece: &Bytes) {
        self.take_all(std::slice::from_ref(piece));
    }

    /// Takes the next bytes, in pieces.
    pub(super) fn take_all(&mut self, pieces: &[Bytes]) {
        let bytes: usize = pieces.iter().map(Bytes::len).sum();
        match &mut self.place {
            Place::Here(absorbing) if bytes <= absorbing.bytes_per_microsecond().saturating_mul(HERE) => {
                pieces.iter().for_each(|piece| absorbing.absorb(piece));
            }
            _ => {
                self.bytes += bytes;
                self.waiting.extend_from_slice(pieces);
                self.send();
            }
        }
    }

    /// Ready as soon as another piece may be taken.
    ///
    /// # Errors
    /// [`Lost`].
    pub fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Lost>> {
        if self.bytes <= WAITING && self.waiting.len() <= WAITING_PIECES {
            return Poll::Ready(Ok(()));
        }
        ready!(self.poll_back(cx))?;
        self.send();
        Poll::Ready(Ok(()))
    }

    /// Ready with what absorbed all bytes taken. Not to be asked again.
    ///
    /// # Errors
    /// [`Lost`].
    pub fn poll_done(&mut self, cx: &mut Context<'_>) -> Poll<Result<A, Lost>> {
        loop {
            ready!(self.poll_back(cx))?;
            if self.waiting.is_empty() {
                return Poll::Ready(match std::mem::replace(&mut self.place, Place::Gone) {
                    Place::Here(absorbing) => Ok(absorbing),
                    Place::Away(_) | Place::Gone => Err(Lost { source: None }),
                });
            }
            self.send();
        }
    }

    /// Hands on all that waits, unless something is under way.
    fn send(&mut self) {
        match std::mem::replace(&mut self.place, Place::Gone) {
            Place::Here(mut absorbing) => {
                let pieces = std::mem::take(&mut self.waiting);
                self.bytes = 0;
                self.place = Place::Away(self.tasks.blocking("digest", move || {
                    pieces.iter().for_each(|piece| absorbing.absorb(piece));
                    absorbing
                }));
            }
            away => self.place = away,
        }
    }

    fn poll_back(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Lost>> {
        if let Place::Away(work) = &mut self.place {
            let back = ready!(Pin::new(work).poll(cx));
            match back {
                Ok(absorbing) => self.place = Place::Here(absorbing),
                Err(source) => {
                    self.place = Place::Gone;
                    return Poll::Ready(Err(Lost { source: Some(source) }));
                }
            }
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    /// Remembers what it took, and panics at an empty piece of a slow one.
    struct Spy {
        seen: Vec<u8>,
        speed: usize,
    }

    impl Absorb for Spy {
        fn absorb(&mut self, bytes: &[u8]) {
            assert!(!bytes.starts_with(b"panic"));
            self.seen.extend_from_slice(bytes);
        }

        fn bytes_per_microsecond(&self) -> usize {
            self.speed
        }
    }

    fn pieces() -> Vec<Bytes> {
        (0..200_u32).map(|n| vec![n as u8; (n as usize * 7919) % 40_000].into()).collect()
    }

    #[tokio::test]
    async fn bytes_are_taken_in_order_here_or_away_and_few_wait() {
        for speed in [0, 100, 1 << 20] {
            let mut aside = Aside::new(Tasks::new(), Spy { seen: Vec::new(), speed });
            for piece in pieces() {
                poll_fn(|cx| aside.poll_room(cx)).await.unwrap();
                aside.take(&piece);
                assert!(aside.bytes <= WAITING + piece.len());
                assert!(speed < 1 << 20 || matches!(aside.place, Place::Here(_)), "short work stays here");
            }
            let spy = poll_fn(|cx| aside.poll_done(cx)).await.unwrap();
            assert!(spy.seen == pieces().concat(), "at {speed} bytes a microsecond");
        }
    }

    #[tokio::test]
    async fn work_that_panics_is_lost_and_said_so() {
        let mut aside = Aside::new(Tasks::new(), Spy { seen: Vec::new(), speed: 0 });
        aside.take(&Bytes::from_static(b"panic"));
        assert!(poll_fn(|cx| aside.poll_done(cx)).await.is_err());
        assert!(poll_fn(|cx| aside.poll_done(cx)).await.is_err(), "and stays lost");
    }
}
