//! Owns the cases of the pages and calls of accounts: DB-01, DB-03, DB-09, DB-10, DB-13, DB-14, DB-15, DB-21 over HTTP.
//! Never touches sockets.

use super::house::{House, OTHER, PASSWORD, QUICK, issuer};
use axum::body::Body;
use http::{Request, StatusCode};
use portico_core::{account::Caller, model::EventKind};
use portico_database::{HashingSettings, hashing::Parameters};
use serde_json::{Value, json};

const ADDRESS: &str = "jennifer@travel0.test";
const SIGN_UP: &str = "/dbconnections/signup";
const CHANGE: &str = "/dbconnections/change_password";

fn change_body(house: &House, email: &str) -> String {
    json!({ "client_id": house.client.id, "connection": house.connection.name, "email": email }).to_string()
}

#[tokio::test]
async fn db_03_the_calls_answer_alike_for_every_address() {
    let house = House::with(json!({})).await;
    house.account(ADDRESS, Some(PASSWORD)).await;
    let known = house.post(CHANGE, change_body(&house, ADDRESS)).await;
    let unknown = house.post(CHANGE, change_body(&house, "nobody@travel0.test")).await;
    assert_eq!(known, unknown);
    assert_eq!(known.1, "We've just sent you an email to reset your password.");
    let shape = async |email: &str| {
        let (status, body) = house.post(SIGN_UP, house.sign_up_body(email, OTHER).to_string()).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        let mut body: Value = serde_json::from_str(&body).unwrap();
        let id = body["_id"].take();
        assert_eq!(id.as_str().unwrap().len(), 24);
        body["email"].take();
        body
    };
    assert_eq!(shape(ADDRESS).await, shape("fresh@travel0.test").await);
}

#[tokio::test]
async fn db_03_the_page_answers_alike_for_every_address() {
    let house = House::with(json!({})).await;
    house.account(ADDRESS, Some(PASSWORD)).await;
    let path = format!("/u/reset-password/request/{}", house.connection.name);
    let (known, page) = house.post_form(&path, &[("email", ADDRESS)]).await;
    let (unknown, other) = house.post_form(&path, &[("email", "nobodyxx@travel0.test")]).await;
    assert_eq!((known, unknown), (StatusCode::OK, StatusCode::OK));
    assert_eq!(page.replace(ADDRESS, ""), other.replace("nobodyxx@travel0.test", ""));
    assert_eq!(house.mails().await.len(), 1);
}

#[tokio::test]
async fn db_09_a_full_queue_is_a_503_that_says_when_to_come_back() {
    let slow = Parameters { memory_kib: 16 << 10, iterations: 2, ..QUICK };
    let house = House::hashing(json!({}), HashingSettings { parameters: slow, threads: 1, queue: 1 }).await;
    let attempts = (0..12).map(|number| {
        let body = house.sign_up_body(&format!("{number}@travel0.test"), PASSWORD).to_string();
        house.post(SIGN_UP, body)
    });
    let answers = futures_util::future::join_all(attempts).await;
    let of = |status: StatusCode| answers.iter().filter(|answer| answer.0 == status).count();
    assert_eq!(of(StatusCode::OK) + of(StatusCode::SERVICE_UNAVAILABLE), 12, "{answers:?}");
    assert!(of(StatusCode::OK) > 0 && of(StatusCode::SERVICE_UNAVAILABLE) > 0, "{answers:?}");
}

