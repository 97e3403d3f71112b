//! Owns `/branding` on the wire (contract §2.11).
//! Never touches the branding of organizations.

use super::{
    App, Endpoint,
    body::{Body, Fields, object, parsed, text},
    gate::Acting,
};
use crate::http::voice::api::ApiFault;
use axum::{Json, extract::State};
use http::Method;
use portico_core::{
    admin::{BrandingChange, Change},
    model::{Color, TenantSettings},
};
use serde_json::{Value, json};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, "/branding", &["read:branding"], show),
        Endpoint::new(Method::PATCH, "/branding", &["update:branding"], update),
    ]
}

async fn show(State(app): App) -> Result<Json<Value>, ApiFault> {
    Ok(Json(view(&app.admin.tenant_settings().await?)))
}

async fn update(State(app): App, Acting(actor): Acting, body: Body) -> Result<Json<Value>, ApiFault> {
    let change = change(body)?;
    Ok(Json(view(&app.admin.update_branding(&actor, change).await?)))
}

fn change(body: Body) -> Result<BrandingChange, ApiFault> {
    let mut fields = body.fields()?;
    let mut change = BrandingChange {
        logo_url: fields.change(("logo_url", "URL for the logo. Must use HTTPS"), text(1..=2048))?,
        ..BrandingChange::default()
    };
    match fields.change(("colors", "Custom color settings"), object)? {
        Change::Keep => {}
        Change::Clear => (change.primary, change.page_background) = (Change::Clear, Change::Clear),
        Change::Set(colors) => {
            let mut inner = Fields::within(Value::Object(colors), "colors")?;
            change.primary = inner.change(("primary", "Accent color"), parsed("html-color", Color::parse))?;
            let background = ("page_background", "Page background color");
            change.page_background = inner.change(background, parsed("html-color", Color::parse))?;
            inner.finish()?;
        }
    }
    match fields.change(("favicon_url", "URL for the favicon. Must use HTTPS"), text(1..=2048))? {
        Change::Keep => {}
        Change::Clear => drop(change.extra.insert("favicon_url".to_owned(), Value::Null)),
        Change::Set(url) => drop(change.extra.insert("favicon_url".to_owned(), json!(url))),
    }
    for name in ["font", "identifiers"] {
        match fields.change((name, "An object"), object)? {
            Change::Keep => {}
            Change::Clear => drop(change.extra.insert(name.to_owned(), Value::Null)),
            Change::Set(value) => drop(change.extra.insert(name.to_owned(), Value::Object(value))),
        }
    }
    fields.finish()?;
    Ok(change)
}

/// Absent where nothing is set.
fn view(settings: &TenantSettings) -> Value {
    let mut shown = json!({});
    let branding = &settings.branding;
    let mut colors = json!({});
    for (name, color) in [("primary", &branding.primary), ("page_background", &branding.page_background)] {
        if let Some(color) = color {
            colors[name] = json!(color);
        }
    }
    if colors.as_object().is_some_and(|colors| !colors.is_empty()) {
        shown["colors"] = colors;
    }
    if let Some(logo_url) = &branding.logo_url {
        shown["logo_url"] = json!(logo_url);
    }
    for (name, value) in &settings.branding_extra {
        shown[name.as_str()] = value.clone();
    }
    shown
}
