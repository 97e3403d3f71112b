//! Owns the request that sends somebody to their identity provider (SAML Core §3.4.1, SAML Profiles §4.1.4.1).
//! Never touches the answer.

use crate::{
    message::{Message, SAML, SAMLP},
    party::{OwnKeys, Party},
    settings::{Binding, Place, Settings},
    xml::Element,
};
use portico_core::{
    connector::{AuthnRequest, ConnectorError, Interaction},
    entropy::Entropy,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// What has to be found again when the browser comes back.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Notes {
    /// The request's ID: what the answer has to be in response to.
    pub(crate) id: String,
    /// Whom it was sent to: the answer has to come from there.
    pub(crate) identity_provider: String,
    /// Whether a fresh sign-in was demanded (`ForceAuthn`).
    pub(crate) force: bool,
    /// Authentication contexts that were asked for, any of which will do.
    #[serde(default)]
    pub(crate) contexts: Vec<String>,
}

/// A fresh ID of a message of ours: 160 random bits, and a name as XML wants it (SAML Core §1.3.4, SAML-67).
pub(crate) fn fresh_id(entropy: &dyn Entropy) -> String {
    format!("_{}", entropy.hex(40))
}

/// Write a request.
pub(crate) fn write(
    asked: &AuthnRequest,
    settings: &Settings,
    party: &Party,
    (sign_in, identity_provider): (&Place, &str),
    (entropy, now): (&dyn Entropy, Timestamp),
) -> (Element, Notes) {
    let wanted = asked.acr_values.iter().filter_map(|acr| settings.acr_map.get(acr));
    let notes = Notes {
        id: fresh_id(entropy),
        identity_provider: identity_provider.to_owned(),
        force: asked.force,
        contexts: wanted.cloned().collect(),
    };
    // A request that may not be answered by a person never gets here: the router has no session then, and says so. So
    // `IsPassive` is never asked for.
    let mut root = Element::new("samlp:AuthnRequest")
        .namespace("samlp", SAMLP)
        .attribute("ID", &notes.id)
        .attribute("Version", "2.0")
        .attribute("IssueInstant", &now.iso())
        .attribute("Destination", sign_in.url.as_str())
        .attribute("AssertionConsumerServiceURL", &party.acs)
        .attribute("ProtocolBinding", Binding::Post.uri())
        .maybe("ForceAuthn", notes.force.then_some("true"))
        .child(Element::new("saml:Issuer").namespace("saml", SAML).text(&party.entity_id))
        .child(
            Element::new("samlp:NameIDPolicy")
                .attribute("AllowCreate", "true")
                .maybe("Format", settings.name_id_format.as_deref()),
        );
    if !notes.contexts.is_empty() {
        let contexts = notes
            .contexts
            .iter()
            .map(|context| Element::new("saml:AuthnContextClassRef").namespace("saml", SAML).text(context));
        root = root.child(
            Element::new("samlp:RequestedAuthnContext").attribute("Comparison", "exact").children(contexts),
        );
    }
    (root, notes)
}

