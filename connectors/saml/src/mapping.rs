//! Owns how an assertion's attributes become a profile, and which of them is the key (`fieldsMap`, contract §2.5.2).
//! Never touches whether they are true: an address is never verified by an identity provider's word.

use crate::assertion::{Attribute, NameId, VerifiedAssertion};
use portico_core::connector::Subject;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// How attributes become a profile.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Mapping {
    /// The attribute that is the key, the first that is there of several; none: the NameID.
    pub(crate) key: Vec<String>,
    /// Names in the profile, and the attributes that may fill them, the first that is there wins.
    pub(crate) fields: BTreeMap<String, Vec<String>>,
    /// The format that the NameID has to have.
    pub(crate) name_id_format: Option<String>,
}

/// Why nobody can be made out of an assertion.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum NoSubject {
    /// The NameID is new at every sign-in, so it identifies nobody (SAML-66).
    Transient,
    /// There is no NameID, or not the attribute that is to be the key.
    Missing(String),
    /// The attribute that is to be the key has several values.
    Ambiguous(String),
    /// The NameID is of another format than the connection asks for: the same text may mean somebody else.
    Format(String, String),
}

/// Where the common identity providers put what OpenID Connect has a standard claim for. The claim names of Microsoft
/// Entra and AD FS, what Okta, Google and Ping are usually set to, and the OIDs of eduPerson and inetOrgPerson, which
/// Shibboleth sends.
const COMMON: &[(&str, &[&str])] = &[
    (
        "email",
        &[
            "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
            "email",
            "Email",
            "mail",
            "emailAddress",
            "EmailAddress",
            "User.email",
            "urn:oid:0.9.2342.19200300.100.1.3",
            "urn:oid:1.2.840.113549.1.9.1",
        ],
    ),
    (
        "name",
        &[
            "http://schemas.microsoft.com/identity/claims/displayname",
            "displayName",
            "displayname",
            "urn:oid:2.16.840.1.113730.3.1.241",
            "urn:oid:2.5.4.3",
            "cn",
            "name",
            "Name",
            "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
        ],
    ),
    (
        "given_name",
        &[
            "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname",
            "given_name",
            "givenName",
            "firstName",
            "FirstName",
            "first_name",
            "User.FirstName",
            "urn:oid:2.5.4.42",
        ],
    ),
    (
        "family_name",
        &[
            "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname",
            "family_name",
            "lastName",
            "LastName",
            "last_name",
            "surname",
            "sn",
            "User.LastName",
            "urn:oid:2.5.4.4",
        ],
    ),
    ("nickname", &["nickname", "urn:oid:1.3.6.1.4.1.5923.1.1.1.2"]),
    (
        "upn",
        &[
            "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn",
            "upn",
            "userPrincipalName",
            "urn:oid:1.3.6.1.4.1.5923.1.1.1.6",
        ],
    ),
    ("phone_number", &["phone_number", "telephoneNumber", "urn:oid:2.5.4.20"]),
    ("locale", &["locale", "preferredLanguage", "urn:oid:2.16.840.1.113730.3.1.39"]),
];

/// The same for what has several values.
const COMMON_LISTS: &[(&str, &[&str])] = &[(
    "groups",
    &[
        "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups",
        "http://schemas.xmlsoap.org/claims/Group",
        "groups",
        "Groups",
        "memberOf",
        "urn:oid:1.3.6.1.4.1.5923.1.5.1.1",
    ],
)];

/// The attribute by which Entra and AD FS repeat the NameID; `user_id_attribute` and maps may name it.
const NAME_IDENTIFIER: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier";

impl Mapping {
    /// Who it is at the connection.
    pub(crate) fn subject(&self, assertion: &VerifiedAssertion) -> Result<Subject, NoSubject> {
        self.subject_of(assertion.name_id(), assertion.attributes())
    }

    /// What the connection says of them.
    pub(crate) fn profile(&self, assertion: &VerifiedAssertion) -> Map<String, Value> {
        self.profile_of(assertion.name_id(), assertion.attributes())
    }

