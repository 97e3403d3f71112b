//! Owns reading a connection's options (contract §2.5.2): what is wrong with them is said when they are saved.
//! Never touches the network: what is published elsewhere was read before, and is kept with the options.

mod reader;

use self::reader::Reader;
use crate::{
    expectations::Policy,
    key::{DecryptionKey, TrustedKey},
    mapping::Mapping,
    metadata::published::{Published, PublishedService},
    settings::{Binding, OwnDecryptionKey, Place, Settings, Unsolicited},
    signing::SigningKey,
};
use portico_core::{connector::Problem, secret::Secret};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use url::{Host, Url};

/// The option under which we keep what the identity provider published. What an administrator writes there is replaced.
pub(crate) const PUBLISHED: &str = "published";

/// The option under which we keep which certificates somebody was warned of.
pub(crate) const WARNED: &str = "certificate_warnings";

/// Options whose contents no answer of the Management API shows.
pub(crate) const SECRETS: &[&str] = &["decryptionKey", "signing_key"];

/// Read the options of one connection.
pub(crate) fn read(options: &Value) -> Result<Settings, Vec<Problem>> {
    let empty = Map::new();
    let mut reader = Reader::new(options.as_object().unwrap_or(&empty));
    refuse(&mut reader);
    let metadata_url = reader.url("metadataUrl", 2048);
    if reader.given("metadataUrl") && reader.given("metadataXml") {
        reader.problem(
            "metadataXml",
            "may not be given together with `metadataUrl`: which one counts would be a guess",
        );
    }
    let published = published(&mut reader);
    let binding = reader.choice(
        "protocolBinding",
        &[(Binding::Redirect.uri(), Binding::Redirect), (Binding::Post.uri(), Binding::Post)],
    );
    let given = |url: Option<Url>| {
        url.map(|url| Place { url, response_url: None, binding: binding.unwrap_or(Binding::Redirect) })
    };
    let sign_in = given(reader.url("signInEndpoint", 2048))
        .or_else(|| published.as_ref().and_then(|published| place(&published.sign_in, binding)));
    let sign_out = given(reader.url("signOutEndpoint", 2048))
        .or_else(|| published.as_ref().and_then(|published| place(&published.sign_out, binding)));
    let sign_out = sign_out.filter(|_| !reader.flag("disableSignout", false));
    let wants_signed = published.as_ref().is_some_and(|published| published.wants_signed_requests);
    let issuer = reader.text("issuer", 1024);
    let settings = Settings {
        metadata_url,
        identity_provider: issuer.or_else(|| published.as_ref().map(|published| published.entity_id.clone())),
        sign_in,
        sign_out,
        trusted: trusted(&mut reader, published.as_ref()),
        sign_requests: reader.flag("signSAMLRequest", wants_signed),
        signing_key: signing_key(&mut reader),
        decryption_key: decryption_key(&mut reader),
        entity_id: reader.text("entityId", 128),
        destination: reader.url("destinationUrl", 255),
        recipient: reader.url("recipientUrl", 255),
        name_id_format: reader.text("nameIdFormat", 255),
        acr_map: acr_map(&mut reader),
        policy: policy(&mut reader),
        mapping: mapping(&mut reader),
        unsolicited: unsolicited(&mut reader),
    };
    reader.finish(settings)
}

/// What has to be there before anybody can sign in (SAML-13): checked once everything that is published was read.
pub(crate) fn lacks(settings: &Settings) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut lacks = |name: &str, message: &str| {
        problems.push(Problem { pointer: format!("/{name}"), message: format!("`{name}` {message}") });
    };
    if settings.trusted.is_empty() {
        lacks(
            "signingCert",
            "is needed: without a certificate of the identity provider to verify signatures with, nobody's word can be \
             believed. Give it here, or metadata that has one for signing",
        );
    }
    if settings.sign_in.is_none() {
        lacks(
            "signInEndpoint",
            "is needed unless metadata names an endpoint with the redirect or POST binding",
        );
    }
    if settings.identity_provider.as_ref().is_none_or(String::is_empty) {
        lacks("issuer", "is needed unless metadata is given: the entity ID of the identity provider");
    }
    problems
}

