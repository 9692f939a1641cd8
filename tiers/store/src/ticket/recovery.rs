//! Recovery: taking away the tickets of nodes that are dead. On an engine of one process every other node is.

use terrace_high_volume::{Key, KeyRange, Read, Transaction, after};

use crate::error::Result;
use crate::name::{Node, Revision};
use crate::rows;
use crate::store::Store;
use crate::transact::{Reading, Stop, first};

/// Tickets taken away in one transaction.
const AT_ONCE: usize = 100;

impl Store {
    /// Recovers after every other node: for an engine of one process, at open.
    pub(crate) async fn recover_all(&self) -> Result<usize> {
        self.recover(rows::ticket::range(), |node| node != self.node).await
    }

    /// Declares a node dead and takes its tickets away, until none is left. The fence comes first, so that the node opens no ticket behind
    /// the scan that leads to a commit. Returns how many writes were unfinished.
    ///
    /// # Errors
    /// What the engine says; call again.
    pub async fn recover_node(&self, dead: Node) -> Result<usize> {
        self.fences.fence(dead);
        self.recover(rows::ticket::node_range(dead), |node| node == dead).await
    }

    async fn recover(&self, range: KeyRange, is_dead: impl Fn(Node) -> bool + Send) -> Result<usize> {
        let mut unfinished = 0;
        let mut scan = Scan { range, more: true };
        while scan.more {
            let page = self.read("scan tickets", &mut scan).await?;
            let dead: Vec<(Key, Revision)> = page
                .into_iter()
                .filter_map(|(row, node, revision)| is_dead(node).then_some((row, revision)))
                .collect();
            if !dead.is_empty() {
                unfinished += self.settle_dead(dead).await?;
            }
        }
        if unfinished > 0 {
            tracing::info!(unfinished, "unfinished large writes of dead nodes were taken back");
            self.reclaim.wake();
        }
        Ok(unfinished)
    }
}

struct Scan {
    range: KeyRange,
    more: bool,
}

impl Reading for Scan {
    type Output = Vec<(Key, Node, Revision)>;

    async fn attempt(&mut self, txn: &dyn Transaction) -> std::result::Result<Self::Output, Stop> {
        let page = first(txn, self.range.clone(), AT_ONCE, Read::Snapshot).await?;
        let mut tickets = Vec::with_capacity(page.rows.len());
        for (row, _) in &page.rows {
            let (node, revision) =
                rows::ticket::parse(row).ok_or(rows::Damaged { family: rows::Family::Ticket })?;
            tickets.push((row.clone(), node, revision));
        }
        if let Some((last, _)) = page.rows.last() {
            self.range.begin = after(last);
        }
        self.more = page.more;
        Ok(tickets)
    }
}
