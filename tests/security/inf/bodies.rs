//! Owns INF-03: bodies that are too large, of a wrong length, endless or compressed.
//! Never touches what a route does with a body.

use super::*;

fn post_request(lines: &str, body: &str) -> String {
    format!("POST /body HTTP/1.1\r\nHost: localhost:{{port}}\r\nConnection: close\r\n{lines}\r\n{body}")
}

#[tokio::test]
async fn inf_03_a_body_over_the_limit_is_refused() {
    let front = Front::new(Make::default()).await;
    let sized = |bytes: usize| post_request(&format!("Content-Length: {bytes}\r\n"), &"a".repeat(bytes));
    assert_eq!(front.status(&sized(64 << 10)).await, 200);
    assert_eq!(front.status(&sized((64 << 10) + 1)).await, 413);
}

#[tokio::test]
async fn inf_03_an_endless_body_is_refused() {
    let front = Front::new(Make::default()).await;
    let chunk = format!("1000\r\n{}\r\n", "a".repeat(0x1000));
    let chunked = |count: usize, end: &str| {
        post_request("Transfer-Encoding: chunked\r\n", &(chunk.repeat(count) + end))
    };
    assert_eq!(front.status(&chunked(16, "0\r\n\r\n")).await, 200);
    assert_eq!(front.status(&chunked(17, "")).await, 413, "before it has ended");
}

#[tokio::test]
async fn inf_03_a_body_of_another_length_than_it_says_is_refused() {
    let front = Front::new(Make::default()).await;
    assert_eq!(front.status(&post_request("Content-Length: ten\r\n", "abc")).await, 400);
    assert_eq!(front.status(&post_request("Content-Length: -1\r\n", "abc")).await, 400);
    let mut short = front.connect().await;
    let request =
        post_request("Content-Length: 9\r\n", "abc").replace("{port}", &front.address.port().to_string());
    short.write_all(request.as_bytes()).await.unwrap();
    short.shutdown().await.unwrap();
    assert_ne!(status(&rest(&mut short).await), 200);
}

#[tokio::test]
async fn inf_03_a_compressed_body_is_refused() {
    let front = Front::new(Make::default()).await;
    let encoded = |encoding: &str| {
        post_request(&format!("Content-Length: 3\r\nContent-Encoding: {encoding}\r\n"), "abc")
    };
    for encoding in ["gzip", "GZIP", "br", "identity, gzip", "x"] {
        assert_eq!(front.status(&encoded(encoding)).await, 415, "{encoding}");
    }
    assert_eq!(front.status(&encoded("identity")).await, 200);
}
