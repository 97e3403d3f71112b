//! Owns client authentication: who says they are which client, and whether they show it (RFC 6749 §2.3, OP-15).
//! Never touches what the client may do then.

use super::error::Refusal;
use crate::{
    connector::Reply,
    id::ClientId,
    model::{Client, ClientAuthentication},
    secret::Secret,
};
use base64::{Engine, engine::general_purpose::STANDARD};

/// Who a request says it comes from, and what it shows for it: by one method, never two.
#[derive(Clone, Debug)]
pub(super) struct ClientCredentials {
    /// The client.
    pub(super) client_id: ClientId,
    method: ClientAuthentication,
    secret: Secret,
}

impl ClientCredentials {
    /// Read them from the parameters and the `Authorization` header of a request.
    pub(super) fn read(parameters: &Reply, authorization: Option<&str>) -> Result<Self, Refusal> {
        let given = |name: &str| parameters.get(name).filter(|value| !value.is_empty());
        if given("client_assertion").is_some() {
            return Err(Refusal::unauthorized("client_assertion_unsupported"));
        }
        let named = given("client_id");
        let posted = given("client_secret");
        let parse =
            |id: &str| ClientId::parse(id).map_err(|_not_one| Refusal::unauthorized("unknown_client"));
        let Some(header) = authorization else {
            let method = match posted {
                Some(_) => ClientAuthentication::ClientSecretPost,
                None => ClientAuthentication::None,
            };
            let client_id = parse(named.ok_or_else(|| Refusal::missing("client_id"))?)?;
            return Ok(Self { client_id, method, secret: Secret::new(posted.unwrap_or_default()) });
        };
        if posted.is_some() {
            return Err(Refusal::unauthorized("two_authentication_methods"));
        }
        let (id, secret) = basic(header).ok_or_else(|| Refusal::unauthorized("malformed_basic"))?;
        if named.is_some_and(|named| named != id) {
            return Err(Refusal::unauthorized("two_clients"));
        }
        Ok(Self { client_id: parse(&id)?, method: ClientAuthentication::ClientSecretBasic, secret })
    }

    /// Is it this client? The method must be the registered one: a secret that leaks into one kind of log cannot be used
    /// in another kind of request. `client` is what the store has under the id.
    pub(super) fn authenticate(&self, client: Option<Client>) -> Result<Client, Refusal> {
        // The same comparison when there is no such client.
        let secret = client.as_ref().map_or_else(|| Secret::new(UNKNOWN), |client| client.secret.clone());
        let matches = self.secret.matches(&secret);
        let client = client.ok_or_else(|| Refusal::unauthorized("unknown_client"))?;
        if self.method != client.authentication || client.is_global {
            return Err(Refusal::unauthorized("authentication_method"));
        }
        if client.is_confidential() && !matches {
            return Err(Refusal::unauthorized("client_secret"));
        }
        Ok(client)
    }
}

/// The client that a request says it is of, before anything is believed: for CORS.
pub fn client_of(client_id: Option<&str>, authorization: Option<&str>) -> Option<ClientId> {
    let named = client_id.map(str::to_owned).or_else(|| Some(basic(authorization?)?.0))?;
    ClientId::parse(named).ok()
}

/// `Basic`, with both halves form-encoded (RFC 6749 §2.3.1).
fn basic(header: &str) -> Option<(String, Secret)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") || encoded.len() > MAX_BASIC {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let decode = |half: &str| {
        let pair = format!("x={half}");
        let mut pairs = form_urlencoded::parse(pair.as_bytes());
        let decoded = pairs.next().map(|(_, value)| value.into_owned());
        pairs.next().is_none().then_some(decoded).flatten()
    };
    // RFC 6749 §2.3.1 asks for form encoding, and many clients leave it out: `&` cannot occur in either of ours.
    Some((decode(id)?, Secret::new(decode(secret)?)))
}

const UNKNOWN: &str = "no client has this secret: it is shorter than any that we make";
const MAX_BASIC: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::sample_client;

    fn basic_header(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    fn judge(
        registered: ClientAuthentication,
        parameters: &[(&str, &str)],
        header: Option<&str>,
    ) -> Result<(), &'static str> {
        let client = Client { authentication: registered, ..sample_client("app", "s3cret/+") };
        let reply =
            parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let judged = ClientCredentials::read(&reply, header)
            .and_then(|read| read.authenticate(Some(client).filter(|client| client.id == read.client_id)));
        judged.map(|_| ()).map_err(|refusal| refusal.reason())
    }

    #[test]
    fn op_15_a_client_shows_who_it_is_in_its_own_way() {
        use ClientAuthentication::{ClientSecretBasic as Basic, ClientSecretPost as Post, None as Public};
        let posted = [("client_id", "app"), ("client_secret", "s3cret/+")];
        let right = basic_header("app:s3cret%2F%2B");
        assert_eq!(judge(Post, &posted, None), Ok(()));
        assert_eq!(judge(Basic, &[], Some(&right)), Ok(()));
        assert_eq!(judge(Basic, &[("client_id", "app")], Some(&right)), Ok(()));
        assert_eq!(judge(Public, &[("client_id", "app")], None), Ok(()));

        assert_eq!(judge(Post, &[], Some(&right)), Err("authentication_method"));
        assert_eq!(judge(Basic, &posted, None), Err("authentication_method"));
        assert_eq!(judge(Public, &posted, None), Err("authentication_method"));
        assert_eq!(judge(Post, &[("client_id", "app")], None), Err("authentication_method"));
        assert_eq!(judge(Basic, &posted, Some(&right)), Err("two_authentication_methods"));
        assert_eq!(judge(Basic, &[("client_id", "other")], Some(&right)), Err("two_clients"));
        assert_eq!(
            judge(Post, &[("client_id", "app"), ("client_secret", "s3cret")], None),
            Err("client_secret")
        );
        assert_eq!(judge(Basic, &[], Some(&basic_header("app:"))), Err("client_secret"));
        assert_eq!(judge(Basic, &[], Some(&basic_header("APP:s3cret%2F%2B"))), Err("unknown_client"));
        assert_eq!(judge(Basic, &[], Some("Bearer abc")), Err("malformed_basic"));
        assert_eq!(judge(Post, &[("client_assertion", "x")], None), Err("client_assertion_unsupported"));
        assert_eq!(judge(Post, &[], None), Err("missing_parameter"));
    }
}
