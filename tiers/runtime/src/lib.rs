#![doc = include_str!("../docs/architecture.md")]

mod clock;
mod ids;
pub mod origin;
pub mod planted;
pub mod steps;
mod tasks;

pub use clock::{Clock, ManualClock, SystemClock, WallMs};
pub use ids::{Ids, SeededIds, SystemIds};
pub use tasks::{Kind, StopSignal, Tasks, WorkerStatus};
