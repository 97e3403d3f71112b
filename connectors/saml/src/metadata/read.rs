//! Owns reading an identity provider's metadata (SAML Metadata §2): strictly, and only what a connection needs.
//! Never touches whether it is to be trusted: that it came from the address an administrator gave is all its authority.

use super::{METADATA, PROTOCOL};
use crate::{settings::Binding, signing::DSIG};
use portico_core::time::Timestamp;
use quick_xml::{
    NsReader, XmlVersion,
    escape::resolve_xml_entity,
    events::{BytesStart, Event},
    name::{Namespace, ResolveResult},
};
use std::collections::BTreeMap;
use url::Url;

/// What an identity provider says about itself.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct IdentityProvider {
    /// Its entity ID.
    pub entity_id: String,
    /// After that instant the document counts for nothing (SAML Metadata §2.3.2).
    pub valid_until: Option<Timestamp>,
    /// Whether it wants requests signed.
    pub wants_signed_requests: bool,
    /// Certificates it may sign with, as they are in the document.
    pub signing: Vec<String>,
    /// Where requests go.
    pub sign_in: Vec<Service>,
    /// Where logout messages go.
    pub sign_out: Vec<Service>,
}

/// An endpoint with a binding that we speak.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Service {
    /// How messages travel there.
    pub binding: Binding,
    /// Where it is.
    pub location: String,
    /// Where answers go, when that is elsewhere.
    pub response_location: Option<String>,
}

/// Why a document is not used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NotMetadata {
    /// It is larger than such a document may be.
    #[error("has more than {} KiB", MAX_BYTES / 1024)]
    TooLarge,
    /// It has a document type declaration.
    #[error("has a document type declaration (DOCTYPE), which is never read")]
    Doctype,
    /// It is not XML as we take it.
    #[error("is not well-formed XML: {0}")]
    Syntax(String),
    /// It is some other document.
    #[error("is not SAML 2.0 metadata: its root is not EntityDescriptor or EntitiesDescriptor")]
    OtherDocument,
    /// It describes several entities, and nothing says which.
    #[error("describes {0} identity providers: say which one with `issuer`, its entity ID")]
    Ambiguous(usize),
    /// The one that was asked for is not in it.
    #[error("does not describe the identity provider `{0}`")]
    Absent(String),
    /// It describes no identity provider.
    #[error("describes no identity provider (IDPSSODescriptor for SAML 2.0)")]
    NoIdentityProvider,
    /// It describes the same one twice.
    #[error("describes `{0}` more than once")]
    Twice(String),
}

/// The most bytes of a document: federations publish larger ones, but none for a single identity provider.
const MAX_BYTES: usize = 1 << 20;
/// How deep elements may be nested.
const MAX_DEPTH: usize = 32;

/// Read the identity provider with this entity ID, or the only one.
pub fn read(document: &str, wanted: Option<&str>) -> Result<IdentityProvider, NotMetadata> {
    let mut all = entities(document)?;
    if let Some(wanted) = wanted {
        all.retain(|entity| entity.entity_id == wanted);
    }
    match (all.pop(), all.len(), wanted) {
        (Some(only), 0, _) => Ok(only),
        (Some(_), _, Some(wanted)) => Err(NotMetadata::Twice(wanted.to_owned())),
        (Some(_), more, None) => Err(NotMetadata::Ambiguous(more + 1)),
        (None, _, Some(wanted)) => Err(NotMetadata::Absent(wanted.to_owned())),
        (None, _, None) => Err(NotMetadata::NoIdentityProvider),
    }
}

/// An element, as far as it is looked at.
struct Tag {
    namespace: Option<String>,
    name: String,
    attributes: BTreeMap<String, String>,
}

impl Tag {
    fn is(&self, namespace: &str, name: &str) -> bool {
        self.namespace.as_deref() == Some(namespace) && self.name == name
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }

    /// Whether it is the role of an identity provider that speaks SAML 2.0.
    fn is_provider(&self) -> bool {
        let speaks = |all: &str| all.split_ascii_whitespace().any(|one| one == PROTOCOL);
        self.is(METADATA, "IDPSSODescriptor") && self.get("protocolSupportEnumeration").is_some_and(speaks)
    }
}

