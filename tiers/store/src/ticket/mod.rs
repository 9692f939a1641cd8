//! Tickets: the durable intent of a write whose bytes go to the long-term tier, and its fence (data model, D7).
//!
//! | phase | ticket row | blob | if it ends here |
//! |---|---|---|---|
//! | recording | none or open | being written, its end held back | ticket taken away, blob reclaimed |
//! | recorded | open | being written | the same |
//! | written | open | whole | the same |
//! | won | gone | the body of a record | nothing to do |
//! | lost | open, then gone | queued for reclaim | nothing to do |
//!
//! Taking the ticket away is the fence: the commit of the record reads the ticket, so one of the two fails. An open ticket means "not
//! committed", always; recovery never guesses from a record.

mod fence;
mod gate;
mod guard;
mod recovery;
mod settle;

pub use fence::Fences;
pub(crate) use gate::gated;
pub(crate) use guard::Guard;
pub(crate) use guard::NotRecorded;
