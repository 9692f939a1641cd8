//! Deletions: one key, one on a condition, several.

use terrace_store::object::DeleteCondition;

use crate::actors::client::{KEYS, Place, place};
use crate::actors::{Client, untold};
use crate::faults::Operation;
use crate::history::{Answer, Call, Condition};

impl Client {
    pub(crate) async fn delete(&self) {
        self.delete_object(Operation::Delete, &self.any_place()).await;
    }

    pub(crate) async fn delete_if(&self) {
        self.delete_object(Operation::DeleteIf, &self.any_place()).await;
    }

    pub(crate) async fn delete_object(&self, operation: Operation, object: &Place) {
        let (condition, etags) = match operation {
            Operation::DeleteIf => self.any_condition(object, false),
            _ => (Condition::None, Default::default()),
        };
        let called = self.engines.course.tick();
        let (bucket, key) = (object.bucket.clone(), object.key.clone());
        let told = self
            .call(operation, |store| async move {
                store.delete_object(bucket, key, DeleteCondition::from(etags)).await
            })
            .await;
        let answer = self.answer(told, |()| Answer::Deleted);
        self.record(0, object, called, (Call::Delete { condition }, answer));
    }

    pub(crate) async fn delete_many(&self) {
        let mut keys: Vec<&str> = KEYS.into_iter().filter(|_| self.random.chance(400)).collect();
        if keys.is_empty() {
            keys.push(KEYS[0]);
        }
        self.delete_these(self.any_bucket(), &keys).await;
    }

    pub(crate) async fn delete_these(&self, bucket: &str, keys: &[&str]) {
        let objects: Vec<_> = keys.iter().map(|key| place(bucket, key)).collect();
        let request = objects.iter().map(|object| (object.key.clone(), DeleteCondition::default())).collect();
        let called = self.engines.course.tick();
        let name = place(bucket, KEYS[0]).bucket;
        let told = self
            .call(Operation::DeleteMany, |store| async move { store.delete_objects(name, request).await })
            .await;
        let call = || Call::Delete { condition: Condition::None };
        let outcomes: Vec<_> = match told {
            None => objects.iter().map(|_| None).collect(),
            Some(Err(error)) => objects.iter().map(|_| untold(&error)).collect(),
            Some(Ok(deleted)) => deleted
                .into_iter()
                .map(|each| self.answer(Some(each.outcome), |()| Answer::Deleted))
                .collect(),
        };
        for ((voice, object), answer) in (1..).zip(&objects).zip(outcomes) {
            self.record(voice, object, called, (call(), answer));
        }
    }
}
