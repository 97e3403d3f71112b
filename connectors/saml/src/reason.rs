//! Owns the reasons for which a message is not accepted: a stable code each, what is wrong, and what to change where.
//! Never touches what was expected or came: a fault fills that in.

use crate::trace::Check;

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal @ $check:ident: $says:literal; $advice:literal)*) => {
        /// Why a message is not accepted. `{expected}` and `{came}` in the texts stand for the fault's.
        #[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
        #[non_exhaustive]
        pub enum Reason {
            $($(#[doc = $doc])+ $name,)*
        }

        impl Reason {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Its name in logs and tests, in snake case; it never changes.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// The check that finds it.
            pub const fn check(self) -> Check {
                match self { $(Self::$name => Check::$check,)* }
            }

            pub(crate) const fn says(self) -> &'static str {
                match self { $(Self::$name => $says,)* }
            }

            pub(crate) const fn advice(self) -> &'static str {
                match self { $(Self::$name => $advice,)* }
            }
        }
    };
}

reasons! {
    // The connection itself.

    /// The connection trusts no key, so that nothing can be verified (security.md F1, SAML-13).
    NoTrustedKey = "no_trusted_key" @ Trust: "the connection has no signing certificate of the identity provider";
        "give the connection the identity provider's metadata or its signing certificate"
    /// Certificate dates are enforced, and no certificate is valid now (SAML-31).
    CertificateExpired = "certificate_expired" @ Trust:
        "no signing certificate of the identity provider is valid at {expected}: {came}";
        "import the identity provider's new certificate, or stop enforcing certificate dates"
    /// The XML library of this process is not hardened.
    NotHardened = "not_hardened" @ Trust: "the XML signature library did not pass its self-test: {came}";
        "this has to be mended on the server"

    // What comes in from the browser.

    /// The form field is not base64 (security.md §3.1.1).
    Base64 = "base64" @ Transport: "the message is not base64";
        "the identity provider has to send it by the HTTP-POST binding, encoded once"
    /// The document is larger than it may be.
    TooLarge = "too_large" @ Transport: "the message has {came} bytes, and {expected} are allowed";
        "let the identity provider send fewer attributes or group values"
    /// A message in a query is not there, is there twice, or is written so that not everybody reads the same (SAML-53).
    QueryShape = "query_shape" @ Transport: "the query has {came}";
        "the identity provider has to follow SAML's redirect binding"
    /// A message in a query is not deflated, or something follows it (SAML-52).
    Deflate = "deflate" @ Transport: "the message is not deflated, or something follows it";
        "the identity provider has to follow SAML's redirect binding"

    // The bytes as XML.

    /// It is not UTF-8, or says that it is something else (SAML-55).
    Encoding = "encoding" @ WellFormed: "the document is not UTF-8 without a byte order mark: {came}";
        "the identity provider has to send UTF-8"
    /// The XML declaration is not one of XML 1.0.
    Declaration = "declaration" @ WellFormed: "the XML declaration is not one of XML 1.0";
        "the identity provider has to send XML 1.0"
    /// There is a document type declaration (SAML-48).
    Doctype = "doctype" @ WellFormed: "the document has a document type declaration";
        "no identity provider needs one: find out where the message comes from"
    /// There is a processing instruction (SAML-56).
    ProcessingInstruction = "processing_instruction" @ WellFormed: "the document has a processing instruction";
        "no identity provider needs one: find out where the message comes from"
    /// There is a comment (SAML-56).
    Comment = "comment" @ WellFormed: "the document has a comment";
        "comments can hide parts of names and are refused: take them out of the identity provider's template"
    /// There is a CDATA section (SAML-56).
    Cdata = "cdata" @ WellFormed: "the document has a CDATA section";
        "let the identity provider write text without CDATA"
    /// There is a reference to an entity that XML does not predefine, or to no legal character (SAML-49, SAML-50).
    Entity = "entity" @ WellFormed: "the document refers to the entity `{came}`";
        "only the five predefined entities and references to characters are allowed"
    /// There is a character that XML does not allow.
    Character = "character" @ WellFormed: "the document has a character that XML does not allow, at byte {came}";
        "find out which attribute of the user holds it"
    /// Lines end in a carriage return alone, or in two ways (SAML-55).
    LineEnds = "line_ends" @ WellFormed: "the document ends its lines in more than one way";
        "let the identity provider send the document as it signed it"
    /// Elements are nested too deeply.
    DepthLimit = "depth_limit" @ WellFormed: "elements are nested deeper than {expected}";
        "no identity provider needs that: find out where the message comes from"
    /// There are too many elements.
    ElementLimit = "element_limit" @ WellFormed: "the document has more than {expected} elements";
        "let the identity provider send fewer attributes or group values"
    /// An element has too many attributes, or all of them together have.
    AttributeLimit = "attribute_limit" @ WellFormed: "an element, or the document, has more than {expected} XML attributes";
        "no identity provider needs that: find out where the message comes from"
    /// An element has too many namespace declarations, or too many are in force.
    NamespaceLimit = "namespace_limit" @ WellFormed: "there are more than {expected} namespace declarations at one place";
        "no identity provider needs that: find out where the message comes from"
    /// A name is too long.
    NameLimit = "name_limit" @ WellFormed: "a name has more than {expected} bytes";
        "no identity provider needs that: find out where the message comes from"
    /// The value of an XML attribute is too long.
    AttributeValueLimit = "attribute_value_limit" @ WellFormed: "the value of an XML attribute has more than {expected} bytes";
        "no identity provider needs that: find out where the message comes from"
    /// A name has characters that names of SAML do not have.
    Name = "name" @ WellFormed: "the document has a name that is none of SAML's, at byte {came}";
        "find out where the message comes from"
    /// An element has the same attribute twice.
    DuplicateAttribute = "duplicate_attribute" @ WellFormed: "an element has the XML attribute `{came}` twice";
        "find out where the message comes from"
    /// A prefix is not declared.
    UndeclaredPrefix = "undeclared_prefix" @ WellFormed: "the prefix `{came}` is not declared";
        "find out where the message comes from"
    /// A namespace is not an absolute URI, or a reserved one (SAML-25).
    Namespace = "namespace" @ WellFormed: "`{came}` cannot be declared as a namespace";
        "namespaces are absolute URIs: find out where the message comes from"
    /// It breaks a rule of XML that has no reason of its own.
    Syntax = "syntax" @ WellFormed: "the document is not well-formed XML, at byte {came}";
        "the identity provider has to send the whole document, unchanged"
    /// It ends too early.
    Truncated = "truncated" @ WellFormed: "the document ends before its last element does";
        "the identity provider has to send the whole document, unchanged"
    /// Something follows the root element (SAML-55).
    AfterRoot = "after_root" @ WellFormed: "something follows the root element";
        "the identity provider has to send one document"

    // The shape of the tree.

    /// The root element is another one.
    Root = "root" @ Shape: "the document is {came}, not {expected}";
        "the identity provider has to answer by the Web Browser SSO profile of SAML 2.0"
    /// A prefix stands for another namespace than around it (SAML-57).
    PrefixRebound = "prefix_rebound" @ Shape: "{came} gives a prefix another namespace than it has around it";
        "let the identity provider use one prefix for each namespace"
    /// An element is where it may not be.
    ElementForeign = "element_foreign" @ Shape: "there is {came} where it may not be";
        "what is not understood is refused: let the identity provider leave it out"
    /// There is text between elements.
    TextForeign = "text_foreign" @ Shape: "there is text between the elements of {came}";
        "what is not understood is refused: let the identity provider leave it out"
    /// An element that must be there once is missing, or there several times.
    ElementCount = "element_count" @ Shape: "there must be exactly one {expected}";
        "the identity provider has to follow the schema of SAML 2.0"
    /// `Extensions` is not empty (SAML-07).
    Extensions = "extensions" @ Shape: "`Extensions` of the response is not empty";
        "what is not understood is refused: let the identity provider leave it out"
    /// A success without an assertion.
    AssertionMissing = "assertion_missing" @ Shape: "the response has no assertion";
        "the identity provider has to send exactly one assertion"
    /// There is more than one assertion (SAML-03 to SAML-11).
    AssertionSeveral = "assertion_several" @ Shape: "the response has more than one assertion";
        "the identity provider has to send exactly one assertion"
    /// An `ID` is missing.
    IdMissing = "id_missing" @ Shape: "{came} has no ID";
        "the identity provider has to follow the schema of SAML 2.0"
    /// An ID is not one (SAML-18).
    IdInvalid = "id_invalid" @ Shape: "an ID is not a name of at most 128 ASCII letters, digits, `_`, `-` and `.`";
        "find out where the message comes from"
    /// The same ID twice (SAML-16).
    IdDuplicate = "id_duplicate" @ Shape: "an ID is given twice";
        "find out where the message comes from"
    /// An attribute that some library takes for an ID (SAML-17).
    IdForeign = "id_foreign" @ Shape: "{came} may not have the XML attribute `{expected}`";
        "what others could take for an ID is refused: find out where the message comes from"
    /// A signature is somewhere else than directly in the response or the assertion.
    SignaturePlace = "signature_place" @ Shape: "there is a signature in {came}, where none may be";
        "the identity provider signs the response or the assertion, and nothing else"
    /// One element has several signatures (SAML-21).
    SignatureSeveral = "signature_several" @ Shape: "{came} has more than one signature";
        "the identity provider signs each element once"
    /// A signature has other parts than it may have.
    SignatureShape = "signature_shape" @ Shape: "the signature of {came} has other parts than SignedInfo, SignatureValue and KeyInfo";
        "find out where the message comes from"
    /// `SignedInfo` has other parts than it may have.
    SignedInfoShape = "signed_info_shape" @ Shape: "the SignedInfo of {came} has other parts than it may have";
        "find out where the message comes from"
    /// The canonicalization is another one (SAML-24).
    Canonicalization = "canonicalization" @ Algorithms: "the signature is canonicalized by `{came}`";
        "set the canonicalization method in the identity provider to `{expected}`"
    /// The signature algorithm is another one (SAML-27, SAML-28).
    SignatureAlgorithm = "signature_algorithm" @ Algorithms: "the signature algorithm is `{came}`";
        "set the signature algorithm in the identity provider to RSA or ECDSA with SHA-256, SHA-384 or SHA-512"
    /// The digest algorithm is another one (SAML-27).
    DigestAlgorithm = "digest_algorithm" @ Algorithms: "the digest algorithm is `{came}`";
        "set the digest algorithm in the identity provider to SHA-256, SHA-384 or SHA-512"
    /// A signature has no or several references (SAML-20).
    ReferenceCount = "reference_count" @ Algorithms: "the signature of {came} does not have exactly one reference";
        "find out where the message comes from"
    /// A signature refers to something else than the element it is in (SAML-19).
    ReferenceForeign = "reference_uri_foreign" @ Algorithms: "the signature of {expected} refers to something else: `{came}`";
        "find out where the message comes from"
    /// The transforms are others (SAML-23).
    Transform = "transform" @ Algorithms: "the signature is transformed by `{came}`";
        "the transforms are the enveloped signature and exclusive canonicalization, in this order"
    /// The list of inclusive prefixes is too long or odd (SAML-25).
    PrefixList = "prefix_list" @ Algorithms: "the list of inclusive namespace prefixes is not one of at most {expected} names";
        "find out where the message comes from"
    /// The digest is not base64 of its length (SAML-22, SAML-26).
    DigestValue = "digest_value" @ Algorithms: "the digest value is not base64 of {expected} bytes";
        "find out where the message comes from"
    /// The signature value is not base64 text (SAML-22).
    SignatureValue = "signature_value" @ Algorithms: "the signature value is not base64";
        "find out where the message comes from"

    // Signatures.

    /// Nothing is signed (SAML-12).
    SignatureMissing = "signature_missing" @ Signed: "neither the response nor the assertion is signed";
        "let the identity provider sign the assertion, or the response, or both"
    /// A message of single logout is not signed (SAML-54).
    MessageUnsigned = "message_unsigned" @ Signed: "the message is not signed";
        "let the identity provider sign messages of single logout"
    /// The connection wants a signed response (SAML-15).
    ResponseUnsigned = "response_unsigned" @ Signed: "the response is not signed, and this connection wants that";
        "let the identity provider sign the response"
    /// The connection wants a signature on the assertion itself (SAML-14).
    AssertionUnsigned = "assertion_unsigned" @ Signed: "the assertion is not signed itself, and this connection wants that";
        "let the identity provider sign the assertion"
    /// No trusted key verifies it.
    SignatureInvalid = "signature_invalid" @ Signature:
        "no key that this connection trusts ({expected}) made the signature of this document: {came}";
        "compare the identity provider's signing certificate with the connection's, and import its metadata again"
    /// The verified bytes are not the element that was to be verified.
    SignatureCoverage = "signature_coverage" @ Signature: "the signature covers something else than {expected}";
        "find out where the message comes from"

    // Encryption.

    /// The connection has no key to decrypt with.
    DecryptionKeyMissing = "decryption_key_missing" @ Encryption: "the assertion is encrypted, and this connection has no key for it";
        "give the identity provider this connection's metadata, or turn assertion encryption off there"
    /// The parts of the encrypted assertion are others.
    EncryptionShape = "encryption_shape" @ Encryption: "the encrypted assertion is not one of EncryptedData with one EncryptedKey: {came}";
        "the identity provider has to encrypt one assertion as an element, with one key for this connection"
    /// The content is encrypted by another algorithm (3DES, SAML-58).
    EncryptionAlgorithm = "encryption_algorithm" @ Encryption: "the assertion is encrypted by `{came}`";
        "set the encryption algorithm in the identity provider to AES-256-GCM or AES-128-GCM"
    /// The key is encrypted by another algorithm (RSA 1.5, SAML-58).
    KeyTransportAlgorithm = "key_transport_algorithm" @ Encryption: "the key of the assertion is encrypted by `{came}`";
        "set the key transport algorithm in the identity provider to RSA-OAEP"
    /// CBC is not authenticated, and no signature of the response covers it.
    CbcUnauthenticated = "cbc_unauthenticated" @ Encryption: "the assertion is encrypted by `{came}`, and the response around it is not signed";
        "let the identity provider sign the response too (Entra ID: SAML certificates, Signing option `Sign SAML response and assertion`; AD FS: `Set-AdfsRelyingPartyTrust -SamlResponseSignature MessageAndAssertion`), or use AES-GCM, or set `allowUnauthenticatedCbc` on the connection"
    /// The key is meant for somebody else (SAML-59).
    EncryptedKeyRecipient = "encrypted_key_recipient" @ Encryption: "the key of the assertion is meant for `{came}`, this connection is `{expected}`";
        "give the identity provider this connection's metadata"
    /// The subject's identifier is encrypted.
    EncryptedId = "encrypted_id" @ Encryption: "there is an encrypted identifier or attribute: {came}";
        "let the identity provider encrypt the whole assertion, or nothing"
    /// It cannot be decrypted; nothing more is said (SAML-58).
    DecryptionFailed = "decryption_failed" @ Decryption: "the assertion cannot be decrypted";
        "give the identity provider this connection's current metadata: it may have encrypted for an old key"

    // What the message says.

    /// The version is not 2.0.
    Version = "version" @ Version: "the version of {came} is not 2.0";
        "the identity provider has to speak SAML 2.0"
    /// The identity provider says that it did not work.
    Status = "status" @ Status: "the identity provider answered {came}";
        "its own log says why"
    /// A message or assertion does not say who issued it.
    IssuerMissing = "issuer_missing" @ Issuer: "{came} does not say who issued it";
        "the identity provider has to write its entity ID into `Issuer`"
    /// It is somebody else's (SAML-62).
    IssuerWrong = "issuer_wrong" @ Issuer: "it was issued by `{came}`, this connection is for `{expected}`";
        "import the metadata of this identity provider, or set its entity ID to `{expected}`"
    /// A signed response does not say where it goes (SAML-33).
    DestinationMissing = "destination_missing" @ Destination: "the signed response does not say where it was sent to";
        "set the Assertion Consumer Service URL (Destination) in the identity provider to `{expected}`"
    /// It was sent elsewhere (SAML-33).
    DestinationWrong = "destination_wrong" @ Destination: "the response was sent to `{came}`, this connection is at `{expected}`";
        "set the Assertion Consumer Service URL (Reply URL, Destination) in the identity provider to `{expected}`"
    /// Nobody asked, and the connection takes only answers (SAML-43).
    Unsolicited = "unsolicited" @ InResponseTo: "nobody asked for this response";
        "start at the application, or allow identity-provider-initiated login for this connection"
    /// It answers a request that we do not know of, or one is named where nobody asked (SAML-41, SAML-42).
    InResponseToForeign = "in_response_to_foreign" @ InResponseTo: "the response answers a request, and there is none";
        "start again at the application; a login that the identity provider starts must not name a request"
    /// It does not name the request (SAML-41).
    InResponseToMissing = "in_response_to_missing" @ InResponseTo: "{came} does not say which request it answers";
        "the identity provider has to write the request's ID into `InResponseTo`"
    /// It answers another request (SAML-41).
    InResponseToWrong = "in_response_to_wrong" @ InResponseTo: "{came} answers another request";
        "start again at the application, in one window"
    /// An instant is not one.
    TimeFormat = "time_format" @ IssueInstant: "`{expected}` is not an instant: `{came}`";
        "the identity provider has to write times as `2026-01-31T12:00:00Z`"
    /// It comes from the future (SAML-38).
    IssuedInFuture = "issued_in_future" @ IssueInstant: "{came}, and it is {expected}";
        "set the clock of the identity provider (NTP)"
    /// It is too old (SAML-38).
    IssuedTooLongAgo = "issued_too_long_ago" @ IssueInstant: "{came}, and it is {expected}";
        "start again at the application; if that does not help, set the clock of the identity provider (NTP)"
    /// It is valid for longer than anybody needs (SAML-38).
    Lifetime = "lifetime" @ Conditions: "the assertion is valid for longer than {expected}: until {came}";
        "set a shorter lifetime of assertions in the identity provider"
    /// The assertion is about nobody.
    SubjectMissing = "subject_missing" @ Subject: "the assertion has no subject";
        "the identity provider has to follow the Web Browser SSO profile"
    /// The name identifier is empty, too long, or has characters that nobody sees (SAML-56).
    NameId = "name_id" @ Subject: "the NameID is {came}";
        "choose another source of the NameID in the identity provider"
    /// The name identifier is meant for somebody else.
    NameIdQualifier = "name_id_qualifier" @ Subject: "the NameID is one for `{came}`, this connection is `{expected}`";
        "set the Entity ID of this connection in the identity provider to `{expected}`"
    /// The NameID is new at every sign-in, so that it identifies nobody (SAML-66).
    KeyTransient = "key_transient" @ Subject: "the NameID is transient: it is another one at every sign-in";
        "send a persistent NameID or an address, or name an attribute that stays the same with `user_id_attribute`"
    /// What is to identify the user did not come.
    KeyMissing = "key_missing" @ Subject: "`{expected}`, which identifies users of this connection, did not come";
        "release `{expected}` in the identity provider, or name another attribute with `user_id_attribute`"
    /// What is to identify the user came with several values.
    KeyAmbiguous = "key_ambiguous" @ Subject: "`{expected}`, which identifies users of this connection, has several values";
        "name an attribute with one value with `user_id_attribute`"
    /// The NameID is of another format than the connection takes (SAML-66).
    NameIdFormat = "name_id_format" @ Subject: "the NameID is of the format `{came}`, this connection takes `{expected}`";
        "set the format of the NameID in the identity provider to `{expected}`"
    /// Nothing confirms the subject by bearer (SAML-35).
    ConfirmationMissing = "confirmation_missing" @ Confirmation: "the assertion has no bearer confirmation";
        "the identity provider has to use the Web Browser SSO profile (bearer)"
    /// Several bearer confirmations could be used.
    ConfirmationSeveral = "confirmation_several" @ Confirmation: "more than one bearer confirmation could be used";
        "the identity provider has to send one for each recipient"
    /// A bearer confirmation has a `NotBefore`, which it must not have (SAML Profiles §4.1.4.2).
    ConfirmationNotBefore = "confirmation_not_before" @ Confirmation: "the bearer confirmation has a `NotBefore`";
        "the identity provider has to leave it out (SAML Profiles, 4.1.4.2)"
    /// A bearer confirmation does not say how long it counts.
    ConfirmationEndless = "confirmation_endless" @ Confirmation: "the bearer confirmation has no `NotOnOrAfter`";
        "the identity provider has to limit it (SAML Profiles, 4.1.4.2)"
    /// A bearer confirmation is over (SAML-38).
    ConfirmationExpired = "confirmation_expired" @ Confirmation: "the bearer confirmation ended at {came}, and it is {expected}";
        "start again at the application; if that does not help, set the clock of the identity provider (NTP)"
    /// A bearer confirmation does not say for whom (SAML-34).
    RecipientMissing = "recipient_missing" @ Recipient: "the bearer confirmation does not say for whom it is";
        "set the Assertion Consumer Service URL (Recipient) in the identity provider to `{expected}`"
    /// A bearer confirmation is for somebody else (SAML-34).
    RecipientWrong = "recipient_wrong" @ Recipient: "the bearer confirmation is for `{came}`, this connection is at `{expected}`";
        "set the Assertion Consumer Service URL (Recipient) in the identity provider to `{expected}`"
    /// There are no conditions (SAML-37).
    ConditionsMissing = "conditions_missing" @ Conditions: "the assertion has no conditions";
        "the identity provider has to limit the assertion to this connection and to a time"
    /// There is a condition that we do not know (SAML Core §2.5.1).
    ConditionUnknown = "condition_unknown" @ Conditions: "the assertion has a condition that is not known: {came}";
        "what is not understood is refused: let the identity provider leave it out"
    /// It does not count yet (SAML-38).
    NotYetValid = "not_yet_valid" @ Conditions: "the assertion counts from {came}, and it is {expected}";
        "set the clock of the identity provider (NTP)"
    /// It does not count any more (SAML-38).
    Expired = "expired" @ Conditions: "the assertion counted until {came}, and it is {expected}";
        "start again at the application; if that does not help, set the clock of the identity provider (NTP)"
    /// It is not limited to anybody (SAML-36).
    AudienceMissing = "audience_missing" @ Audience: "the assertion does not say whom it was meant for";
        "set the Audience (Entity ID) in the identity provider to `{expected}`"
    /// It is meant for somebody else (SAML-36, SAML-63).
    AudienceWrong = "audience_wrong" @ Audience: "the response was meant for `{came}`, this connection is `{expected}`";
        "set the Audience (Entity ID) in the identity provider to `{expected}`"
    /// Nobody signed in (SAML-40).
    AuthnStatementMissing = "authn_statement_missing" @ Authentication: "the assertion does not say that anybody signed in";
        "the identity provider has to send an `AuthnStatement`"
    /// The sign-in is in the future.
    AuthnInstantInFuture = "authn_instant_in_future" @ Authentication: "{came}, and it is {expected}";
        "set the clock of the identity provider (NTP)"
    /// A fresh sign-in was asked for, and it is an old one.
    AuthnInstantOld = "authn_instant_old" @ Authentication: "the sign-in was at {came}, and a fresh one was asked for at {expected}";
        "the identity provider has to honour `ForceAuthn`"
    /// They signed in in another way than was asked for (SAML-40).
    AuthnContext = "authn_context" @ Authentication: "the sign-in was by `{came}`, and `{expected}` was asked for";
        "let the identity provider sign people in by `{expected}`"
    /// The identity provider's session is over (SAML-39).
    SessionOver = "session_over" @ Session: "the session at the identity provider ended at {came}, and it is {expected}";
        "start again at the application; if that does not help, set the clock of the identity provider (NTP)"
    /// An attribute has no name.
    AttributeName = "attribute_name" @ Attributes: "an attribute has no name";
        "the identity provider has to follow the schema of SAML 2.0"
    /// An attribute's value is not text (SAML-56).
    AttributeValue = "attribute_value" @ Attributes: "a value of the attribute `{came}` is not text";
        "let the identity provider send the attribute as text"
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_code_is_one_reason_in_snake_case() {
        let codes: BTreeSet<_> = Reason::ALL.iter().map(|reason| reason.code()).collect();
        assert_eq!(codes.len(), Reason::ALL.len());
        for code in codes {
            assert!(
                code.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'),
                "{code}"
            );
        }
    }
}
