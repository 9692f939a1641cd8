//! What must hold of rows and blobs whenever nothing is under way, and what more when all has been cleared up.

use std::collections::{BTreeMap, BTreeSet};

use crate::oracle::decode::{Place, Waste};
use crate::oracle::state::{Class, State};
use crate::world::Course;

type Rev = [u8; 16];

/// What is wrong with a state.
pub(super) struct Judge<'j> {
    pub(super) state: &'j State,
    pub(super) course: &'j Course,
    /// Blobs that may belong to nobody, until they are swept.
    pub(super) strays: &'j BTreeSet<Rev>,
    /// Whether all has been cleared up.
    pub(super) at_rest: bool,
}

impl Judge<'_> {
    fn wrong(&self, oracle: &'static str, what: String) {
        let when = if self.at_rest { "at rest" } else { "before the end" };
        self.course.violated(oracle, format!("{what} ({when})"));
    }

    pub(super) fn judge(&self) {
        self.bodies();
        self.blobs();
        self.counters();
        self.leftovers();
        if self.at_rest {
            self.rest();
        }
    }

    /// Every body and part that a row names is there, as long as the row says.
    fn bodies(&self) {
        for (rev, place, size, class) in self.state.claims() {
            let must_be_there = matches!(class, Class::Part | Class::Body);
            let there = match place {
                Place::Empty => Some(0),
                Place::Inline => self.state.inline.get(&rev).map(|chunks| chunks.iter().sum()),
                Place::Blob => self.state.blobs.get(&rev).map(|blob| blob.len() as u64),
                Place::Manifest => None,
            };
            let is_wrong = match (there, size) {
                (None, _) => must_be_there,
                (Some(there), Some(size)) => there != size,
                (Some(_), None) => false,
            };
            if is_wrong {
                let what = format!("{class:?} {} in {place:?}: {there:?} of {size:?}", hex::encode(rev));
                self.wrong("every record has its body", what);
            }
        }
        for ((bid, key), head) in &self.state.objects {
            if !self.state.buckets.contains(bid) {
                let what = format!("{} is in bucket {bid}, which is not there", key.escape_ascii());
                self.wrong("every object has its bucket", what);
            }
            if head.place == Place::Manifest {
                let spans = self.state.manifests.get(&head.body_rev);
                let (count, end) = spans
                    .map_or((0, 0), |spans| (spans.len(), spans.last().map_or(0, |(_, part)| part.size)));
                if (count as u64, end) != (u64::from(head.parts), head.size) {
                    let what = format!("{}: {count} parts, {end} bytes, for {head:?}", key.escape_ascii());
                    self.wrong("every record has its body", what);
                }
            }
        }
    }

    /// Every blob is in exactly one class.
    fn blobs(&self) {
        let mut classes: BTreeMap<Rev, BTreeSet<Class>> = BTreeMap::new();
        for (rev, place, _, class) in self.state.claims() {
            if place == Place::Blob {
                classes.entry(rev).or_default().insert(class);
            }
        }
        for rev in self.state.blobs.keys() {
            let name = hex::encode(rev);
            match classes.get(rev) {
                None if self.at_rest => self.wrong("no blob leaks", name),
                None if !self.strays.contains(rev) && !self.course.is_late(rev) => {
                    self.wrong("no blob leaks", name);
                }
                Some(several) if several.len() > 1 => {
                    self.wrong("a blob is one thing", format!("{name}: {several:?}"));
                }
                Some(one)
                    if self.at_rest
                        && !one.iter().all(|class| matches!(class, Class::Part | Class::Body)) =>
                {
                    self.wrong("what is waste goes", format!("{name}: {one:?}"));
                }
                _ => {}
            }
        }
    }

    /// Counters are what they count.
    fn counters(&self) {
        let mut counted: BTreeMap<(u64, u8), i64> = BTreeMap::new();
        let signed = |size: u64| i64::try_from(size).unwrap_or(i64::MAX);
        for ((bid, _), head) in &self.state.objects {
            *counted.entry((*bid, 0)).or_default() += 1;
            *counted.entry((*bid, 1)).or_default() += signed(head.size);
        }
        // Parts of a finished upload count until they are expanded; whose they are is known only as long as the upload is open.
        let wasted: BTreeSet<Rev> = self.uploads_in_queue();
        let mut open = true;
        for (upload, part) in &self.state.parts {
            match self.state.uploads.get(upload) {
                Some(bid) => *counted.entry((*bid, 2)).or_default() += signed(part.size),
                None => open &= !wasted.contains(upload),
            }
        }
        let all: BTreeSet<_> = counted.keys().chain(self.state.counters.keys()).copied().collect();
        for (bid, field) in all {
            let says = self.state.counters.get(&(bid, field)).copied().unwrap_or(0);
            let is = counted.get(&(bid, field)).copied().unwrap_or(0);
            let is_known = field != 2 || (open && self.state.buckets.contains(&bid));
            if says != is && is_known && (self.state.buckets.contains(&bid) || field != 2) {
                self.wrong(
                    "counters are what they count",
                    format!("bucket {bid} field {field}: {says}, not {is}"),
                );
            }
        }
    }

    fn uploads_in_queue(&self) -> BTreeSet<Rev> {
        self.state.wasted(|waste| match waste {
            Waste::Upload(upload) => Some(*upload),
            _ => None,
        })
    }

    /// No row stays behind without what it belongs to.
    fn leftovers(&self) {
        let claims = self.state.claims();
        let inline: BTreeSet<Rev> =
            claims.iter().filter(|(_, place, ..)| *place == Place::Inline).map(|(rev, ..)| *rev).collect();
        for rev in self.state.inline.keys().filter(|rev| !inline.contains(*rev)) {
            self.wrong("no row is left over", format!("inline body {}", hex::encode(rev)));
        }
        let heads: BTreeSet<Rev> = self
            .state
            .objects
            .values()
            .filter(|head| head.place == Place::Manifest)
            .map(|head| head.body_rev)
            .chain(self.state.wasted(|waste| match waste {
                Waste::Manifest(rev) => Some(*rev),
                _ => None,
            }))
            .collect();
        for rev in self.state.manifests.keys().filter(|rev| !heads.contains(*rev)) {
            self.wrong("no row is left over", format!("manifest {}", hex::encode(rev)));
        }
        let wasted = self.uploads_in_queue();
        for (upload, part) in &self.state.parts {
            if !self.state.uploads.contains_key(upload) && !wasted.contains(upload) {
                self.wrong("no row is left over", format!("{part:?} of upload {}", hex::encode(upload)));
            }
        }
        let emptied = self.state.wasted(|waste| match waste {
            Waste::BucketUploads(bid) => Some(*bid),
            _ => None,
        });
        for (upload, bid) in &self.state.uploads {
            if !self.state.buckets.contains(bid) && !emptied.contains(bid) {
                self.wrong("no row is left over", format!("upload {} of bucket {bid}", hex::encode(upload)));
            }
        }
        let extended: BTreeSet<_> = self
            .state
            .objects
            .iter()
            .filter(|(_, head)| head.spilled)
            .map(|((bid, key), head)| (*bid, key.clone(), head.vseq))
            .collect();
        for row in self.state.extensions.symmetric_difference(&extended) {
            self.wrong("metadata is where its record says", format!("{row:?}"));
        }
        let forgotten = self.state.wasted(|waste| match waste {
            Waste::Finished(upload) => Some(*upload),
            _ => None,
        });
        for upload in self.state.finished.difference(&forgotten) {
            self.wrong("no row is left over", format!("the end of upload {}", hex::encode(upload)));
        }
    }

    /// At rest nothing waits.
    fn rest(&self) {
        // A write that clears the witnesses of those before it leaves its own.
        let is_last = self.state.tickets.len() == 1;
        for (node, rev, open, _) in self.state.tickets.iter().filter(|(_, _, open, _)| *open || !is_last) {
            let what = format!("ticket {} of {} (open: {open})", hex::encode(rev), hex::encode(node));
            self.wrong("no row is left over", what);
        }
        for waste in &self.state.waste {
            self.wrong("what is waste goes", format!("{waste:?}"));
        }
    }
}
