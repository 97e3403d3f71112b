//! Owns the tests of the pool with real workers: the process, the shapes of scripts, and what ends a worker.
//! Never touches attacks: those are in the security tests.

use super::*;
use portico_core::{
    entropy::SystemEntropy,
    port::script::{AskError, Attendant, Reach},
    time::SystemClock,
};
use serde_json::{Value, json};

/// Not a test but the worker that the tests start: this executable again, with the arguments of [`command`].
#[test]
#[ignore = "a program that the other tests start"]
fn script_worker() {
    assert_eq!(crate::worker_main(), std::process::ExitCode::SUCCESS);
}

fn command() -> WorkerCommand {
    let args = ["pool::tests::script_worker", "--exact", "--ignored", "--nocapture", "--test-threads=1"];
    WorkerCommand::new(std::env::current_exe().unwrap(), args)
}

/// Answers requests with what was asked.
#[derive(Debug)]
struct Echo;

impl ScriptHost for Echo {
    fn attend(&self, _: &Reach) -> Box<dyn Attendant> {
        Box::new(Self)
    }
}

#[async_trait]
impl Attendant for Echo {
    async fn ask(&self, _method: &str, request: Value) -> Result<Value, AskError> {
        Ok(json!({"status": 200, "headers": {"x-test": "yes"}, "body": request.to_string()}))
    }
}

pub(super) fn pool() -> ScriptPool {
    ScriptPool::new(command(), 2, Arc::new(Echo), Arc::new(SystemClock), Arc::new(SystemEntropy::default()))
}

pub(super) fn source(text: &str) -> Source {
    Source { name: "test".to_owned(), revision: 1, text: text.into() }
}

pub(super) fn call(args: impl IntoIterator<Item = Value>) -> Call {
    Call {
        args: args.into_iter().collect(),
        limits: Limits { wall: Duration::from_secs(5), ..Limits::default() },
        ..Call::default()
    }
}

async fn values(pool: &ScriptPool, text: &str) -> Vec<Value> {
    pool.call(&source(text), call([json!({"n": 1})])).await.unwrap().values
}

#[tokio::test]
async fn every_shape_of_a_script_gives_its_values() {
    let pool = pool();
    for text in [
        "function (user, callback) { callback(null, user.n + 1, 'two'); }",
        "function rule(user, callback) { callback(null, user.n + 1, 'two'); }",
        "  // a comment first\nfunction rule(user, callback) { callback(undefined, user.n + 1, 'two'); } // and last",
        "const two = 'two'; function rule(user, callback) { callback(null, user.n + 1, two); }",
        "(user, callback) => callback(null, user.n + 1, 'two')",
        "async function (user, callback) { await null; callback(null, user.n + 1, 'two'); }",
        "async (user, callback) => { await new Promise((done) => setTimeout(done, 5)); callback(null, user.n + 1, 'two'); }",
        "function (user, callback) { setTimeout(callback, 1, null, user.n + 1, 'two'); }",
        "function (user, callback) { setImmediate(() => callback(null, user.n + 1, 'two')); }",
        "function (user, callback) { Promise.resolve(user.n).then((n) => callback(null, n + 1, 'two')); }",
    ] {
        assert_eq!(values(&pool, text).await, [json!(2), json!("two")], "{text}");
    }
}

#[tokio::test]
async fn a_syntax_error_is_found_without_a_run_and_says_where() {
    let pool = pool();
    let error =
        pool.check(&source("function (user, callback) {\n  callback(null user);\n}")).await.unwrap_err();
    assert!(matches!(error, ScriptError::Syntax { line: 2, .. }), "{error:?}");
    let error = pool.check(&source("function (u { }")).await.unwrap_err();
    assert!(matches!(error, ScriptError::Syntax { line: 1, column: 13, .. }), "{error:?}");
    for text in ["", "42", "var x = 1;", "function a() {} function b() {}"] {
        let error = pool.check(&source(text)).await.unwrap_err();
        assert!(matches!(&error, ScriptError::Syntax { .. }), "{text:?}: {error:?}");
    }
    pool.check(&source("function (user, context, callback) { missing.property; }")).await.unwrap();
}

