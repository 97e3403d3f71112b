//! Owns the cases of making invitations: where links lead, what names may hold, how many there may be.
//! Never touches how one is accepted.

use crate::management::world::{Api, text};
use serde_json::{Value, json};
use std::time::Duration;

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
    fn body(&self, email: &str) -> Value {
        json!({ "inviter": { "name": "Mara" }, "invitee": { "email": email }, "client_id": self.client })
    }
}

#[tokio::test]
async fn inv_11_the_mailed_ticket_is_shown_nowhere_and_the_shown_one_is_not_mailed() {
    let home = home().await;
    let made = home.api.post(&home.path, home.body("a@x.test")).await.expect(200);
    let one = home.api.get(&format!("{}/{}", home.path, text(&made, "id"))).await.expect(200);
    let listed = home.api.get(&home.path).await.expect(200);
    let logs = home.api.get("/logs").await.expect(200);
    let mail = home.api.mails().await.remove(0);
    let url: url::Url = mail.data["url"].as_str().unwrap().parse().unwrap();
    let (_, mailed) = url.query_pairs().find(|(name, _)| name == "invitation").unwrap();
    let shown = text(&made, "ticket_id");
    assert_ne!(*mailed, shown);
    for answer in [&made, &one, &listed, &logs] {
        assert!(!answer.to_string().contains(&*mailed));
    }
    assert!(!json!(mail.data).to_string().contains(&shown));
    assert!(!logs.to_string().contains(&shown));
}

#[tokio::test]
async fn inv_13_a_link_leads_to_the_registered_address_and_nowhere_else() {
    let home = home().await;
    for address in [
        "javascript:alert(1)",
        "http://travel0.net/login",
        "https://user:pw@travel0.net/login",
        "https://travel0.net/login#fragment",
        "https://{organization_name}.travel0.net/login",
        "https://travel0.net/{organization.metadata.x}",
        "//travel0.net/login",
        "data:text/html,x",
    ] {
        let change = json!({ "initiate_login_uri": address });
        let message =
            home.api.patch(&format!("/clients/{}", home.client), change).await.fault(400, "invalid_body");
        assert!(message.contains("on property initiate_login_uri ("), "{address}: {message}");
        let change = json!({ "default_redirection_uri": address });
        home.api.patch("/tenants/settings", change).await.fault(400, "invalid_body");
    }
    let change = json!({ "initiate_login_uri": "https://travel0.net/login?next=a%26b" });
    home.api.patch(&format!("/clients/{}", home.client), change).await.expect(200);
    let url = text(&home.api.post(&home.path, home.body("a@x.test")).await.expect(200), "invitation_url");
    let url: url::Url = url.parse().unwrap();
    assert_eq!((url.origin().ascii_serialization().as_str(), url.path()), ("https://travel0.net", "/login"));
    let pairs: Vec<_> = url.query_pairs().collect();
    assert_eq!(pairs[0], ("next".into(), "a&b".into()), "what the address had stays as it was");
    assert_eq!(pairs.len(), 4);
}

#[tokio::test]
async fn inv_14_names_that_break_lines_or_turn_them_are_refused() {
    let home = home().await;
    for name in
        ["a\r\nBcc: b@c.test", "a\u{202e}gnp", "a\u{2066}b", "a\u{2028}b", "a\0b", &"x".repeat(301), ""]
    {
        let mut body = home.body("a@x.test");
        body["inviter"]["name"] = json!(name);
        let message = home.api.post(&home.path, body).await.fault(400, "invalid_body");
        assert!(message.contains("on property inviter.name ("), "{name:?}: {message}");
    }
    assert!(home.api.mails().await.is_empty());
    // Markup is only text here: what shows it escapes it.
    let mut body = home.body("a@x.test");
    body["inviter"]["name"] = json!("<img src=x onerror=alert(1)>");
    home.api.post(&home.path, body).await.expect(200);
    assert_eq!(home.api.mails().await[0].data["inviter"]["name"], "<img src=x onerror=alert(1)>");
    for email in ["a@x.test\r\nBcc: b@y.test", "a@x.test, b@y.test", "<a@x.test>", "a@x"] {
        home.api.post(&home.path, home.body(email)).await.fault(400, "invalid_body");
    }
}

