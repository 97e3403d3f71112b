//! Owns JS-06, JS-07, JS-08 and JS-20: what a run can see of the machine, of other runs, and of the gateway.

use super::*;
use futures_util::future::join;
use std::fs;

#[tokio::test]
async fn js_06_what_one_run_pollutes_the_next_does_not_see() {
    let pool = pool_of(worker::command(), 1);
    let pollute = "
        Object.prototype.polluted = 'yes';
        Array.prototype.push = () => 'pushed';
        JSON.stringify = () => '\"stringified\"';
        globalThis.cache = 'kept';
        global.cache2 = 'kept';
        Promise.prototype.then = undefined;
        UnauthorizedError = class extends Error {};
        console.log = () => {};
    ";
    let look = "
        const seen = [({}).polluted, [].push(1), JSON.stringify(1), typeof cache, typeof cache2,
            typeof Promise.prototype.then, new UnauthorizedError('x').name];
        console.log('seen');
        callback(null, seen);
    ";
    let polluted = run(&pool, &format!("{pollute} {look}")).await.unwrap();
    let expected = json!(["yes", "pushed", "\"stringified\"", "string", "string", "undefined", "Error"]);
    assert_eq!(
        polluted.values,
        [expected],
        "the control: within a run it is seen, and the result is still ours to read"
    );
    let pristine = run(&pool, look).await.unwrap();
    let expected = json!([null, 1, "1", "undefined", "undefined", "function", "UnauthorizedError"]);
    assert_eq!((pristine.values, pristine.console), (vec![expected], vec!["seen".to_owned()]));
}

#[tokio::test]
async fn js_07_there_is_no_way_out_of_the_language() {
    let pool = pool();
    let absent = "
        const names = ['process', 'module', 'exports', '__dirname', 'WebAssembly', 'Deno', 'Bun', 'std', 'os', 'bjson',
            'Worker', 'XMLHttpRequest', 'WebSocket', 'print', 'scriptArgs', 'load', 'navigator'];
        const through = Function('name', 'return typeof globalThis[name]');
        callback(null, names.filter((name) => through(name) !== 'undefined'));
    ";
    assert_eq!(run(&pool, absent).await.unwrap().values, [json!([])]);
    for module in ["fs", "child_process", "net", "vm", "node:fs", "../../etc/passwd", "lodash"] {
        let (name, message) = raised(run(&pool, &format!("require('{module}');")).await);
        assert_eq!((name.as_str(), message.contains(&format!("'{module}'"))), ("Error", true), "{message}");
    }
    let import = "import('fs').then(() => callback(null, 'imported'), () => callback(null, 'refused'));";
    assert_eq!(run(&pool, import).await.unwrap().values, [json!("refused")]);
    let wait = "Atomics.wait(new Int32Array(new SharedArrayBuffer(8)), 0, 0);";
    assert_eq!(raised(run(&pool, wait).await).0, "TypeError");
    let inert = "callback(null, eval('1 + 1'), Function('return this === globalThis')(), [].constructor.constructor('return 3')());";
    let expected = [json!(2), json!(true), json!(3)];
    assert_eq!(
        run(&pool, inert).await.unwrap().values,
        expected,
        "the control: these are the language, and reach nothing"
    );
}

#[tokio::test]
async fn js_08_a_run_sees_its_own_configuration_alone() {
    let pool = pool_of(worker::command(), 1);
    let text = source(
        "function (callback) { callback(null, typeof configuration, globalThis.configuration, Object.getOwnPropertyNames(globalThis)); }",
    );
    let with = |organization: &str, key: &str| Call {
        organization: Some(organization.to_owned()),
        globals: Map::from_iter([(
            "configuration".to_owned(),
            json!({ key: format!("secret of {organization}") }),
        )]),
        ..call()
    };
    let own = pool.call(&text, with("org_a", "A_KEY")).await.unwrap().values;
    assert_eq!(own[..2], [json!("object"), json!({"A_KEY": "secret of org_a"})], "the control");
    let other = pool.call(&text, with("org_b", "B_KEY")).await.unwrap().values;
    assert_eq!(other[1], json!({"B_KEY": "secret of org_b"}));
    let none = pool.call(&text, call()).await.unwrap().values;
    assert_eq!(none[..2], [json!("undefined"), Value::Null]);
    for (values, foreign) in [(&other, "org_a"), (&none, "org_a"), (&none, "org_b")] {
        assert!(!format!("{values:?}").contains(foreign), "{values:?}");
    }
}

