//! Clients that write as fast as they can, and remember what they were told.

use std::collections::BTreeMap;
use std::io::Result;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use s3_compat_tests::body;
use s3_compat_tests::http1::{Answer, Connection};
use s3_compat_tests::server::{ACCESS_KEY, SECRET_KEY, Server};
use s3_compat_tests::sign::{Request, Signer};
use tokio::task::JoinSet;

/// What a key may hold: the seed of a body, or nothing.
pub(crate) type State = Option<u64>;

/// What is known of the keys. A key belongs to one writer, so at most one write of it is under way.
#[derive(Default)]
pub(crate) struct Ledger {
    keys: Mutex<BTreeMap<String, Entry>>,
    /// Writes that were answered with success.
    pub(crate) acknowledged: AtomicU64,
    /// The seed of the next body: no two are the same, over all rounds of a test.
    next: AtomicU64,
}

#[derive(Clone, Copy, Default)]
struct Entry {
    acknowledged: State,
    under_way: Option<State>,
}

/// Size of the parts of an upload but the last: the least that S3 takes.
const PART: usize = 5 << 20;

/// One body in thirty-one is uploaded in two parts.
fn is_multipart(seed: u64) -> bool {
    seed % 31 == 30
}

/// The body of a seed: one in seven is large, the sizes of the others go up to 40 KB, but for those of two parts.
pub(crate) fn body_of(seed: u64) -> Vec<u8> {
    if is_multipart(seed) {
        return body::random(PART + 10_000, seed);
    }
    let size = if seed.is_multiple_of(7) { 1_200_000 + seed % 1000 } else { seed % 40_000 };
    body::random(usize::try_from(size).unwrap(), seed)
}

impl Ledger {
    /// Starts clients that write to a server until it does not answer any more; each has keys of its own.
    pub(crate) fn start(self: &Arc<Self>, server: &Server, writers: u64) -> JoinSet<()> {
        let mut started = JoinSet::new();
        for writer in 0..writers {
            let (ledger, address) = (Arc::clone(self), server.address().to_owned());
            started.spawn(async move { ledger.write(&address, writer).await });
        }
        started
    }

    /// Writes until the server does not answer any more.
    pub(crate) async fn write(&self, server: &str, writer: u64) {
        let signer = Signer::new(server, ACCESS_KEY, SECRET_KEY);
        let Ok(mut connection) = Connection::open(server).await else { return };
        loop {
            let seed = self.next.fetch_add(1, Ordering::Relaxed);
            let key = format!("writer{writer}/{}", seed % 23);
            let state = (!seed.is_multiple_of(11)).then_some(seed);
            self.keys.lock().unwrap().entry(key.clone()).or_default().under_way = Some(state);
            match store(&mut connection, &signer, &key, state).await {
                Ok(status) if (200..300).contains(&status) => {
                    let entry = Entry { acknowledged: state, under_way: None };
                    self.keys.lock().unwrap().insert(key, entry);
                    self.acknowledged.fetch_add(1, Ordering::Relaxed);
                }
                // What the outcome is only the server knows.
                Ok(503) | Err(_) => return,
                Ok(status) => panic!("{key}: status {status}"),
            }
        }
    }

    /// Every key holds what was acknowledged last, or what was under way when the server went; the latter is then settled.
    pub(crate) async fn verify(&self, server: &Server) {
        let signer = Signer::new(server.address(), ACCESS_KEY, SECRET_KEY);
        let mut connection = Connection::open(server.address()).await.unwrap();
        let keys = self.keys.lock().unwrap().clone();
        assert!(!keys.is_empty(), "nothing was written");
        let listed = list(server).await;
        assert!(listed.is_sorted(), "{listed:?}");
        for (key, entry) in keys {
            let found = read(&mut connection, &signer, &key).await;
            assert_eq!(listed.contains(&key), found.is_some(), "{key}: its listing is not what a GET finds");
            let possible = std::iter::once(entry.acknowledged).chain(entry.under_way);
            let state = possible.into_iter().find(|state| state.map(body_of) == found);
            let said =
                || format!("{key}: acknowledged {:?}, under way {:?}", entry.acknowledged, entry.under_way);
            let acknowledged =
                state.unwrap_or_else(|| panic!("{}, found {:?} bytes", said(), found.map(|f| f.len())));
            self.keys.lock().unwrap().insert(key, Entry { acknowledged, under_way: None });
        }
    }
}

/// Stores the body of a seed, or deletes; gives the status that tells the outcome.
pub(crate) async fn store(
    connection: &mut Connection,
    signer: &Signer,
    key: &str,
    state: State,
) -> Result<u16> {
    let path = format!("/bucket/{key}");
    let (request, body) = match state {
        Some(seed) if is_multipart(seed) => return upload(connection, signer, key, &body_of(seed)).await,
        Some(seed) => {
            let body = body_of(seed);
            (Request::new("PUT", &path).body(&body), body)
        }
        None => (Request::new("DELETE", &path), Vec::new()),
    };
    connection.send_request(&signer.head(&request), &body).await?;
    Ok(connection.receive(false, |_| {}).await?.status)
}

