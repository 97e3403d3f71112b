//! Owns JS-11, JS-12, JS-13 and JS-15: callbacks, errors, results and console lines of every kind.

use super::*;
use std::collections::BTreeSet;

#[tokio::test]
async fn js_11_the_first_outcome_counts_and_an_ambiguous_one_is_a_failure() {
    let pool = pool();
    for (body, expected) in [
        ("callback(null, 1); callback(null, 2);", json!([1])),
        ("callback(null, 1); callback(new Error('late'));", json!([1])),
        ("setTimeout(() => callback(null, 2), 5); callback(null, 1);", json!([1])),
        ("setTimeout(() => { callback(null, 1); }, 1); return 'ignored';", json!([1])),
        ("callback(null);", json!([])),
        ("callback();", json!([])),
        ("callback(undefined, 'user');", json!(["user"])),
    ] {
        assert_eq!(json!(run(&pool, body).await.unwrap().values), expected, "{body}");
    }
    for (body, expected) in [
        ("callback(new Error('no'), { user: 1 });", "no"),
        ("callback(new Error('first')); callback(null, 1);", "first"),
        ("callback(null, 1); throw new Error('and then');", "and then"),
        ("callback(false, 1);", "false"),
        ("callback(0, 1);", "0"),
        ("callback('', 1);", ""),
        ("callback({}, 1);", "an object was thrown"),
        ("setTimeout(() => { callback(null, 1); throw new Error('in a timer'); }, 1);", "in a timer"),
        ("return Promise.reject(new Error('rejected'));", "rejected"),
        ("callback(null, 1); return Promise.reject(new Error('also rejected'));", "also rejected"),
    ] {
        assert_eq!(raised(run(&pool, body).await).1, expected, "{body}");
    }
    for body in ["", "return 1;", "return Promise.resolve(1);", "setTimeout(() => {}, 1);"] {
        let result = run(&pool, body).await;
        assert!(matches!(result, Err(ScriptError::Silent)), "{body}: {result:?}");
    }
}

#[tokio::test]
async fn js_12_an_error_of_any_shape_is_a_name_and_a_short_message() {
    let pool = pool();
    for (body, name, message) in [
        ("throw 'text';", "Error", "text"),
        ("throw 42;", "Error", "42"),
        ("throw undefined;", "Error", "undefined"),
        ("throw Symbol('s');", "Error", "a symbol"),
        ("throw 10n;", "Error", "10"),
        ("throw { message: 'like an error', name: 'UnauthorizedError' };", "Error", "like an error"),
        ("throw { name: 'WrongUsernameOrPasswordError' };", "Error", "an object was thrown"),
        ("throw { get message() { throw new Error('from a getter'); } };", "Error", "an object was thrown"),
        ("throw new Proxy(new Error('x'), { get() { throw 1; } });", "Error", "an object was thrown"),
        ("const e = new Error('circular'); e.cause = e; e.self = e; throw e;", "Error", "circular"),
        (
            "const e = new Error('x'); e.name = { toString() { return 'UnauthorizedError'; } }; throw e;",
            "Error",
            "x",
        ),
        ("const e = new Error('x'); e.name = 'A\\nB'; throw e;", "Error", "x"),
        ("const e = new Error('x'); e.name = 'N'.repeat(1000); throw e;", "Error", "x"),
        ("throw new UnauthorizedError('denied');", "UnauthorizedError", "denied"),
        (
            "throw new WrongUsernameOrPasswordError('jo');",
            "WrongUsernameOrPasswordError",
            "wrong user name or password",
        ),
    ] {
        assert_eq!(raised(run(&pool, body).await), (name.to_owned(), message.to_owned()), "{body}");
    }
    let (_, message) = raised(run(&pool, "throw new Error('é'.repeat(5e6));").await);
    assert_eq!(message, "é".repeat(512), "at most one kibibyte, cut between characters");
    // The engine itself throws `null` when memory is out, so this is what it is taken for.
    let null = run(&pool, "throw null;").await;
    assert!(matches!(null, Err(ScriptError::OutOfMemory)), "{null:?}");
}

