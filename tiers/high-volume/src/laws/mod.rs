//! What every engine must do, one function a law, for this crate's engines and for those of other crates (feature `laws`).
//!
//! A test file says how to make a [`Subject`] and calls [`laws!`](crate::laws!): it expands to one test for each law.

pub mod conflicts;
pub mod life;
pub mod limits;
#[cfg(test)]
pub(crate) mod model;
pub mod mutations;
pub mod order;
pub mod reads;

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;

use crate::error::{KvError, KvErrorKind};
use crate::kv::{Begin, Commit, Kv, Transaction};
use crate::mutation::Mutation;
use crate::range::{Key, KeyRange, Page, RangeOptions, Read};

/// Moves the subject's time forward: a manual clock is told, a real one is waited for.
pub type Pass = Box<dyn Fn(Duration) -> BoxFuture<'static, ()> + Send + Sync>;

/// A store under test.
pub struct Subject {
    /// The store.
    pub kv: Arc<dyn Kv>,
    /// Put before every key, so that tests can share a cluster. Must not end in 0xFF.
    pub prefix: Bytes,
    /// How time passes for it.
    pub pass: Pass,
    /// Dropped last: a temporary directory, for example.
    pub keep: Box<dyn Any + Send + Sync>,
}

/// Result of a law: an error is a failure, as a failed assertion is.
pub type Law = Result<(), KvError>;

impl Subject {
    /// A key of this test.
    #[must_use]
    pub fn key(&self, name: impl AsRef<[u8]>) -> Key {
        [&self.prefix, name.as_ref()].concat().into()
    }

    /// The keys from `begin` (inclusive) to `end` (exclusive) of this test.
    #[must_use]
    pub fn keys(&self, begin: &str, end: &str) -> KeyRange {
        KeyRange::new(self.key(begin), self.key(end))
    }

    /// Every key of this test.
    #[must_use]
    pub fn all(&self) -> KeyRange {
        KeyRange::prefix(self.prefix.clone())
    }

    /// A new transaction.
    ///
    /// # Errors
    /// As [`Kv::begin`].
    pub async fn begin(&self) -> Result<Box<dyn Transaction>, KvError> {
        self.kv.begin(Begin::default()).await
    }

    /// The value of a key, read alone.
    ///
    /// # Errors
    /// As [`Transaction::get_many`].
    pub async fn value(&self, key: &str) -> Result<Option<Bytes>, KvError> {
        get(&*self.begin().await?, &self.key(key), Read::Snapshot).await
    }

    /// Commits mutations without reading.
    ///
    /// # Errors
    /// As [`Transaction::commit`].
    pub async fn write(&self, mutations: impl IntoIterator<Item = Mutation>) -> Result<Commit, KvError> {
        let transaction = self.begin().await?;
        for mutation in mutations {
            transaction.mutate(mutation);
        }
        transaction.commit().await
    }

    /// Commits one value.
    ///
    /// # Errors
    /// As [`Transaction::commit`].
    pub async fn set(&self, key: &str, value: &'static str) -> Result<Commit, KvError> {
        self.write([set(self.key(key), value)]).await
    }
}

/// A set.
#[must_use]
pub fn set(key: Key, value: impl Into<Bytes>) -> Mutation {
    Mutation::Set { key, value: value.into() }
}

/// One point read.
///
/// # Errors
/// As [`Transaction::get_many`].
pub async fn get(transaction: &dyn Transaction, key: &Key, read: Read) -> Result<Option<Bytes>, KvError> {
    Ok(transaction.get_many(std::slice::from_ref(key), read).await?.pop().flatten())
}

/// One range read, first keys first.
///
/// # Errors
/// As [`Transaction::range`].
pub async fn range(
    transaction: &dyn Transaction,
    range: KeyRange,
    limit: usize,
    read: Read,
) -> Result<Page, KvError> {
    transaction.range(range, RangeOptions { limit, reverse: false, read }).await
}

/// The kind of error a result ended in.
///
/// # Panics
/// If it is not an error: the law is broken.
pub fn failed<T>(result: Result<T, KvError>) -> KvErrorKind {
    match result {
        Ok(_) => panic!("this had to fail"),
        Err(error) => error.kind(),
    }
}

/// One test for each law. Takes an expression that makes a future of a [`Subject`](crate::laws::Subject).
#[macro_export]
macro_rules! laws {
    ($subject:expr) => {
        $crate::laws!(@each $subject,
            conflicts::a_point_read_conflicts_with_a_later_write,
            conflicts::a_read_of_an_absent_key_conflicts_with_its_creation,
            conflicts::a_write_before_the_read_version_does_not_conflict,
            conflicts::a_snapshot_read_does_not_conflict,
            conflicts::a_range_read_conflicts_with_a_key_that_appears_in_it,
            conflicts::a_range_read_conflicts_with_a_key_that_goes,
            conflicts::a_limited_range_read_conflicts_only_where_it_read,
            conflicts::a_range_clear_conflicts_with_a_read_of_any_key_in_it,
            conflicts::an_explicit_read_conflict_is_a_read,
            conflicts::an_explicit_write_conflict_is_a_write,
            conflicts::blind_writes_do_not_conflict,
            conflicts::a_transaction_that_only_reads_commits_always,
            conflicts::a_transaction_that_conflicted_wrote_nothing,
            conflicts::no_write_skew,
            conflicts::no_update_is_lost_between_64_racers,
            life::a_dropped_transaction_does_nothing,
            life::a_closed_store_is_unavailable,
            life::closing_twice_is_fine,
            limits::a_key_has_at_most_10_000_bytes,
            limits::a_value_has_at_most_100_000_bytes,
            limits::a_transaction_has_at_most_10_000_000_bytes,
            limits::a_read_version_can_be_read_for_5_s,
            limits::a_read_version_can_be_committed_from_for_5_s,
            limits::a_transaction_without_reads_is_never_too_old,
            limits::a_stamp_needs_room,
            limits::a_range_read_needs_a_limit,
            mutations::mutations_apply_in_their_order,
            mutations::a_range_clear_takes_exactly_its_range,
            mutations::an_add_counts_absent_as_zero_and_wraps,
            mutations::an_add_takes_values_of_other_lengths,
            mutations::concurrent_adds_are_all_counted,
            mutations::stamped_keys_are_unique_and_sort_as_the_commits_did,
            mutations::a_stamped_value_holds_the_stamp_of_its_commit,
            mutations::a_bump_moves_the_catalog_version_and_nothing_else_does,
            mutations::a_transaction_is_seen_whole_or_not_at_all,
            order::a_commit_is_seen_by_whoever_begins_after_it,
            order::read_versions_and_commit_versions_rise,
            order::racing_writers_and_readers_agree_on_one_order,
            reads::a_transaction_reads_at_one_version,
            reads::a_transaction_does_not_see_its_own_writes,
            reads::answers_stand_in_the_order_of_the_keys,
            reads::keys_are_bytes_and_sort_as_bytes,
            reads::a_range_gives_its_first_or_last_rows_in_order,
            reads::more_says_whether_rows_may_follow,
            reads::a_range_without_keys_is_empty,
            reads::a_large_range_and_many_keys_come_back_whole,
        );
    };
    (@each $subject:expr, $($module:ident :: $law:ident),+ $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $law() {
                let subject: $crate::laws::Subject = $subject.await;
                if let Err(error) = $crate::laws::$module::$law(&subject).await {
                    panic!("{error}: {:?}", error);
                }
            }
        )+
    };
}
