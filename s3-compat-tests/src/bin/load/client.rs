//! One connection that signs, sends, and checks what comes back.

use std::io::{Error, Result};

use s3_compat_tests::http1::{Answer, Connection};
use s3_compat_tests::sign::{Request, Signer};

use crate::subject::Subject;

/// What the body of an answer must be.
pub(crate) enum Expect<'a> {
    /// Whatever it is.
    Any,
    /// No body: the answer to a HEAD.
    Head,
    /// Exactly these bytes.
    Body(&'a [u8]),
    /// Text, to be looked at by the caller.
    Text(&'a mut Vec<u8>),
}

/// A connection to a server.
pub(crate) struct Client {
    connection: Connection,
    signer: Signer,
    address: String,
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// Those of the network.
    pub(crate) async fn open(subject: &Subject) -> Result<Self> {
        let connection = Connection::open(&subject.address).await?;
        Ok(Self { connection, signer: subject.signer.clone(), address: subject.address.clone() })
    }

    /// Sends a request and reads its answer, which must be a success with the expected body.
    ///
    /// # Errors
    /// Those of the network; anything but a success; another body than expected.
    pub(crate) async fn exchange(
        &mut self,
        request: &Request,
        body: &[u8],
        expect: Expect<'_>,
    ) -> Result<Answer> {
        self.connection.send_request(&self.signer.head(request), body).await?;
        let answer = match expect {
            Expect::Head => self.connection.receive(true, |_| {}).await?,
            Expect::Any => self.connection.receive(false, |_| {}).await?,
            Expect::Text(text) => {
                text.clear();
                self.connection.receive(false, |bytes| text.extend_from_slice(bytes)).await?
            }
            Expect::Body(expected) => {
                let (mut rest, mut same) = (expected, true);
                let answer = self.connection.receive(false, |bytes| {
                    same = same && rest.starts_with(bytes);
                    rest = rest.get(bytes.len()..).unwrap_or_default();
                });
                let answer = answer.await?;
                if answer.status == 200 && !(same && rest.is_empty()) {
                    return Err(Error::other(format!("{} {}: a wrong body", request.method, request.path)));
                }
                answer
            }
        };
        if !(200..300).contains(&answer.status) {
            return Err(Error::other(format!(
                "{} {}: status {}",
                request.method, request.path, answer.status
            )));
        }
        if answer.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close")) {
            self.connection = Connection::open(&self.address).await?;
        }
        Ok(answer)
    }
}
