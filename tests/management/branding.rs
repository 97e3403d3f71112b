//! Owns the tests of `/branding`.
//! Never touches the branding of organizations.

use super::world::Api;
use serde_json::json;

#[tokio::test]
async fn branding_is_absent_until_it_is_set() {
    let api = Api::new().await;
    assert_eq!(api.get("/branding").await.expect(200), json!({}));
    let change = json!({
        "colors": { "primary": "#0059D6", "page_background": "#fff" },
        "logo_url": "https://travel0.net/logo.svg",
        "favicon_url": "https://travel0.net/icon.png",
        "font": { "url": "https://travel0.net/font.woff" },
    });
    let expected = json!({
        "colors": { "primary": "#0059d6", "page_background": "#ffffff" },
        "logo_url": "https://travel0.net/logo.svg",
        "favicon_url": "https://travel0.net/icon.png",
        "font": { "url": "https://travel0.net/font.woff" },
    });
    assert_eq!(api.patch("/branding", change).await.expect(200), expected);
    assert_eq!(api.get("/branding").await.expect(200), expected);
    let cleared = api
        .patch("/branding", json!({ "colors": null, "font": null, "favicon_url": null }))
        .await
        .expect(200);
    assert_eq!(cleared, json!({ "logo_url": "https://travel0.net/logo.svg" }));
    assert_eq!(api.get("/tenants/settings").await.expect(200).get("favicon_url"), None);
}

#[tokio::test]
async fn what_is_no_colour_or_image_is_refused() {
    let api = Api::new().await;
    for body in [
        json!({ "colors": { "primary": "red;}body{display:none" } }),
        json!({ "logo_url": "javascript:alert(1)" }),
        json!({ "favicon_url": "http://travel0.net/icon.png" }),
        json!({ "css": "x" }),
    ] {
        api.patch("/branding", body).await.fault(400, "invalid_body");
    }
    assert_eq!(api.get("/branding").await.expect(200), json!({}));
}
