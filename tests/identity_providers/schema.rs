//! Owns our documents against the schemas of OASIS, which `SimpleSAMLphp` brings along, by libxml2.
//! Never touches what a provider makes of them.

use crate::world::World;
use base64::{Engine, engine::general_purpose::STANDARD};
use portico_core::{
    connector::{AuthnRequest, Connector, Evidence, Intent, Interaction, Memo, Step, WayBack},
    entropy::SystemEntropy,
    id::TransactionId,
    model::{Connection, testing},
    time::Clock,
};
use portico_fixtures::saml_document::Keys;
use serde_json::{Value, json};
use std::{
    fs,
    process::{Command, Stdio},
    sync::Arc,
};

/// Where Debian puts them. They are not ours to copy.
const SCHEMAS: &str = "/usr/share/simplesamlphp/schemas";

/// What libxml2 says of a document; nothing, when it is as the schema wants it.
fn faults(schema: &str, document: &str) -> Option<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("document.xml");
    fs::write(&file, document).expect("it is written");
    let judged = Command::new("xmllint")
        .args(["--nonet", "--noout", "--schema", &format!("{SCHEMAS}/{schema}")])
        .arg(&file)
        .stdin(Stdio::null())
        .output()
        .expect("tests/install.sh test installs xmllint");
    let said = String::from_utf8_lossy(&judged.stderr).into_owned();
    // 0: valid. 3: not valid. Anything else is about the schema, or about xmllint.
    match judged.status.code() {
        Some(0) => None,
        Some(3) => Some(said),
        _ => panic!("{said}"),
    }
}

/// A connection with these options beside those that every one has.
async fn connector(world: &World, more: &Value) -> Arc<dyn Connector> {
    let certificate = Keys::of_this_run().current.certificate();
    let mut options = json!({
        "signInEndpoint": "https://idp.example/sso",
        "signOutEndpoint": "https://idp.example/slo",
        "issuer": "https://idp.example/metadata",
        "signingCert": certificate,
        "protocolBinding": "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST",
    });
    for (name, value) in more.as_object().cloned().unwrap_or_default() {
        options[name] = value;
    }
    let options = world.app.connectors.complete("samlp", options).await.expect("good options");
    let strategy = "samlp".to_owned();
    let connection =
        Connection { name: "metahexa & sons".to_owned(), strategy, options, ..testing::connection() };
    world.app.connectors.of(&connection).expect("a connector")
}

/// A document that a form posts.
fn posted(interaction: &Interaction) -> String {
    let Interaction::Post { fields, .. } = interaction else { panic!("{interaction:?}") };
    let (_, message) = &fields[0];
    String::from_utf8(STANDARD.decode(message).expect("base64")).expect("text")
}

const VARIANTS: [fn() -> Value; 4] = [
    || json!({}),
    || json!({ "signSAMLRequest": true }),
    || json!({ "nameIdFormat": "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent", "acrMap": { "mfa": "urn:x:mfa" } }),
    || json!({ "entityId": "https://login.example/?a=1&b=<2>" }),
];

#[tokio::test]
async fn our_metadata_is_as_oasis_wants_it() {
    let world = World::new().await;
    for variant in VARIANTS {
        let options = variant();
        let connector = connector(&world, &options).await;
        let metadata = connector.description().expect("metadata").expect("metadata").body;
        assert_eq!(faults("saml-schema-metadata-2.0.xsd", &metadata), None, "{options}: {metadata}");
        // The controls: an order that is wrong, and an element that is missing.
        let formats = metadata.replacen("<md:NameIDFormat>", "<md:Foreign></md:Foreign><md:NameIDFormat>", 1);
        assert!(faults("saml-schema-metadata-2.0.xsd", &formats).is_some(), "{options}");
        let unindexed = metadata.replace(" index=\"0\"", "");
        assert_ne!(unindexed, metadata);
        assert!(faults("saml-schema-metadata-2.0.xsd", &unindexed).is_some(), "{options}");
    }
}

#[tokio::test]
async fn our_messages_are_as_oasis_wants_them() {
    let world = World::new().await;
    for variant in VARIANTS {
        let options = variant();
        let connector = connector(&world, &options).await;
        let request = AuthnRequest {
            transaction: TransactionId::random(&SystemEntropy::default()),
            callback: "https://login.portico.test/login/callback".parse().expect("an address"),
            intent: Intent::SignIn,
            organization: None,
            client: None,
            login_hint: None,
            force: true,
            acr_values: vec!["mfa".to_owned()],
            started_at: world.clock.now(),
        };
        let step = connector.begin(&request).await.expect("a step");
        let Step::Ask(ask) = step else { panic!("{step:?}") };
        let document = posted(&ask.interaction);
        assert_eq!(faults("saml-schema-protocol-2.0.xsd", &document), None, "{options}: {document}");
        let broken = document.replace(" Version=\"2.0\"", "");
        assert_ne!(broken, document);
        assert!(faults("saml-schema-protocol-2.0.xsd", &broken).is_some(), "the control: {options}");

        let upstream = json!({
            "name_id": "low & <high>",
            "format": "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
            "name_qualifier": "https://idp.example/metadata",
        });
        let evidence = Evidence {
            notes: Memo::write(&upstream).expect("notes"),
            session_index: Some("_session".to_owned()),
            ..Evidence::default()
        };
        let landing = "https://login.portico.test/logout".parse().expect("an address");
        let back = WayBack { landing, handle: "handle".to_owned() };
        let interaction =
            connector.end_session(&evidence, &back).await.expect("a message").expect("a message");
        let document = posted(&interaction);
        assert_eq!(faults("saml-schema-protocol-2.0.xsd", &document), None, "{options}: {document}");
    }
}
