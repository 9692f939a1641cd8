//! Who does what in a run. A client does one call after another on any node that it can reach, and is told, or not told, what came of it.

mod buckets;
mod call;
mod chaos;
mod client;
mod copies;
mod cut;
mod deletes;
mod reads;
mod sweeper;
mod uploads;
mod writes;

pub(crate) use call::{Told, untold};
pub(crate) use chaos::{chaos, start};
pub(crate) use client::{BUCKETS, Client, KEYS, Place, place};
pub(crate) use cut::Cut;
pub use cut::End;
pub(crate) use sweeper::sweeper;
