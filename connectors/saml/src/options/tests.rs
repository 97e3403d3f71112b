//! Owns the cases of a connection's options.
//! Never touches the network.

use super::*;
use crate::testing::{certificate, pem, rsa};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;

fn good() -> Value {
    json!({
        "signInEndpoint": "https://idp.metahexa.test/sso",
        "issuer": "https://idp.metahexa.test/",
        "signingCert": pem(&certificate(&rsa(2048))),
    })
}

fn with(good: &Value, changes: &Value) -> Value {
    let mut options = good.clone();
    for (name, value) in changes.as_object().cloned().unwrap_or_default() {
        options[name] = value;
    }
    options
}

fn pointers(options: &Value) -> Vec<String> {
    let found = match read(options) {
        Ok(settings) => lacks(&settings),
        Err(problems) => problems,
    };
    found.into_iter().map(|problem| problem.pointer).collect()
}

#[test]
fn ordinary_options_are_read_with_their_defaults() {
    let settings = read(&good()).unwrap();
    assert!(lacks(&settings).is_empty());
    let sign_in = settings.sign_in.unwrap();
    assert_eq!((sign_in.url.as_str(), sign_in.binding), ("https://idp.metahexa.test/sso", Binding::Redirect));
    assert!(!settings.sign_requests && settings.sign_out.is_none() && settings.unsolicited.is_none());
    assert_eq!(settings.policy, Policy::default());
}

#[test]
fn certificates_come_in_every_encoding_and_several_at_once() {
    let (one, other) = (certificate(&rsa(2048)), certificate(&rsa(2048)));
    let both = format!("{}{}", pem(&one), pem(&other));
    let der = |certificate: &openssl::x509::X509| STANDARD.encode(certificate.to_der().unwrap());
    let base = good();
    for (name, given, keys) in [
        ("signingCert", json!(pem(&one)), 1),
        ("cert", json!(der(&one)), 1),
        ("signingCert", json!(STANDARD.encode(pem(&one))), 1),
        ("signingCert", json!(both), 2),
        ("signingCert", json!(STANDARD.encode(&both)), 2),
        ("cert", json!([der(&one), pem(&other), pem(&one)]), 2),
    ] {
        let options = with(&base, &json!({"signingCert": null, name: given}));
        assert_eq!(read(&options).unwrap().trusted.len(), keys, "{options}");
    }
}

#[test]
fn saml_13_without_a_key_to_verify_with_there_is_no_connection() {
    for nothing in [json!(null), json!(""), json!([])] {
        assert_eq!(pointers(&with(&good(), &json!({"signingCert": nothing}))), ["/signingCert"], "{nothing}");
    }
    let bare = json!({});
    assert_eq!(pointers(&bare), ["/signingCert", "/signInEndpoint", "/issuer"]);
}

#[test]
fn saml_30_weak_keys_are_refused_by_their_size() {
    let weak = with(&good(), &json!({"signingCert": pem(&certificate(&rsa(1024)))}));
    let problems = read(&weak).unwrap_err();
    assert_eq!(problems[0].pointer, "/signingCert");
    assert!(problems[0].message.contains("1024 bits"), "{}", problems[0].message);
}

#[test]
fn every_problem_points_at_its_option() {
    let base = good();
    for (changes, pointer) in [
        (json!({"requestTemplate": "<samlp:AuthnRequest/>"}), "/requestTemplate"),
        (json!({"signatureAlgorithm": "rsa-sha1"}), "/signatureAlgorithm"),
        (json!({"digestAlgorithm": "sha1"}), "/digestAlgorithm"),
        (json!({"deflate": false}), "/deflate"),
        (json!({"signingCert": "not a certificate"}), "/signingCert"),
        (json!({"cert": [7]}), "/cert"),
        (json!({"signInEndpoint": "http://idp.metahexa.test/sso"}), "/signInEndpoint"),
        (json!({"signInEndpoint": "javascript:alert(1)"}), "/signInEndpoint"),
        (json!({"signOutEndpoint": "https://user@idp.metahexa.test/"}), "/signOutEndpoint"),
        (json!({"metadataUrl": "file:///etc/passwd"}), "/metadataUrl"),
        (json!({"metadataUrl": "https://a.test/", "metadataXml": "<a/>"}), "/metadataXml"),
        (json!({"protocolBinding": "urn:oasis:names:tc:SAML:2.0:bindings:SOAP"}), "/protocolBinding"),
        (json!({"signSAMLRequest": "yes"}), "/signSAMLRequest"),
        (json!({"entityId": "x".repeat(129)}), "/entityId"),
        (json!({"destinationUrl": "nowhere"}), "/destinationUrl"),
        (json!({"recipientUrl": 7}), "/recipientUrl"),
        (json!({"fieldsMap": ["email"]}), "/fieldsMap"),
        (json!({"fieldsMap": {"email": 7}}), "/fieldsMap"),
        (json!({"fieldsMap": {"email_verified": "yes"}}), "/fieldsMap"),
        (json!({"acrMap": {"gold": 7}}), "/acrMap"),
        (json!({"signing_key": "no key"}), "/signing_key"),
        (json!({"decryptionKey": {"cert": "x"}}), "/decryptionKey"),
        (json!({"idpinitiated": {"enabled": true}}), "/idpinitiated"),
        (
            json!({"idpinitiated": {"enabled": true, "client_id": "a", "client_protocol": "wsfed"}}),
            "/idpinitiated",
        ),
    ] {
        assert_eq!(pointers(&with(&base, &changes)), [pointer], "{changes}");
    }
}