fn entities(document: &str) -> Result<Vec<IdentityProvider>, NotMetadata> {
    if document.len() > MAX_BYTES {
        return Err(NotMetadata::TooLarge);
    }
    let syntax = |error: &dyn std::fmt::Display| NotMetadata::Syntax(error.to_string());
    let mut reader = NsReader::from_str(document.trim_start_matches('\u{feff}'));
    reader.config_mut().expand_empty_elements = true;
    let mut walk = Walk::default();
    loop {
        let (namespace, event) = reader.read_resolved_event().map_err(|error| syntax(&error))?;
        match event {
            Event::Start(start) => {
                let namespace = match namespace {
                    ResolveResult::Bound(Namespace(uri)) => Some(String::from_utf8_lossy(uri).into_owned()),
                    ResolveResult::Unbound => None,
                    ResolveResult::Unknown(_) => {
                        return Err(NotMetadata::Syntax("a prefix is not declared".to_owned()));
                    }
                };
                walk.open(tag(namespace, &start)?)?;
            }
            Event::End(_) => walk.close(),
            Event::Text(text) => {
                let text = text.xml_content(XmlVersion::Implicit1_0).map_err(|error| syntax(&error))?;
                walk.text(&text)?;
            }
            Event::CData(text) => {
                let text = text.xml_content(XmlVersion::Implicit1_0).map_err(|error| syntax(&error))?;
                walk.text(&text)?;
            }
            Event::GeneralRef(reference) => {
                let character = reference.resolve_char_ref().map_err(|error| syntax(&error))?;
                let name = reference.decode().map_err(|error| syntax(&error))?;
                let text = match &character {
                    Some(character) => &*character.encode_utf8(&mut [0; 4]).to_owned(),
                    None => resolve_xml_entity(&name)
                        .ok_or_else(|| NotMetadata::Syntax("an entity is not declared".to_owned()))?,
                };
                walk.text(text)?;
            }
            Event::DocType(_) => return Err(NotMetadata::Doctype),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::Empty(_) => {}
            Event::Eof => break,
        }
    }
    if !walk.open.is_empty() {
        return Err(NotMetadata::Syntax("the document ends before its last element does".to_owned()));
    }
    if walk.roots == 0 {
        return Err(NotMetadata::OtherDocument);
    }
    Ok(walk.found)
}

fn tag(namespace: Option<String>, start: &BytesStart<'_>) -> Result<Tag, NotMetadata> {
    let syntax = |error: &dyn std::fmt::Display| NotMetadata::Syntax(error.to_string());
    let mut attributes = BTreeMap::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| syntax(&error))?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| syntax(&error))?;
        // Those of other namespaces keep their prefix here, and nothing is looked up by it.
        attributes.insert(String::from_utf8_lossy(attribute.key.as_ref()).into_owned(), value.into_owned());
    }
    let name = String::from_utf8_lossy(start.local_name().as_ref()).into_owned();
    Ok(Tag { namespace, name, attributes })
}

/// Where the reader is.
#[derive(Default)]
struct Walk {
    open: Vec<Tag>,
    roots: usize,
    found: Vec<IdentityProvider>,
    /// The entity that is open, and whether it has a role of an identity provider.
    entity: Option<IdentityProvider>,
    is_provider: bool,
    certificate: String,
}

impl Walk {
    fn open(&mut self, tag: Tag) -> Result<(), NotMetadata> {
        if self.open.is_empty() {
            self.roots += 1;
            if self.roots > 1 {
                return Err(NotMetadata::Syntax("there is more than one root element".to_owned()));
            }
            if !tag.is(METADATA, "EntityDescriptor") && !tag.is(METADATA, "EntitiesDescriptor") {
                return Err(NotMetadata::OtherDocument);
            }
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(NotMetadata::Syntax("elements are nested too deep".to_owned()));
        }
        self.enter(&tag);
        self.open.push(tag);
        // What is in a certificate begins none: there is none in another one.
        if self.in_certificate() {
            self.certificate.clear();
        }
        Ok(())
    }

    /// What is open from the entity on, if there is one where the schema puts it.
    fn in_entity(&self) -> &[Tag] {
        let around = self.open.iter().take_while(|tag| tag.is(METADATA, "EntitiesDescriptor")).count();
        let inside = &self.open[around..];
        let is_entity = inside.first().is_some_and(|first| first.is(METADATA, "EntityDescriptor"));
        if is_entity { inside } else { &[] }
    }

