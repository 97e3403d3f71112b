//! Owns the tests of making, listing and taking back invitations.
//! Never touches how one is accepted.

use super::world::{Api, text};
use portico_core::model::EventKind;
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};
use url::Url;

struct Home {
    api: Api,
    client: String,
    organization: String,
    path: String,
}

async fn home() -> Home {
    let api = Api::new().await;
    let client = api.client().await;
    let organization = api.organization("hoekstra").await;
    let path = format!("/organizations/{organization}/invitations");
    Home { api, client, organization, path }
}

impl Home {
    fn body(&self) -> Value {
        json!({
            "inviter": { "name": "Mara Vink" },
            "invitee": { "email": "Jennifer@Hoekstra.example" },
            "client_id": self.client,
        })
    }

    async fn refused(&self, name: &str, value: Value) -> String {
        let mut body = self.body();
        body[name] = value;
        self.api.post(&self.path, body).await.fault(400, "invalid_body")
    }
}

fn parameters(url: &str) -> BTreeMap<String, String> {
    Url::parse(url).unwrap().query_pairs().into_owned().collect()
}

#[tokio::test]
async fn an_invitation_has_the_documented_form() {
    let home = home().await;
    let made = home.api.post(&home.path, home.body()).await.expect(200);
    assert!(text(&made, "id").starts_with("uinv_"));
    assert_eq!(made["organization_id"], home.organization.as_str());
    assert_eq!(made["inviter"], json!({ "name": "Mara Vink" }));
    assert_eq!(made["invitee"], json!({ "email": "Jennifer@Hoekstra.example" }));
    assert_eq!((&made["app_metadata"], &made["user_metadata"]), (&json!({}), &json!({})));
    let ticket = text(&made, "ticket_id");
    assert!(ticket.len() == 32 && ticket.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    let url = text(&made, "invitation_url");
    assert!(url.starts_with("https://hoekstra.corp.travel0.net/login?from=mail&"), "{url}");
    let expected = [
        ("from", "mail"),
        ("invitation", &ticket),
        ("organization", &home.organization),
        ("organization_name", "hoekstra"),
    ];
    assert_eq!(parameters(&url), expected.map(|(k, v)| (k.to_owned(), v.to_owned())).into());
    assert_eq!(
        (&made["created_at"], &made["expires_at"]),
        (&json!("2026-11-24T12:00:00.000Z"), &json!("2026-12-01T12:00:00.000Z"))
    );
    let one = format!("{}/{}", home.path, text(&made, "id"));
    assert_eq!(home.api.get(&one).await.expect(200), made);
    let listed = home.api.get(&format!("{}?include_totals=true", home.path)).await.expect(200);
    assert_eq!(listed, json!({ "start": 0, "limit": 50, "total": 1, "invitations": [made] }));
    home.api.delete(&one).await.expect(204);
    assert_eq!(home.api.get(&one).await.fault(404, ""), "The invitation does not exist.");
}

#[tokio::test]
async fn the_message_has_a_ticket_of_its_own() {
    let home = home().await;
    let made = home.api.post(&home.path, home.body()).await.expect(200);
    let mails = home.api.mails().await;
    assert_eq!(mails.len(), 1);
    assert_eq!(
        (mails[0].template.as_str(), mails[0].to.as_str()),
        ("user_invitation", "Jennifer@Hoekstra.example")
    );
    let url = mails[0].data["url"].as_str().unwrap();
    let mailed = parameters(url)["invitation"].clone();
    assert_ne!(mailed, text(&made, "ticket_id"), "INV-11: what the API shows does not prove the mailbox");
    let everything = home.api.get(&home.path).await.expect(200).to_string();
    assert!(!everything.contains(&mailed));
    assert_eq!(mails[0].data["inviter"]["name"], "Mara Vink");
    assert_eq!(mails[0].data["organization"]["display_name"], "hoekstra");
}

#[tokio::test]
async fn no_message_goes_out_when_none_is_wanted() {
    let home = home().await;
    let mut body = home.body();
    body["send_invitation_email"] = json!(false);
    home.api.post(&home.path, body).await.expect(200);
    assert!(home.api.mails().await.is_empty());
}

#[tokio::test]
async fn each_refusal_has_its_text() {
    let home = home().await;
    let nobody = home.refused("client_id", json!("nobody")).await;
    assert_eq!(nobody, "The specified client_id does not exist.");
    let denying = json!({ "name": "No organizations" });
    let denying = text(&home.api.post("/clients", denying).await.expect(201), "client_id");
    let denied = home.refused("client_id", json!(denying)).await;
    assert_eq!(denied, "The specified client_id does not allow organizations.");
    let homeless = json!({ "name": "No address", "organization_usage": "allow" });
    let homeless = text(&home.api.post("/clients", homeless).await.expect(201), "client_id");
    let message = home.refused("client_id", json!(homeless)).await;
    assert!(
        message.starts_with("A default login route is required to generate the invitation url."),
        "{message}"
    );
    let unknown = home.refused("connection_id", json!("con_0000000000000000")).await;
    assert_eq!(unknown, "The specified connection (con_0000000000000000) does not exist.");
    let connection = home.api.database("db", &[&home.client]).await;
    let foreign = home.refused("connection_id", json!(connection)).await;
    let expected = format!(
        "The specified connection ({connection}) is not enabled for the organization ({}).",
        home.organization
    );
    assert_eq!(foreign, expected);
    let bad = home.refused("ttl_sec", json!(2_592_001)).await;
    assert!(bad.contains("greater than maximum 2592000"), "{bad}");
    let bad = home.refused("invitee", json!({ "email": "not an address" })).await;
    assert!(bad.contains("format email"), "{bad}");
    let bad = home.refused("inviter", json!({})).await;
    assert_eq!(bad, "Payload validation error: 'Missing required property: name' on property inviter.");
    let nowhere = home.api.post("/organizations/org_0000000000000000/invitations", home.body()).await;
    assert_eq!(nowhere.fault(404, ""), "No organization found by that id.");
    assert!(home.api.mails().await.is_empty());
}

#[tokio::test]
async fn links_fall_back_to_the_tenants_address() {
    let home = home().await;
    let homeless = json!({ "name": "No address", "organization_usage": "allow" });
    let homeless = text(&home.api.post("/clients", homeless).await.expect(201), "client_id");
    let settings = json!({ "default_redirection_uri": "https://travel0.net/start" });
    home.api.patch("/tenants/settings", settings).await.expect(200);
    let mut body = home.body();
    body["client_id"] = json!(homeless);
    let url = text(&home.api.post(&home.path, body).await.expect(200), "invitation_url");
    assert!(url.starts_with("https://travel0.net/start?invitation="), "{url}");
}

#[tokio::test]
async fn an_enabled_connection_roles_and_metadata_come_back() {
    let home = home().await;
    let connection = home.api.database("db", &[&home.client]).await;
    let enabled = format!("/organizations/{}/enabled_connections", home.organization);
    home.api.post(&enabled, json!({ "connection_id": connection })).await.expect(201);
    let role = home.api.role("approver").await;
    let mut body = home.body();
    body["connection_id"] = json!(connection);
    body["roles"] = json!([role]);
    body["user_metadata"] = json!({ "lang": "nl" });
    body["app_metadata"] = json!({ "cost_centre": 7 });
    body["ttl_sec"] = json!(3600);
    let made = home.api.post(&home.path, body).await.expect(200);
    assert_eq!((&made["connection_id"], &made["roles"]), (&json!(connection), &json!([role])));
    assert_eq!(
        (&made["user_metadata"], &made["app_metadata"]),
        (&json!({"lang": "nl"}), &json!({"cost_centre": 7}))
    );
    assert_eq!(made["expires_at"], "2026-11-24T13:00:00.000Z");
    let data = home.api.mails().await.remove(0).data;
    assert_eq!(data["roles"][0]["name"], "approver");
    assert!(!json!(data).to_string().contains("cost_centre"), "app_metadata is not for the invitee");
}

#[tokio::test]
async fn lists_are_sorted_and_reading_tickets_is_in_the_log() {
    let home = home().await;
    for n in 0..3 {
        home.api.clock.advance(Duration::from_millis(1));
        let mut body = home.body();
        body["invitee"] = json!({ "email": format!("person{n}@hoekstra.example") });
        home.api.post(&home.path, body).await.expect(200);
    }
    let listed = home.api.get(&format!("{}?sort=created_at:-1&per_page=1&fields=invitee", home.path)).await;
    assert_eq!(listed.expect(200), json!([{ "invitee": { "email": "person2@hoekstra.example" } }]));
    home.api.get(&format!("{}?sort=email:1", home.path)).await.fault(400, "invalid_query_string");
    let reads = home.api.events().await.into_iter().filter(|event| event.kind == EventKind::ApiRead);
    assert_eq!(reads.count(), 1);
}
