//! Owns what scripts do with PostgreSQL.
//! Never touches MySQL.

use super::{
    databases::{allowed, port_of, postgres},
    *,
};

fn bench() -> (Bench, Value) {
    let url = postgres().url("legacy");
    (Bench::new(Network::default(), allowed(port_of(&url))), json!({ "url": url }))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_older_connect_finds_a_user_whose_password_is_checked_with_bcrypt() {
    let (bench, globals) = bench();
    let script = |password: &str| {
        format!(
            "const bcrypt = require('bcrypt@0.8.5');
             const pg = require('pg@4.0');
             pg.connect(url, function (error, client, done) {{
                 if (error) return callback(error);
                 client.query('SELECT id, email, password FROM users WHERE email = $1', ['mees@hoekstra.example'], function (error, result) {{
                     done();
                     if (error || result.rows.length === 0) return callback(error || new WrongUsernameOrPasswordError('mees'));
                     const user = result.rows[0];
                     bcrypt.compare('{password}', user.password, function (error, isValid) {{
                         if (error || !isValid) return callback(error || new WrongUsernameOrPasswordError('mees', 'no'));
                         callback(null, {{ user_id: user.id, email: user.email }});
                     }});
                 }});
             }});"
        )
    };
    let found = bench.values(&script("correct horse"), globals.clone()).await;
    assert_eq!(found, [json!({ "user_id": 1, "email": "mees@hoekstra.example" })]);
    let wrong = bench.run(&script("battery staple"), globals).await;
    assert!(
        matches!(&wrong, Err(ScriptError::Raised { name, .. }) if name == "WrongUsernameOrPasswordError"),
        "{wrong:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn values_come_as_the_driver_of_node_gives_them() {
    let (bench, globals) = bench();
    let body = "const { Client } = require('pg');
        const client = new Client({ connectionString: url });
        await client.connect();
        const user = (await client.query('SELECT *, id::int8 AS big, ARRAY[1,NULL,3] AS many, NULL::json AS none, $1::jsonb AS given, $2::text[] AS texts, $3::bytea AS bytes FROM users WHERE id = $4',
            [{ a: [1] }, ['a \"b\"', 'c'], Buffer.from([0, 255]), 1])).rows[0];
        const empty = (await client.query({ text: 'SELECT age, balance, seen, verified FROM users WHERE id = 2', rowMode: 'array' })).rows[0];
        const inserted = await client.query('INSERT INTO users (id, email) VALUES ($1, $2) RETURNING id', [9000, 'x']);
        const deleted = await client.query('DELETE FROM users WHERE id = $1', [9000]);
        await client.end();
        callback(null, [user.big, user.many, user.none, user.given, user.texts, user.bytes.toString('hex'), user.age, user.balance, user.seen instanceof Date && user.seen.toISOString(), user.verified],
            empty, [inserted.command, inserted.rowCount, inserted.rows, deleted.command, deleted.rowCount], inserted.fields[0].name);";
    let expected = [
        json!([
            "1", [1, null, 3], null, {"a": [1]}, ["a \"b\"", "c"], "00ff", 41, "1234.5000", "2026-11-24T10:20:30.000Z", true
        ]),
        json!([null, null, null, false]),
        json!(["INSERT", 1, [{"id": 9000}], "DELETE", 1]),
        json!("id"),
    ];
    assert_eq!(bench.values(body, globals).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_is_never_part_of_a_statement() {
    let (bench, globals) = bench();
    let body = "const { Pool } = require('pg');
        const pool = new Pool({ connectionString: url });
        const attack = \"' OR 1=1; DROP TABLE users; --\";
        const none = await pool.query('SELECT id FROM users WHERE email = $1', [attack]);
        const all = await pool.query('SELECT count(*) AS n FROM users WHERE id < 100');
        callback(null, none.rows, all.rows);";
    assert_eq!(bench.values(body, globals).await, [json!([]), json!([{ "n": "2" }])]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_refuses_is_told_with_its_code() {
    let (bench, globals) = bench();
    let body = "const pool = new (require('pg').Pool)({ connectionString: url });
        const tell = (error) => [error instanceof Error, error.code, error.constraint || error.message];
        const told = [];
        for (const [text, values] of [['INSERT INTO users (id) VALUES ($1)', [1]], ['SELEKT', []], ['SELECT $1::int', ['x']], ['SELECT $1::int', []]])
            told.push(await pool.query(text, values).then(() => 'done', tell));
        const client = new (require('pg').Client)(url.replace('legacy', 'nowhere'));
        told.push(await client.connect().then(() => 'done', tell));
        callback(null, told);";
    let told = bench.values(body, globals).await;
    let codes: Vec<&Value> = told[0].as_array().unwrap().iter().map(|one| &one[1]).collect();
    assert_eq!(
        codes,
        [&json!("23505"), &json!("42601"), &json!("22P02"), &Value::Null, &json!("3D000")],
        "{told:?}"
    );
    assert_eq!(told[0][0][2], json!("users_pkey"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_was_left_open_is_not_met_by_the_next_run() {
    let (bench, globals) = bench();
    let leaves = "const client = new (require('pg').Client)(url);
        await client.connect();
        await client.query('BEGIN');
        await client.query('UPDATE users SET nickname = $1 WHERE id = 2', ['left open']);
        await client.end();
        callback(null, 'done');";
    assert_eq!(bench.values(leaves, globals.clone()).await, [json!("done")]);
    let looks = "const pool = new (require('pg').Pool)({ connectionString: url });
        const { rows } = await pool.query('SELECT nickname FROM users WHERE id = 2');
        callback(null, rows[0].nickname);";
    assert_eq!(bench.values(looks, globals).await, [json!("Ünal")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_ends_with_the_script_that_asked_for_it() {
    let (bench, globals) = bench();
    let body = "const client = new (require('pg').Client)(url);
        await client.connect();
        client.query('SELECT pg_sleep(30)').catch(() => {});
        setTimeout(() => callback(null, 'gone'), 300);";
    assert_eq!(bench.values(body, globals).await, [json!("gone")]);
    let sleeping =
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(30)%' AND state = 'active'";
    for _ in 0..200 {
        if postgres().query("legacy", sleeping).unwrap() == "0" {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the query goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_kept_for_their_owner_alone() {
    let (bench, globals) = bench();
    let who = "const pool = new (require('pg').Pool)({ connectionString: url });
        callback(null, (await pool.query('SELECT pg_backend_pid() AS pid')).rows[0].pid);";
    let mut pids = Vec::new();
    for owner in ["con_1", "con_1", "con_2"] {
        pids.push(bench.run_for(owner, who, globals.clone()).await.unwrap().values);
    }
    assert_eq!(pids[0], pids[1], "the second run uses the connection of the first");
    assert_ne!(pids[0], pids[2], "another owner does not");
}

#[tokio::test(flavor = "multi_thread")]
async fn js_09_a_database_that_the_operator_has_not_listed_looks_like_one_that_is_down() {
    let url = postgres().url("legacy");
    let refused = Bench::new(Network::default(), Settings::default());
    let down = Bench::new(Network::default(), allowed(1));
    let body = "const client = new (require('pg').Client)(url);
        client.connect((error) => callback(null, error.message, error.code || null));";
    let of_refused = refused.values(body, json!({ "url": url })).await;
    let of_down = down.values(body, json!({ "url": "postgres://postgres@127.0.0.1:1/legacy" })).await;
    assert_eq!(of_refused, of_down);
    assert_eq!(of_refused, [json!("the request failed"), Value::Null]);
}

#[tokio::test(flavor = "multi_thread")]
async fn js_10_statements_rows_and_connections_of_a_run_are_limited() {
    let (bench, globals) = bench();
    let many = "const pool = new (require('pg').Pool)({ connectionString: url });
        let done = 0;
        try { for (;;) { await pool.query('SELECT 1'); done += 1; } } catch (error) { callback(null, done, error.message); }";
    let told = bench.values(many, globals.clone()).await;
    assert_eq!(told, [json!(50), json!("a script may make 50 statements")]);
    let large = "const pool = new (require('pg').Pool)({ connectionString: url });
        pool.query(\"SELECT repeat('x', 1000) FROM generate_series(1, 2000)\").then(() => callback(null, 'all'), (error) => callback(null, error.message));";
    assert_eq!(bench.values(large, globals.clone()).await, [json!("the request failed")]);
    let several = "const { Client } = require('pg');
        const opened = await Promise.allSettled([1, 2, 3, 4, 5].map(() => new Client(url).connect()));
        callback(null, opened.filter((one) => one.status === 'fulfilled').length);";
    assert_eq!(bench.values(several, globals).await, [json!(4)]);
}