/// Sends one request, and reads its answer.
pub(crate) async fn exchange(
    connection: &mut Connection,
    signer: &Signer,
    request: &Request,
    body: &[u8],
) -> Result<(Answer, String)> {
    connection.send_request(&signer.head(request), body).await?;
    connection.receive_text().await
}

/// Opens an upload of a key; gives its id, or the error that the server's end is.
pub(crate) async fn open_upload(connection: &mut Connection, signer: &Signer, key: &str) -> Result<String> {
    let request = Request::new("POST", &format!("/bucket/{key}")).query("uploads=").body(b"");
    let (answer, said) = exchange(connection, signer, &request, b"").await?;
    succeeded(&answer, &said)?;
    Ok(said.split_once("<UploadId>").unwrap().1.split_once("</").unwrap().0.to_owned())
}

/// Uploads a part of (key, upload, number); gives its ETag.
pub(crate) async fn upload_part(
    connection: &mut Connection,
    signer: &Signer,
    (key, upload, number): (&str, &str, u64),
    part: &[u8],
) -> Result<String> {
    let query = format!("partNumber={number}&uploadId={upload}");
    let request = Request::new("PUT", &format!("/bucket/{key}")).query(&query).body(part);
    let (answer, said) = exchange(connection, signer, &request, part).await?;
    succeeded(&answer, &said)?;
    Ok(answer.header("etag").unwrap().to_owned())
}

/// A server that stops answers 503; anything else but success is a failure of the test.
fn succeeded(answer: &Answer, said: &str) -> Result<()> {
    match answer.status {
        200 => Ok(()),
        503 => Err(std::io::ErrorKind::ConnectionAborted.into()),
        status => panic!("{status}: {said}"),
    }
}

/// The body in two parts; gives the status of the completion.
async fn upload(connection: &mut Connection, signer: &Signer, key: &str, body: &[u8]) -> Result<u16> {
    let upload = open_upload(connection, signer, key).await?;
    let mut listed = String::new();
    for (number, part) in (1..).zip(body.chunks(PART)) {
        let tag = upload_part(connection, signer, (key, &upload, number), part).await?;
        listed += &format!("<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag></Part>");
    }
    let whole = format!("<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>");
    let request = Request::new("POST", &format!("/bucket/{key}")).query(&format!("uploadId={upload}"));
    let (answer, said) =
        exchange(connection, signer, &request.body(whole.as_bytes()), whole.as_bytes()).await?;
    // A completion may fail behind its status.
    assert!(answer.status != 200 || !said.contains("<Error>"), "{said}");
    Ok(answer.status)
}

/// The body of a key, or `None` if it is not there.
pub(crate) async fn read(connection: &mut Connection, signer: &Signer, key: &str) -> Option<Vec<u8>> {
    connection.send(signer.head(&Request::new("GET", &format!("/bucket/{key}"))).as_bytes()).await.unwrap();
    let mut body = Vec::new();
    let answer = connection.receive(false, |bytes| body.extend_from_slice(bytes)).await.unwrap();
    assert!(matches!(answer.status, 200 | 404), "{key}: status {}", answer.status);
    (answer.status == 200).then_some(body)
}

/// Makes the bucket that the writers write to.
pub(crate) async fn create_bucket(server: &Server) {
    let signer = Signer::new(server.address(), ACCESS_KEY, SECRET_KEY);
    let mut connection = Connection::open(server.address()).await.unwrap();
    connection.send(signer.head(&Request::new("PUT", "/bucket").body(b"")).as_bytes()).await.unwrap();
    assert_eq!(connection.receive(false, |_| {}).await.unwrap().status, 200);
}

/// The keys in the bucket.
pub(crate) async fn list(server: &Server) -> Vec<String> {
    let signer = Signer::new(server.address(), ACCESS_KEY, SECRET_KEY);
    let mut connection = Connection::open(server.address()).await.unwrap();
    let (mut keys, mut after) = (Vec::<String>::new(), String::new());
    loop {
        let request = Request::new("GET", "/bucket")
            .query(&format!("list-type=2&start-after={}", after.replace('/', "%2F")));
        connection.send(signer.head(&request).as_bytes()).await.unwrap();
        let (answer, page) = connection.receive_text().await.unwrap();
        assert_eq!(answer.status, 200, "{page}");
        keys.extend(
            page.split("<Key>").skip(1).filter_map(|rest| Some(rest.split_once("</Key>")?.0.to_owned())),
        );
        if !page.contains("<IsTruncated>true</IsTruncated>") {
            return keys;
        }
        after.clone_from(keys.last().unwrap());
    }
}
