//! Owns `security.md` §1.3 at the front door and on the pages: redirects, sessions, cookies, headers.
//! Never touches the token endpoint; `op` does.

use crate::world::{HOEKSTRA, ISSUER, World, query, seed::PASSWORD};
use portico_core::model::EventKind;

#[tokio::test]
async fn op_01_a_foreign_redirect_address_gets_a_page_and_no_redirect() {
    let world = World::new().await;
    let (seed, mut browser) = (&world.seed, world.browser());
    let good = seed.authorize(&seed.booking, Some(&seed.hoekstra), &[]);
    let registered = format!("{HOEKSTRA}/callback");
    for wrong in [
        format!("{HOEKSTRA}/other"),
        format!("{registered}/"),
        format!("{registered}?x"),
        format!("{registered}#f"),
        format!("{HOEKSTRA}/callback%2f"),
        format!("{HOEKSTRA}/x/../callback"),
        format!("{HOEKSTRA}/x/..;/callback"),
        "https://hoekstra.travel0.test@evil.test/callback".to_owned(),
        "https://a@b@evil.test/callback".to_owned(),
        "https://hoekstra.travel0.test\\@evil.test/callback".to_owned(),
        "https://user:pw@hoekstra.travel0.test/callback".to_owned(),
        "https://HOEKSTRA.travel0.test/callback".to_owned(),
        "https://hoekstra.travel0.test:443/callback".to_owned(),
        "https://hoekstr\u{430}.travel0.test/callback".to_owned(),
        "https:hoekstra.travel0.test/callback".to_owned(),
        "javascript:alert(1)".to_owned(),
        "JaVaScRiPt:alert(1)".to_owned(),
        "data:text/html,x".to_owned(),
        "https://*.travel0.test/callback".to_owned(),
        "https://evil.test/\"><script>alert(1)</script>".to_owned(),
    ] {
        let mut url: url::Url = good.parse().unwrap();
        let kept: Vec<_> =
            url.query_pairs().into_owned().filter(|(name, _)| name != "redirect_uri").collect();
        url.query_pairs_mut().clear().extend_pairs(kept).append_pair("redirect_uri", &wrong);
        let page = browser.open_only(url.as_str()).await.unwrap();
        assert_eq!(page.status, 403, "{wrong} (contract §1.2.1)");
        assert!(!page.headers.contains_key("location"), "{wrong}");
        assert!(!page.body.contains("<script>alert"), "nothing is reflected unescaped");
    }
    assert_eq!(world.reason(EventKind::RedirectRejected).await.as_deref(), Some("redirect_uri_mismatch"));
    let page = browser.open_only(&good).await.unwrap();
    assert_eq!(page.status, 303, "the control");
}

#[tokio::test]
async fn op_03_no_error_travels_before_client_and_address_fit() {
    let world = World::new().await;
    let mut browser = world.browser();
    let base = format!("{ISSUER}authorize?response_type=token&scope=openid&organization=nobody");
    let evil = "redirect_uri=https%3A%2F%2Fevil.test%2F";
    for url in [
        format!("{base}&client_id={}&{evil}", world.seed.booking),
        format!("{base}&client_id=unknown&{evil}"),
        format!("{base}&{evil}"),
    ] {
        let page = browser.open_only(&url).await.unwrap();
        assert!(
            page.status.is_client_error() && !page.headers.contains_key("location"),
            "{url}: {}",
            page.status
        );
    }
    let callback = "redirect_uri=https%3A%2F%2Fhoekstra.travel0.test%2Fcallback";
    let page = browser.open(&format!("{base}&client_id={}&{callback}", world.seed.booking)).await.unwrap();
    assert_eq!(query(&page.url)["error"], "unsupported_response_type", "the control");
}

#[tokio::test]
async fn op_24_parameters_come_once_and_are_text() {
    let world = World::new().await;
    let (seed, mut browser) = (&world.seed, world.browser());
    let good = seed.authorize(&seed.booking, Some(&seed.hoekstra), &[]);
    for more in [
        format!("&client_id={}", seed.booking),
        format!("&redirect_uri={HOEKSTRA}/callback"),
        format!("&organization={}", seed.hoekstra),
        "&login_hint=a%0d%0aSet-Cookie:x".to_owned(),
        "&login_hint=a%00b".to_owned(),
        "&login_hint=%ff%fe".to_owned(),
    ] {
        let page = browser.open_only(&format!("{good}{more}")).await.unwrap();
        assert!(page.status == 400 && !page.headers.contains_key("location"), "{more}: {}", page.status);
    }
    let page = browser.forge(HOEKSTRA, &good, &[("scope2", "x")]).await.unwrap();
    assert_eq!(page.status, 400, "query and form together");
    let page = browser.open_only(&format!("{good}&ext-unknown=1")).await.unwrap();
    assert_eq!(page.status, 303, "the control: unknown ones are ignored (contract §0)");
}