#[test]
fn options_of_other_tools_and_nulls_are_no_problem() {
    let options = with(
        &good(),
        &json!({
            "debug": true, "deflate": true, "signatureAlgorithm": "rsa-sha256", "digestAlgorithm": "sha256",
            "requestTemplate": null, "metadataXml": "", "expires": "2027-01-01T00:00:00.000Z", "thumbprints": ["ab"],
            "tenant_domain": "metahexa.test", "icon_url": "https://x.test/i.png", "published": {"entity_id": "evil"},
            "idpinitiated": {"enabled": false, "client_protocol": "wsfed"},
        }),
    );
    let settings = read(&options).unwrap();
    assert_eq!(settings.identity_provider.as_deref(), Some("https://idp.metahexa.test/"));
}

#[test]
fn what_is_given_wins_over_what_is_published_and_nothing_is_published_without_metadata() {
    let (given, published) = (certificate(&rsa(2048)), certificate(&rsa(2048)));
    let kept = json!({
        "entity_id": "urn:published",
        "sign_in": [
            {"binding": Binding::Post.uri(), "location": "https://idp.test/post"},
            {"binding": Binding::Redirect.uri(), "location": "https://idp.test/redirect"},
        ],
        "sign_out": [{"binding": Binding::Post.uri(), "location": "https://idp.test/slo",
                      "response_location": "https://idp.test/slo/done"}],
        "wants_signed_requests": true,
        "certificates": [{"cert": STANDARD.encode(published.to_der().unwrap()), "thumbprint": "t", "expires": ""}],
        "read_at": "",
    });
    let by_metadata = json!({"metadataUrl": "https://idp.test/metadata", "published": kept});
    let settings = read(&by_metadata).unwrap();
    assert!(lacks(&settings).is_empty());
    assert_eq!(settings.identity_provider.as_deref(), Some("urn:published"));
    assert_eq!(settings.sign_in.unwrap().url.as_str(), "https://idp.test/redirect");
    assert_eq!(settings.sign_out.unwrap().response_url.unwrap().as_str(), "https://idp.test/slo/done");
    assert!(settings.sign_requests);
    let by_post =
        with(&by_metadata, &json!({"protocolBinding": Binding::Post.uri(), "disableSignout": true}));
    let settings = read(&by_post).unwrap();
    assert_eq!(settings.sign_in.unwrap().binding, Binding::Post);
    assert_eq!(settings.sign_out, None);
    let pinned =
        with(&by_metadata, &json!({"signingCert": pem(&given), "signInEndpoint": "https://own.test/"}));
    let settings = read(&pinned).unwrap();
    assert_eq!(settings.trusted[0].der(), given.to_der().unwrap());
    assert_eq!((settings.trusted.len(), settings.sign_in.unwrap().url.as_str()), (1, "https://own.test/"));
    let forged = with(&by_metadata, &json!({"metadataUrl": null}));
    assert_eq!(pointers(&forged), ["/signingCert", "/signInEndpoint", "/issuer"]);
}

#[test]
fn maps_and_landings_are_read() {
    let options = with(
        &good(),
        &json!({
            "fieldsMap": {"user_id": "employee", "email": ["mail", "email"]},
            "idpinitiated": {"enabled": true, "client_id": "booking", "client_protocol": "oidc",
                             "client_authorizequery": "redirect_uri=https%3A%2F%2Fa.test%2F&scope=openid&client_id=evil"},
        }),
    );
    let settings = read(&options).unwrap();
    assert_eq!(settings.mapping.key, ["employee"]);
    assert_eq!(settings.mapping.fields["email"], ["mail", "email"]);
    let unsolicited = settings.unsolicited.unwrap();
    assert_eq!(unsolicited.client_id, "booking");
    assert_eq!(
        unsolicited.query,
        [
            ("redirect_uri".to_owned(), "https://a.test/".to_owned()),
            ("scope".to_owned(), "openid".to_owned()),
        ]
    );
    let by_name = with(&options, &json!({"user_id_attribute": "uid"}));
    assert_eq!(read(&by_name).unwrap().mapping.key, ["uid"], "the option wins over the map");
}
