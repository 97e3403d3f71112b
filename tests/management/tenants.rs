//! Owns the tests of `/tenants/settings`.
//! Never touches branding.

use super::world::Api;
use serde_json::json;

#[tokio::test]
async fn settings_have_defaults_and_are_changed_one_by_one() {
    let api = Api::new().await;
    let path = "/tenants/settings";
    let before = api.get(path).await.expect(200);
    assert_eq!(before["enabled_locales"], json!(["en"]));
    assert_eq!((&before["session_lifetime"], &before["idle_session_lifetime"]), (&json!(168), &json!(72)));
    assert_eq!(before.get("friendly_name"), None);
    let change = json!({
        "friendly_name": "Travel0",
        "default_redirection_uri": "https://travel0.net/start",
        "session_lifetime_in_minutes": 90,
        "flags": { "enable_sso": true },
        "sessions": { "oidc_logout_prompt_enabled": false },
        "allow_organization_name_in_authentication_api": true,
    });
    let after = api.patch(path, change).await.expect(200);
    assert_eq!((&after["friendly_name"], &after["session_lifetime"]), (&json!("Travel0"), &json!(1.5)));
    assert_eq!(
        (&after["flags"], &after["sessions"]),
        (&json!({"enable_sso": true}), &json!({"oidc_logout_prompt_enabled": false}))
    );
    assert_eq!(after["idle_session_lifetime"], 72);
    assert_eq!(api.get(path).await.expect(200), after);
    let cleared = api.patch(path, json!({ "friendly_name": "" })).await.expect(200);
    assert_eq!(cleared.get("friendly_name"), None);
    let some = api.get("/tenants/settings?fields=flags,session_lifetime").await.expect(200);
    assert_eq!(some, json!({ "session_lifetime": 1.5, "flags": { "enable_sso": true } }));
}

#[tokio::test]
async fn each_refusal_has_its_text() {
    let api = Api::new().await;
    let cases = [
        (json!({ "default_redirection_uri": "http://travel0.net" }), "on property default_redirection_uri ("),
        (json!({ "picture_url": "javascript:alert(1)" }), "on property picture_url ("),
        (json!({ "allowed_logout_urls": ["javascript:alert(1)"] }), "on property allowed_logout_urls ("),
        (json!({ "enabled_locales": [] }), "Array is too short (0), minimum 1"),
        (json!({ "session_lifetime": 0 }), "on property session_lifetime ("),
        (json!({ "default_audience": "https://nothing.test" }), "There is no API with the identifier"),
        (json!({ "tenant": "x" }), "'Additional properties not allowed: tenant'"),
        (json!({ "friendly_name": "a\u{202e}b" }), "control characters"),
    ];
    for (body, expected) in cases {
        let message = api.patch("/tenants/settings", body.clone()).await.fault(400, "invalid_body");
        assert!(message.contains(expected), "{body}: {message}");
    }
}