    /// Only what stands where the schema puts it counts.
    fn enter(&mut self, tag: &Tag) {
        let is_between = self.open.iter().all(|open| open.is(METADATA, "EntitiesDescriptor"));
        if is_between && tag.is(METADATA, "EntityDescriptor") {
            let around = self.open.iter().filter_map(|open| open.get("validUntil"));
            self.entity = Some(IdentityProvider {
                entity_id: tag.get("entityID").unwrap_or_default().to_owned(),
                valid_until: around.chain(tag.get("validUntil")).filter_map(Timestamp::parse).min(),
                ..IdentityProvider::default()
            });
            self.is_provider = false;
            return;
        }
        let (in_entity, in_role) = match self.in_entity() {
            [_entity] => (true, false),
            [_entity, role] => (false, role.is_provider()),
            _ => (false, false),
        };
        let Some(entity) = &mut self.entity else { return };
        if in_entity && tag.is_provider() {
            self.is_provider = true;
            let until = tag.get("validUntil").and_then(Timestamp::parse);
            entity.valid_until = entity.valid_until.into_iter().chain(until).min();
            entity.wants_signed_requests = matches!(tag.get("WantAuthnRequestsSigned"), Some("true" | "1"));
        } else if in_role && tag.is(METADATA, "SingleSignOnService") {
            entity.sign_in.extend(service(tag));
        } else if in_role && tag.is(METADATA, "SingleLogoutService") {
            entity.sign_out.extend(service(tag));
        }
    }

    /// Whether the open element is a certificate that may sign: `use` is `signing`, or is not said (SAML Metadata §2.4.1.1).
    fn in_certificate(&self) -> bool {
        let [_entity, role, descriptor, info, data, certificate] = self.in_entity() else { return false };
        role.is_provider()
            && descriptor.is(METADATA, "KeyDescriptor")
            && matches!(descriptor.get("use"), None | Some("signing"))
            && info.is(DSIG, "KeyInfo")
            && data.is(DSIG, "X509Data")
            && certificate.is(DSIG, "X509Certificate")
    }

    fn text(&mut self, text: &str) -> Result<(), NotMetadata> {
        if self.open.is_empty() && !text.trim().is_empty() {
            return Err(NotMetadata::Syntax("there is text outside of the root element".to_owned()));
        }
        if self.in_certificate() {
            self.certificate.extend(text.split_ascii_whitespace());
        }
        Ok(())
    }

    fn close(&mut self) {
        if self.in_certificate()
            && let Some(entity) = &mut self.entity
            && !entity.signing.contains(&self.certificate)
        {
            entity.signing.push(std::mem::take(&mut self.certificate));
        }
        let is_entity = self.in_entity().len() == 1;
        self.open.pop();
        if is_entity
            && let Some(entity) = self.entity.take()
            && self.is_provider
        {
            self.found.push(entity);
        }
    }
}

