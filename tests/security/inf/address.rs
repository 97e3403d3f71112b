//! Owns INF-05 and INF-06: what requests say about where they come from, and for whom they are.
//! Never touches limits.

use super::*;
use crate::world::{ISSUER, World};
use axum::http::{Request, StatusCode, Uri};
use http_body_util::BodyExt;
use tower::ServiceExt;

const FORGED: &str = "X-Forwarded-For: 198.51.100.7\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: https\r\n\
    X-Forwarded-Port: 99\r\nForwarded: for=198.51.100.7;host=evil.example\r\nX-Real-IP: 198.51.100.7\r\n\
    X-Original-URL: /big\r\nX-Rewrite-URL: /big\r\n";

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

#[tokio::test]
async fn inf_05_a_stranger_cannot_say_where_he_comes_from() {
    let front = Front::new(Make::default()).await;
    let answer = front.exchange(&get_request("/echo", FORGED)).await;
    assert_eq!(body(&answer), "127.0.0.1", "and the path is the one that was asked for");
}

#[tokio::test]
async fn inf_05_a_trusted_proxy_says_where_others_come_from_and_nothing_else() {
    let front = Front::new(Make { proxies: &["127.0.0.1", "10.0.0.0/8"], ..Make::default() }).await;
    let through = |hops: &str| get_request("/echo", &format!("{FORGED}X-Forwarded-For: {hops}\r\n"));
    assert_eq!(body(&front.exchange(&through("203.0.113.5")).await), "203.0.113.5");
    assert_eq!(body(&front.exchange(&through("203.0.113.5, 10.1.1.1")).await), "203.0.113.5");
    assert_eq!(body(&front.exchange(&through("what?")).await), "127.0.0.1", "garbage counts as nothing");
}

/// Ask the whole gateway for its metadata.
async fn metadata(world: &World, uri: &str, headers: &[(&str, &str)]) -> (StatusCode, String) {
    let mut request = Request::get(uri.parse::<Uri>().unwrap());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = world.app.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let status = answer.status();
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn inf_06_only_requests_for_our_own_host_are_answered() {
    let world = World::new().await;
    let path = "/.well-known/openid-configuration";
    let ours = "login.portico.test";
    let (status, expected) = metadata(&world, path, &[("host", ours)]).await;
    assert_eq!(status, StatusCode::OK);
    assert!(expected.contains(ISSUER));
    for (what, uri, headers, status) in [
        ("another host", path.to_owned(), vec![("host", "evil.example")], 421),
        ("another port", path.to_owned(), vec![("host", "login.portico.test:8443")], 421),
        ("a longer name", path.to_owned(), vec![("host", "login.portico.test.evil.example")], 421),
        ("a user", path.to_owned(), vec![("host", "login.portico.test@evil.example")], 421),
        ("no host", path.to_owned(), vec![], 400),
        ("two hosts", path.to_owned(), vec![("host", ours), ("host", "evil.example")], 400),
        ("the same host twice", path.to_owned(), vec![("host", ours), ("host", ours)], 400),
        ("another absolute form", format!("https://evil.example{path}"), vec![("host", ours)], 421),
        ("another host beside ours", format!("https://{ours}{path}"), vec![("host", "evil.example")], 421),
    ] {
        let (got, text) = metadata(&world, &uri, &headers).await;
        assert_eq!(got.as_u16(), status, "{what}: {text}");
        assert!(!text.contains("evil.example"), "{what}: {text}");
    }
    for (uri, host) in [
        (path.to_owned(), "LOGIN.portico.test:443"),
        (format!("{}{}", ISSUER.trim_end_matches('/'), path), ours),
    ] {
        let (status, text) =
            metadata(&world, &uri, &[("host", host), ("x-forwarded-host", "evil.example")]).await;
        assert_eq!((status, text.as_str()), (StatusCode::OK, expected.as_str()), "{host}");
    }
}