/// Write a request, and send the browser there with it.
pub(crate) fn send(
    asked: &AuthnRequest,
    settings: &Settings,
    party: &Party,
    keys: &OwnKeys,
    source: (&dyn Entropy, Timestamp),
) -> Result<(Interaction, Notes), ConnectorError> {
    let incomplete = || {
        ConnectorError::Misconfigured("where the identity provider is has not been found out yet".to_owned())
    };
    let sign_in = settings.sign_in.as_ref().ok_or_else(incomplete)?;
    let identity_provider = settings.identity_provider.as_deref().ok_or_else(incomplete)?;
    let (root, notes) = write(asked, settings, party, (sign_in, identity_provider), source);
    let no_key =
        || ConnectorError::Misconfigured("there is no key pair of ours to sign requests with".to_owned());
    let signing = match (settings.sign_requests, &keys.signing) {
        (true, Some(key)) => Some(key),
        (true, None) => return Err(no_key()),
        (false, _) => None,
    };
    let relay_state = Some(asked.transaction.as_str());
    let message = Message { parameter: "SAMLRequest", id: &notes.id, root, relay_state, signing };
    Ok((message.toward(&sign_in.url, sign_in.binding)?, notes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{options::read, signing::RSA_SHA256, testing::signing};
    use base64::{Engine, engine::general_purpose::STANDARD};
    use flate2::read::DeflateDecoder;
    use openssl::{hash::MessageDigest, sign::Verifier};
    use portico_core::{
        connector::Intent,
        entropy::SystemEntropy,
        id::TransactionId,
        port::certified_keys::CertifiedKeyRing,
        testing::{MemoryCertifiedKeys, SeededEntropy},
    };
    use serde_json::{Value, json};
    use std::{collections::BTreeSet, io::Read, sync::Arc};

    const NOW: Timestamp = Timestamp(1_795_521_600_000);

    fn asked() -> AuthnRequest {
        AuthnRequest {
            transaction: TransactionId::random(&SeededEntropy::default()),
            callback: "https://login.portico.test/login/callback".parse().unwrap(),
            intent: Intent::SignIn,
            organization: None,
            client: None,
            login_hint: None,
            force: false,
            acr_values: Vec::new(),
            started_at: NOW,
        }
    }

    fn options(changes: &Value) -> Settings {
        let mut options = json!({"signInEndpoint": "https://idp.test/sso?tenant=7", "issuer": "urn:idp"});
        for (name, value) in changes.as_object().unwrap() {
            options[name] = value.clone();
        }
        read(&options).unwrap()
    }

    fn sent(asked: &AuthnRequest, settings: &Settings, signing: Option<SigningKey>) -> (Interaction, Notes) {
        let party = Party::new(&"https://login.portico.test/".parse().unwrap(), "metahexa", settings);
        let ring: Arc<dyn CertifiedKeyRing> = Arc::new(MemoryCertifiedKeys::default());
        let cache =
            crate::party::OwnKeyCache::new(ring, &Settings { signing_key: signing, ..settings.clone() });
        send(asked, settings, &party, &cache.keys().unwrap(), (&SystemEntropy::default(), NOW)).unwrap()
    }

    use crate::signing::SigningKey;

    fn inflated(text: &str) -> String {
        let mut document = String::new();
        DeflateDecoder::new(&*STANDARD.decode(text).unwrap()).read_to_string(&mut document).unwrap();
        document
    }

    #[test]
    fn a_redirect_carries_a_deflated_request_and_the_login() {
        let asked = asked();
        let (interaction, notes) = sent(&asked, &options(&json!({})), None);
        let Interaction::Redirect(url) = interaction else { panic!("{interaction:?}") };
        assert!(url.as_str().starts_with("https://idp.test/sso?tenant=7&SAMLRequest="));
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let names: Vec<&str> = pairs.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["tenant", "SAMLRequest", "RelayState"], "it is not signed");
        assert_eq!(pairs[2].1, asked.transaction.as_str());
        assert!(pairs[2].1.len() <= 80, "SAML Bindings §3.4.3");
        assert_eq!(
            inflated(&pairs[1].1),
            format!(
                "<samlp:AuthnRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
                 AssertionConsumerServiceURL=\"https://login.portico.test/login/callback?connection=metahexa\" \
                 Destination=\"https://idp.test/sso?tenant=7\" ID=\"{}\" IssueInstant=\"2026-11-24T12:00:00.000Z\" \
                 ProtocolBinding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Version=\"2.0\">\
                 <saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">urn:auth0:login:metahexa</saml:Issuer>\
                 <samlp:NameIDPolicy AllowCreate=\"true\"></samlp:NameIDPolicy></samlp:AuthnRequest>",
                notes.id
            )
        );
    }

    #[test]
    fn a_signed_redirect_is_signed_over_the_query_as_it_is() {
        let (key, certificate) = signing();
        let settings = options(&json!({"signSAMLRequest": true}));
        let (Interaction::Redirect(url), _) = sent(&asked(), &settings, Some(key)) else { panic!() };
        let query = url.query().unwrap().strip_prefix("tenant=7&").unwrap();
        let (signed, _) = query.split_once("&Signature=").unwrap();
        assert!(signed.ends_with(&format!(
            "&SigAlg={}",
            form_urlencoded::byte_serialize(RSA_SHA256.as_bytes()).collect::<String>()
        )));
        let signature = url.query_pairs().find(|(name, _)| name == "Signature").unwrap().1;
        let public = certificate.public_key().unwrap();
        let mut verifier = Verifier::new(MessageDigest::sha256(), &public).unwrap();
        let good = verifier.verify_oneshot(&STANDARD.decode(&*signature).unwrap(), signed.as_bytes());
        assert!(good.unwrap());
    }

    #[test]
    fn a_post_carries_a_signed_document() {
        let (key, _) = signing();
        let settings = options(&json!({
            "signSAMLRequest": true,
            "protocolBinding": "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST",
        }));
        let (Interaction::Post { action, fields }, notes) = sent(&asked(), &settings, Some(key)) else {
            panic!()
        };
        assert_eq!(action.as_str(), "https://idp.test/sso?tenant=7");
        assert_eq!(fields[1].0, "RelayState");
        let document = String::from_utf8(STANDARD.decode(&fields[0].1).unwrap()).unwrap();
        assert!(document.contains(&format!("URI=\"#{}\"", notes.id)));
    }

    #[test]
    fn what_the_application_asks_for_is_asked_there() {
        let settings = options(&json!({
            "acrMap": {"gold": "urn:mfa"},
            "nameIdFormat": "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
        }));
        let asked =
            AuthnRequest { force: true, acr_values: vec!["silver".to_owned(), "gold".to_owned()], ..asked() };
        let (Interaction::Redirect(url), notes) = sent(&asked, &settings, None) else { panic!() };
        let document = inflated(&url.query_pairs().nth(1).unwrap().1);
        assert!(document.contains(" ForceAuthn=\"true\" "));
        assert!(
            document.contains("<samlp:RequestedAuthnContext Comparison=\"exact\"><saml:AuthnContextClassRef")
        );
        assert!(document.contains(">urn:mfa</saml:AuthnContextClassRef>"));
        assert!(document.contains("Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\""));
        assert_eq!((notes.force, notes.contexts), (true, vec!["urn:mfa".to_owned()]));
    }

    #[test]
    fn a_connection_that_signs_and_has_no_key_sends_nobody_anywhere() {
        let settings = options(&json!({"signSAMLRequest": true}));
        let party = Party::new(&"https://login.portico.test/".parse().unwrap(), "metahexa", &settings);
        let ring: Arc<dyn CertifiedKeyRing> = Arc::new(MemoryCertifiedKeys::default());
        let keys = crate::party::OwnKeyCache::new(ring, &settings).keys().unwrap();
        let sent = send(&asked(), &settings, &party, &keys, (&SystemEntropy::default(), NOW));
        assert!(matches!(sent, Err(ConnectorError::Misconfigured(_))));
    }

    #[test]
    fn saml_67_ids_are_names_of_160_random_bits_and_never_repeat() {
        let entropy = SystemEntropy::default();
        let ids: BTreeSet<String> = (0..10_000).map(|_| fresh_id(&entropy)).collect();
        assert_eq!(ids.len(), 10_000);
        for id in ids {
            assert_eq!((id.len(), id.starts_with('_')), (41, true));
            assert!(id[1..].bytes().all(|byte| byte.is_ascii_hexdigit()));
        }
    }
}
