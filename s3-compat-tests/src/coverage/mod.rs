//! Which client proves what: the one table. A scenario that a client lacks here is a gap; `What works` in the README is made of this table
//! and the outcome of a run, by the program `what-works`.

mod outcome;
mod table;

pub use outcome::{Outcome, parse, rows};
pub use table::{CLIENTS, Client, Scenario};
