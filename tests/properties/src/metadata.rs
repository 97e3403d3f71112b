//! Owns what has to hold for metadata: whatever is published, libxml2 reads the same entity, keys and addresses in it.
//! Never touches where it is published.

use crate::witness::{Element, libxml2};
use portico_fixtures::saml_document::{DS, Keys};
use portico_saml::{key::TrustedKey, metadata::read::read};

const METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";

/// What matters in the description of an identity provider.
#[derive(Debug, Default, Eq, PartialEq)]
struct Described {
    entity_id: String,
    wants_signed_requests: bool,
    certificates: Vec<String>,
    /// `Location` of the services whose binding we speak.
    sign_in: Vec<String>,
    sign_out: Vec<String>,
    is_provider: bool,
}

/// What has to hold for any bytes: no panic; and if libxml2 takes an accepted document, it reads the same in it. Says
/// whether it is accepted.
///
/// # Panics
/// If it does not hold.
pub fn metadata(document: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(document) else { return false };
    let Ok(ours) = read(text, None) else { return false };
    for certificate in &ours.signing {
        // A certificate can be anything.
        let _read = TrustedKey::read(certificate);
    }
    let Some(seen) = libxml2(document) else { return true };
    let theirs: Vec<Described> = described(&seen).into_iter().filter(|entity| entity.is_provider).collect();
    let [theirs] = theirs.as_slice() else {
        panic!("libxml2 sees {} identity providers in {text}", theirs.len());
    };
    let same = |ours: &[portico_saml::metadata::read::Service], theirs: &[String]| {
        // Addresses that may not be used are left out.
        ours.len() <= theirs.len()
    };
    assert_eq!(ours.entity_id, theirs.entity_id, "{text}");
    assert_eq!(ours.wants_signed_requests, theirs.wants_signed_requests, "{text}");
    assert_eq!(ours.signing, theirs.certificates, "{text}");
    assert!(same(&ours.sign_in, &theirs.sign_in) && same(&ours.sign_out, &theirs.sign_out), "{text}");
    true
}

fn described(seen: &[Element]) -> Vec<Described> {
    let mut found: Vec<Described> = Vec::new();
    let mut open: Vec<&Element> = Vec::new();
    for element in seen {
        open.truncate(element.depth);
        open.push(element);
        let around = open.iter().take_while(|outer| is(outer, METADATA, "EntitiesDescriptor")).count();
        let inside = &open[around..];
        let Some(entity) = inside.first().filter(|first| is(first, METADATA, "EntityDescriptor")) else {
            continue;
        };
        if inside.len() == 1 {
            found.push(Described { entity_id: get(entity, "entityID").to_owned(), ..Described::default() });
            continue;
        }
        let role = inside[1];
        let speaks =
            get(role, "protocolSupportEnumeration").split_ascii_whitespace().any(|one| one == PROTOCOL);
        let Some(described) = found.last_mut() else { continue };
        if !is(role, METADATA, "IDPSSODescriptor") || !speaks {
            continue;
        }
        match &inside[2..] {
            [] => {
                described.is_provider = true;
                described.wants_signed_requests =
                    matches!(get(role, "WantAuthnRequestsSigned"), "true" | "1");
            }
            [service] if is(service, METADATA, "SingleSignOnService") => {
                described.sign_in.push(get(service, "Location").to_owned());
            }
            [service] if is(service, METADATA, "SingleLogoutService") => {
                described.sign_out.push(get(service, "Location").to_owned());
            }
            [descriptor, info, data, certificate]
                if is(descriptor, METADATA, "KeyDescriptor")
                    && matches!(
                        descriptor.attributes.get(&(String::new(), "use".to_owned())).map(String::as_str),
                        None | Some("signing")
                    )
                    && is(info, DS, "KeyInfo")
                    && is(data, DS, "X509Data")
                    && is(certificate, DS, "X509Certificate") =>
            {
                let text: String = certificate.text.split_ascii_whitespace().collect();
                if !described.certificates.contains(&text) {
                    described.certificates.push(text);
                }
            }
            _ => {}
        }
    }
    found
}

fn is(element: &Element, namespace: &str, local: &str) -> bool {
    element.namespace == namespace && element.local == local
}

fn get<'e>(element: &'e Element, name: &str) -> &'e str {
    element.attributes.get(&(String::new(), name.to_owned())).map_or("", String::as_str)
}

/// Documents to begin with: of one identity provider, of several entities, with all that the schema has.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let keys = Keys::of_this_run();
    let key = |usage: &str, certificate: &str| {
        format!(
            "<md:KeyDescriptor{usage}><ds:KeyInfo><ds:KeyName>k</ds:KeyName><ds:X509Data><ds:X509Certificate>{certificate}\
             </ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
        )
    };
    let service = |name: &str, binding: &str, more: &str| {
        format!(
            "<md:{name} Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:{binding}\" Location=\"https://idp.test/{name}\"{more}/>"
        )
    };
    let curved = keys.p256.certificate();
    let inside = [
        key(" use=\"signing\"", &curved),
        key("", "<!-- a --> AAAA\n BB&#66;B<![CDATA[CC]]>"),
        key(" use=\"encryption\"", "DDDD"),
        service("SingleLogoutService", "HTTP-POST", " ResponseLocation=\"https://idp.test/done\""),
        "<md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent</md:NameIDFormat>".to_owned(),
        service("SingleSignOnService", "HTTP-Redirect", ""),
        service("SingleSignOnService", "SOAP", ""),
    ];
    let entity = |id: &str, role: &str, inside: &str| {
        format!(
            "<md:EntityDescriptor xmlns:md=\"{METADATA}\" xmlns:ds=\"{DS}\" entityID=\"{id}\" \
             validUntil=\"2030-01-01T00:00:00Z\"><md:Extensions><a xmlns=\"urn:a\">b</a></md:Extensions><md:{role} \
             protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:1.1:protocol {PROTOCOL}\" \
             WantAuthnRequestsSigned=\"true\">{inside}</md:{role}></md:EntityDescriptor>"
        )
    };
    let one = entity("urn:idp", "IDPSSODescriptor", &inside.concat());
    let other = entity("urn:sp", "SPSSODescriptor", &inside[0]);
    let several =
        format!("<md:EntitiesDescriptor xmlns:md=\"{METADATA}\">{one}{other}</md:EntitiesDescriptor>");
    let declared = format!("\u{feff}<?xml version='1.0' encoding='UTF-8'?>\n<!-- a -->\r\n{one}\n<?b c?>");
    [one, several, declared, other].map(String::into_bytes).into()
}