    fn subject_of(&self, name_id: Option<&NameId>, attributes: &[Attribute]) -> Result<Subject, NoSubject> {
        if let (Some(wanted), Some(name_id)) = (&self.name_id_format, name_id)
            && name_id.format != *wanted
        {
            return Err(NoSubject::Format(wanted.clone(), name_id.format.clone()));
        }
        for name in &self.key {
            match values(attributes, name).as_slice() {
                [] => {}
                // Nobody is called nothing: everybody without a value would be the same person.
                [only] if only.trim().is_empty() => {}
                [only] => return Ok(Subject((*only).to_owned())),
                [..] => return Err(NoSubject::Ambiguous(name.clone())),
            }
        }
        match name_id {
            // A map that names the claim by which providers repeat the NameID means the NameID.
            Some(name_id) if self.key.is_empty() || self.key.iter().any(|key| key == NAME_IDENTIFIER) => {
                if name_id.format == NameId::TRANSIENT {
                    return Err(NoSubject::Transient);
                }
                Ok(Subject(name_id.value.clone()))
            }
            _ => Err(NoSubject::Missing(self.key.first().cloned().unwrap_or_else(|| "NameID".to_owned()))),
        }
    }

    fn profile_of(&self, name_id: Option<&NameId>, attributes: &[Attribute]) -> Map<String, Value> {
        let mut profile = Map::new();
        // Under their own names first, each with all its values: whatever a map says, nothing is lost.
        for attribute in attributes {
            let all = values(attributes, &attribute.name);
            if let Some(value) = one_or_all(&all) {
                profile.insert(attribute.name.clone(), value);
            }
        }
        for (field, names) in COMMON {
            if let Some(first) = first(attributes, names.iter().copied()).first() {
                profile.insert((*field).to_owned(), Value::from(*first));
            }
        }
        for (field, names) in COMMON_LISTS {
            let all = first(attributes, names.iter().copied());
            if !all.is_empty() {
                profile.insert((*field).to_owned(), Value::from(all));
            }
        }
        for (field, names) in &self.fields {
            let all = first(attributes, names.iter().map(String::as_str));
            if let Some(value) = one_or_all(&all) {
                profile.insert(field.clone(), value);
            }
        }
        // RFC 5321 §4.5.3.1: anything longer is no address. Okta, Google and Ping are often set to send it as the NameID alone.
        if let Some(name_id) = name_id.filter(|name_id| name_id.format == NameId::EMAIL)
            && !profile.contains_key("email")
        {
            profile.insert("email".to_owned(), Value::from(name_id.value.as_str()));
        }
        profile.insert("email_verified".to_owned(), Value::Bool(false));
        profile
    }
}

/// All values of the attribute of this name, each once, in order.
fn values<'a>(attributes: &'a [Attribute], name: &str) -> Vec<&'a str> {
    let mut all: Vec<&str> = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for value in attributes.iter().filter(|attribute| attribute.name == name).flat_map(|found| &found.values)
    {
        if seen.insert(value.as_str()) {
            all.push(value);
        }
    }
    all
}

/// The values of the first of these attributes that has any.
fn first<'a, 'n>(attributes: &'a [Attribute], names: impl Iterator<Item = &'n str>) -> Vec<&'a str> {
    names.map(|name| values(attributes, name)).find(|all| !all.is_empty()).unwrap_or_default()
}

