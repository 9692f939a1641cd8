//! What was answered 200 is on the disk: seen by the system calls of the real binary, by killing it, and by starting a backup of it. What is given
//! up leaves the disk, and one process at a time has it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod backup;
mod dice;
mod eio;
mod fsck_live;
mod kill;
mod load;
mod lock;
mod power;
mod reclaim;
mod stop;
mod strace;
mod syscalls;
mod torn;
mod writers;
