//! Owns the settings and the branding of the installation, as administrators decide them.
//! Never touches configuration files.

use super::{
    Actor, Admin, AdminError, Change,
    actor::About,
    change::merge,
    text::for_people,
    web_address::{callback_fault, image_fault, login_uri_fault},
};
use crate::model::{Color, TenantSettings};
use serde_json::{Map, Value};

/// What is to become of the settings.
#[derive(Clone, Debug, Default)]
pub struct TenantChange {
    /// Its name for people.
    pub friendly_name: Change<String>,
    /// Where its logo is.
    pub picture_url: Change<String>,
    /// Where people may write to.
    pub support_email: Change<String>,
    /// Where people find help.
    pub support_url: Change<String>,
    /// The API of requests that name none.
    pub default_audience: Change<String>,
    /// Where links go that have no application.
    pub default_redirection_uri: Change<String>,
    /// Where browsers may go after a logout without a client.
    pub allowed_logout_urls: Change<Vec<String>>,
    /// Languages, the preferred first.
    pub enabled_locales: Change<Vec<String>>,
    /// Hours a session lives at the most.
    pub session_lifetime: Change<f64>,
    /// Hours a session lives without use.
    pub idle_session_lifetime: Change<f64>,
    /// Whether requests may name organizations by name.
    pub allow_organization_name_in_authentication_api: Change<bool>,
    /// Whether `/oidc/logout` asks when nothing proves that the person wants it.
    pub oidc_logout_prompt_enabled: Change<bool>,
    /// Fields that are kept and given back; `null` removes one.
    pub extra: Map<String, Value>,
}

/// What is to become of the branding.
#[derive(Clone, Debug, Default)]
pub struct BrandingChange {
    /// Where the logo is.
    pub logo_url: Change<String>,
    /// The colour of buttons and links.
    pub primary: Change<Color>,
    /// The colour behind the card.
    pub page_background: Change<Color>,
    /// Fields that are kept and given back; `null` removes one.
    pub extra: Map<String, Value>,
}

impl Admin {
    /// The settings.
    pub async fn tenant_settings(&self) -> Result<TenantSettings, AdminError> {
        self.store.read(|unit| Box::pin(async move { Ok(unit.tenant().settings().await?) })).await
    }

    /// Change the settings.
    pub async fn update_tenant_settings(
        &self,
        actor: &Actor,
        change: TenantChange,
    ) -> Result<TenantSettings, AdminError> {
        let event = self.wrote(actor, "Update tenant settings", About::default());
        self.write(event, move |unit| {
            Box::pin(async move {
                let mut settings = unit.tenant().settings().await?;
                apply(&mut settings, change);
                check(&settings)?;
                if let Some(audience) = &settings.default_audience
                    && unit.resource_servers().find_by_identifier(audience).await?.is_none()
                {
                    return Err(AdminError::property(
                        format!("There is no API with the identifier {audience}"),
                        "default_audience",
                        "Default audience for API authorization",
                    ));
                }
                unit.tenant().set_settings(&settings).await?;
                Ok(settings)
            })
        })
        .await
    }

    /// Change the branding.
    pub async fn update_branding(
        &self,
        actor: &Actor,
        change: BrandingChange,
    ) -> Result<TenantSettings, AdminError> {
        if let Some(why) = change.logo_url.value().map(String::as_str).and_then(image_fault) {
            return Err(AdminError::property(why, "logo_url", "URL for the logo. Must use HTTPS"));
        }
        let favicon = change.extra.get("favicon_url").and_then(Value::as_str);
        if let Some(why) = favicon.and_then(image_fault) {
            return Err(AdminError::property(why, "favicon_url", "URL for the favicon. Must use HTTPS"));
        }
        let event = self.wrote(actor, "Update branding settings", About::default());
        self.write(event, move |unit| {
            Box::pin(async move {
                let mut settings = unit.tenant().settings().await?;
                change.logo_url.apply(&mut settings.branding.logo_url);
                change.primary.apply(&mut settings.branding.primary);
                change.page_background.apply(&mut settings.branding.page_background);
                merge(&mut settings.branding_extra, change.extra);
                unit.tenant().set_settings(&settings).await?;
                Ok(settings)
            })
        })
        .await
    }
}

fn apply(settings: &mut TenantSettings, change: TenantChange) {
    let defaults = TenantSettings::default();
    change.friendly_name.apply(&mut settings.friendly_name);
    change.picture_url.apply(&mut settings.picture_url);
    change.support_email.apply(&mut settings.support_email);
    change.support_url.apply(&mut settings.support_url);
    change.default_audience.apply(&mut settings.default_audience);
    change.default_redirection_uri.apply(&mut settings.default_redirection_uri);
    // An empty text is how clients say "none".
    for field in [
        &mut settings.friendly_name,
        &mut settings.picture_url,
        &mut settings.support_email,
        &mut settings.support_url,
        &mut settings.default_audience,
        &mut settings.default_redirection_uri,
    ] {
        *field = field.take().filter(|text| !text.is_empty());
    }
    change.allowed_logout_urls.apply_or(&mut settings.allowed_logout_urls, Vec::new());
    change.enabled_locales.apply_or(&mut settings.enabled_locales, defaults.enabled_locales);
    change.session_lifetime.apply_or(&mut settings.session_lifetime, defaults.session_lifetime);
    change
        .idle_session_lifetime
        .apply_or(&mut settings.idle_session_lifetime, defaults.idle_session_lifetime);
    change
        .allow_organization_name_in_authentication_api
        .apply_or(&mut settings.allow_organization_name_in_authentication_api, false);
    change.oidc_logout_prompt_enabled.apply_or(&mut settings.oidc_logout_prompt_enabled, true);
    merge(&mut settings.extra, change.extra);
}

type Fault = fn(&str) -> Option<&'static str>;

fn check(settings: &TenantSettings) -> Result<(), AdminError> {
    if let Some(name) = &settings.friendly_name {
        for_people(name, "friendly_name", "Friendly name for this tenant")?;
    }
    let addresses: [(&str, Option<&String>, Fault); 3] = [
        ("picture_url", settings.picture_url.as_ref(), image_fault),
        ("support_url", settings.support_url.as_ref(), login_uri_fault),
        ("default_redirection_uri", settings.default_redirection_uri.as_ref(), login_uri_fault),
    ];
    for (property, address, fault) in addresses {
        if let Some(why) = address.and_then(|address| fault(address)) {
            return Err(AdminError::property(why, property, "An address of the tenant settings"));
        }
    }
    if let Some(why) = settings.allowed_logout_urls.iter().find_map(|url| callback_fault(url)) {
        let what = "URLs that are valid to redirect to after logout";
        return Err(AdminError::property(why, "allowed_logout_urls", what));
    }
    if settings.enabled_locales.is_empty() {
        let what = "Supported locales for the user interface";
        return Err(AdminError::property("Array is too short (0), minimum 1", "enabled_locales", what));
    }
    let lifetimes = [
        ("session_lifetime", settings.session_lifetime),
        ("idle_session_lifetime", settings.idle_session_lifetime),
    ];
    for (property, hours) in lifetimes {
        if !(hours.is_finite() && hours > 0.0 && hours <= 8_760.0) {
            let what = "Number of hours a session will stay valid";
            return Err(AdminError::property("Value is not above 0 and at most 8760", property, what));
        }
    }
    Ok(())
}
