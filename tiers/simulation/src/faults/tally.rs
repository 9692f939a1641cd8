//! How often what met whom.

use std::fmt;

use crate::faults::{Fault, Operation, meets};

/// A matrix of operations and faults. Runs are added up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    counts: Vec<u64>,
}

impl Default for Tally {
    fn default() -> Self {
        Self { counts: vec![0; Operation::ALL.len() * Fault::ALL.len()] }
    }
}

impl Tally {
    pub(crate) fn count(&mut self, operation: Operation, fault: Fault) {
        if let Some(count) = self.counts.get_mut(Self::at(operation, fault)) {
            *count += 1;
        }
    }

    fn at(operation: Operation, fault: Fault) -> usize {
        operation as usize * Fault::ALL.len() + fault as usize
    }

    /// How often `fault` met `operation`.
    #[must_use]
    pub fn of(&self, operation: Operation, fault: Fault) -> u64 {
        self.counts.get(Self::at(operation, fault)).copied().unwrap_or_default()
    }

    /// How often `fault` fired at all.
    #[must_use]
    pub fn fired(&self, fault: Fault) -> u64 {
        Operation::ALL.iter().map(|operation| self.of(*operation, fault)).sum()
    }

    /// Adds what another run counted.
    pub fn add(&mut self, other: &Self) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(count, more)| *count += more);
    }

    /// Pairs that can be and were not met.
    #[must_use]
    pub fn missing(&self) -> Vec<(Operation, Fault)> {
        self.pairs(|operation, fault, count| meets(operation, fault).is_ok() && count == 0)
    }

    /// Pairs that were met although the table says that they cannot be.
    #[must_use]
    pub fn impossible(&self) -> Vec<(Operation, Fault)> {
        self.pairs(|operation, fault, count| meets(operation, fault).is_err() && count > 0)
    }

    fn pairs(&self, wanted: impl Fn(Operation, Fault, u64) -> bool) -> Vec<(Operation, Fault)> {
        let all =
            Operation::ALL.iter().flat_map(|operation| Fault::ALL.iter().map(|fault| (*operation, *fault)));
        all.filter(|(operation, fault)| wanted(*operation, *fault, self.of(*operation, *fault))).collect()
    }
}

/// A line for each fault: how often it fired, how many operations met it of those that can, and the one that met it least.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:32} {:>9}  {:>7}  seldomest", "fault", "fired", "met by")?;
        for fault in Fault::ALL {
            let can = Operation::ALL.iter().filter(|operation| meets(**operation, *fault).is_ok());
            let counts: Vec<_> =
                can.map(|operation| (self.of(*operation, *fault), operation.name())).collect();
            let met = counts.iter().filter(|(count, _)| *count > 0).count();
            let (least, name) = counts.iter().min().copied().unwrap_or_default();
            let of = format!("{met}/{}", counts.len());
            writeln!(f, "{:32} {:>9}  {of:>7}  {name} {least}", fault.name(), self.fired(*fault))?;
        }
        Ok(())
    }
}
