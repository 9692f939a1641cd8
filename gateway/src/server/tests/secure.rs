//! TLS, and HTTP/2 inside it.

use std::path::PathBuf;

use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tempfile::TempDir;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::*;

/// A folder with a certificate for `localhost` and its key.
struct Files {
    folder: TempDir,
}

impl Files {
    fn new() -> (Self, CertificateDer<'static>) {
        let files = Self { folder: tempfile::tempdir().unwrap() };
        let certificate = files.replace();
        (files, certificate)
    }

    fn cert(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }

    fn key(&self) -> PathBuf {
        self.folder.path().join("key.pem")
    }

    fn load(&self) -> Result<Arc<Tls>, TlsError> {
        Tls::load(&self.cert(), &self.key())
    }

    /// Writes a new pair.
    fn replace(&self) -> CertificateDer<'static> {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(self.cert(), made.cert.pem()).unwrap();
        std::fs::write(self.key(), made.signing_key.serialize_pem()).unwrap();
        made.cert.into()
    }
}

async fn secure(
    server: &Server,
    trusted: &CertificateDer<'static>,
    protocol: &[u8],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let stream = TcpStream::connect(server.address()).await?;
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

/// A connection of HTTP/2 with a window of 64 KiB a stream; driven until it is dropped.
async fn http_2(
    server: &Server,
    trusted: &CertificateDer<'static>,
) -> (SendRequest<Full<Bytes>>, impl Future<Output = hyper::Result<()>>) {
    let stream = secure(server, trusted, b"h2").await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(64 << 10)
        .handshake(TokioIo::new(stream))
        .await
        .unwrap()
}

fn get(uri: &str) -> Request<Full<Bytes>> {
    Request::get(uri).body(Full::default()).unwrap()
}

async fn text(response: Response<hyper::body::Incoming>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

/// Answers with the values of `Host`, the address, and whether it came through TLS.
async fn hosts(request: Request<RequestBody>) -> Response<Full<Bytes>> {
    let hosts: Vec<_> = request.headers().get_all("host").iter().map(|host| host.to_str().unwrap()).collect();
    Response::new(Full::new(Bytes::from(format!(
        "{} {} {}",
        hosts.join(","),
        request.uri(),
        request.extensions().get::<Arrival>().unwrap().secure
    ))))
}

#[tokio::test]
async fn http_1_is_spoken_inside_tls() {
    let (files, certificate) = Files::new();
    let server = start_with(GENEROUS, Some(files.load().unwrap()), echo);
    let mut stream = secure(&server, &certificate, b"http/1.1").await.unwrap();
    stream
        .write_all(b"PUT /a HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\nconnection: close\r\n\r\nabc")
        .await
        .unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).await.unwrap();
    assert!(said.starts_with("HTTP/1.1 200") && said.ends_with("PUT /a abc"), "{said}");
}

#[tokio::test]
async fn many_requests_share_one_connection_of_http_2() {
    let (files, certificate) = Files::new();
    let server = start_with(GENEROUS, Some(files.load().unwrap()), echo);
    let (client, connection) = http_2(&server, &certificate).await;
    let talk = async {
        let asked = (0..50).map(|n| {
            let mut client = client.clone();
            async move {
                let body = Full::new(Bytes::from(vec![b'a' + n % 26; 100_000]));
                let request = Request::put(format!("https://localhost/{n}")).body(body).unwrap();
                let response = client.send_request(request).await.unwrap();
                assert_eq!(response.headers().get("x-amz-request-id").unwrap().len(), 16);
                let said = text(response).await;
                assert_eq!(said.len(), format!("PUT /{n} ").len() + 100_000);
            }
        });
        futures::future::join_all(asked).await;
        drop(client);
    };
    let ((), ended) = tokio::join!(talk, connection);
    ended.unwrap();
    server.drain(LONG).await.unwrap();
}

#[tokio::test]
async fn the_authority_of_http_2_is_the_host_that_signatures_are_over() {
    let (files, certificate) = Files::new();
    let server = start_with(GENEROUS, Some(files.load().unwrap()), hosts);
    let (mut client, connection) = http_2(&server, &certificate).await;
    let talk = async move {
        for (host, seen) in [
            (None, "localhost:9 /a?b=c true"),
            (Some("localhost:9"), "localhost:9 /a?b=c true"),
            (Some("other"), "other,localhost:9 /a?b=c true"),
        ] {
            let mut request = get("https://localhost:9/a?b=c");
            if let Some(host) = host {
                request.headers_mut().insert("host", host.parse().unwrap());
            }
            assert_eq!(text(client.send_request(request).await.unwrap()).await, seen);
        }
    };
    let ((), _ended) = tokio::join!(talk, connection);
}

#[tokio::test]
async fn a_drain_lets_requests_of_http_2_finish() {
    let (files, certificate) = Files::new();
    let (arrived, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (seen, gate) = (Arc::clone(&arrived), Arc::clone(&go));
    let server = start_with(GENEROUS, Some(files.load().unwrap()), move |request| {
        let (seen, gate) = (Arc::clone(&seen), Arc::clone(&gate));
        async move {
            seen.notify_one();
            gate.notified().await;
            echo(request).await
        }
    });
    let (mut client, connection) = http_2(&server, &certificate).await;
    let talk = async move { text(client.send_request(get("https://localhost/slow")).await.unwrap()).await };
    let stop = async {
        arrived.notified().await;
        let drain = server.drain(LONG);
        go.notify_one();
        drain.await
    };
    let (said, drained, _ended) = tokio::join!(talk, stop, connection);
    assert_eq!((said.as_str(), drained), ("GET /slow ", Ok(())));
}

#[tokio::test]
async fn a_client_of_http_2_that_rests_or_takes_nothing_is_let_go() {
    let (files, certificate) = Files::new();
    for limits in [Limits { keep_alive: SHORT, ..GENEROUS }, Limits { write_stall: SHORT, ..GENEROUS }] {
        let taken = limits.keep_alive == SHORT;
        let server = start_with(limits, Some(files.load().unwrap()), |_request| async {
            let pieces = (0..10).map(|_| Ok::<_, BoxError>(Frame::data(Bytes::from(vec![0; 100_000]))));
            Response::new(StreamBody::new(futures::stream::iter(pieces)))
        });
        let (mut client, connection) = http_2(&server, &certificate).await;
        let talk = async {
            let response = client.send_request(get("https://localhost/")).await.unwrap();
            if taken {
                assert_eq!(text(response).await.len(), 1_000_000);
            } else {
                // Held, and never read: the window stays shut.
                std::future::pending::<()>().await;
                drop(response);
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = talk => unreachable!("it rests"),
            _ended = connection => {}
        }
        server.drain(LONG).await.unwrap();
    }
}

#[tokio::test]
async fn what_is_no_tls_ends_its_connection_only() {
    let (files, certificate) = Files::new();
    let limits = Limits { header_timeout: SHORT, ..GENEROUS };
    let server = start_with(limits, Some(files.load().unwrap()), echo);
    let mut plain = Client::connect(&server).await;
    plain.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(!plain.end().await.starts_with(b"HTTP/"));
    let silent = Client::connect(&server).await;
    assert!(silent.end().await.is_empty());
    secure(&server, &certificate, b"http/1.1").await.unwrap();
}

#[tokio::test]
async fn a_replaced_certificate_is_for_new_connections_and_a_bad_one_for_none() {
    let (files, first) = Files::new();
    let tls = files.load().unwrap();
    let server = start_with(GENEROUS, Some(Arc::clone(&tls)), echo);
    let mut old = secure(&server, &first, b"http/1.1").await.unwrap();
    assert!(!tls.reload().await.unwrap(), "nothing has changed");

    let second = files.replace();
    assert!(tls.reload().await.unwrap());
    secure(&server, &second, b"http/1.1").await.unwrap();
    assert!(secure(&server, &first, b"http/1.1").await.is_err());
    old.write_all(b"GET /old HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut said = String::new();
    old.read_to_string(&mut said).await.unwrap();
    assert!(said.ends_with("GET /old "), "{said}");

    let (other, _) = Files::new();
    std::fs::copy(other.key(), files.key()).unwrap();
    assert!(matches!(tls.reload().await, Err(TlsError::Refused(_))), "a key of another certificate");
    std::fs::write(files.cert(), "nonsense").unwrap();
    assert!(matches!(tls.reload().await, Err(TlsError::Pem { what: "certificate", .. })));
    std::fs::remove_file(files.key()).unwrap();
    assert!(matches!(tls.reload().await, Err(TlsError::Read { .. })));
    secure(&server, &second, b"http/1.1").await.unwrap();
}

#[tokio::test]
async fn a_server_does_not_start_on_files_that_make_no_pair() {
    let (files, _) = Files::new();
    std::fs::write(files.key(), std::fs::read(files.cert()).unwrap()).unwrap();
    assert!(matches!(files.load(), Err(TlsError::Pem { what: "private key", .. })));
    std::fs::remove_file(files.cert()).unwrap();
    assert!(matches!(files.load(), Err(TlsError::Read { .. })));
}