fn one_or_all(all: &[&str]) -> Option<Value> {
    match all {
        [] => None,
        [only] => Some(Value::from(*only)),
        several => Some(Value::from(several.to_vec())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn attribute(name: &str, values: &[&str]) -> Attribute {
        Attribute {
            name: name.to_owned(),
            name_format: None,
            friendly_name: Some("email".to_owned()),
            values: values.iter().map(|value| (*value).to_owned()).collect(),
        }
    }

    fn name_id(value: &str, format: &str) -> NameId {
        NameId {
            value: value.to_owned(),
            format: format.to_owned(),
            name_qualifier: None,
            sp_name_qualifier: None,
        }
    }

    #[test]
    fn the_claims_of_the_common_providers_become_standard_ones() {
        let claim = |name: &str| format!("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/{name}");
        let entra = [
            attribute(&claim("emailaddress"), &["amintha@metahexa.test"]),
            attribute(&claim("name"), &["amintha@metahexa.onmicrosoft.com"]),
            attribute("http://schemas.microsoft.com/identity/claims/displayname", &["Amintha"]),
            attribute("http://schemas.microsoft.com/ws/2008/06/identity/claims/groups", &["a", "b", "a"]),
        ];
        let profile = Mapping::default().profile_of(None, &entra);
        assert_eq!(profile["email"], "amintha@metahexa.test");
        assert_eq!(profile["name"], "Amintha");
        assert_eq!(profile["groups"], json!(["a", "b"]));
        assert_eq!(profile["email_verified"], false);
        let shibboleth = [
            attribute("urn:oid:0.9.2342.19200300.100.1.3", &["a@b.test", "c@d.test"]),
            attribute("urn:oid:2.5.4.42", &["Amintha"]),
            attribute("urn:oid:2.5.4.4", &["Bank"]),
            attribute("urn:oid:1.3.6.1.4.1.5923.1.1.1.6", &["amintha@b.test"]),
            attribute("urn:oid:1.3.6.1.4.1.5923.1.5.1.1", &["staff"]),
        ];
        let profile = Mapping::default().profile_of(None, &shibboleth);
        assert_eq!(
            (&profile["email"], &profile["given_name"], &profile["family_name"]),
            (&json!("a@b.test"), &json!("Amintha"), &json!("Bank"))
        );
        assert_eq!((&profile["upn"], &profile["groups"]), (&json!("amintha@b.test"), &json!(["staff"])));
    }

    #[test]
    fn an_address_that_is_only_the_name_id_is_an_address_and_friendly_names_count_for_nothing() {
        let profile = Mapping::default().profile_of(Some(&name_id("a@b.test", NameId::EMAIL)), &[]);
        assert_eq!(profile["email"], "a@b.test");
        let foreign = [attribute("urn:oid:1.1", &["ceo@orgb.test"])];
        let profile = Mapping::default().profile_of(Some(&name_id("a@b.test", NameId::PERSISTENT)), &foreign);
        assert_eq!(profile.get("email"), None);
    }

    #[test]
    fn a_map_wins_and_never_says_that_an_address_is_verified() {
        let fields = BTreeMap::from([
            ("email".to_owned(), vec!["absent".to_owned(), "work".to_owned()]),
            ("departments".to_owned(), vec!["dept".to_owned()]),
            ("email_verified".to_owned(), vec!["yes".to_owned()]),
        ]);
        let mapping = Mapping { fields, ..Mapping::default() };
        let attributes = [
            attribute("email", &["private@b.test"]),
            attribute("work", &["work@b.test"]),
            attribute("dept", &["x", "y"]),
            attribute("yes", &["true"]),
        ];
        let profile = mapping.profile_of(None, &attributes);
        assert_eq!(profile["email"], "work@b.test");
        assert_eq!(profile["departments"], json!(["x", "y"]));
        assert_eq!(profile["email_verified"], false);
    }

    #[test]
    fn saml_66_the_key_is_the_name_id_or_one_named_attribute_and_never_transient() {
        let persistent = name_id("p1", NameId::PERSISTENT);
        let transient = name_id("t1", NameId::TRANSIENT);
        let plain = Mapping::default();
        assert_eq!(plain.subject_of(Some(&persistent), &[]), Ok(Subject("p1".to_owned())));
        assert_eq!(plain.subject_of(Some(&transient), &[]), Err(NoSubject::Transient));
        assert_eq!(plain.subject_of(None, &[]), Err(NoSubject::Missing("NameID".to_owned())));
        let by = Mapping { key: vec!["employee".to_owned()], ..Mapping::default() };
        let one = [attribute("employee", &["7"])];
        let two = [attribute("employee", &["7"]), attribute("employee", &["8"])];
        assert_eq!(by.subject_of(Some(&transient), &one), Ok(Subject("7".to_owned())));
        assert_eq!(by.subject_of(Some(&transient), &two), Err(NoSubject::Ambiguous("employee".to_owned())));
        assert_eq!(by.subject_of(Some(&persistent), &[]), Err(NoSubject::Missing("employee".to_owned())));
        let fixed = Mapping { name_id_format: Some(NameId::EMAIL.to_owned()), ..Mapping::default() };
        assert!(matches!(fixed.subject_of(Some(&persistent), &[]), Err(NoSubject::Format(..))));
        let repeated = Mapping { key: vec![NAME_IDENTIFIER.to_owned()], ..Mapping::default() };
        assert_eq!(repeated.subject_of(Some(&persistent), &[]), Ok(Subject("p1".to_owned())));
        assert_eq!(repeated.subject_of(Some(&transient), &[]), Err(NoSubject::Transient));
    }
}