#[tokio::test]
async fn db_10_a_password_that_is_too_long_is_a_400() {
    let house = House::with(json!({})).await;
    for (long, status) in [
        ("a".repeat(257), StatusCode::BAD_REQUEST),
        ("\u{1f600}".repeat(257), StatusCode::BAD_REQUEST),
        ("a".repeat(1 << 20), StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let (answer, body) = house.post(SIGN_UP, house.sign_up_body(ADDRESS, &long).to_string()).await;
        assert!(answer == status || answer == StatusCode::BAD_REQUEST, "{answer}: {body}");
    }
    let fits = "aB3 ".repeat(64);
    let (status, body) = house.post(SIGN_UP, house.sign_up_body(ADDRESS, &fits).to_string()).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    house.service.verify_email(&house.newest_ticket().await, &Caller::default()).await.unwrap().unwrap();
    assert!(house.opens(ADDRESS, &fits).await);
    assert!(!house.opens(ADDRESS, &fits[..255]).await);
}

#[tokio::test]
async fn db_13_a_value_of_another_type_is_a_400_and_changes_nothing() {
    let house = House::with(json!({})).await;
    house.account(ADDRESS, Some(PASSWORD)).await;
    for (path, name) in [
        (SIGN_UP, "password"),
        (SIGN_UP, "email"),
        (SIGN_UP, "connection"),
        (SIGN_UP, "client_id"),
        (SIGN_UP, "username"),
        (SIGN_UP, "user_metadata"),
        (CHANGE, "email"),
        (CHANGE, "connection"),
        (CHANGE, "client_id"),
        (CHANGE, "organization"),
    ] {
        for value in [json!({ "$ne": 1 }), json!([ADDRESS]), json!(1), json!(true)] {
            if (name, &value) == ("user_metadata", &json!({ "$ne": 1 })) {
                continue;
            }
            let mut body = house.sign_up_body("fresh@travel0.test", OTHER);
            body[name] = value.clone();
            let (status, answer) = house.post(path, body.to_string()).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{path} {name} {value}: {answer}");
        }
    }
    for body in ["", "null", "[]", "{\"email\":\"a@b.test\",\"email\":\"c@d.test\"}", "{"] {
        assert_eq!(house.post(SIGN_UP, body.to_owned()).await.0, StatusCode::BAD_REQUEST, "{body}");
    }
    let metadata = json!({ "user_metadata": { "$ne": 1 } });
    let mut body = house.sign_up_body("fresh@travel0.test", OTHER);
    body["user_metadata"] = metadata["user_metadata"].clone();
    assert_eq!(
        house.post(SIGN_UP, body.to_string()).await.0,
        StatusCode::BAD_REQUEST,
        "metadata holds texts"
    );
    assert!(house.mails().await.is_empty());
    assert!(!house.opens("fresh@travel0.test", OTHER).await);
}

#[tokio::test]
async fn db_14_the_page_takes_a_ticket_and_nothing_else_for_proof() {
    let house = House::with(json!({})).await;
    let user = house.account(ADDRESS, Some(PASSWORD)).await;
    let victim = house.account("victim@travel0.test", Some(PASSWORD)).await;
    let guessed = house.post_form("/u/reset-password", &[("password", OTHER)]).await;
    assert_eq!(guessed.0, StatusCode::BAD_REQUEST, "straight to the second step");
    let blank = house.post_form("/u/reset-password", &[("ticket", ""), ("password", OTHER)]).await;
    assert_eq!(blank.0, StatusCode::BAD_REQUEST);
    house.ask_for_reset(ADDRESS).await;
    let ticket = house.newest_ticket().await;
    let get = Request::get(format!("/u/reset-password?ticket={ticket}"))
        .header("host", "login.travel0.test")
        .body(Body::empty())
        .unwrap();
    let (status, page) = house.send(get).await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains(ADDRESS) && page.contains("Not one of the commonest passwords"), "{page}");
    let form = [
        ("ticket", ticket.as_str()),
        ("password", OTHER),
        ("user_id", victim.id.as_str()),
        ("email", "victim@travel0.test"),
    ];
    assert_eq!(house.post_form("/u/reset-password", &form).await.0, StatusCode::OK);
    assert!(house.opens(ADDRESS, OTHER).await, "its own account");
    assert!(house.opens("victim@travel0.test", PASSWORD).await, "and no other");
    assert_eq!(house.post_form("/u/reset-password", &form).await.0, StatusCode::BAD_REQUEST, "once");
    assert_eq!(house.user(&user).await.session_epoch, 1);
}