#[tokio::test]
async fn inv_15_an_organization_invites_at_most_a_hundred_an_hour() {
    let home = home().await;
    for n in 0..100 {
        home.api.post(&home.path, home.body(&format!("person{n}@x.test"))).await.expect(200);
    }
    let refused = home.api.post(&home.path, home.body("one-more@x.test")).await;
    let reset: i64 = refused.headers["x-ratelimit-reset"].to_str().unwrap().parse().unwrap();
    assert!(reset > portico_core::time::Clock::now(&*home.api.clock).seconds());
    assert_eq!(
        refused.fault(429, "too_many_requests"),
        "Too many invitations were made for this organization."
    );
    assert_eq!(home.api.mails().await.len(), 100);
    let other = home.api.organization("metahexa").await;
    let path = format!("/organizations/{other}/invitations");
    home.api.post(&path, home.body("one-more@x.test")).await.expect(200);
    home.api.clock.advance(Duration::from_secs(36));
    home.api.post(&home.path, home.body("one-more@x.test")).await.expect(200);
}

#[tokio::test]
async fn inv_15_a_mailbox_gets_at_most_ten_at_once_whatever_the_organization() {
    let home = home().await;
    let other = home.api.organization("metahexa").await;
    for n in 0..10 {
        let organization = if n % 2 == 0 { &home.organization } else { &other };
        let path = format!("/organizations/{organization}/invitations");
        let email = if n % 3 == 0 { "Victim@x.test" } else { "victim@X.test" };
        home.api.post(&path, home.body(email)).await.expect(200);
    }
    let refused = home.api.post(&home.path, home.body("victim@x.test")).await.fault(429, "too_many_requests");
    assert_eq!(refused, "Too many invitations were made for this address.");
    home.api.post(&home.path, home.body("somebody-else@x.test")).await.expect(200);
}

#[tokio::test]
async fn inv_17_roles_of_an_invitation_exist_and_are_at_most_fifty() {
    let home = home().await;
    let role = home.api.role("approver").await;
    let with = |roles: Value| {
        let mut body = home.body("a@x.test");
        body["roles"] = roles;
        home.api.post(&home.path, body)
    };
    let unknown =
        with(json!([role, "rol_0000000000000001", "rol_0000000000000002"])).await.fault(400, "invalid_body");
    assert_eq!(
        unknown,
        "One or more of the specified roles do not exist: rol_0000000000000001, rol_0000000000000002"
    );
    let many: Vec<_> = (0..51).map(|n| format!("rol_{n:016}")).collect();
    let message = with(json!(many)).await.fault(400, "invalid_body");
    assert!(message.contains("Array is too long (51), maximum 50"), "{message}");
    let none = with(json!([])).await.fault(400, "invalid_body");
    assert!(none.contains("Array is too short (0), minimum 1"), "{none}");
    with(json!([role])).await.expect(200);
    home.api.delete(&format!("/roles/{role}")).await.expect(200);
    let gone = with(json!([role])).await.fault(400, "invalid_body");
    assert!(gone.contains(&role), "{gone}");
    assert_eq!(home.api.mails().await.len(), 1);
}

#[tokio::test]
async fn inv_03_an_invitation_that_was_taken_back_or_whose_organization_is_gone_is_dead() {
    use portico_core::secret::TokenHash;
    let home = home().await;
    let found = |ticket: String| {
        let store = home.api.store.clone();
        async move {
            let hash = TokenHash::of(&ticket);
            let found =
                store.read(|unit| Box::pin(async move { unit.invitations().find_by_ticket(&hash).await }));
            found.await.unwrap().is_some()
        }
    };
    let first = home.api.post(&home.path, home.body("a@x.test")).await.expect(200);
    let second = home.api.post(&home.path, home.body("b@x.test")).await.expect(200);
    assert!(found(text(&first, "ticket_id")).await && found(text(&second, "ticket_id")).await);
    home.api.delete(&format!("{}/{}", home.path, text(&first, "id"))).await.expect(204);
    assert!(!found(text(&first, "ticket_id")).await);
    assert!(found(text(&second, "ticket_id")).await);
    home.api.delete(&format!("/organizations/{}", home.organization)).await.expect(204);
    assert!(!found(text(&second, "ticket_id")).await);
}

#[tokio::test]
async fn api_04_an_invitation_is_reached_through_its_own_organization_alone() {
    let home = home().await;
    let other = home.api.organization("metahexa").await;
    let made = home.api.post(&home.path, home.body("a@x.test")).await.expect(200);
    let foreign = format!("/organizations/{other}/invitations/{}", text(&made, "id"));
    assert_eq!(home.api.get(&foreign).await.fault(404, ""), "The invitation does not exist.");
    home.api.delete(&foreign).await.expect(204);
    home.api.get(&format!("{}/{}", home.path, text(&made, "id"))).await.expect(200);
}
