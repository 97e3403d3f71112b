//! Owns what an application may be like.
//! Never touches how requests are compared with what it registered.

use super::{
    AdminError, GRANT_TYPES,
    text::for_people,
    web_address::{callback_fault, image_fault, login_uri_fault, origin_fault},
};
use crate::model::{Client, OrganizationUsage};
use serde_json::Value;

/// Refuse an application that could not be, with Auth0's kind of text (contract §2.6, `security.md` API-14).
pub(super) fn check(client: &Client) -> Result<(), AdminError> {
    names(client)?;
    addresses(client)?;
    let unknown = client.grant_types.iter().find(|grant| !GRANT_TYPES.contains(&grant.as_str()));
    if let Some(grant) = unknown {
        let what = "List of grant types supported for this application";
        return Err(AdminError::property(format!("No enum match for: {grant}"), "grant_types", what));
    }
    if !client.is_first_party && client.organization_usage != OrganizationUsage::Deny {
        return Err(AdminError::Forbidden {
            code: "operation_not_supported",
            message: "Organizations are only available to first party clients on user-based flows. Properties \
                      organization_usage and organization_require_behavior must be not set for third party clients."
                .to_owned(),
        });
    }
    lifetimes(client)
}

fn names(client: &Client) -> Result<(), AdminError> {
    let name = "Name of this client (min length: 1 character, does not allow `<` or `>`)";
    if client.name.trim().is_empty() {
        return Err(AdminError::property("String is too short (0 chars), minimum 1", "name", name));
    }
    if client.name.chars().count() > 255 || client.name.contains(['<', '>']) {
        return Err(AdminError::property("String does not match pattern ^[^<>]{1,255}$", "name", name));
    }
    for_people(&client.name, "name", name)?;
    let text = |key: &str| client.extra.get(key).and_then(Value::as_str);
    if text("description").is_some_and(|text| text.chars().count() > 140) {
        let what = "Free text description of this client (max length: 140 characters)";
        return Err(AdminError::property("String is too long, maximum 140", "description", what));
    }
    if let Some(why) = text("logo_uri").filter(|uri| !uri.is_empty()).and_then(image_fault) {
        return Err(AdminError::property(why, "logo_uri", "URL of the logo to display for this client"));
    }
    let metadata = client.extra.get("client_metadata").and_then(Value::as_object);
    let short = |text: &str| text.chars().count() <= 255;
    let fits = metadata.is_none_or(|map| {
        map.len() <= 10 && map.iter().all(|(key, value)| short(key) && value.as_str().is_some_and(short))
    });
    if fits {
        return Ok(());
    }
    let what = "Metadata associated with the client: at most 10 texts of at most 255 characters each";
    Err(AdminError::property("Object is not a map of at most 10 texts", "client_metadata", what))
}

fn addresses(client: &Client) -> Result<(), AdminError> {
    type Fault = fn(&str) -> Option<&'static str>;
    let lists: [(&str, &[String], Fault); 4] = [
        ("callbacks", &client.callbacks, callback_fault),
        ("allowed_logout_urls", &client.allowed_logout_urls, callback_fault),
        ("web_origins", &client.web_origins, origin_fault),
        ("allowed_origins", &client.allowed_origins, origin_fault),
    ];
    for (property, list, fault) in lists {
        if list.len() > 100 {
            let why = format!("Array is too long ({}), maximum 100", list.len());
            return Err(AdminError::property(why, property, "Addresses of this client"));
        }
        if let Some((index, why)) = list.iter().enumerate().find_map(|(i, url)| Some((i, fault(url)?))) {
            let why = format!("Object didn't pass validation for format url: {}; {why}", list[index]);
            return Err(AdminError::property(
                why,
                &format!("{property}[{index}]"),
                "Addresses of this client",
            ));
        }
    }
    if let Some((uri, why)) =
        client.initiate_login_uri.as_deref().and_then(|uri| Some((uri, login_uri_fault(uri)?)))
    {
        return Err(AdminError::property(
            format!("Object didn't pass validation for format absolute-https-uri: {uri}; {why}"),
            "initiate_login_uri",
            "Initiate login uri, must be https",
        ));
    }
    Ok(())
}

fn lifetimes(client: &Client) -> Result<(), AdminError> {
    if !(1..=2_592_000).contains(&client.id_token_lifetime) {
        return Err(AdminError::property(
            "Value is not between 1 and 2592000",
            "jwt_configuration.lifetime_in_seconds",
            "Number of seconds the JWT will be valid for",
        ));
    }
    let policy = &client.refresh_token;
    let seconds = [
        ("leeway", policy.leeway, 0, 60),
        ("token_lifetime", policy.token_lifetime, 1, 157_788_000),
        ("idle_token_lifetime", policy.idle_token_lifetime, 1, 157_788_000),
    ];
    for (name, value, least, most) in seconds {
        if !(least..=most).contains(&value) {
            return Err(AdminError::property(
                format!("Value is not between {least} and {most}"),
                &format!("refresh_token.{name}"),
                "Refresh token configuration",
            ));
        }
    }
    Ok(())
}