#[tokio::test]
async fn op_27_every_authentication_gives_a_new_session() {
    let world = World::new().await;
    let mut browser = world.browser();
    browser.jar.set("login.portico.test", "__Host-portico_session", "planted-by-an-attacker");
    world.sign_in(&mut browser).await;
    let session = |browser: &portico_fixtures::browser::Browser| {
        browser.jar.get("login.portico.test", "__Host-portico_session").map(str::to_owned)
    };
    let first = session(&browser).unwrap();
    assert_ne!(first, "planted-by-an-attacker");
    let mut thief = world.browser();
    thief.jar.set("login.portico.test", "__Host-portico_session", &first);
    let seed = &world.seed;
    let again = seed.authorize(&seed.booking, Some(&seed.hoekstra), &[("prompt", "login")]);
    let page = browser.open(&again).await.unwrap();
    assert_eq!(page.url.path(), "/u/login", "{}", page.url);
    browser.submit(&[("username", "piet@hoekstra.test"), ("password", PASSWORD)]).await.unwrap();
    assert_ne!(session(&browser).unwrap(), first);
    let silent = [("prompt", "none")];
    assert_eq!(query(&world.begin(&mut thief, &seed.booking, &silent).await.url)["error"], "login_required");
    assert!(
        query(&world.begin(&mut browser, &seed.booking, &silent).await.url).contains_key("code"),
        "the control"
    );
}

#[tokio::test]
async fn op_28_cookies_stay_at_home() {
    let world = World::new().await;
    let mut browser = world.browser();
    world.begin(&mut browser, &world.seed.booking, &[]).await;
    let mut cookies: Vec<String> = Vec::new();
    let gather = |browser: &portico_fixtures::browser::Browser, cookies: &mut Vec<String>| {
        for hop in &browser.history {
            cookies.extend(
                hop.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap().to_owned()),
            );
        }
    };
    gather(&browser, &mut cookies);
    browser.submit(&[("username", "piet@hoekstra.test"), ("password", PASSWORD)]).await.unwrap();
    gather(&browser, &mut cookies);
    assert_eq!(cookies.len(), 2, "{cookies:?}");
    for cookie in &cookies {
        assert!(cookie.starts_with("__Host-") && cookie.len() < 4096, "{cookie}");
        for attribute in ["HttpOnly", "Secure", "Path=/"] {
            assert!(cookie.split("; ").any(|part| part == attribute), "{attribute}: {cookie}");
        }
        assert!(!cookie.to_lowercase().contains("domain="), "{cookie}");
        let same_site = if cookie.contains("_session") { "SameSite=None" } else { "SameSite=Lax" };
        assert!(cookie.contains(same_site), "{cookie}");
    }
}

#[tokio::test]
async fn op_29_every_page_is_sent_with_its_policy() {
    let world = World::new().await;
    let mut browser = world.browser();
    let login = world.begin(&mut browser, &world.seed.booking, &[]).await;
    let missing = browser.open(&format!("{ISSUER}u/login?state=nonsense")).await.unwrap().clone();
    for page in [login, missing] {
        let header =
            |name: &str| page.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let policy = header("content-security-policy");
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert!(policy.contains("base-uri 'none'") && policy.contains("'nonce-"), "{policy}");
        assert!(!policy.contains("unsafe-inline") && !policy.contains('*'), "{policy}");
        assert!(header("strict-transport-security").contains("max-age="), "{}", page.url);
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert_eq!(header("cross-origin-opener-policy"), "same-origin");
        assert!(header("cache-control").contains("no-store"), "{}", header("cache-control"));
    }
}

#[tokio::test]
async fn op_35_a_form_with_a_password_is_answered_by_what_never_posts_it_again() {
    let world = World::new().await;
    let mut browser = world.browser();
    world.begin(&mut browser, &world.seed.booking, &[]).await;
    let page =
        browser.submit_only(&[("username", "piet@hoekstra.test"), ("password", PASSWORD)]).await.unwrap();
    assert!(page.status == 200 && !page.headers.contains_key("location"), "a page ends what the form began");
    let to = page.refresh().unwrap();
    assert!(to.starts_with(HOEKSTRA), "the control: it leads to the application: {to}");
}

#[tokio::test]
async fn op_25_a_form_is_ours_or_nothing_happens() {
    let world = World::new().await;
    let mut browser = world.browser();
    let page = world.begin(&mut browser, &world.seed.booking, &[]).await;
    let form = page.forms().into_iter().next().unwrap();
    let fields = |without: &str| -> Vec<(String, String)> {
        let mut fields = form.fields.clone();
        fields.retain(|(name, _)| name != without && name != "username" && name != "password");
        fields.extend([
            ("username".to_owned(), "piet@hoekstra.test".to_owned()),
            ("password".to_owned(), PASSWORD.to_owned()),
        ]);
        fields
    };
    let borrowed = |fields: &[(String, String)]| -> Vec<(&'static str, String)> {
        fields.iter().map(|(n, v)| (&*Box::leak(n.clone().into_boxed_str()), v.clone())).collect()
    };
    let action = format!("{ISSUER}u/login");
    for (from, without) in [("https://evil.test/", ""), (ISSUER, "form_token")] {
        let all = borrowed(&fields(without));
        let all: Vec<(&str, &str)> = all.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let answer = browser.forge(from, &action, &all).await.unwrap();
        assert!(answer.status.is_client_error(), "{from} without `{without}`: {}", answer.status);
        assert!(!answer.headers.contains_key("set-cookie"));
    }
    let mut stranger = world.browser();
    let all = borrowed(&fields(""));
    let all: Vec<(&str, &str)> = all.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let answer = stranger.forge(ISSUER, &action, &all).await.unwrap();
    assert!(answer.status.is_client_error(), "another browser: {}", answer.status);
    let answer = browser.forge(ISSUER, &action, &all).await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.refresh().is_some()), (200, true), "the control");
}
