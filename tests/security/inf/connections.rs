//! Owns INF-01: connections that cost us something and do nothing.
//! Never touches durations: that a connection ends is tested, not when.

use super::*;

#[tokio::test]
async fn inf_01_a_head_that_never_ends_and_a_connection_that_says_nothing_are_closed() {
    let front = Front::new(Make { limits: impatient(), ..Make::default() }).await;
    for begun in ["", "P", "GET /echo HTTP/1.1\r\nHost: lo", "PRI * HTTP/2.0\r\n"] {
        let mut slow = front.connect().await;
        slow.write_all(begun.as_bytes()).await.unwrap();
        let answer = rest(&mut slow).await;
        assert!(!answer.starts_with("HTTP/1.1 200"), "{begun:?}: {answer}");
    }
    assert!(front.is_healthy().await);
    until(|| front.edge.connections() == 0).await;
}

#[tokio::test]
async fn inf_01_an_idle_connection_is_closed_after_its_answer() {
    let front = Front::new(Make { limits: impatient(), ..Make::default() }).await;
    let answer = front.exchange("GET /echo HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n").await;
    assert_eq!(status(&answer), 200, "the connection was kept, and ended by the server");
}

#[tokio::test]
async fn inf_01_a_slow_body_is_answered_408() {
    let front = Front::new(Make { timeout: Duration::from_millis(300), ..Make::default() }).await;
    let answer =
        front.exchange("POST /body HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Length: 9\r\n\r\nabc").await;
    assert_eq!(status(&answer), 408, "{answer}");
    assert_eq!(front.status("GET /never HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n").await, 408);
    assert!(front.is_healthy().await);
}

#[tokio::test]
async fn inf_01_who_takes_nothing_of_an_answer_is_cut_off() {
    let front = Front::new(Make { limits: impatient(), ..Make::default() }).await;
    let mut lazy = front.connect().await;
    let request = get_request("/big", "").replace("{port}", &front.address.port().to_string());
    lazy.write_all(request.as_bytes()).await.unwrap();
    until(|| front.edge.connections() == 1).await;
    until(|| front.edge.connections() == 0).await;
    let greedy = front.exchange(&get_request("/big", "")).await;
    assert!(greedy.len() > 64 << 20, "who reads gets all of it");
}

#[tokio::test]
async fn inf_01_an_address_has_so_many_connections_and_no_more() {
    let limits = EdgeLimits { connections_per_ip: 2, ..EdgeLimits::default() };
    let front = Front::new(Make { limits, ..Make::default() }).await;
    let held = (front.connect().await, front.connect().await);
    until(|| front.edge.connections() == 2).await;
    assert_eq!(front.exchange(&get_request("/echo", "")).await, "", "turned away without a word");
    assert_eq!(front.metrics.connections_refused_total(), 1);
    drop(held);
    until(|| front.edge.connections() == 0).await;
    assert!(front.is_healthy().await);
}

#[tokio::test]
async fn inf_01_a_trusted_proxy_has_as_many_connections_as_there_are() {
    let limits = EdgeLimits { connections: 4, connections_per_ip: 2, ..EdgeLimits::default() };
    let front = Front::new(Make { limits, proxies: &["127.0.0.0/8"], ..Make::default() }).await;
    let held = (front.connect().await, front.connect().await, front.connect().await);
    until(|| front.edge.connections() == 3).await;
    assert!(front.is_healthy().await);
    until(|| front.edge.connections() == 3).await;
    let fourth = front.connect().await;
    until(|| front.edge.connections() == 4).await;
    assert_eq!(front.exchange(&get_request("/echo", "")).await, "", "and no more");
    drop((held, fourth));
}

#[tokio::test]
async fn a_server_that_stops_finishes_what_is_under_way_and_takes_nothing_new() {
    let mut front = Front::new(Make::default()).await;
    let mut under_way = front.connect().await;
    let request = format!("GET /soon HTTP/1.1\r\nHost: localhost:{}\r\n\r\n", front.address.port());
    under_way.write_all(request.as_bytes()).await.unwrap();
    let mut idle = front.connect().await;
    until(|| front.edge.connections() == 2).await;
    tokio::time::sleep(Duration::from_millis(30)).await;
    front.stopper.stop();
    assert_eq!(status(&rest(&mut under_way).await), 200);
    assert_eq!(rest(&mut idle).await, "");
    front.serving.join_next().await.unwrap().unwrap();
    assert!(TcpStream::connect(front.address).await.is_err());
}

#[tokio::test]
async fn a_server_that_stops_does_not_wait_for_ever() {
    let mut front = Front::new(Make { limits: impatient(), ..Make::default() }).await;
    let mut stuck = front.connect().await;
    let request = format!("GET /never HTTP/1.1\r\nHost: localhost:{}\r\n\r\n", front.address.port());
    stuck.write_all(request.as_bytes()).await.unwrap();
    until(|| front.edge.connections() == 1).await;
    front.stopper.stop();
    front.serving.join_next().await.unwrap().unwrap();
    assert_eq!(rest(&mut stuck).await, "");
}