#[tokio::test]
async fn db_14_a_page_elsewhere_cannot_send_the_forms() {
    let house = House::with(json!({})).await;
    house.account(ADDRESS, Some(PASSWORD)).await;
    house.ask_for_reset(ADDRESS).await;
    let ticket = house.newest_ticket().await;
    let foreign = Request::post("/u/reset-password")
        .header("host", "login.travel0.test")
        .header("origin", "https://evil.test")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(format!("ticket={ticket}&password=slow+Meadow+93+kettles")))
        .unwrap();
    assert_eq!(house.send(foreign).await.0, StatusCode::FORBIDDEN);
    assert!(house.opens(ADDRESS, PASSWORD).await);
}

#[tokio::test]
async fn db_15_links_are_made_of_the_configured_issuer_alone() {
    let house = House::with(json!({})).await;
    house.account(ADDRESS, Some(PASSWORD)).await;
    let spoofed = |host: &str| {
        Request::post(CHANGE)
            .header("host", host)
            .header("x-forwarded-host", "evil.test")
            .header("x-forwarded-proto", "http")
            .header("forwarded", "host=evil.test;proto=http")
            .header("content-type", "application/json")
            .body(Body::from(change_body(&house, ADDRESS)))
            .unwrap()
    };
    let (status, _) = house.send(spoofed("evil.test")).await;
    assert!(status.is_client_error(), "{status}");
    assert!(house.mails().await.is_empty(), "a host that is not ours gets nothing done");
    assert_eq!(house.send(spoofed("login.travel0.test")).await.0, StatusCode::OK);
    let mails = house.mails().await;
    let url = mails[0].data["url"].as_str().unwrap();
    assert!(url.starts_with(issuer().join("u/reset-password?ticket=").unwrap().as_str()), "{url}");
    assert!(!format!("{:?}", mails[0]).contains("evil"));
}

#[tokio::test]
async fn db_21_a_refused_sign_up_says_why_in_auth0s_words() {
    let closed = House::with(json!({ "disable_signup": true })).await;
    let answer = closed.post(SIGN_UP, closed.sign_up_body(ADDRESS, PASSWORD).to_string()).await;
    assert_eq!(answer, (StatusCode::BAD_REQUEST, r#"{"error":"public signup is disabled"}"#.to_owned()));
    let house = House::with(json!({})).await;
    let mut foreign = house.sign_up_body(ADDRESS, PASSWORD);
    foreign["client_id"] = "SomebodyElsesClient0000000000000".into();
    let (status, body) = house.post(SIGN_UP, foreign.to_string()).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap()["code"], "invalid_signup");
    for (password, code) in [
        ("short", "invalid_password"),
        ("Password1!", "password_dictionary_error"),
        ("xJennifer-1", "password_no_user_info_error"),
    ] {
        let (status, body) = house.post(SIGN_UP, house.sign_up_body(ADDRESS, password).to_string()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert_eq!(serde_json::from_str::<Value>(&body).unwrap()["code"], code, "{body}");
    }
    assert!(house.mails().await.is_empty());
}

#[tokio::test]
async fn a_mailed_link_verifies_its_address_with_a_click_on_a_button() {
    let house = House::with(json!({})).await;
    house.post(SIGN_UP, house.sign_up_body(ADDRESS, PASSWORD).to_string()).await;
    let ticket = house.newest_ticket().await;
    let get = || {
        Request::get(format!("/u/email-verification?ticket={ticket}"))
            .header("host", "login.travel0.test")
            .body(Body::empty())
            .unwrap()
    };
    assert_eq!(house.send(get()).await.0, StatusCode::OK);
    assert!(
        house.events(EventKind::EmailVerified).await.is_empty(),
        "a mail program that looks verifies nothing"
    );
    let form = [("ticket", ticket.as_str())];
    let (status, page) = house.post_form("/u/email-verification", &form).await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains(ADDRESS), "{page}");
    assert_eq!(house.events(EventKind::EmailVerified).await.len(), 1);
    assert_eq!(house.send(get()).await.0, StatusCode::BAD_REQUEST, "a link that was used says so");
}
