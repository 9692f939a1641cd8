use std::sync::Arc;

use super::MemoryBlobs;
use crate::laws::{Subject, body, key, pattern};
use crate::{BlobStore, SizeHint};

async fn memory() -> Subject {
    let store = Arc::new(MemoryBlobs::with_page(10));
    let seen = Arc::clone(&store);
    let leftovers = Box::new(move || seen.state.lock().uploads.count());
    Subject { leftovers, ..Subject::plain(store) }
}

crate::blob_store_laws!(memory);
crate::blob_store_local_laws!(memory);

#[tokio::test]
async fn totals_count_blobs_and_bytes() {
    let store = MemoryBlobs::new();
    for n in 1..=3 {
        store.put(&key(1, "x", n), body(pattern(100, n), 10), SizeHint::AtLeast(0)).await.unwrap();
    }
    store.delete(&key(1, "x", 1)).await.unwrap();
    assert_eq!(store.totals(), (2, 200));
}
