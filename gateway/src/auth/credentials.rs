//! Access keys, their secrets, and the keys derived from them.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use smallvec::SmallVec;
use subtle::ConstantTimeEq;

use super::guard::SigningKey;

/// How many derived keys one credential keeps: presigned requests reach 7 days back, and two days meet at midnight.
const DERIVED_KEPT: usize = 10;

/// A secret access key. Never printed, compared in constant time.
#[derive(Clone)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Wraps a secret access key as the operator or the generator gave it.
    #[must_use]
    pub fn new(secret: impl Into<Arc<str>>) -> Self {
        Self(secret.into())
    }

    /// The key itself: for deriving signing keys and for the one place that shows a user their own credentials.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Secret {}

/// Who signed a request. Found in the extensions of every request whose signature was verified, and of no other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    access_key: Arc<str>,
}

impl Identity {
    /// The access key id that the request was signed with.
    #[must_use]
    pub fn access_key(&self) -> &str {
        &self.access_key
    }
}

/// One access key with its secret. Holds the signing keys derived from it, so share it (`Arc`) instead of building it anew.
#[derive(Debug)]
pub struct Credential {
    identity: Identity,
    secret: Secret,
    derived: Mutex<SmallVec<[Derived; 2]>>,
}

#[derive(Debug)]
struct Derived {
    date: [u8; 8],
    region: Box<str>,
    key: Arc<SigningKey>,
}

impl Credential {
    /// An access key id and its secret.
    #[must_use]
    pub fn new(access_key: impl Into<Arc<str>>, secret: Secret) -> Self {
        Self {
            identity: Identity { access_key: access_key.into() },
            secret,
            derived: Mutex::new(SmallVec::new()),
        }
    }

    /// Who signs with it.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Its secret access key.
    #[must_use]
    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    /// The signing key of a day (`YYYYMMDD`) and region: derived once, then kept. At most [`DERIVED_KEPT`] are kept.
    pub(crate) fn signing_key(&self, date: [u8; 8], region: &str) -> Arc<SigningKey> {
        let mut derived = self.derived.lock();
        if let Some(known) = derived.iter().find(|known| known.date == date && *known.region == *region) {
            return Arc::clone(&known.key);
        }
        let key = Arc::new(SigningKey::derive(self.secret.expose(), date, region));
        if derived.len() >= DERIVED_KEPT {
            derived.remove(0);
        }
        derived.push(Derived { date, region: region.into(), key: Arc::clone(&key) });
        key
    }
}

/// Where access keys are looked up. Called once for each signed request: answer from memory.
pub trait Credentials: Send + Sync + 'static {
    /// The credential of an access key id, `None` if there is none (or it was withdrawn).
    fn find(&self, access_key: &str) -> Option<Arc<Credential>>;
}

/// A fixed set of credentials.
#[derive(Debug, Default)]
pub struct StaticCredentials {
    known: HashMap<Arc<str>, Arc<Credential>>,
}

impl FromIterator<Credential> for StaticCredentials {
    /// Of two credentials with the same access key the later one stays.
    fn from_iter<I: IntoIterator<Item = Credential>>(credentials: I) -> Self {
        let known = credentials
            .into_iter()
            .map(|credential| (Arc::clone(&credential.identity.access_key), Arc::new(credential)))
            .collect();
        Self { known }
    }
}

impl Credentials for StaticCredentials {
    fn find(&self, access_key: &str) -> Option<Arc<Credential>> {
        self.known.get(access_key).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_printed() {
        let credential = Credential::new("AK", Secret::new("hunter2hunter2"));
        assert!(!format!("{credential:?} {:?}", credential.secret()).contains("hunter2"));
    }

    #[test]
    fn a_derived_key_is_kept_for_its_day_and_region_and_their_number_is_bounded() {
        let credential = Credential::new("AK", Secret::new("s"));
        let first = credential.signing_key(*b"20130524", "us-east-1");
        assert!(Arc::ptr_eq(&first, &credential.signing_key(*b"20130524", "us-east-1")));
        assert!(!Arc::ptr_eq(&first, &credential.signing_key(*b"20130524", "eu-west-1")));
        for day in 10..31_u8 {
            let date = [b'2', b'0', b'1', b'3', b'0', b'6', b'0' + day / 10, b'0' + day % 10];
            drop(credential.signing_key(date, "us-east-1"));
        }
        assert_eq!(credential.derived.lock().len(), DERIVED_KEPT);
        assert!(!Arc::ptr_eq(&first, &credential.signing_key(*b"20130524", "us-east-1")));
    }

    #[test]
    fn an_unknown_access_key_finds_nothing() {
        let keys: StaticCredentials = [Credential::new("AK", Secret::new("s"))].into_iter().collect();
        assert!(keys.find("AK").is_some());
        assert!(keys.find("AKX").is_none());
        assert!(keys.find("").is_none());
    }
}
