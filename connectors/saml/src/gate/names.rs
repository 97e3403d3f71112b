//! Owns namespaces: the ones we know, and which prefix stands for which where.
//! Never touches elements.

use crate::{fault::Fault, reason::Reason};
use std::fmt;

macro_rules! namespaces {
    ($($(#[doc = $doc:literal])+ $name:ident = $uri:literal)*) => {
        /// A namespace.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub enum Namespace<'i> {
            /// No namespace at all.
            None,
            $($(#[doc = $doc])+ $name,)*
            /// Any other.
            Other(&'i str),
        }

        impl<'i> Namespace<'i> {
            /// By its URI.
            pub fn of(uri: &'i str) -> Self {
                match uri {
                    $($uri => Self::$name,)*
                    other => Self::Other(other),
                }
            }

            /// Its URI; empty for none.
            pub const fn uri(self) -> &'i str {
                match self {
                    Self::None => "",
                    $(Self::$name => $uri,)*
                    Self::Other(uri) => uri,
                }
            }
        }
    };
}

namespaces! {
    /// SAML 2.0 assertions.
    Assertion = "urn:oasis:names:tc:SAML:2.0:assertion"
    /// SAML 2.0 protocols.
    Protocol = "urn:oasis:names:tc:SAML:2.0:protocol"
    /// XML signatures.
    Signature = "http://www.w3.org/2000/09/xmldsig#"
    /// XML encryption.
    Encryption = "http://www.w3.org/2001/04/xmlenc#"
    /// XML encryption 1.1.
    Encryption11 = "http://www.w3.org/2009/xmlenc11#"
    /// Exclusive canonicalization.
    ExclusiveC14n = "http://www.w3.org/2001/10/xml-exc-c14n#"
    /// Schema instances: `xsi:type`, `xsi:nil`.
    Instance = "http://www.w3.org/2001/XMLSchema-instance"
    /// The one of the prefix `xml`.
    Xml = "http://www.w3.org/XML/1998/namespace"
}

impl fmt::Display for Namespace<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.uri())
    }
}

/// The namespace of declarations themselves, which nothing may be bound to.
const XMLNS: &str = "http://www.w3.org/2000/xmlns/";
/// The most declarations in force at one place, so that looking one up takes a bounded time.
pub(super) const MAX_IN_FORCE: usize = 64;

/// Which prefixes stand for which namespaces at a place. The empty prefix is the default namespace.
#[derive(Clone, Debug, Default)]
pub struct Prefixes<'i>(Vec<(&'i str, Namespace<'i>)>);

impl<'i> Prefixes<'i> {
    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }

    /// Forget the declarations beyond the first `length`.
    pub(super) fn truncate(&mut self, length: usize) {
        self.0.truncate(length);
    }

    /// Declare one. `raw` is the value as it stands in the document. Whether the prefix stands for something else around it;
    /// the default namespace may, as signatures of Entra and what AD FS encrypts have one of their own.
    pub(super) fn declare(&mut self, prefix: &'i str, raw: &'i str) -> Result<bool, Fault> {
        if self.0.len() >= MAX_IN_FORCE {
            return Err(Fault::new(Reason::NamespaceLimit, MAX_IN_FORCE, ""));
        }
        let reserved = prefix == "xml" || prefix == "xmlns" || raw == XMLNS || raw == Namespace::Xml.uri();
        if reserved || !is_absolute(raw) {
            return Err(Fault::new(Reason::Namespace, "", raw));
        }
        let is_other = |(declared, namespace): &(&str, Namespace<'_>)| {
            *declared == prefix && !prefix.is_empty() && namespace.uri() != raw
        };
        let is_rebound = self.0.iter().any(is_other);
        self.0.push((prefix, Namespace::of(raw)));
        Ok(is_rebound)
    }

    /// Every prefix that is declared here, once, with what it stands for.
    pub(crate) fn in_force(&self) -> impl Iterator<Item = (&'i str, Namespace<'i>)> {
        let nearest = |(index, declared): (usize, &(&'i str, Namespace<'i>))| {
            let is_hidden = self.0[index + 1..].iter().any(|(later, _)| *later == declared.0);
            (!is_hidden).then_some(*declared)
        };
        self.0.iter().enumerate().filter_map(nearest)
    }

    /// What a prefix stands for here.
    pub(super) fn resolve(&self, prefix: &'i str) -> Result<Namespace<'i>, Fault> {
        let found = self.0.iter().rev().find(|(declared, _)| *declared == prefix);
        match found {
            Some((_, namespace)) => Ok(*namespace),
            None if prefix.is_empty() => Ok(Namespace::None),
            None if prefix == "xml" => Ok(Namespace::Xml),
            None => Err(Fault::new(Reason::UndeclaredPrefix, "", prefix)),
        }
    }
}

