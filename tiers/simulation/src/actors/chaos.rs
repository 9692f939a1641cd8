//! What befalls nodes: they crash, are cut off and come back, are recovered while they run, and their clocks jump.

use std::sync::Arc;
use std::time::Duration;

use terrace_runtime::origin;
use terrace_store::Store;
use terrace_store::name::Node as NodeName;

use crate::faults::{Fault, Operation};
use crate::random::Random;
use crate::world::{Engines, Node};

/// How often a node is started, or a dead one recovered, before nothing goes wrong any more.
const TRIES: u32 = 200;

/// Lets `count` things happen.
pub(crate) async fn chaos(engines: Arc<Engines>, count: u64) {
    let random = Random::new(engines.seed, 4);
    for _ in 0..count {
        tokio::time::sleep(Duration::from_millis(random.between(5, 400))).await;
        let nodes = engines.nodes();
        if nodes.len() < 2 {
            continue;
        }
        let node = random.pick(&nodes);
        match random.below(7) {
            0 | 1 => crash(&engines, node, &random).await,
            2 | 3 => zombie(&engines, node, &random).await,
            4 => recovered_alive(&engines, node, &random).await,
            _ => nodes.iter().for_each(|node| jump(&engines, node, &random)),
        }
    }
}

/// The process ends; another starts in its place, and somebody recovers.
async fn crash(engines: &Arc<Engines>, node: &Arc<Node>, random: &Random) {
    node.suffers(engines, Fault::Crash);
    node.gate.kill();
    engines.leave(node);
    tokio::time::sleep(Duration::from_millis(random.below(200))).await;
    let next = start(engines).await;
    engines.join(Arc::clone(&next));
    recover(engines, node.store.node(), random).await;
}

/// The node is cut off; a peer takes it for dead; it comes back and goes on, then is replaced.
async fn zombie(engines: &Arc<Engines>, node: &Arc<Node>, random: &Random) {
    node.suffers(engines, Fault::Zombie);
    node.gate.shut();
    tokio::time::sleep(Duration::from_millis(random.below(300))).await;
    recover_by(engines, node, random).await;
    tokio::time::sleep(Duration::from_millis(random.below(300))).await;
    node.gate.open();
    tokio::time::sleep(Duration::from_millis(random.below(500))).await;
    replace(engines, node, random).await;
}

/// A peer takes the node for dead, and is wrong: best while a write of that node is about to be committed, or has
/// been and does not know it yet.
async fn recovered_alive(engines: &Arc<Engines>, node: &Arc<Node>, random: &Random) {
    const WAIT_MS: u64 = 400;
    engines.course.set_trap();
    let mut writing = None;
    for waited in 0..WAIT_MS {
        tokio::time::sleep(Duration::from_millis(1)).await;
        if let Some(number) = engines.course.sprung(waited + 1 == WAIT_MS) {
            writing = engines.nodes().into_iter().find(|node| node.number == number);
            break;
        }
    }
    let node = writing.as_ref().unwrap_or(node);
    node.suffers(engines, Fault::RecoveredAlive);
    recover_by(engines, node, random).await;
    tokio::time::sleep(Duration::from_millis(random.below(500))).await;
    replace(engines, node, random).await;
}

/// A fenced node is of little use: another takes its place, after a stop in good order.
async fn replace(engines: &Arc<Engines>, node: &Arc<Node>, random: &Random) {
    let next = start(engines).await;
    engines.join(next);
    engines.leave(node);
    if let Err(error) = node.store.close(Duration::from_secs(120)).await {
        engines.course.note(format_args!("n{} did not close: {error}", node.number));
    }
    node.gate.kill();
    recover(engines, node.store.node(), random).await;
}

fn jump(engines: &Arc<Engines>, node: &Arc<Node>, random: &Random) {
    let by = *random.pick(&[1, 200, 5_000, 3_600_000, 90_000_000]);
    if random.chance(500) {
        node.suffers(engines, Fault::ClockForward);
        node.clock.jump(by);
    } else {
        node.suffers(engines, Fault::ClockBack);
        node.clock.jump(-by);
    }
}

/// Starts a node, again when that fails.
pub(crate) async fn start(engines: &Arc<Engines>) -> Arc<Node> {
    let mut tries = 0;
    loop {
        match origin::on_behalf_of(Operation::Open.name(), Node::start(engines, true)).await {
            Ok(node) => return Arc::new(node),
            Err(error) => {
                engines.course.note(format_args!("a node did not start: {error}"));
                tries += 1;
                if tries == TRIES {
                    engines.course.violated("a node starts at last", format!("{error:?}"));
                    engines.course.calm();
                }
                // Nor does it where nothing goes wrong: there is no run without nodes.
                if tries > TRIES {
                    engines.course.give_up().await;
                }
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn recover_by(engines: &Arc<Engines>, node: &Arc<Node>, random: &Random) {
    let peers: Vec<_> = engines.nodes().into_iter().filter(|peer| peer.number != node.number).collect();
    let peer = Arc::clone(random.pick(&peers));
    recover_with(engines, &peer.store, node.store.node()).await;
}

async fn recover(engines: &Arc<Engines>, dead: NodeName, random: &Random) {
    let nodes = engines.nodes();
    let peer = Arc::clone(random.pick(&nodes));
    recover_with(engines, &peer.store, dead).await;
}

/// Recovers until it has been done.
async fn recover_with(engines: &Arc<Engines>, peer: &Store, dead: NodeName) {
    for _ in 0..TRIES {
        let recovery = origin::on_behalf_of(Operation::Recover.name(), peer.recover_node(dead));
        match recovery.await {
            Ok(unfinished) => {
                engines.course.note(format_args!("{dead:?} recovered: {unfinished}"));
                return;
            }
            Err(error) => engines.course.note(format_args!("{dead:?} not recovered: {error}")),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    engines.course.violated("a dead node is recovered at last", format!("{dead:?}"));
}