#[tokio::test]
async fn an_error_names_its_class_message_and_line() {
    let pool = pool();
    for (text, expected) in [
        (
            "function (user, callback) {\n callback(new UnauthorizedError('no'));\n}",
            ("UnauthorizedError", "no", 2),
        ),
        ("function (user, callback) {\n\n throw new TypeError('bad');\n}", ("TypeError", "bad", 3)),
        (
            "function (user, callback) { user.x.y; }",
            ("TypeError", "cannot read property 'y' of undefined", 1),
        ),
        ("async function (user, callback) { await null;\n throw new Error('late'); }", ("Error", "late", 2)),
        ("function (user, callback) { callback('text'); }", ("Error", "text", 0)),
        (
            "function (user, callback) { callback(new ValidationError('user_exists', 'taken')); }",
            ("ValidationError", "taken", 1),
        ),
        (
            "function (user, callback) { (async () => { throw new Error('unhandled'); })(); }",
            ("Error", "unhandled", 1),
        ),
    ] {
        let error = pool.call(&source(text), call([json!({})])).await.unwrap_err();
        let ScriptError::Raised { name, message, line, .. } = &error else { panic!("{text}: {error:?}") };
        assert_eq!((name.as_str(), message.as_str(), *line), expected, "{text}");
    }
}

#[tokio::test]
async fn a_script_that_never_calls_back_is_told_from_one_that_runs_too_long() {
    let pool = pool();
    let silent = pool.call(&source("function (user, callback) { return 1; }"), call([json!({})])).await;
    assert!(matches!(silent, Err(ScriptError::Silent)), "{silent:?}");
    let limits = Limits { wall: Duration::from_millis(200), ..Limits::default() };
    let waits = "function (user, callback) { setInterval(() => {}, 50); }";
    let late = pool.call(&source(waits), Call { limits, ..call([json!({})]) }).await;
    assert!(matches!(late, Err(ScriptError::TimedOut(wall)) if wall == limits.wall), "{late:?}");
}

#[tokio::test]
async fn requests_go_through_the_host() {
    let pool = pool();
    let text = "async function (user, callback) {
        const answer = await fetch('https://api.example/x?y=1', {method: 'post', headers: {A: 'b'}, body: 'text'});
        callback(null, answer.status, answer.headers.get('X-Test'), await answer.json());
    }";
    let headers = json!({"a": "b", "content-type": "text/plain;charset=UTF-8"});
    let asked = json!({"url": "https://api.example/x?y=1", "method": "POST", "headers": headers, "redirects": 5, "body": "text"});
    assert_eq!(values(&pool, text).await, [json!(200), json!("yes"), asked]);
    let text = "function (user, callback) {
        request.post({url: 'https://api.example', json: {a: 1}, auth: {user: 'u', pass: 'p'}}, (error, response, body) =>
            callback(error, response.statusCode, body.method, body.body, body.headers.authorization));
    }";
    assert_eq!(
        values(&pool, text).await,
        [json!(200), json!("POST"), json!("{\"a\":1}"), json!("Basic dTpw")]
    );
}

#[tokio::test]
async fn what_a_returned_promise_gives_counts_where_the_caller_says_so() {
    let pool = pool();
    let returns = "async function (user, callback) { return { found: user.n }; }";
    let promised = |text: &str| {
        let (pool, text) = (&pool, source(text));
        async move { pool.call(&text, Call { promised: true, ..call([json!({"n": 1})]) }).await }
    };
    assert_eq!(promised(returns).await.unwrap().values, [json!({"found": 1})]);
    let silent = promised("async function (user, callback) { }").await;
    assert!(matches!(silent, Err(ScriptError::Silent)), "nothing was returned: {silent:?}");
    let both = "async function (user, callback) { callback(null, 'called'); return 'returned'; }";
    assert_eq!(promised(both).await.unwrap().values, [json!("called")]);
    let unasked = pool.call(&source(returns), call([json!({"n": 1})])).await;
    assert!(matches!(unasked, Err(ScriptError::Silent)), "for a rule it does not count: {unasked:?}");
}

#[tokio::test]
async fn addresses_and_bytes_can_be_handled() {
    let pool = pool();
    let text = "function (user, callback) {
        const url = new URL('../b?x=1&y=a%20b#h', 'https://user@host.example:8443/a/c');
        url.searchParams.append('z', 'é&');
        callback(null, url.href, url.host, new URLSearchParams({q: 'a b'}).toString(),
            Buffer.from('héllo').toString('base64'), Buffer.from('aMOpbGxv', 'base64').toString(),
            btoa('ab'), atob('YWI='), new TextDecoder().decode(new TextEncoder().encode('€😀')));
    }";
    let expected = [
        "https://user@host.example:8443/b?x=1&y=a+b&z=%C3%A9%26#h",
        "host.example:8443",
        "q=a+b",
        "aMOpbGxv",
        "héllo",
        "YWI=",
        "ab",
        "€😀",
    ];
    assert_eq!(values(&pool, text).await, expected.map(Value::from));
}

