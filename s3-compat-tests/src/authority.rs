//! A certificate authority of a test's own, as a company has one: nobody trusts it who was not told to.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};

/// Where the parts of a new certificate lie, all in PEM.
pub struct Certified {
    /// The certificate of the authority: what a client must trust.
    pub authority: PathBuf,
    /// The certificate of the server, for `127.0.0.1`.
    pub certificate: PathBuf,
    /// The key of the server.
    pub key: PathBuf,
}

/// Makes an authority, and a certificate by it; writes both into `folder` over what is there.
///
/// # Panics
/// If a file cannot be written.
#[must_use]
pub fn certify(folder: &Path) -> Certified {
    let authority_key = KeyPair::generate().expect("a key");
    let mut authority = CertificateParams::default();
    authority.distinguished_name.push(DnType::CommonName, "authority of a test");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let trusted = authority.self_signed(&authority_key).expect("a certificate of an authority");
    let key = KeyPair::generate().expect("a key");
    let mut server = CertificateParams::new(["127.0.0.1".to_owned()]).expect("an address is a name");
    // Strict verifiers (Python 3.13) want it.
    server.use_authority_key_identifier_extension = true;
    let certificate =
        server.signed_by(&key, &Issuer::new(authority, authority_key)).expect("a certificate of a server");
    let write = |name: &str, content: String| {
        let path = folder.join(name);
        std::fs::write(&path, content).expect("the file of a certificate");
        path
    };
    Certified {
        authority: write("authority.pem", trusted.pem()),
        certificate: write("certificate.pem", certificate.pem()),
        key: write("key.pem", key.serialize_pem()),
    }
}
