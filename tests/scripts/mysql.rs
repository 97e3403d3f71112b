//! Owns what scripts do with MySQL and MariaDB.
//! Never touches PostgreSQL.

use super::{
    databases::{allowed, mariadb},
    *,
};
use portico_fixtures::mariadb::MariaDb;

fn bench() -> (Bench, Value) {
    let server = mariadb();
    let place = json!({
        "host": "127.0.0.1", "port": server.port(), "user": MariaDb::USER, "password": MariaDb::PASSWORD, "database": "legacy"
    });
    (Bench::new(Network::default(), allowed(server.port())), json!({ "place": place }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_found_with_callbacks_and_their_password_checked() {
    let (bench, globals) = bench();
    let body = "const mysql = require('mysql');
        const bcrypt = require('bcryptjs');
        const connection = mysql.createConnection(place);
        connection.connect();
        connection.query('SELECT id, nickname, email, password FROM users WHERE email = ?', ['mees@hoekstra.example'], function (error, results) {
            if (error) return callback(error);
            if (results.length === 0) return callback(new WrongUsernameOrPasswordError('mees'));
            const user = results[0];
            bcrypt.compare('correct horse', user.password, function (error, isValid) {
                callback(error, { user_id: user.id.toString(), nickname: user.nickname, isValid });
            });
        });";
    let expected = [json!({ "user_id": "1", "nickname": "Mees", "isValid": true })];
    assert_eq!(bench.values(body, globals).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn places_are_filled_as_the_driver_of_node_fills_them() {
    let (bench, globals) = bench();
    let body = "const pool = require('mysql').createPool(place);
        const ask = (text, values) => new Promise((done) => pool.query(text, values, (error, rows) => done(error ? [error.code, error.errno] : rows)));
        const ids = (rows) => rows.map((row) => row.id);
        const made = await ask('INSERT INTO users SET ?', { id: 7000, email: \"o'hara; -- ?\", nickname: null });
        const found = await ask('SELECT email FROM users WHERE id = ? AND email = ?', [7000, \"o'hara; -- ?\"]);
        const changed = await ask('UPDATE users SET ? WHERE ?? = ?', [{ nickname: 'x', age: 3 }, 'id', 7000]);
        const twice = await ask('INSERT INTO users SET ?', { id: 7000 });
        const gone = await ask('DELETE FROM users WHERE id IN (?)', [[7000, 7001]]);
        callback(null, ids(await ask('SELECT id FROM users WHERE id IN (?) ORDER BY id', [[1, 2]])),
            [made.affectedRows, made.insertId], found, changed.affectedRows, twice, gone.affectedRows,
            ids(await ask(\"SELECT id FROM users WHERE email = ?\", [\"' OR 1=1 -- \"])),
            require('mysql').escape(\"it's\"), require('mysql').format('?? = ?', ['a.b', 1]));";
    let expected = [
        json!([1, 2]),
        json!([1, 0]),
        json!([{ "email": "o'hara; -- ?" }]),
        json!(1),
        json!(["ER_DUP_ENTRY", 1062]),
        json!(1),
        json!([]),
        json!("'it\\'s'"),
        json!("`a`.`b` = 1"),
    ];
    assert_eq!(bench.values(body, globals).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn promises_give_rows_and_fields_and_values_their_types() {
    let (bench, globals) = bench();
    let body = "const mysql = require('mysql2/promise');
        const connection = await mysql.createConnection(place);
        const [rows, fields] = await connection.execute('SELECT age, balance, seen, verified, X\\'00ff\\' AS bytes, 1.5 AS half, 123 AS n FROM users WHERE id = ?', [1]);
        const [texts] = await connection.query('SELECT age, balance, seen, verified FROM users ORDER BY id');
        await connection.end();
        const shown = (row) => ({ ...row, seen: row.seen && row.seen.toISOString(), bytes: row.bytes && row.bytes.toString('hex') });
        callback(null, shown(rows[0]), texts.map(shown), fields.map((field) => field.name));";
    let first = json!({
        "age": 41, "balance": 1234.5, "seen": "2026-11-24T10:20:30.000Z", "verified": 1, "bytes": "00ff", "half": 1.5, "n": 123
    });
    let found = bench.values(body, globals).await;
    assert_eq!(found[0], first);
    assert_eq!(
        found[1][0]["balance"],
        json!(1234.5),
        "without values the server sends texts: the same comes out"
    );
    assert_eq!(found[1][0]["seen"], first["seen"]);
    assert_eq!(found[1][1], json!({ "age": null, "balance": null, "seen": null, "verified": 0 }));
    assert_eq!(found[2], json!(["age", "balance", "seen", "verified", "bytes", "half", "n"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_ends_with_the_script_that_asked_for_it() {
    let (bench, globals) = bench();
    let body = "const connection = require('mysql').createConnection(place);
        connection.query('SELECT SLEEP(31)', () => {});
        setTimeout(() => callback(null, 'gone'), 300);";
    assert_eq!(bench.values(body, globals).await, [json!("gone")]);
    let sleeping = "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP(31)%'";
    for _ in 0..200 {
        if mariadb().query("mysql", sleeping).unwrap() == "0" {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the query goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn js_09_a_database_that_the_operator_has_not_listed_is_not_reached() {
    let (_, globals) = bench();
    let refused = Bench::new(Network::default(), Settings::default());
    let body = "const connection = require('mysql').createConnection(place);
        connection.connect((error) => callback(null, error.message));";
    assert_eq!(refused.values(body, globals).await, [json!("the request failed")]);
}
