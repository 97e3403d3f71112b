//! Owns `/tenants/settings` on the wire (contract §2.11).
//! Never touches branding.

use super::{
    App, Endpoint,
    body::{Body, Fields, boolean, list, number, object, text},
    gate::Acting,
    query::Query,
};
use crate::http::voice::api::ApiFault;
use axum::{Json, extract::State};
use http::Method;
use portico_core::{
    admin::{Change, TenantChange},
    model::TenantSettings,
};
use serde_json::{Map, Value, json};

pub(super) fn endpoints() -> Vec<Endpoint> {
    const PATH: &str = "/tenants/settings";
    vec![
        Endpoint::new(Method::GET, PATH, &["read:tenant_settings"], show),
        Endpoint::new(Method::PATCH, PATH, &["update:tenant_settings"], update),
    ]
}

async fn show(State(app): App, query: Query) -> Result<Json<Value>, ApiFault> {
    let fields = query.fields()?;
    let mut shown = view(&app.admin.tenant_settings().await?);
    fields.apply(&mut shown);
    Ok(Json(shown))
}

async fn update(State(app): App, Acting(actor): Acting, body: Body) -> Result<Json<Value>, ApiFault> {
    let change = change(body)?;
    Ok(Json(view(&app.admin.update_tenant_settings(&actor, change).await?)))
}

/// Settings of Auth0's that mean nothing here; they come back as they were given.
const KEPT: &[&str] = &[
    "flags",
    "sandbox_version",
    "ephemeral_session_lifetime",
    "idle_ephemeral_session_lifetime",
    "default_directory",
    "universal_login",
    "oidc_logout",
    "session_cookie",
    "change_password",
    "guardian_mfa_page",
    "error_page",
    "device_flow",
    "acr_values_supported",
    "mtls",
    "pushed_authorization_requests_supported",
    "customize_mfa_in_postlogin_action",
    "resource_parameter_profile",
    "phone_consolidated_experience",
    "client_id_metadata_document_supported",
    "dynamic_client_registration_security_mode",
    "default_token_quota",
    "country_codes",
    "skip_non_verifiable_callback_uri_confirmation_prompt",
];

fn change(body: Body) -> Result<TenantChange, ApiFault> {
    let mut fields = body.fields()?;
    let by_name =
        ("allow_organization_name_in_authentication_api", "Whether organizations may be named by name");
    let mut change = TenantChange {
        friendly_name: fields.change(("friendly_name", "Friendly name for this tenant"), text(0..=255))?,
        picture_url: fields
            .change(("picture_url", "URL of logo to be shown for this tenant"), text(0..=2048))?,
        support_email: fields.change(("support_email", "End-user support email"), text(0..=255))?,
        support_url: fields.change(("support_url", "End-user support URL"), text(0..=2048))?,
        default_audience: fields
            .change(("default_audience", "Default audience for API authorization"), text(0..=600))?,
        default_redirection_uri: fields.change(
            ("default_redirection_uri", "The default absolute redirection uri, must be https"),
            text(0..=2048),
        )?,
        allowed_logout_urls: fields.change(
            ("allowed_logout_urls", "URLs that are valid to redirect to after logout"),
            list(0..=100, || text(1..=2048)),
        )?,
        enabled_locales: fields.change(
            ("enabled_locales", "Supported locales for the user interface"),
            list(1..=100, || text(2..=20)),
        )?,
        session_lifetime: hours(&mut fields, "session_lifetime", "session_lifetime_in_minutes")?,
        idle_session_lifetime: hours(
            &mut fields,
            "idle_session_lifetime",
            "idle_session_lifetime_in_minutes",
        )?,
        allow_organization_name_in_authentication_api: fields.change(by_name, boolean)?,
        oidc_logout_prompt_enabled: logout_prompt(&mut fields)?,
        extra: Map::new(),
    };
    for name in KEPT {
        let value = fields.change((name, "A tenant setting"), |value, _, _| Ok::<_, ApiFault>(value))?;
        match value {
            Change::Keep => {}
            Change::Clear => drop(change.extra.insert((*name).to_owned(), Value::Null)),
            Change::Set(value) => drop(change.extra.insert((*name).to_owned(), value)),
        }
    }
    // What only the server says may come back from an export.
    fields.optional(("sandbox_versions_available", "Read only"), |_, _, _| Ok::<_, ApiFault>(()))?;
    fields.finish()?;
    Ok(change)
}

/// A time in hours, or in minutes under its other name.
fn hours(fields: &mut Fields, hours: &'static str, minutes: &'static str) -> Result<Change<f64>, ApiFault> {
    let what = "How long a session will stay valid";
    let in_minutes = fields.change((minutes, what), number)?;
    Ok(match (fields.change((hours, what), number)?, in_minutes) {
        (Change::Keep, Change::Set(minutes)) => Change::Set(minutes / 60.0),
        (Change::Keep, other) | (other, _) => other,
    })
}

/// `sessions.oidc_logout_prompt_enabled`.
fn logout_prompt(fields: &mut Fields) -> Result<Change<bool>, ApiFault> {
    match fields.change(("sessions", "Sessions related settings for tenant"), object)? {
        Change::Keep => Ok(Change::Keep),
        Change::Clear => Ok(Change::Clear),
        Change::Set(sessions) => {
            let mut inner = Fields::within(Value::Object(sessions), "sessions")?;
            let prompt = ("oidc_logout_prompt_enabled", "Whether to prompt for logout confirmation");
            let prompt = inner.change(prompt, boolean)?;
            inner.finish()?;
            Ok(prompt)
        }
    }
}

fn view(settings: &TenantSettings) -> Value {
    let mut shown = json!({
        "enabled_locales": settings.enabled_locales,
        "allowed_logout_urls": settings.allowed_logout_urls,
        "session_lifetime": whole(settings.session_lifetime),
        "idle_session_lifetime": whole(settings.idle_session_lifetime),
        "allow_organization_name_in_authentication_api": settings.allow_organization_name_in_authentication_api,
        "sessions": { "oidc_logout_prompt_enabled": settings.oidc_logout_prompt_enabled },
        "flags": {},
        "sandbox_version": "22",
        "sandbox_versions_available": ["22"],
    });
    let texts = [
        ("friendly_name", &settings.friendly_name),
        ("picture_url", &settings.picture_url),
        ("support_email", &settings.support_email),
        ("support_url", &settings.support_url),
        ("default_audience", &settings.default_audience),
        ("default_redirection_uri", &settings.default_redirection_uri),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            shown[name] = json!(text);
        }
    }
    for (name, value) in &settings.extra {
        shown[name.as_str()] = value.clone();
    }
    shown
}

/// `168`, not `168.0`: some clients read whole numbers.
fn whole(hours: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "at most 8760, checked when it was set")]
    let rounded = hours as i64;
    #[expect(clippy::cast_precision_loss, reason = "at most 8760")]
    let same = (rounded as f64 - hours).abs() < f64::EPSILON;
    if same { json!(rounded) } else { json!(hours) }
}