#[tokio::test]
async fn a_worker_is_replaced_after_its_runs_and_after_a_limit() {
    let pool = ScriptPool { places: Semaphore::new(1), ..pool() };
    let pid = |pool: &ScriptPool| pool.state().idle.front().map(|seat| seat.worker.id());
    values(&pool, "function (user, callback) { callback(null); }").await;
    let first = pid(&pool);
    for _ in 1..ScriptPool::RUNS - 1 {
        values(&pool, "function (user, callback) { callback(null); }").await;
    }
    assert_eq!(pid(&pool), first, "ninety-nine runs");
    values(&pool, "function (user, callback) { callback(null); }").await;
    let second = pid(&pool);
    assert_ne!(second, first, "a hundred");
    let looped = pool.call(&source("function (user, callback) { for (;;); }"), call([json!({})])).await;
    assert!(matches!(looped, Err(ScriptError::TimedOut(_))), "{looped:?}");
    assert_ne!(pid(&pool), second);
    assert_eq!(pool.state().idle.len(), 1, "and a spare waits");
}

#[tokio::test]
async fn a_worker_that_served_another_organization_is_replaced_after_the_answer() {
    let pool = pool();
    let served = |pool: &ScriptPool| {
        let state = pool.state();
        state.idle.iter().map(|seat| (seat.worker.id(), seat.served == Served::Nobody)).collect::<Vec<_>>()
    };
    let text = source("function (user, callback) { callback(null); }");
    let of = |organization: &str| Call { organization: Some(organization.to_owned()), ..call([json!({})]) };
    pool.call(&text, of("org_a")).await.unwrap();
    let first = served(&pool);
    pool.call(&text, of("org_a")).await.unwrap();
    assert_eq!(served(&pool), first, "the same organization keeps its worker");
    pool.call(&text, of("org_b")).await.unwrap();
    let [(id, is_fresh)] = served(&pool)[..] else { panic!("one worker") };
    assert!(is_fresh && id != first[0].0);
}

#[tokio::test]
async fn a_worker_has_taken_everything_away_from_itself() {
    let pool = pool();
    values(&pool, "function (user, callback) { callback(null); }").await;
    let state = pool.state();
    let worker = &state.idle[0].worker;
    let told = worker.missing();
    assert!(
        told.iter().all(|protection| protection.starts_with("landlock")),
        "kernels may lack landlock: {told:?}"
    );
    let process = std::path::PathBuf::from(format!("/proc/{}", worker.id()));
    // The harness of these tests gives the worker a thread of its own; in the gateway's executable there is one thread.
    let threads = std::fs::read_dir(process.join("task")).unwrap().flatten();
    let confined = threads
        .map(|thread| std::fs::read_to_string(thread.path().join("status")).unwrap())
        .filter(|status| {
            ["NoNewPrivs:\t1", "Seccomp:\t2"].iter().all(|line| status.lines().any(|found| found == *line))
        });
    assert_eq!(confined.count(), 1);
    let limits = std::fs::read_to_string(process.join("limits")).unwrap();
    for (limit, most) in
        [("Max open files", "8"), ("Max processes", "0"), ("Max file size", "0"), ("Max cpu time", "160")]
    {
        let line = limits.lines().find(|line| line.starts_with(limit)).unwrap();
        assert!(line.split_whitespace().any(|word| word == most), "{line}");
    }
    assert!(!limits.lines().any(|line| line.starts_with("Max address space") && line.contains("unlimited")));
}

#[tokio::test]
async fn a_worker_that_died_while_idle_is_not_used() {
    let pool = pool();
    values(&pool, "function (user, callback) { callback(null); }").await;
    let id = pool.state().idle[0].worker.id();
    let pid = rustix::process::Pid::from_raw(id.try_into().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    while pool.state().idle[0].worker.is_alive() {
        tokio::task::yield_now().await;
    }
    assert_eq!(values(&pool, "function (user, callback) { callback(null, 1); }").await, [json!(1)]);
}