/// An endpoint, if we speak its binding and its address is one that may be used.
fn service(tag: &Tag) -> Option<Service> {
    let usable = |text: &str| Url::parse(text).ok().filter(crate::options::is_web).map(|url| url.to_string());
    Some(Service {
        binding: Binding::named(tag.get("Binding")?)?,
        location: usable(tag.get("Location")?)?,
        response_location: tag.get("ResponseLocation").and_then(usable),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "<md:EntityDescriptor xmlns:md='urn:oasis:names:tc:SAML:2.0:metadata' \
                        xmlns:ds='http://www.w3.org/2000/09/xmldsig#' ";
    const ROLE: &str = "protocolSupportEnumeration='urn:oasis:names:tc:SAML:2.0:protocol'>";

    fn key(usage: &str, text: &str) -> String {
        format!(
            "<md:KeyDescriptor {usage}><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{text}\
             </ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
        )
    }

    fn entity(id: &str, inside: &str) -> String {
        format!(
            "{HEAD} entityID='{id}'><md:IDPSSODescriptor {ROLE}{inside}\
             <md:SingleLogoutService Binding='urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST' \
              Location='https://idp.test/slo' ResponseLocation='https://idp.test/slo/done'/>\
             <md:SingleSignOnService Binding='urn:oasis:names:tc:SAML:2.0:bindings:SOAP' Location='https://idp.test/soap'/>\
             <md:SingleSignOnService Binding='urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect' \
              Location='https://idp.test/sso?a=1&amp;b=2'/></md:IDPSSODescriptor></md:EntityDescriptor>"
        )
    }

    #[test]
    fn an_identity_provider_is_read_with_all_its_signing_keys() {
        let keys = [
            key("use='signing'", "AAA\n  BBB"),
            key("", "<!-- rotated -->C&#67;<![CDATA[C]]>&#x20;"),
            key("use='encryption'", "DDD"),
            key("use='signing'", "AAABBB"),
        ];
        let document = format!("<?xml version='1.0'?>\n{}", entity("urn:idp", &keys.concat()));
        let read = read(&document, None).unwrap();
        assert_eq!(read.entity_id, "urn:idp");
        assert_eq!(read.signing, ["AAABBB", "CCC"]);
        assert_eq!(read.sign_in[0].location, "https://idp.test/sso?a=1&b=2");
        assert_eq!(read.sign_in.len(), 1, "bindings we do not speak are left out");
        assert_eq!(read.sign_out[0].response_location.as_deref(), Some("https://idp.test/slo/done"));
        assert!(!read.wants_signed_requests && read.valid_until.is_none());
    }

    #[test]
    fn saml_65_what_is_ambiguous_is_not_chosen_from() {
        let (one, other) = (entity("urn:one", ""), entity("urn:other", ""));
        let both = |all: &str| {
            format!(
                "<md:EntitiesDescriptor xmlns:md='urn:oasis:names:tc:SAML:2.0:metadata' \
                 validUntil='2026-11-25T00:00:00Z'>{all}</md:EntitiesDescriptor>"
            )
        };
        let document = both(&format!("{one}{other}"));
        assert_eq!(read(&document, None), Err(NotMetadata::Ambiguous(2)));
        let read_one = read(&document, Some("urn:other")).unwrap();
        assert_eq!(read_one.entity_id, "urn:other");
        assert_eq!(read_one.valid_until, Timestamp::parse("2026-11-25T00:00:00Z"));
        assert_eq!(read(&document, Some("urn:third")), Err(NotMetadata::Absent("urn:third".to_owned())));
        let twice = both(&format!("{one}{one}"));
        assert_eq!(read(&twice, Some("urn:one")), Err(NotMetadata::Twice("urn:one".to_owned())));
        assert_eq!(read(&both(""), None), Err(NotMetadata::NoIdentityProvider));
    }

    #[test]
    fn saml_65_a_hostile_document_is_refused_by_what_is_wrong_with_it() {
        let good = entity("urn:idp", "");
        assert_eq!(read(&format!("<!DOCTYPE a [<!ENTITY b 'c'>]>{good}"), None), Err(NotMetadata::Doctype));
        assert_eq!(read(&" ".repeat(MAX_BYTES + 1), None), Err(NotMetadata::TooLarge));
        for broken in [
            good.replace("</md:EntityDescriptor>", ""),
            format!("{good}{good}"),
            format!("{good}text"),
            good.replace("urn:idp", "&xxe;"),
            good.replace("<md:SingleLogoutService", "<x:SingleLogoutService"),
            "<a".to_owned(),
            format!("{HEAD}>{}{}</md:EntityDescriptor>", "<a>".repeat(40), "</a>".repeat(40)),
            good.replace("entityID=", "entityID='x' entityID="),
        ] {
            assert!(matches!(read(&broken, None), Err(NotMetadata::Syntax(_))), "{broken:.200}");
        }
        for other in ["", "<a/>", "<EntityDescriptor/>", "<html><body>Not found</body></html>"] {
            assert_eq!(read(other, None), Err(NotMetadata::OtherDocument), "{other}");
        }
    }

    #[test]
    fn what_stands_elsewhere_counts_for_nothing() {
        let nested = key("", "AAA<ds:X509Certificate>BBB</ds:X509Certificate>CCC");
        let key = key("use='signing'", "EVIL");
        let service = "<md:SingleSignOnService Binding='urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect' \
                       Location='https://evil.test/'/>";
        let inside = format!("<md:Extensions>{key}{service}</md:Extensions>");
        let read_it = read(&entity("urn:idp", &inside), None).unwrap();
        assert_eq!(read_it.signing, Vec::<String>::new());
        assert_eq!(read_it.sign_in.len(), 1);
        let sp = format!(
            "{HEAD} entityID='urn:sp'><md:SPSSODescriptor {ROLE}{key}</md:SPSSODescriptor></md:EntityDescriptor>"
        );
        assert_eq!(read(&sp, None), Err(NotMetadata::NoIdentityProvider));
        // A role of an older protocol has keys of its own, and an entity described somewhere inside is nobody's.
        let older =
            "<md:IDPSSODescriptor protocolSupportEnumeration='urn:oasis:names:tc:SAML:2.0:protocol:not'>";
        let two = entity("urn:idp", "").replace(
            "</md:EntityDescriptor>",
            &format!("{older}{key}{service}</md:IDPSSODescriptor></md:EntityDescriptor>"),
        );
        let read_two = read(&two, None).unwrap();
        assert_eq!((read_two.signing, read_two.sign_in.len()), (vec![], 1));
        assert_eq!(read(&entity("urn:idp", &nested), None).unwrap().signing, ["AAACCC"]);
        let hidden = format!(
            "{HEAD} entityID='urn:a'><md:Extensions>{}</md:Extensions></md:EntityDescriptor>",
            entity("urn:b", "")
        );
        assert_eq!(read(&hidden, None), Err(NotMetadata::NoIdentityProvider));
        let scripted =
            entity("urn:idp", "").replace("https://idp.test/sso?a=1&amp;b=2", "javascript:alert(1)");
        assert_eq!(read(&scripted, None).unwrap().sign_in, vec![]);
    }
}