/// Of declarations that the scanner has seen, the outermost first.
impl<'i> FromIterator<(&'i str, &'i str)> for Prefixes<'i> {
    fn from_iter<T: IntoIterator<Item = (&'i str, &'i str)>>(declarations: T) -> Self {
        Self(declarations.into_iter().map(|(prefix, raw)| (prefix, Namespace::of(raw))).collect())
    }
}

/// RFC 3986 §4.3: it begins with a scheme; and it is plain ASCII without references, so that everybody reads the same.
fn is_absolute(raw: &str) -> bool {
    let Some((scheme, rest)) = raw.split_once(':') else { return false };
    let mut scheme = scheme.bytes();
    scheme.next().is_some_and(|byte| byte.is_ascii_alphabetic())
        && scheme.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
        && !rest.is_empty()
        && rest
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'&' | b'<' | b'>' | b'"' | b'\''))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_absolute_namespaces_are_declared() {
        for uri in ["urn:a", "http://www.w3.org/2001/XMLSchema", "a+b-c.d:e"] {
            Prefixes::default().declare("a", uri).unwrap();
        }
        for uri in ["", "1", "a", "#a", "/a:b", ":a", "1a:b", "a b:c", "a:b c", "a:&amp;", "a:é", "a:", XMLNS]
        {
            let fault = Prefixes::default().declare("a", uri).unwrap_err();
            assert_eq!(fault.reason(), Reason::Namespace, "{uri}");
        }
        for prefix in ["xml", "xmlns"] {
            let fault = Prefixes::default().declare(prefix, Namespace::Xml.uri()).unwrap_err();
            assert_eq!(fault.reason(), Reason::Namespace);
        }
    }

    #[test]
    fn the_nearest_declaration_counts() {
        let mut prefixes = Prefixes::default();
        assert_eq!(prefixes.resolve("").unwrap(), Namespace::None);
        assert_eq!(prefixes.resolve("xml").unwrap(), Namespace::Xml);
        prefixes.declare("a", "urn:outer").unwrap();
        prefixes.declare("a", Namespace::Assertion.uri()).unwrap();
        assert_eq!(prefixes.resolve("a").unwrap(), Namespace::Assertion);
        prefixes.truncate(1);
        assert_eq!(prefixes.resolve("a").unwrap(), Namespace::Other("urn:outer"));
        assert_eq!(prefixes.resolve("b").unwrap_err().reason(), Reason::UndeclaredPrefix);
    }

    #[test]
    fn a_prefix_that_means_two_things_is_told() {
        let mut prefixes = Prefixes::default();
        assert!(!prefixes.declare("a", "urn:one").unwrap());
        assert!(!prefixes.declare("a", "urn:one").unwrap());
        assert!(prefixes.declare("a", "urn:other").unwrap());
        prefixes.truncate(0);
        assert!(!prefixes.declare("a", "urn:other").unwrap());
        assert!(!prefixes.declare("", "urn:one").unwrap());
        assert!(!prefixes.declare("", "urn:other").unwrap());
    }
}
