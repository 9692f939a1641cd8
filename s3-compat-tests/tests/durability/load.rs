//! Clients of the Rust SDK that write as fast as they can, and remember what they asked for and what they were told.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use aws_credential_types::Credentials;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{BehaviorVersion, Config, Region};
use aws_sdk_s3::error::{DisplayErrorContext, SdkError};
use aws_sdk_s3::operation::RequestId;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart, Delete, ObjectIdentifier};
use aws_smithy_http_client::Builder;
use s3_compat_tests::body;
use s3_compat_tests::server::{ACCESS_KEY, REGION, SECRET_KEY};
use tokio::task::JoinSet;

use crate::dice::Dice;

/// Stands for the request of a write that was seen to be there.
pub(crate) const SETTLED: &str = "seen";

pub(crate) const BUCKET: &str = "bucket";

/// What a key holds: the seed and the length of a body, or nothing.
pub(crate) type State = Option<Body>;

/// No two that a test makes are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Body {
    seed: u64,
    length: usize,
}

impl Body {
    pub(crate) fn bytes(self) -> Vec<u8> {
        body::random(self.length, self.seed)
    }
}

/// A write of a key.
#[derive(Clone, Debug)]
pub(crate) struct Write {
    pub(crate) state: State,
    /// The id of the request whose success acknowledged it; `None`: only the server knows what became of it.
    pub(crate) acknowledged: Option<String>,
}

/// What clients write.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mix {
    /// Keys of each client.
    pub(crate) keys: usize,
    /// Small bodies are shorter.
    pub(crate) small: usize,
    /// Large bodies are as long or longer, by less than `small`.
    pub(crate) large: usize,
    /// Length of the first part of an upload. The last one is small.
    pub(crate) part: usize,
    /// Whether an upload has two parts.
    pub(crate) two_parts: bool,
}

/// All writes of all keys, in their order. A key belongs to one client, which waits for each answer: at most one write of it is under way.
#[derive(Default)]
pub(crate) struct History {
    keys: Mutex<BTreeMap<String, Vec<Write>>>,
    /// Writes that were answered with success.
    pub(crate) acknowledged: AtomicU64,
    next: AtomicU64,
}

/// A client of a server, which never tries again: what it is told is what became of one request.
pub(crate) fn client(endpoint: &str) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(endpoint)
        .region(Region::from_static(REGION))
        .credentials_provider(Credentials::new(ACCESS_KEY, SECRET_KEY, None, None, "test"))
        .http_client(Builder::new().build_http())
        .force_path_style(true)
        .retry_config(RetryConfig::disabled())
        .build();
    Client::from_conf(config)
}

/// The server does not answer any more.
#[derive(Debug)]
pub(crate) struct Gone;

/// A server that ends answers 503 or not at all; any other refusal is a failure of the test.
fn gone<E: std::error::Error + Send + Sync + 'static>(error: SdkError<E, HttpResponse>) -> Gone {
    let status = error.raw_response().map(|answer| answer.status().as_u16());
    assert!(
        !matches!(error, SdkError::ConstructionFailure(_)) && matches!(status, None | Some(200 | 204 | 503)),
        "{status:?}: {}",
        DisplayErrorContext(&error)
    );
    Gone
}

fn id(answer: &impl RequestId) -> String {
    answer.request_id().unwrap().to_owned()
}

impl History {
    /// Starts clients that write to a server, each `limit` times or until the server does not answer any more.
    pub(crate) fn start(
        self: &Arc<Self>,
        endpoint: &str,
        clients: usize,
        (mix, limit): (Mix, usize),
        dice: &mut Dice,
    ) -> JoinSet<Result<(), Gone>> {
        let mut started = JoinSet::new();
        for number in 0..clients {
            let (history, dice) = (Arc::clone(self), dice.fork());
            let mut writer = Writer { s3: client(endpoint), number, mix, dice, history };
            started.spawn(async move {
                for _ in 0..limit {
                    writer.write().await?;
                }
                Ok(())
            });
        }
        started
    }

    fn body(&self, length: usize) -> Body {
        Body { seed: self.next.fetch_add(1, Ordering::Relaxed), length }
    }

    fn begins(&self, key: &str, state: State) {
        let write = Write { state, acknowledged: None };
        self.keys.lock().unwrap().entry(key.to_owned()).or_default().push(write);
    }

    fn ends(&self, key: &str, request: &str) {
        let mut keys = self.keys.lock().unwrap();
        let write = keys.get_mut(key).and_then(|writes| writes.last_mut()).unwrap();
        write.acknowledged = Some(request.to_owned());
        self.acknowledged.fetch_add(1, Ordering::Relaxed);
    }

