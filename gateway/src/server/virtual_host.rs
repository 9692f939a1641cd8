//! Virtual-hosted requests: `bucket.<server.domain>`.
//!
//! Not s3s's own `SingleDomain`: that takes every other host, `127.0.0.1:9000` too, for the name of a bucket.

use s3s::S3Result;
use s3s::host::{S3Host, VirtualHost};

/// Reads the bucket off hosts below one domain. Under any other host, requests are path-style.
#[derive(Clone, Debug)]
pub struct Domain {
    domain: String,
}

impl Domain {
    /// `domain`, with a port only if that port is to be compared.
    #[must_use]
    pub fn new(domain: &str) -> Self {
        Self { domain: domain.to_ascii_lowercase() }
    }
}

impl S3Host for Domain {
    fn parse_host_header<'a>(&'a self, host: &'a str) -> S3Result<VirtualHost<'a>> {
        let name = match host.rsplit_once(':') {
            Some((name, _port)) if !self.domain.contains(':') => name,
            _ => host,
        };
        let bucket = name.len().checked_sub(self.domain.len() + 1).filter(|at| {
            let below = name.as_bytes().get(*at..).and_then(|tail| tail.strip_prefix(b"."));
            *at > 0 && below.is_some_and(|domain| domain.eq_ignore_ascii_case(self.domain.as_bytes()))
        });
        let there = VirtualHost::new(self.domain.as_str());
        Ok(match bucket.and_then(|at| name.get(..at)) {
            Some(bucket) => there.with_bucket(bucket.to_ascii_lowercase()),
            None => there,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_read_off_hosts_below_the_domain_alone() {
        let domain = Domain::new("s3.Example.com");
        for (host, bucket) in [
            ("s3.example.com", None),
            ("s3.example.com:9000", None),
            ("photos.s3.example.com", Some("photos")),
            ("my.photos.S3.example.com:9000", Some("my.photos")),
            ("127.0.0.1:9000", None),
            ("localhost", None),
            ("xs3.example.com", None),
            (".s3.example.com", None),
            ("é.s3.example.com", Some("é")),
            ("", None),
        ] {
            assert_eq!(domain.parse_host_header(host).unwrap().bucket(), bucket, "{host}");
        }
        let exact = Domain::new("s3.example.com:9000");
        assert_eq!(exact.parse_host_header("b.s3.example.com:9000").unwrap().bucket(), Some("b"));
        assert_eq!(exact.parse_host_header("b.s3.example.com:9001").unwrap().bucket(), None);
    }
}
