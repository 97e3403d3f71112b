//! Owns the client: its limits, and how its answers and failures are told.
//! Never touches which addresses are allowed: that is decided before it connects.

use crate::{
    allow::AllowEntry,
    lookup::{Lookup, SystemLookup, Vetoed, VettingResolver},
    vet::{Listing, vet},
};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use portico_core::port::http::{HttpClient, HttpError};
use reqwest::{Client, redirect, retry};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject},
};
use std::{error::Error, net::IpAddr, sync::Arc, time::Duration};
use url::Url;

/// What may be reached, and whom to trust. Comes from the operator's configuration alone.
#[derive(Clone, Debug, Default)]
pub struct EgressPolicy {
    /// Hosts that may be reached though they are private, over http or on odd ports.
    pub allow: Vec<AllowEntry>,
    /// Certificates, in PEM, of authorities to trust beside Mozilla's list.
    pub extra_roots: Vec<u8>,
    /// Addresses this node listens on; nobody makes us call ourselves.
    pub own: Vec<IpAddr>,
    /// When to give up.
    pub limits: Limits,
}

/// When to give up.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Limits {
    /// For a connection to stand, TLS included.
    pub connect: Duration,
    /// For the whole exchange.
    pub total: Duration,
    /// The most bytes a body may have.
    pub body: usize,
    /// The most bytes all header fields may have together.
    pub headers: usize,
}

impl Default for Limits {
    /// 5 s, 10 s, 1 MiB, 32 KiB (`security.md` §3.7).
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            total: Duration::from_secs(10),
            body: 1 << 20,
            headers: 32 << 10,
        }
    }
}

/// A policy no client can be built from.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EgressError {
    /// The extra roots are not certificates in PEM.
    #[error("the extra root certificates cannot be read: {0}")]
    Roots(String),
    /// TLS or the client cannot be set up.
    #[error("the HTTP client cannot be set up")]
    Client(#[source] Box<dyn Error + Send + Sync>),
}

/// The one way out.
pub struct Egress {
    policy: EgressPolicy,
    unlisted: Client,
    listed: Client,
}

impl Egress {
    /// With the operating system's resolver.
    pub fn new(policy: EgressPolicy) -> Result<Self, EgressError> {
        Self::with_lookup(policy, Arc::new(SystemLookup))
    }

    /// With another resolver.
    pub fn with_lookup(policy: EgressPolicy, lookup: Arc<dyn Lookup>) -> Result<Self, EgressError> {
        let own: Arc<[IpAddr]> = policy.own.clone().into();
        let tls = tls(&policy.extra_roots)?;
        let resolver = VettingResolver { lookup, listing: Listing::Unlisted, own };
        let for_listed = VettingResolver { listing: Listing::Listed, ..resolver.clone() };
        let unlisted = client(&policy.limits, tls.clone(), resolver)?;
        let listed = client(&policy.limits, tls, for_listed)?;
        Ok(Self { policy, unlisted, listed })
    }

    fn admit(&self, url: &Url) -> Result<&Client, HttpError> {
        let listing = vet(url, &self.policy.allow).and_then(|listing| {
            let literal = match url.host() {
                Some(url::Host::Ipv4(address)) => Some(IpAddr::V4(address)),
                Some(url::Host::Ipv6(address)) => Some(IpAddr::V6(address)),
                Some(url::Host::Domain(_)) | None => None,
            };
            match literal {
                Some(address) if listing == Listing::Unlisted && self.policy.own.contains(&address) => {
                    Err(format!("`{address}` is an address of our own"))
                }
                _ => Ok(listing),
            }
        });
        match listing {
            Ok(Listing::Listed) => Ok(&self.listed),
            Ok(Listing::Unlisted) => Ok(&self.unlisted),
            Err(reason) => Err(HttpError::Refused { url: spoken(url), reason }),
        }
    }