/// Options that mean something that is not done here: refused by name, never ignored.
fn refuse(reader: &mut Reader<'_>) {
    if reader.given("requestTemplate") {
        reader.problem(
            "requestTemplate",
            "is not supported: requests are written by Portico, and `protocolBinding`, `nameIdFormat`, `acrMap` and \
             `entityId` say what can be different in them",
        );
    }
    let weak = "must be SHA-256 (`rsa-sha256`, `sha256`): SHA-1 is not used";
    if reader.text("signatureAlgorithm", 64).is_some_and(|name| name != "rsa-sha256") {
        reader.problem("signatureAlgorithm", weak);
    }
    if reader.text("digestAlgorithm", 64).is_some_and(|name| name != "sha256") {
        reader.problem("digestAlgorithm", weak);
    }
    if !reader.flag("deflate", true) {
        reader.problem("deflate", "must be true: SAML's redirect binding has no other encoding");
    }
}

/// What we kept of the metadata; the document itself, while there is nothing kept of it.
fn published(reader: &mut Reader<'_>) -> Option<Published> {
    if !reader.given("metadataUrl") && !reader.given("metadataXml") {
        return None;
    }
    serde_json::from_value(reader.value(PUBLISHED)?.clone()).ok()
}

/// The service with the binding that is wanted, or the one that is most usual.
fn place(services: &[PublishedService], wanted: Option<Binding>) -> Option<Place> {
    let with = |binding: Binding| {
        let service = services.iter().find(|service| service.binding == binding.uri())?;
        let url = Url::parse(&service.location).ok().filter(is_web)?;
        let response_url = service.response_location.as_deref().and_then(|text| Url::parse(text).ok());
        Some(Place { url, response_url: response_url.filter(is_web), binding })
    };
    match wanted {
        Some(binding) => with(binding),
        None => with(Binding::Redirect).or_else(|| with(Binding::Post)),
    }
}

/// Certificates that are given win over those that are published: a connection can be pinned.
fn trusted(reader: &mut Reader<'_>, published: Option<&Published>) -> Vec<TrustedKey> {
    let mut trusted: Vec<TrustedKey> = Vec::new();
    for name in ["signingCert", "cert"] {
        for text in reader.texts(name, 10_240) {
            for certificate in certificates(&text) {
                match TrustedKey::read(&certificate) {
                    Ok(key) if trusted.contains(&key) => {}
                    Ok(key) => trusted.push(key),
                    Err(fault) => reader.problem(name, &format!("{fault}")),
                }
            }
        }
    }
    if trusted.is_empty()
        && let Some(published) = published
    {
        let read = |one: &crate::metadata::published::PublishedCertificate| TrustedKey::read(&one.cert).ok();
        trusted.extend(published.certificates.iter().filter_map(read));
    }
    trusted
}

/// One text for each certificate: PEM may hold several, and so may PEM in base64.
fn certificates(text: &str) -> Vec<String> {
    use base64::{Engine, engine::general_purpose::STANDARD};
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    let packed: String = text.split_ascii_whitespace().collect();
    let unpacked = STANDARD.decode(packed).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let text = unpacked.filter(|unpacked| unpacked.contains(BEGIN)).unwrap_or_else(|| text.to_owned());
    if !text.contains(BEGIN) {
        return vec![text];
    }
    text.split(BEGIN).skip(1).map(|rest| format!("{BEGIN}{rest}").trim().to_owned()).collect()
}

fn signing_key(reader: &mut Reader<'_>) -> Option<SigningKey> {
    let (private, certificate) = reader.pair("signing_key")?;
    let Some(certificate) = certificate else {
        reader.problem("signing_key", "must be {\"key\": PEM, \"cert\": PEM}");
        return None;
    };
    match SigningKey::of_pem(&private, &certificate) {
        Ok(key) => Some(key),
        Err(message) => {
            reader.problem("signing_key", message);
            None
        }
    }
}

