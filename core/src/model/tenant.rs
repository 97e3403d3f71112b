//! Owns the settings of the installation, which Auth0's API calls the tenant.
//! Never touches configuration files: those are the server's.

use super::Branding;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Settings of the installation (contract §2.11).
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct TenantSettings {
    /// Its name for people.
    pub friendly_name: Option<String>,
    /// Where its logo is.
    pub picture_url: Option<String>,
    /// Where people may write to.
    pub support_email: Option<String>,
    /// Where people find help.
    pub support_url: Option<String>,
    /// The API of requests that name none.
    pub default_audience: Option<String>,
    /// Where links go that have no application.
    pub default_redirection_uri: Option<String>,
    /// Where browsers may go after a logout without a client.
    pub allowed_logout_urls: Vec<String>,
    /// Languages, the preferred first.
    pub enabled_locales: Vec<String>,
    /// Hours a session lives at the most.
    pub session_lifetime: f64,
    /// Hours a session lives without use.
    pub idle_session_lifetime: f64,
    /// Whether requests may name organizations by name, and tokens hold `org_name`.
    pub allow_organization_name_in_authentication_api: bool,
    /// Whether `/oidc/logout` asks when nothing proves that the person wants it.
    pub oidc_logout_prompt_enabled: bool,
    /// Logo and colours where no organization's apply.
    pub branding: Branding,
    /// Fields of the branding that are kept and given back as they came (`favicon_url`, `font`, …).
    pub branding_extra: Map<String, Value>,
    /// Fields of the API that are kept and given back as they came.
    pub extra: Map<String, Value>,
}

impl Default for TenantSettings {
    fn default() -> Self {
        Self {
            friendly_name: None,
            picture_url: None,
            support_email: None,
            support_url: None,
            default_audience: None,
            default_redirection_uri: None,
            allowed_logout_urls: Vec::new(),
            enabled_locales: vec!["en".to_owned()],
            session_lifetime: 168.0,
            idle_session_lifetime: 72.0,
            allow_organization_name_in_authentication_api: false,
            oidc_logout_prompt_enabled: true,
            branding: Branding::default(),
            branding_extra: Map::new(),
            extra: Map::new(),
        }
    }
}