    /// What a key holds after an acknowledged write.
    fn holds(&self, key: &str) -> State {
        let keys = self.keys.lock().unwrap();
        keys.get(key)?.last().filter(|write| write.acknowledged.is_some())?.state
    }

    /// All writes so far.
    pub(crate) fn writes(&self) -> BTreeMap<String, Vec<Write>> {
        self.keys.lock().unwrap().clone()
    }

    /// Makes no body that an earlier history has made.
    pub(crate) fn continues(&self, earlier: &Self) {
        self.next.store(earlier.next.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// From now on each key holds what was found, for certain.
    pub(crate) fn settle(&self, found: BTreeMap<String, State>) {
        let known = |state| vec![Write { state, acknowledged: Some(SETTLED.to_owned()) }];
        *self.keys.lock().unwrap() = found.into_iter().map(|(key, state)| (key, known(state))).collect();
    }
}

/// What each key may hold if of its writes those were acknowledged: what the last of them left, or what any later one would leave.
pub(crate) fn possible(
    writes: &BTreeMap<String, Vec<Write>>,
    acknowledged: impl Fn(&str) -> bool,
) -> BTreeMap<String, Vec<State>> {
    let of = |writes: &Vec<Write>| {
        let last = writes.iter().rposition(|write| write.acknowledged.as_deref().is_some_and(&acknowledged));
        let settled = last.and_then(|last| writes[last].state);
        let later = writes.iter().skip(last.map_or(0, |last| last + 1)).map(|write| write.state);
        std::iter::once(settled).chain(later).collect()
    };
    writes.iter().map(|(key, writes)| (key.clone(), of(writes))).collect()
}

struct Writer {
    s3: Client,
    number: usize,
    mix: Mix,
    dice: Dice,
    history: Arc<History>,
}

impl Writer {
    fn key(&mut self) -> String {
        format!("writer{}/{}", self.number, self.dice.below(self.mix.keys))
    }

    async fn write(&mut self) -> Result<(), Gone> {
        let key = self.key();
        let small = 1 + self.dice.below(self.mix.small);
        match self.dice.below(100) {
            0..48 => self.put(&key, small).await,
            48..66 => self.put(&key, self.mix.large + small).await,
            66..78 => self.delete(&key).await,
            78..83 => self.delete_two(&key).await,
            83..94 => self.copy(&key).await,
            _ => self.upload(&key, small).await,
        }
    }

    async fn put(&mut self, key: &str, length: usize) -> Result<(), Gone> {
        let body = self.history.body(length);
        self.history.begins(key, Some(body));
        let put = self.s3.put_object().bucket(BUCKET).key(key).body(ByteStream::from(body.bytes()));
        let answer = put.send().await.map_err(gone)?;
        self.history.ends(key, &id(&answer));
        Ok(())
    }

    async fn delete(&mut self, key: &str) -> Result<(), Gone> {
        self.history.begins(key, None);
        let answer = self.s3.delete_object().bucket(BUCKET).key(key).send().await.map_err(gone)?;
        self.history.ends(key, &id(&answer));
        Ok(())
    }

    /// By one request.
    async fn delete_two(&mut self, key: &str) -> Result<(), Gone> {
        let mut keys = vec![key.to_owned(), self.key()];
        keys.dedup();
        for key in &keys {
            self.history.begins(key, None);
        }
        let names = keys.iter().map(|key| ObjectIdentifier::builder().key(key).build().unwrap());
        let list = Delete::builder().set_objects(Some(names.collect())).build().unwrap();
        let answer = self.s3.delete_objects().bucket(BUCKET).delete(list).send().await.map_err(gone)?;
        // A server that ends may refuse some of them.
        assert!(answer.errors().iter().all(|error| error.code() != Some("InternalError")), "{answer:?}");
        for deleted in answer.deleted() {
            self.history.ends(deleted.key().unwrap(), &id(&answer));
        }
        if answer.errors().is_empty() { Ok(()) } else { Err(Gone) }
    }

    async fn copy(&mut self, key: &str) -> Result<(), Gone> {
        let from = self.key();
        let (true, Some(body)) = (from != key, self.history.holds(&from)) else {
            return self.put(key, 10).await;
        };
        self.history.begins(key, Some(body));
        let copy = self.s3.copy_object().bucket(BUCKET).key(key).copy_source(format!("{BUCKET}/{from}"));
        let answer = copy.send().await.map_err(gone)?;
        self.history.ends(key, &id(&answer));
        Ok(())
    }

    async fn upload(&mut self, key: &str, last: usize) -> Result<(), Gone> {
        let Self { s3, mix, history, .. } = self;
        let first = if mix.two_parts { mix.part } else { 0 };
        let body = history.body(first + last);
        let created = s3.create_multipart_upload().bucket(BUCKET).key(key).send().await.map_err(gone)?;
        let upload = created.upload_id().unwrap();
        let bytes = body.bytes();
        let (head, tail) = bytes.split_at(first);
        let mut parts = Vec::new();
        for (number, part) in (1..).zip([head, tail].into_iter().filter(|part| !part.is_empty())) {
            let put = s3.upload_part().bucket(BUCKET).key(key).upload_id(upload).part_number(number);
            let done = put.body(ByteStream::from(part.to_vec())).send().await.map_err(gone)?;
            let part = CompletedPart::builder().part_number(number).set_e_tag(done.e_tag);
            parts.push(part.set_checksum_crc32(done.checksum_crc32).build());
        }
        history.begins(key, Some(body));
        let list = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let complete = s3.complete_multipart_upload().bucket(BUCKET).key(key).upload_id(upload);
        let answer = complete.multipart_upload(list).send().await.map_err(gone)?;
        history.ends(key, &id(&answer));
        Ok(())
    }
}

/// Reads every key in each way there is: each holds one of what it may; its row in a listing, its HEAD and its GET agree; there is no other key.
/// Gives what each holds.
///
/// # Errors
/// What is wrong with the first key that is not so.
pub(crate) async fn look(
    s3: &Client,
    possible: &BTreeMap<String, Vec<State>>,
) -> Result<BTreeMap<String, State>, String> {
    let listed = list(s3).await?;
    if let Some(stranger) = listed.keys().find(|key| !possible.contains_key(*key)) {
        return Err(format!("{stranger}: listed, and nobody wrote it"));
    }
    let mut found = BTreeMap::new();
    for (key, possible) in possible {
        let read = read(s3, key).await?;
        let told = read.as_ref().map(|(tag, bytes)| (tag.clone(), bytes.len()));
        if listed.get(key) != told.as_ref() {
            return Err(format!("{key}: its listing says {:?}, its GET {told:?}", listed.get(key)));
        }
        let bytes = read.map(|(_, bytes)| bytes);
        let held = possible.iter().find(|state| state.map(Body::bytes) == bytes);
        let Some(held) = held else {
            let found = bytes.map(|bytes| bytes.len());
            return Err(format!("{key}: may hold one of {possible:?}, and holds {found:?} bytes"));
        };
        found.insert(key.clone(), *held);
    }
    Ok(found)
}

/// ETag and bytes of a key by GET, which a HEAD must confirm.
async fn read(s3: &Client, key: &str) -> Result<Option<(String, Vec<u8>)>, String> {
    let head = match s3.head_object().bucket(BUCKET).key(key).send().await {
        Ok(head) => Some((head.e_tag.unwrap_or_default(), head.content_length)),
        Err(SdkError::ServiceError(error)) if error.err().is_not_found() => None,
        Err(error) => return Err(format!("HEAD {key}: {}", DisplayErrorContext(&error))),
    };
    let get = match s3.get_object().bucket(BUCKET).key(key).send().await {
        Ok(get) => {
            let length = get.content_length;
            let body = get.body.collect().await.map_err(|error| format!("GET {key}: {error}"))?;
            Some((get.e_tag.unwrap_or_default(), length, body.to_vec()))
        }
        Err(SdkError::ServiceError(error)) if error.err().is_no_such_key() => None,
        Err(error) => return Err(format!("GET {key}: {}", DisplayErrorContext(&error))),
    };
    let told = get.as_ref().map(|(tag, length, _)| (tag.clone(), *length));
    if head != told {
        return Err(format!("{key}: HEAD says {head:?}, GET {told:?}"));
    }
    Ok(get.map(|(tag, _, bytes)| (tag, bytes)))
}

/// ETag and size of each key by listing.
async fn list(s3: &Client) -> Result<BTreeMap<String, (String, usize)>, String> {
    let mut listed = BTreeMap::new();
    let mut after = None;
    loop {
        let page = s3.list_objects_v2().bucket(BUCKET).max_keys(25).set_continuation_token(after);
        let page = page.send().await.map_err(|error| format!("list: {}", DisplayErrorContext(&error)))?;
        for object in page.contents() {
            let size = usize::try_from(object.size().unwrap_or(-1)).map_err(|error| error.to_string())?;
            let tag = object.e_tag().unwrap_or_default().to_owned();
            listed.insert(object.key().unwrap_or_default().to_owned(), (tag, size));
        }
        after = page.next_continuation_token;
        if after.is_none() {
            return Ok(listed);
        }
    }
}