fn decryption_key(reader: &mut Reader<'_>) -> Option<OwnDecryptionKey> {
    let (private, certificate) = reader.pair("decryptionKey")?;
    let certificate = match certificate.map(|text| TrustedKey::read(&text)).transpose() {
        Ok(key) => key.map(|key| key.der().to_vec()),
        Err(fault) => {
            reader.problem("decryptionKey", &format!("has a `cert` that {fault}"));
            None
        }
    };
    match DecryptionKey::read(&Secret::new(private)) {
        Ok(key) => Some(OwnDecryptionKey { key, certificate }),
        Err(_unusable) => {
            reader.problem("decryptionKey", "must hold a private RSA key of 2048 bits or more, in PEM");
            None
        }
    }
}

fn acr_map(reader: &mut Reader<'_>) -> BTreeMap<String, String> {
    let mut map = BTreeMap::new();
    for (acr, context) in reader.object("acrMap") {
        match context.as_str() {
            Some(context) => drop(map.insert(acr, context.to_owned())),
            None => reader.problem("acrMap", "must map values of acr_values to AuthnContextClassRef URIs"),
        }
    }
    map
}

fn policy(reader: &mut Reader<'_>) -> Policy {
    Policy {
        want_response_signed: reader.flag("want_response_signed", false),
        want_assertion_signed: reader.flag("want_assertions_signed", false),
        allow_unauthenticated_cbc: reader.flag("allowUnauthenticatedCbc", false),
        enforce_certificate_validity: reader.flag("enforce_cert_validity", false),
        trim: reader.flag("trim_values", false),
        ..Policy::default()
    }
}

/// Contract §2.5.2: at most 44 entries; a claim's name, or several of which the first that is there counts.
fn mapping(reader: &mut Reader<'_>) -> Mapping {
    let given = reader.object("fieldsMap");
    if given.len() > 44 {
        reader.problem("fieldsMap", "may have at most 44 entries");
    }
    let mut mapping = Mapping { name_id_format: reader.text("nameIdFormat", 255), ..Mapping::default() };
    for (field, names) in given {
        let names: Option<Vec<String>> = match names {
            Value::String(name) => Some(vec![name]),
            Value::Array(names) => names.iter().map(|name| name.as_str().map(str::to_owned)).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
        };
        let Some(names) = names.filter(|names| !names.is_empty()) else {
            reader
                .problem("fieldsMap", &format!("has `{field}`, which is neither a name nor a list of names"));
            continue;
        };
        match field.as_str() {
            "email_verified" => reader.problem(
                "fieldsMap",
                "may not set `email_verified`: an address is verified by a mail of ours, not by an identity provider",
            ),
            "user_id" => mapping.key = names,
            _ => drop(mapping.fields.insert(field, names)),
        }
    }
    if let Some(key) = reader.text("user_id_attribute", 1024) {
        mapping.key = vec![key];
    }
    mapping
}

/// Contract §1.10, §2.5.2. Off unless it says otherwise (SAML-43).
fn unsolicited(reader: &mut Reader<'_>) -> Option<Unsolicited> {
    let given = reader.object("idpinitiated");
    if given.get("enabled") != Some(&Value::Bool(true)) {
        return None;
    }
    let text = |name: &str| given.get(name).and_then(Value::as_str).unwrap_or_default();
    let protocol = text("client_protocol");
    if !matches!(protocol, "" | "oidc" | "oauth2") {
        reader.problem(
            "idpinitiated",
            "must have `client_protocol` `oidc`: applications speak OpenID Connect here",
        );
    }
    if text("client_id").is_empty() {
        reader.problem("idpinitiated", "needs `client_id`: the application that people land in");
    }
    let query = text("client_authorizequery");
    if query.len() > 2048 {
        reader.problem("idpinitiated", "has a `client_authorizequery` of more than 2048 characters");
    }
    let query = form_urlencoded::parse(query.as_bytes())
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .filter(|(name, _)| {
            !matches!(name.as_str(), "client_id" | "connection" | "organization" | "invitation")
        });
    Some(Unsolicited { client_id: text("client_id").to_owned(), query: query.collect() })
}

/// `https`, or `http` on this machine; no user name, no fragment.
pub(crate) fn is_web(url: &Url) -> bool {
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    let local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    plain && url.has_host() && (url.scheme() == "https" || url.scheme() == "http" && local)
}

#[cfg(test)]
mod tests;
