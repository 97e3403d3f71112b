//! Owns INF-02 for HTTP/1.1: heads that are too large, or that two parsers may read in two ways.
//! Never touches bodies.

use super::*;

#[tokio::test]
async fn inf_02_heads_that_are_too_large_are_refused_by_what_is_too_large() {
    let front = Front::new(Make::default()).await;
    let lines = |count: usize| "X: a\r\n".repeat(count);
    assert_eq!(front.status(&get_request("/echo", &lines(98))).await, 200);
    assert_eq!(front.status(&get_request("/echo", &lines(99))).await, 431, "101 lines");
    let long = |bytes: usize| format!("X: {}\r\n", "a".repeat(bytes));
    assert_eq!(front.status(&get_request("/echo", &long(16 << 10))).await, 200);
    assert_eq!(front.status(&get_request("/echo", &long(64 << 10))).await, 431);
    let target = |bytes: usize| format!("/echo?{}", "a".repeat(bytes - 6));
    assert_eq!(front.status(&get_request(&target(8 << 10), "")).await, 200);
    assert_eq!(front.status(&get_request(&target(16 << 10), "")).await, 414);
}

#[tokio::test]
async fn inf_02_heads_that_can_be_read_in_two_ways_are_refused() {
    let front = Front::new(Make::default()).await;
    let host = "Host: localhost:{port}\r\nConnection: close\r\n";
    for (what, request) in [
        (
            "both lengths",
            format!(
                "POST /body HTTP/1.1\r\n{host}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
            ),
        ),
        (
            "both, the other way",
            format!(
                "POST /body HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"
            ),
        ),
        (
            "two lengths",
            format!("POST /body HTTP/1.1\r\n{host}Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef"),
        ),
        ("no length", format!("POST /body HTTP/1.1\r\n{host}Content-Length: +5\r\n\r\nabcde")),
        (
            "an encoding behind chunked",
            format!("POST /body HTTP/1.1\r\n{host}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
        ),
        ("a folded line", format!("GET /echo HTTP/1.1\r\n{host}X: a\r\n b\r\n\r\n")),
        ("a lone line feed", format!("GET /echo HTTP/1.1\r\n{host}X: a\nY: b\r\n\r\n")),
        ("a lone line feed at the end", format!("GET /echo HTTP/1.1\r\n{host}\n")),
        ("a lone carriage return", format!("GET /echo HTTP/1.1\r\n{host}X: a\rb\r\n\r\n")),
        ("a space before the colon", format!("GET /echo HTTP/1.1\r\n{host}X : a\r\n\r\n")),
        ("a zero byte", format!("GET /echo HTTP/1.1\r\n{host}X: a\0b\r\n\r\n")),
    ] {
        assert_eq!(front.status(&request).await, 400, "{what}");
    }
    assert!(front.is_healthy().await);
}

#[tokio::test]
async fn inf_02_nothing_is_smuggled_behind_a_chunked_body() {
    let front = Front::new(Make::default()).await;
    let answers = front
        .exchange(
            "POST /body HTTP/1.1\r\nHost: localhost:{port}\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n\
             GET /echo HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n",
        )
        .await;
    assert!(answers.ends_with("\r\n\r\n3 bytes"), "{answers}");
    assert!(answers.contains("connection: close\r\n"));
    let broken =
        "POST /body HTTP/1.1\r\nHost: localhost:{port}\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\n0\n\n";
    assert_eq!(front.status(broken).await, 400, "chunks end with CR LF");
}

#[tokio::test]
async fn requests_on_one_connection_are_answered_in_turn() {
    let front = Front::new(Make::default()).await;
    let answers = front
        .exchange(&format!(
            "POST /body HTTP/1.1\r\nHost: localhost:{{port}}\r\nContent-Length: 3\r\n\r\na\nb{}",
            get_request("/echo", "")
        ))
        .await;
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 2, "{answers}");
}
