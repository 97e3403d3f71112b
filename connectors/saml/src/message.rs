//! Owns how a message of ours travels through the browser: deflated in a signed query, or signed in a form.
//! Never touches what the message says.

use crate::{
    settings::Binding,
    signing::{RSA_SHA256, SigningKey},
    xml::Element,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::{Compression, write::DeflateEncoder};
use portico_core::connector::{ConnectorError, Interaction};
use std::io::Write;
use url::Url;

/// `samlp:` (SAML Core §3.1).
pub(crate) const SAMLP: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
/// `saml:` (SAML Core §2.1).
pub(crate) const SAML: &str = "urn:oasis:names:tc:SAML:2.0:assertion";

/// A message of ours.
#[derive(Debug)]
pub(crate) struct Message<'a> {
    /// `SAMLRequest` or `SAMLResponse`.
    pub(crate) parameter: &'static str,
    /// Its ID.
    pub(crate) id: &'a str,
    /// The document's root.
    pub(crate) root: Element,
    /// What comes back as it is: at most 80 bytes (SAML Bindings §3.4.3).
    pub(crate) relay_state: Option<&'a str>,
    /// How it is signed; none: not at all.
    pub(crate) signing: Option<&'a SigningKey>,
}

impl Message<'_> {
    /// What the browser has to do to carry it there.
    pub(crate) fn toward(self, url: &Url, binding: Binding) -> Result<Interaction, ConnectorError> {
        match binding {
            Binding::Redirect => self.redirect(url).map(Interaction::Redirect),
            Binding::Post => self.post(url),
        }
    }

    /// SAML Bindings §3.4.4: the signature is over the query as it is sent, octet by octet.
    fn redirect(self, url: &Url) -> Result<Url, ConnectorError> {
        let deflated = || {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(self.root.to_string().as_bytes())?;
            encoder.finish()
        };
        let deflated: Vec<u8> =
            deflated().map_err(|error| ConnectorError::Misconfigured(error.to_string()))?;
        let mut query = format!("{}={}", self.parameter, encode(&STANDARD.encode(deflated)));
        if let Some(relay_state) = self.relay_state {
            query.push_str("&RelayState=");
            query.push_str(&encode(relay_state));
        }
        if let Some(key) = self.signing {
            query.push_str("&SigAlg=");
            query.push_str(&encode(RSA_SHA256));
            let signature = key.sign(query.as_bytes())?;
            query.push_str("&Signature=");
            query.push_str(&encode(&signature));
        }
        let mut url = url.clone();
        let whole = match url.query() {
            Some(before) if !before.is_empty() => format!("{before}&{query}"),
            _ => query,
        };
        url.set_query(Some(&whole));
        Ok(url)
    }

    /// SAML Bindings §3.5.4.
    fn post(self, url: &Url) -> Result<Interaction, ConnectorError> {
        let document = match self.signing {
            Some(key) => key.envelop(self.id, self.root)?,
            None => self.root.to_string(),
        };
        let mut fields = vec![(self.parameter, STANDARD.encode(document))];
        fields.extend(self.relay_state.map(|state| ("RelayState", state.to_owned())));
        Ok(Interaction::Post { action: url.clone(), fields })
    }
}

fn encode(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
