//! Owns the connector of SAML 2.0 identity providers: strategy `samlp`.
//! Never touches users, pages or stored connections: it answers who somebody is at their identity provider.