    async fn body(&self, url: &Url, mut answer: reqwest::Response) -> Result<Bytes, HttpError> {
        let limit = self.policy.limits.body;
        if answer.content_length().is_some_and(|length| length > limit as u64) {
            return Err(HttpError::TooLarge(spoken(url)));
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = answer.chunk().await.map_err(|cause| failure(url, cause))? {
            if body.len() + chunk.len() > limit {
                return Err(HttpError::TooLarge(spoken(url)));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }
}

#[async_trait]
impl HttpClient for Egress {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, HttpError> {
        let (mut parts, body) = request.into_parts();
        let url = Url::parse(&parts.uri.to_string()).map_err(|_no_url| HttpError::Refused {
            url: "an address that is no URL".to_owned(),
            reason: "only https URLs are reached".to_owned(),
        })?;
        let client = self.admit(&url)?;
        // The URL says which host is meant; a header must not say another.
        parts.headers.remove(http::header::HOST);
        let request = client.request(parts.method, url.clone()).headers(parts.headers).body(body);
        let answer = request.send().await.map_err(|cause| failure(&url, cause))?;
        let size: usize =
            answer.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        if size > self.policy.limits.headers {
            return Err(HttpError::TooLarge(spoken(&url)));
        }
        let mut response = http::Response::new(Bytes::new());
        *response.status_mut() = answer.status();
        response.headers_mut().clone_from(answer.headers());
        *response.body_mut() = self.body(&url, answer).await?;
        Ok(response)
    }
}

fn tls(extra_roots: &[u8]) -> Result<ClientConfig, EgressError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for certificate in CertificateDer::pem_slice_iter(extra_roots) {
        let certificate = certificate.map_err(|error| EgressError::Roots(error.to_string()))?;
        roots.add(certificate).map_err(|error| EgressError::Roots(error.to_string()))?;
    }
    if !extra_roots.is_empty() && roots.len() == webpki_roots::TLS_SERVER_ROOTS.len() {
        return Err(EgressError::Roots("there is no certificate in it".to_owned()));
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| EgressError::Client(error.into()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn client(limits: &Limits, tls: ClientConfig, resolver: VettingResolver) -> Result<Client, EgressError> {
    Client::builder()
        .user_agent(concat!("portico/", env!("CARGO_PKG_VERSION")))
        .tls_backend_preconfigured(tls)
        .https_only(resolver.listing == Listing::Unlisted)
        .dns_resolver(Arc::new(resolver))
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
        .no_proxy()
        .connect_timeout(limits.connect)
        .timeout(limits.total)
        .http2_max_header_list_size(u32::try_from(limits.headers).unwrap_or(u32::MAX))
        .pool_idle_timeout(Duration::from_secs(30))
        .pool_max_idle_per_host(8)
        .build()
        .map_err(|error| EgressError::Client(error.into()))
}

/// The URL without what may be secret in it.
fn spoken(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Both fail only for URLs without a host, which hold no user.
    let _no_host = url.set_username("");
    let _no_host = url.set_password(None);
    url.into()
}

fn failure(url: &Url, cause: reqwest::Error) -> HttpError {
    let mut source: Option<&(dyn Error + 'static)> = Some(&cause);
    while let Some(error) = source {
        if let Some(vetoed) = error.downcast_ref::<Vetoed>() {
            return HttpError::Refused { url: spoken(url), reason: vetoed.to_string() };
        }
        source = error.source();
    }
    if cause.is_timeout() {
        return HttpError::TimedOut(spoken(url));
    }
    // The cause repeats the URL, query and all.
    HttpError::Unreachable { url: spoken(url), cause: cause.without_url().into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    async fn ask(egress: &Egress, url: &str) -> Result<http::Response<Bytes>, HttpError> {
        egress.send(http::Request::get(url).body(Bytes::new()).unwrap()).await
    }

    #[tokio::test]
    async fn a_listed_host_answers_and_an_unlisted_one_is_not_even_called() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let calls = AtomicUsize::new(0);
        let serve = async {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                calls.fetch_add(1, SeqCst);
                let mut request = [0; 2048];
                let _length = stream.read(&mut request).await.unwrap();
                let answer = "HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi";
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        };
        let check = async {
            let url = format!("http://localhost:{port}/a?code=secret");
            let refused = ask(&Egress::new(EgressPolicy::default()).unwrap(), &url).await.unwrap_err();
            assert!(
                matches!(&refused, HttpError::Refused { url, .. } if !url.contains("secret")),
                "{refused:?}"
            );
            assert_eq!(calls.load(SeqCst), 0);

            let allow = vec![format!("localhost:{port}").parse().unwrap()];
            let egress = Egress::new(EgressPolicy { allow, ..EgressPolicy::default() }).unwrap();
            let answer = ask(&egress, &url).await.unwrap();
            assert_eq!(answer.status(), 302, "a redirect is an answer, and nobody follows it");
            assert_eq!(answer.body(), "hi");
            assert_eq!(calls.load(SeqCst), 1);
        };
        tokio::select! { () = serve => {}, () = check => {} }
    }

    #[test]
    fn roots_that_are_none_are_refused() {
        let policy = EgressPolicy { extra_roots: b"not a certificate".to_vec(), ..EgressPolicy::default() };
        assert!(matches!(Egress::new(policy), Err(EgressError::Roots(_))));
    }
}