fn assert_worker_failed(case: &str, result: &Result<Outcome, ScriptError>) {
    assert!(matches!(result, Err(ScriptError::Worker(_))), "{case}: {result:?}");
}

#[tokio::test]
async fn js_20_a_run_whose_worker_is_killed_fails_and_the_next_gets_another() {
    let mark = "js_20_killed_in_the_middle";
    let pool = pool_of(worker::marked(mark), 1);
    assert_healthy(&pool).await;
    let kill = async {
        let pid = loop {
            if let Some(pid) = pid_of(mark) {
                break pid;
            }
            tokio::task::yield_now().await;
        };
        // The run before this one has ended, so whatever the worker does now is the run that waits below.
        let killed = tokio::process::Command::new("kill").args(["-9", &pid]).status().await;
        assert!(killed.is_ok_and(|status| status.success()));
    };
    let (result, ()) = join(run(&pool, "setTimeout(callback, 30000, null);"), kill).await;
    assert_worker_failed("killed", &result);
    assert_healthy(&pool).await;
}

/// The process of ours that has this word among its arguments.
fn pid_of(mark: &str) -> Option<String> {
    fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
        let arguments = fs::read(entry.path().join("cmdline")).ok()?;
        let is_it = arguments.split(|byte| *byte == 0).any(|argument| argument == mark.as_bytes());
        is_it.then(|| entry.file_name().to_string_lossy().into_owned())
    })
}

#[tokio::test]
async fn js_20_a_worker_that_speaks_nonsense_is_not_believed() {
    let greeting = frame(0, [0; 16], &[b"[]"]);
    let done_for_another = frame(5, [7; 16], &[b"null", b"[\"forged\"]", b"[]"]);
    let cases = [
        ("dies at once", "exit 1".to_owned()),
        ("garbage", "printf garbage-and-more-garbage >&0; sleep 60".to_owned()),
        ("a length without end", format!("printf '{}' >&0; sleep 60", octal(&[0xff; 8]))),
        ("no greeting", format!("printf '{}' >&0; sleep 60", octal(&done_for_another))),
        (
            "another run's id",
            format!("printf '{}{}' >&0; sleep 60", octal(&greeting), octal(&done_for_another)),
        ),
        ("greets and dies", format!("printf '{}' >&0", octal(&greeting))),
    ];
    for (case, script) in cases {
        let pool = pool_of(WorkerCommand::new("/bin/sh", ["-c", &script]), 1);
        assert_worker_failed(case, &run(&pool, "callback(null);").await);
    }
}

#[tokio::test]
async fn js_20_a_worker_that_says_nothing_is_killed_at_the_deadline() {
    let pool = pool_of(WorkerCommand::new("/bin/sh", ["-c", "exec sleep 60"]), 1);
    let limits = Limits { wall: Duration::from_millis(50), ..LIMITS };
    let result =
        pool.call(&source("function (callback) { callback(null); }"), Call { limits, ..call() }).await;
    assert!(matches!(result, Err(ScriptError::TimedOut(wall)) if wall == limits.wall), "{result:?}");
}

/// A frame as workers write them: lengths of four bytes, a kind, a run, and parts.
fn frame(kind: u8, run: [u8; 16], parts: &[&[u8]]) -> Vec<u8> {
    let length = |of: usize| u32::try_from(of).unwrap().to_le_bytes();
    let mut body = vec![kind];
    body.extend(run);
    for part in parts {
        body.extend(length(part.len()));
        body.extend(*part);
    }
    [&length(body.len())[..], &body].concat()
}

/// For `printf`.
fn octal(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| ['\\'].into_iter().chain(format!("{byte:03o}").chars().collect::<Vec<_>>()))
        .collect()
}
