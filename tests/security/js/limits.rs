//! Owns JS-01 to JS-05: time, memory and stack.

use super::*;
use futures_util::future::join;

fn assert_stopped_by_processor_time(attack: &str, result: &Result<Outcome, ScriptError>) {
    assert!(
        matches!(result, Err(ScriptError::TimedOut(limit)) if *limit == LIMITS.cpu),
        "{attack}: {result:?}"
    );
}

#[tokio::test]
async fn js_01_endless_loops_are_stopped_wherever_they_hide() {
    let pool = pool();
    for attack in [
        "while (true) {}",
        "for (;;) { try { while (true) {} } catch {} finally { continue; } }",
        "const it = { get x() { while (true) {} } }; it.x;",
        "callback(null, { toJSON() { while (true) {} } });",
        "callback(null, { get x() { while (true) {} } });",
        "new Proxy({}, { get() { while (true) {} } }).x;",
        "[1, 2, 3].sort(() => { while (true) {} });",
        "(function next() { Promise.resolve().then(next); })();",
        "setTimeout(() => { while (true) {} }, 1);",
        "const error = new Error('x'); Object.defineProperty(error, 'message', { get() { while (true) {} } }); throw error;",
        "console.log({ toJSON() { while (true) {} } });",
        "callback(null, 1); while (true) {}",
    ] {
        assert_stopped_by_processor_time(attack, &run(&pool, attack).await);
    }
    assert_healthy(&pool).await;
}

#[tokio::test]
async fn js_01_others_are_answered_while_a_script_loops() {
    let pool = pool();
    let text = source("function (callback) { while (true) {} }");
    let attack = Call { organization: Some("org_attacker".to_owned()), ..call() };
    let (attacked, ()) = join(pool.call(&text, attack), assert_healthy(&pool)).await;
    assert_stopped_by_processor_time("loop", &attacked);
}

#[tokio::test]
async fn js_02_native_loops_that_never_look_at_the_clock_are_ended_by_the_kernel() {
    let pool = pool();
    for attack in [
        "const hay = 'a'.repeat(12e6), needle = 'a'.repeat(2e5) + 'b'; for (;;) hay.indexOf(needle);",
        "const many = new Float64Array(2e6).map(Math.random); for (;;) many.slice().sort();",
        "const text = 'ab'.repeat(1e6); for (;;) text.replaceAll('a', 'c');",
        "const objects = Array.from({ length: 1e5 }, (_, n) => ({ n })); for (;;) JSON.stringify(objects);",
    ] {
        assert_stopped_by_processor_time(attack, &run(&pool, attack).await);
    }
    assert_healthy(&pool).await;
}

#[tokio::test]
async fn js_03_memory_runs_out_for_the_script_alone() {
    let pool = pool();
    for attack in [
        "const all = []; for (;;) all.push({});",
        "const all = []; for (;;) all.push(new Array(1e5).fill(1));",
        "const all = new Map(); for (let n = 0; ; n += 1) all.set(n, `${n}`.padEnd(1000));",
        "const all = []; for (;;) all.push(new ArrayBuffer(1 << 20));",
        "const all = []; for (let n = 0; ; n += 1) { const big = new Array(1000).fill(n); all.push(() => big); }",
        "let all = []; for (;;) all = [all, 'x'.repeat(1000) + Math.random()];",
    ] {
        let result = run_patiently(&pool, attack).await;
        assert!(matches!(result, Err(ScriptError::OutOfMemory)), "{attack}: {result:?}");
    }
    for (attack, expected) in [
        ("'x'.repeat(2 ** 30);", "RangeError"),
        ("let text = 'x'; for (;;) text += text;", "InternalError"),
        ("new ArrayBuffer(1e12);", "RangeError"),
        ("7n ** 3000000000n;", "RangeError"),
    ] {
        match run_patiently(&pool, attack).await {
            Err(ScriptError::OutOfMemory) => {}
            other => assert_eq!(raised(other).0, expected, "{attack}"),
        }
    }
    let fits = "callback(null, 'x'.repeat(1e7).length)";
    assert_eq!(
        run(&pool, fits).await.unwrap().values,
        [json!(10_000_000)],
        "the control: ten megabytes are fine"
    );
    assert_healthy(&pool).await;
}

#[tokio::test]
async fn js_04_depth_is_an_error_of_the_script_and_not_the_end_of_a_process() {
    let pool = pool();
    for (attack, expected) in [
        ("(function again() { again(); })();", "RangeError"),
        ("JSON.parse('['.repeat(1e5));", "RangeError"),
        ("new RegExp('('.repeat(1e5) + ')'.repeat(1e5));", "SyntaxError"),
        ("let deep = {}; for (let n = 0; n < 1e4; n += 1) deep = new Proxy(deep, {}); deep.x;", "RangeError"),
        ("let deep = []; for (let n = 0; n < 1e4; n += 1) deep = [deep]; String(deep);", "RangeError"),
        ("eval('('.repeat(1e4) + '1' + ')'.repeat(1e4));", "RangeError"),
    ] {
        let (name, message) = raised(run_patiently(&pool, attack).await);
        assert!(name == expected || message.contains("stack"), "{attack}: {name}: {message}");
    }
    let deep = "let deep = {}; for (let n = 0; n < 1e5; n += 1) deep = { deep }; callback(null, deep);";
    let refused = run_patiently(&pool, deep).await;
    assert!(matches!(refused, Err(ScriptError::Unusable(_))), "{refused:?}");
    let shallow = "callback(null, (function sum(n) { return n ? n + sum(n - 1) : 0; })(20));";
    assert_eq!(run_patiently(&pool, shallow).await.unwrap().values, [json!(210)], "the control");
}

#[tokio::test]
async fn js_05_an_expression_that_backtracks_for_ever_is_stopped() {
    let pool = pool();
    let attack = "/^(a+)+$/.test('a'.repeat(40) + 'b');";
    assert_stopped_by_processor_time(attack, &run(&pool, attack).await);
    let control = "callback(null, /^(a+)+$/.test('a'.repeat(40)));";
    assert_eq!(run(&pool, control).await.unwrap().values, [json!(true)]);
}