#[tokio::test]
async fn js_13_a_result_is_plain_json_of_bounded_size_and_depth() {
    let pool = pool();
    for (result, expected) in [
        ("{ a: NaN, b: Infinity, c: -0 }", json!({"a": null, "b": null, "c": 0})),
        ("{ f() {}, u: undefined, s: Symbol('s'), kept: 1 }", json!({"kept": 1})),
        ("() => {}", json!(null)),
        ("undefined", json!(null)),
        ("new Date(0)", json!("1970-01-01T00:00:00.000Z")),
        ("[1, undefined, () => {}]", json!([1, null, null])),
        ("new Map([[1, 2]])", json!({})),
        ("JSON.parse('{\"__proto__\": {\"admin\": true}}')", json!({"__proto__": {"admin": true}})),
        ("{ get x() { return 'got'; } }", json!({"x": "got"})),
        ("{ toJSON() { return { other: 1 }; } }", json!({"other": 1})),
        ("'a\\ud800b\\\\ud800😀\\n'", json!("a\u{fffd}b\\ud800😀\n")),
    ] {
        let outcome = run(&pool, &format!("callback(null, ({result}));")).await;
        let values = outcome.map(|outcome| outcome.values).map_err(|error| error.to_string());
        assert_eq!(values, Ok(vec![expected]), "{result}");
    }
    for (body, reason) in [
        ("callback(null, 'x'.repeat(1e7));", "longer than 65536 bytes"),
        ("callback(null, 'x'.repeat(40000), 'x'.repeat(40000));", "longer than 65536 bytes"),
        (
            "let deep = 1; for (let n = 0; n < 17; n += 1) deep = [deep]; callback(null, deep);",
            "deeper than 16 levels",
        ),
        ("let deep = 1; for (let n = 0; n < 1000; n += 1) deep = { deep }; callback(null, deep);", ""),
        ("const cycle = {}; cycle.cycle = cycle; callback(null, cycle);", "circular"),
        ("callback(null, { big: 1n });", "BigInt"),
        ("callback(null, { get x() { throw new Error('from a getter'); } });", "from a getter"),
    ] {
        match run(&pool, body).await {
            Err(ScriptError::Unusable(why)) => assert!(why.contains(reason), "{body}: {why}"),
            other => panic!("{body}: {other:?}"),
        }
    }
    let fits = "let deep = 1; for (let n = 0; n < 16; n += 1) deep = [deep]; callback(null, deep, 'x'.repeat(60000));";
    assert!(run(&pool, fits).await.is_ok(), "the control");
}

#[tokio::test]
async fn js_15_secrets_do_not_come_out_in_console_lines_or_errors() {
    let pool = pool();
    let password = "pä\"ss wörd/1";
    let with_password = |body: &str| {
        let text = source(&format!("function (password, callback) {{ {body} }}"));
        let call =
            Call { args: vec![json!(password)], redact: BTreeSet::from([password.to_owned()]), ..call() };
        (text, call)
    };
    let (text, asked) = with_password(
        "console.log('got', password); console.warn({ nested: [password] }); console.info('/x?p=' + encodeURIComponent(password));
         console.error(new Error(password)); console.log({ password: 'other', apiKey: 'k', list: [{ access_token: 't' }], plain: 'shown' });
         callback(null);",
    );
    let console = pool.call(&text, asked).await.unwrap().console;
    let expected = [
        "got [redacted]",
        r#"{"nested":["[redacted]"]}"#,
        "/x?p=[redacted]",
        "Error: [redacted]",
        r#"{"password":"[redacted]","apiKey":"[redacted]","list":[{"access_token":"[redacted]"}],"plain":"shown"}"#,
    ];
    assert_eq!(console, expected);
    let (text, asked) = with_password("console.log('before'); throw new Error(`wrong: ${password}`);");
    match pool.call(&text, asked).await {
        Err(ScriptError::Raised { message, console, .. }) => {
            assert_eq!((message.as_str(), console), ("wrong: [redacted]", vec!["before".to_owned()]));
        }
        other => panic!("{other:?}"),
    }
    let (text, asked) = with_password("throw new Error('x'.repeat(1020) + password);");
    let (_, message) = raised(pool.call(&text, asked).await);
    assert!(message.ends_with("x[red"), "blacked out first, then cut: {message}");
    let (text, asked) = with_password("callback(null, password);");
    assert_eq!(
        pool.call(&text, asked).await.unwrap().values,
        [json!(password)],
        "the control: values are values"
    );
}

#[tokio::test]
async fn js_15_console_lines_are_limited() {
    let pool = pool();
    let body = "for (let n = 0; n < 1e4; n += 1) console.log('line', n, 'x'.repeat(100)); callback(null);";
    let console = run(&pool, body).await.unwrap().console;
    let bytes: usize = console.iter().map(String::len).sum();
    assert!((8 << 10..=16 << 10).contains(&bytes), "{bytes}");
    assert_eq!(console.last().map(String::as_str), Some("… and more, which was left out"));
    let huge =
        run(&pool, "console.log('x'.repeat(1e6)); console.log({ x: 'x'.repeat(1e6) }); callback(null);")
            .await;
    let lengths: Vec<usize> = huge.unwrap().console.iter().map(String::len).collect();
    assert_eq!(lengths, [4099, 14], "a line is cut, and an object that is too large is named");
}
