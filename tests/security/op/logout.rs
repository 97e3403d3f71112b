//! Owns the cases of logout.
//! Never touches logins.

use super::stage::{Stage, form};
use http::{
    StatusCode,
    header::{LOCATION, SET_COOKIE},
};

#[tokio::test]
async fn op_18_logout_goes_to_registered_addresses_and_asks() {
    let stage = Stage::new().await;
    let sid = stage.session("cookie-of-jennifer").await;
    let cookie = ("cookie", "__Host-portico_session=cookie-of-jennifer");
    let bye = "https://hoekstra.travel0.test/bye";
    let code = stage.code({
        let sid = sid.clone();
        |code| code.family.session_id = Some(sid)
    });
    let answer = stage.redeem(&code.await, &[]).await;
    let (id_token, access) = (answer.member("id_token"), answer.member("access_token"));
    let lives = async || {
        let sid = sid.clone();
        stage
            .store
            .read(|unit| Box::pin(async move { unit.sessions().find(&sid).await }))
            .await
            .unwrap()
            .is_some()
    };
    for evil in [
        "https://evil.test/",
        "https://hoekstra.travel0.test/bye?x=1",
        "//evil.test",
        "javascript:alert(1)",
        "https://metahexa.travel0.test/bye",
    ] {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("client_id", "hoekstra"), ("returnTo", evil), ("post_logout_redirect_uri", evil)])
            .finish();
        for endpoint in ["/v2/logout", "/oidc/logout"] {
            let refused = stage.get(&format!("{endpoint}?{query}"), &[cookie]).await;
            assert_eq!(
                (refused.status, refused.headers.get(LOCATION)),
                (StatusCode::BAD_REQUEST, None),
                "{evil}"
            );
        }
    }
    let asked = stage
        .get(&format!("/oidc/logout?client_id=hoekstra&post_logout_redirect_uri={bye}&state=s1"), &[cookie])
        .await;
    assert_eq!(
        (asked.status, asked.headers.get(LOCATION)),
        (StatusCode::OK, None),
        "nothing shows that it is wanted"
    );
    assert!(asked.text.contains("<form"));
    let forged = format!("{}x", &id_token[..id_token.len() - 1]);
    let asked = stage.get(&format!("/oidc/logout?id_token_hint={forged}"), &[cookie]).await;
    assert_eq!(asked.headers.get(LOCATION), None);
    let framed = stage.get("/v2/logout?client_id=hoekstra", &[cookie, ("sec-fetch-dest", "image")]).await;
    assert_eq!(framed.status, StatusCode::BAD_REQUEST);
    assert!(lives().await, "none of these ended the session");
    assert_eq!(stage.userinfo(&access).await.status, StatusCode::OK);

    let path = format!("/oidc/logout?id_token_hint={id_token}&post_logout_redirect_uri={bye}&state=s1");
    let done = stage.get(&path, &[cookie]).await;
    assert_eq!(done.headers[LOCATION], format!("{bye}?state=s1").as_str());
    assert!(done.headers[SET_COOKIE].to_str().unwrap().starts_with("__Host-portico_session=; "));
    assert!(!lives().await);
    assert!(stage.logged("slo", "").await);
}

#[tokio::test]
async fn logout_without_an_address_goes_to_the_first_registered_one() {
    let stage = Stage::new().await;
    stage.session("cookie-of-jennifer").await;
    let cookie = ("cookie", "__Host-portico_session=cookie-of-jennifer");
    let done = stage.get("/v2/logout?client_id=hoekstra", &[cookie]).await;
    assert_eq!(
        (done.status, &done.headers[LOCATION]),
        (StatusCode::FOUND, &"https://hoekstra.travel0.test/bye".parse().unwrap())
    );
    let nowhere = stage.get("/v2/logout", &[]).await;
    assert_eq!((nowhere.status, nowhere.headers.get(LOCATION)), (StatusCode::OK, None));
    assert_eq!(stage.get("/v2/logout?client_id=nobody", &[]).await.headers.get(LOCATION), None);
}

#[tokio::test]
async fn the_page_that_asks_leads_to_the_logout() {
    let stage = Stage::new().await;
    stage.session("cookie-of-jennifer").await;
    let cookie = "__Host-portico_session=cookie-of-jennifer";
    let bye = "https://hoekstra.travel0.test/bye";
    let asked = stage
        .get(
            &format!("/oidc/logout?client_id=hoekstra&post_logout_redirect_uri={bye}"),
            &[("cookie", cookie)],
        )
        .await;
    let confirmation =
        asked.text.split("name=\"confirmation\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let confirm = async |confirmation: &str| {
        let fields =
            [("client_id", "hoekstra"), ("post_logout_redirect_uri", bye), ("confirmation", confirmation)];
        let mut request = form("/oidc/logout", &fields);
        request.headers_mut().insert("cookie", cookie.parse().unwrap());
        stage.send(request).await
    };
    assert_eq!(confirm("made-up").await.headers.get(LOCATION), None, "another site cannot confirm");
    let done = confirm(confirmation).await;
    assert_eq!((done.status, done.headers.get(LOCATION)), (StatusCode::OK, None), "{}", done.text);
    assert!(
        done.text.contains(&format!("url={bye}")),
        "a page leads on, and ends the form's reach: {}",
        done.text
    );
    assert!(done.headers[SET_COOKIE].to_str().unwrap().starts_with("__Host-portico_session=; "));
}
