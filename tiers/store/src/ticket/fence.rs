//! Which nodes have been declared dead. In memory: on the embedded engine the directory lock is the fence, and a node is dead when the
//! process is. Stores that share an engine in one process (a simulation) share this.

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::RwLock;

use crate::name::Node;

/// Nodes declared dead. Never forgotten: a node is one process start.
#[derive(Clone, Debug, Default)]
pub struct Fences {
    dead: Arc<RwLock<BTreeSet<Node>>>,
}

impl Fences {
    /// Declares a node dead: from here on it opens no ticket and commits no large write.
    pub fn fence(&self, node: Node) {
        self.dead.write().insert(node);
    }

    /// Whether a node was declared dead.
    #[must_use]
    pub fn is_fenced(&self, node: Node) -> bool {
        self.dead.read().contains(&node)
    }
}
