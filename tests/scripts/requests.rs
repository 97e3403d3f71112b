//! Owns scripts' HTTP requests: JS-10, and the shapes of the libraries that make them.
//! Never touches which hosts are private: that is the egress client's, and tested with it.

use super::*;

fn network() -> Network {
    let answers = BTreeMap::from([
        (
            "https://api.example/user?id=1",
            (200, &[("content-type", "application/json")][..], r#"{"name":"Mees"}"#),
        ),
        ("https://api.example/user", (201, &[][..], r#"{"made":true}"#)),
        ("https://api.example/missing", (404, &[][..], "nothing")),
        ("https://api.example/moved", (302, &[("location", "/user?id=1")][..], "")),
        ("https://api.example/away", (302, &[("location", "https://other.example/")][..], "")),
        ("https://api.example/loop", (302, &[("location", "/loop")][..], "")),
        ("https://other.example/", (200, &[][..], "other")),
    ]);
    Network { answers, ..Network::default() }
}

fn bench() -> Bench {
    Bench::new(network(), Settings::default())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_library_gets_its_answer_in_its_own_shape() {
    for (body, expected) in [
        (
            "require('request')({ url: 'https://api.example/user', qs: { id: 1 }, json: true }, (error, response, body) => callback(error, response.statusCode, body));",
            json!([200, { "name": "Mees" }]),
        ),
        (
            "require('request').post({ url: 'https://api.example/user', form: { a: 'b c' }, auth: { username: 'u', password: 'p' } }, (error, response, body) => callback(error, response.statusCode, body));",
            json!([201, "{\"made\":true}"]),
        ),
        (
            "callback(null, await require('request-promise')({ uri: 'https://api.example/user?id=1', json: true }), await require('request-promise').get('https://api.example/missing').catch((error) => [error.name, error.statusCode]));",
            json!([{ "name": "Mees" }, ["StatusCodeError", 404]]),
        ),
        (
            "const axios = require('axios@0.21.1'); callback(null, (await axios.get('https://api.example/user', { params: { id: 1 } })).data, await axios.post('https://api.example/missing', { a: 1 }).catch((error) => [axios.isAxiosError(error), error.response.status, error.response.data, error.message]));",
            json!([{ "name": "Mees" }, [true, 404, "nothing", "Request failed with status code 404"]]),
        ),
        (
            "const client = require('axios').create({ baseURL: 'https://api.example', headers: { 'X-Key': 'k' } }); const made = await client.post('/user', { a: 1 }); callback(null, made.status, made.data);",
            json!([201, { "made": true }]),
        ),
        (
            "const answer = await require('node-fetch')('https://api.example/user?id=1'); callback(null, answer.ok, answer.headers.get('Content-Type'), await answer.json());",
            json!([true, "application/json", { "name": "Mees" }]),
        ),
        (
            "const answer = await fetch('https://api.example/moved'); callback(null, answer.url, answer.redirected, await answer.text());",
            json!(["https://api.example/user?id=1", true, "{\"name\":\"Mees\"}"]),
        ),
        (
            "const answer = await fetch('https://api.example/moved', { redirect: 'manual' }); callback(null, answer.status, answer.headers.get('location'));",
            json!([302, "/user?id=1"]),
        ),
        (
            "require('https').get('https://api.example/user?id=1', (response) => { let text = ''; response.on('data', (part) => { text += part; }); response.on('end', () => callback(null, response.statusCode, text)); });",
            json!([200, "{\"name\":\"Mees\"}"]),
        ),
        (
            "request.get('https://nowhere.example/', (error, response) => callback(null, error.message, response === undefined));",
            json!(["the request failed", true]),
        ),
    ] {
        let values = bench().values(body, json!({})).await;
        assert_eq!(Value::Array(values), expected, "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_is_what_the_library_would_send() {
    let bench = bench();
    let body = "const request = require('request');
        const post = (options) => new Promise((done) => request.post({ url: 'https://api.example/user', ...options }, done));
        await post({ form: { a: 'b c', d: ['e', 'f'] }, auth: { user: 'u', pass: 'p' } });
        await post({ json: { a: 1 }, headers: { Authorization: 'Bearer t' } });
        await require('axios').post('https://api.example/user', new URLSearchParams({ g: 'h i' }));
        await fetch('https://api.example/away', { headers: { Authorization: 'Bearer t', 'X-Other': 'o' } });
        callback(null);";
    bench.values(body, json!({})).await;
    let asked = bench.network.asked.lock().unwrap().clone();
    assert_eq!(asked[0]["body"], json!("a=b%20c&d%5B0%5D=e&d%5B1%5D=f"));
    assert_eq!(asked[0]["headers"]["authorization"], json!("Basic dTpw"));
    assert_eq!(asked[1]["body"], json!("{\"a\":1}"));
    assert_eq!(asked[1]["headers"]["content-type"], json!("application/json"));
    assert_eq!(asked[1]["headers"]["authorization"], json!("Bearer t"));
    assert_eq!(asked[2]["body"], json!("g=h+i"));
    assert_eq!(asked[4]["url"], json!("https://other.example/"));
    assert_eq!(asked[4]["headers"], json!({ "x-other": "o" }), "a token stays with the host it is for");
}

#[tokio::test(flavor = "multi_thread")]
async fn js_10_requests_are_counted_with_every_redirect_among_them() {
    let body = "const all = await Promise.allSettled(Array.from({ length: 7 }, () => fetch('https://api.example/user?id=1')));
        callback(null, all.map((one) => one.status === 'fulfilled'), all[6].reason.message);";
    let expected = [
        json!([true, true, true, true, true, false, false]),
        json!("fetch failed: a script may make 5 requests"),
    ];
    let bench = bench();
    assert_eq!(bench.values(body, json!({})).await, expected);
    assert_eq!(bench.network.asked.lock().unwrap().len(), 5, "nothing was sent beyond");
    let body = "callback(null, await fetch('https://api.example/loop').catch((error) => error.message));";
    let looping = bench.values(body, json!({})).await;
    assert_eq!(looping, [json!("fetch failed: a script may make 5 requests")]);
    let body = "callback(null, (await fetch('https://api.example/user?id=1')).status);";
    assert_eq!(
        bench.values(body, json!({})).await,
        [json!(200)],
        "the control: the next run has its own five"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn js_10_a_slow_answer_is_given_up_and_told_like_any_other_failure() {
    struct Slow;
    #[async_trait]
    impl HttpClient for Slow {
        async fn send(&self, _: http::Request<Bytes>) -> Result<http::Response<Bytes>, HttpError> {
            std::future::pending().await
        }
    }
    let settings = Settings { patience: Duration::from_millis(100), ..Settings::default() };
    let host = Arc::new(Services::new(Arc::new(Slow), settings));
    let entropy = Arc::new(SystemEntropy::default());
    let pool = ScriptPool::new(worker::command(), 1, host, Arc::new(SystemClock), entropy);
    let bench = Bench { pool, network: Arc::default() };
    let body = "request.get('https://api.example/', (error) => callback(null, error.message));";
    assert_eq!(bench.values(body, json!({})).await, [json!("the request failed")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn modules_that_scripts_cannot_have_say_what_to_do() {
    let bench = bench();
    for (name, advice) in [
        ("mongodb@3.1.4", "web service"),
        ("tedious", "web service"),
        ("fs", "no files"),
        ("node:child_process", "no files"),
        ("lodash@4.17.19", "scripts.modules_dir"),
        ("./local", "scripts.modules_dir"),
    ] {
        let message = raised(bench.run(&format!("require('{name}');"), json!({})).await);
        assert!(message.contains("Cannot find module") && message.contains(advice), "{name}: {message}");
    }
    let body = "callback(null, require('bcrypt@0.8.5') === require('bcrypt'), typeof require('node:crypto').createHash);";
    assert_eq!(bench.values(body, json!({})).await, [json!(true), json!("function")], "the control");
}
