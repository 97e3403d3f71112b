//! Owns the tests of what scripts require from us, against what Node.js and OpenSSL give for the same.
//! Never touches a network: what these modules send is looked at, not sent.

use super::tests::{call, pool, source};
use super::*;
use serde_json::{Value, json};

/// The values of `callback(null, …)` in a function with this body.
async fn run(body: &str) -> Vec<Value> {
    let text = format!("async function (user, callback) {{ {body} }}");
    let limits = Limits { cpu: Duration::from_secs(5), wall: Duration::from_secs(10), ..Limits::default() };
    match pool().call(&source(&text), Call { limits, ..call([json!({})]) }).await {
        Ok(outcome) => outcome.values,
        Err(error) => panic!("{body}: {error}"),
    }
}

/// What `callback(error)` says.
async fn refused(body: &str) -> String {
    let text = format!("async function (user, callback) {{ {body} }}");
    match pool().call(&source(&text), call([json!({})])).await {
        Err(ScriptError::Raised { message, .. }) => message,
        other => panic!("{body}: {other:?}"),
    }
}

#[tokio::test]
async fn hashes_are_those_of_everybody() {
    let body = "const crypto = require('crypto');
        const hash = (name) => crypto.createHash(name).update('por').update(Buffer.from('tico')).digest('hex');
        callback(null, ['md5', 'sha1', 'sha256', 'RSA-SHA512', 'ripemd160'].map(hash),
            crypto.createHmac('sha256', 'key').update('portico').digest('base64'),
            crypto.pbkdf2Sync('password', 'salt', 1000, 32, 'sha256').toString('hex'),
            crypto.scryptSync('password', 'salt', 32, { N: 1024 }).toString('hex'),
            await new Promise((done) => crypto.pbkdf2('p', 's', 2, 8, 'sha1', (error, key) => done(key.toString('hex')))));";
    let expected = r#"[["632c9a81581bb362b83fec1f9d98b595","3b9f70bcb40540ee785ed69476e4c157c7992355","7b03597e9a426ab76c2339184203b3fc09d2daeb74bcb92880eff8cfe6895f3d","ee9bfeae5b7b2cedcf27ad57a27111edd87504a82731167997776ac9ac3d519498ca3ace71153697a13846339dd078968a6c0aa0e085bbc4693f5c302148a2b5","823a64c737af78a5c4ea0a509f19024bcd87cbc0"],"hiQoIfGhEymtx3uQCeAu2sEjTURrreXot/8euHCLY+8=","632c2812e46d4604102ba7618e9d6d7d2f8128f6266b4a03264d2a0460b7dcb3","16dbc8906763c7f048977a68f9d305f7710e068ca2cd95dab372125bb3f19608","ea4b66d4030c711f"]"#;
    assert_eq!(run(body).await, serde_json::from_str::<Vec<Value>>(expected).unwrap());
}

#[tokio::test]
async fn bytes_are_those_of_node() {
    let body = "const { Buffer } = require('buffer');
        const b = Buffer.from('héllo €😀');
        const all = ['hex', 'base64', 'base64url', 'utf8', 'latin1', 'utf16le', 'ascii', 'binary'].map((name) => b.toString(name));
        const w = Buffer.alloc(16);
        w.writeUInt32BE(0xdeadbeef, 0); w.writeInt16LE(-2, 4); w.writeDoubleBE(1.5, 8);
        callback(null, all,
            [Buffer.from('00ffzz', 'hex').length, Buffer.from('aGk', 'base64').toString(), Buffer.from('_-8', 'base64url').toString('hex'),
             Buffer.from('hi', 'utf16le').toString('hex'), Buffer.byteLength('é'), Buffer.isBuffer(b), Buffer.isBuffer(new Uint8Array(1))],
            [w.toString('hex'), w.readUInt32BE(0), w.readInt16LE(4), w.readDoubleBE(8), w.readUIntBE(0, 3)],
            [b.slice(0, 2).toString('hex'), b.equals(Buffer.from(b)), b.indexOf('€'), Buffer.compare(Buffer.from('a'), Buffer.from('b')),
             Buffer.concat([Buffer.from('a'), Buffer.from('bc')]).toString(), JSON.stringify(Buffer.from('a')), new Buffer('YQ==', 'base64').toString(),
             Buffer.alloc(3, 'ab').toString(), b instanceof Uint8Array, b.slice() instanceof Buffer, Buffer(2).length]);";
    let expected = r#"[["68c3a96c6c6f20e282acf09f9880", "aMOpbGxvIOKCrPCfmIA=", "aMOpbGxvIOKCrPCfmIA", "h\u00e9llo \u20ac\ud83d\ude00", "h\u00c3\u00a9llo \u00e2\u0082\u00ac\u00f0\u009f\u0098\u0080", "\uc368\u6ca9\u6f6c\ue220\uac82\u9ff0\u8098", "hC)llo b\u0002,p\u001f\u0018\u0000", "h\u00c3\u00a9llo \u00e2\u0082\u00ac\u00f0\u009f\u0098\u0080"], [2, "hi", "ffef", "68006900", 2, true, false], ["deadbeeffeff00003ff8000000000000", 3735928559, -2, 1.5, 14593470], ["68c3", true, 7, -1, "abc", "{\"type\":\"Buffer\",\"data\":[97]}", "a", "aba", true, true, 2]]"#;
    assert_eq!(run(body).await, serde_json::from_str::<Vec<Value>>(expected).unwrap());
}

#[tokio::test]
async fn ciphers_and_signatures_are_those_of_node() {
    let body = "const crypto = require('crypto');
        const cipher = (name, key, iv, aad) => {
            const one = crypto.createCipheriv(name, Buffer.alloc(key, 7), Buffer.alloc(iv, 9));
            if (aad) one.setAAD(Buffer.from(aad));
            return [one.update('portico', 'utf8', 'hex') + one.final('hex'), aad ? one.getAuthTag().toString('hex') : undefined];
        };
        const [[cbc], [gcm, tag], [ctr]] = [cipher('aes-256-cbc', 32, 16), cipher('aes-128-gcm', 16, 12, 'aad'), cipher('aes-192-ctr', 24, 16)];
        const open = (tag) => {
            const one = crypto.createDecipheriv('aes-128-gcm', Buffer.alloc(16, 7), Buffer.alloc(12, 9));
            one.setAAD(Buffer.from('aad')).setAuthTag(Buffer.from(tag, 'hex'));
            try { return one.update(gcm, 'hex', 'utf8') + one.final('utf8'); } catch (error) { return error.message; }
        };
        const back = crypto.createDecipheriv('aes-256-cbc', Buffer.alloc(32, 7), Buffer.alloc(16, 9));
        callback(null, cbc, Buffer.from(gcm, 'hex').toString('base64'), tag, ctr, back.update(cbc, 'hex', 'utf8') + back.final('utf8'), open(tag), open('00'.repeat(16)));";
    let expected = [
        "e1f2e747e633ebb8579db0541a41250a",
        "0sEYJTC2ow==",
        "2359f0ce80bd59d3568dae50c596e8a7",
        "b0d175dbcfa236",
        "portico",
        "portico",
        "Unsupported state or unable to authenticate data",
    ];
    assert_eq!(run(body).await, expected.map(Value::from));
    let keys = format!("const [priv, pub, theirs] = ['{PRIVATE}', '{PUBLIC}', '{SIGNATURE}'];");
    let body = "const crypto = require('crypto');
        const verify = (text, signature) => crypto.createVerify('RSA-SHA256').update(text).verify(pub, signature, 'base64');
        const ours = crypto.createSign('SHA256').update('portico').sign(priv, 'base64');
        const key = crypto.createPublicKey(pub);
        callback(null, verify('portico', theirs), verify('portico', ours), verify('portica', theirs), key.asymmetricKeyType, key.asymmetricKeyDetails.namedCurve);";
    let expected = [json!(true), json!(true), json!(false), json!("ec"), json!("prime256v1")];
    assert_eq!(run(&format!("{keys} {body}")).await, expected);
}

#[tokio::test]
async fn what_costs_too_much_is_refused_before_it_is_begun() {
    for (body, reason) in [
        ("require('bcrypt').hashSync('x', 20)", "4 to 13"),
        (
            "require('bcrypt').compareSync('x', '$2b$31$27BcrcA57iIs5DhwEnQTa.RXeXkaOWu62IJ6OwgaUp7Bo.DowIVxe')",
            "4 to 13",
        ),
        ("require('crypto').pbkdf2Sync('x', 'y', 1e9, 32, 'sha512')", "rounds"),
        ("require('crypto').scryptSync('x', 'y', 32, { N: 2 ** 20 })", "32 MiB"),
        ("require('crypto').randomBytes(1e6)", "random bytes"),
        ("require('crypto').createHash('sha0')", "not supported"),
    ] {
        let message = refused(body).await;
        assert!(message.contains(reason), "{body}: {message}");
    }
}

#[tokio::test]
async fn bcrypt_answers_callbacks_promises_and_at_once() {
    let body = "const bcrypt = require('bcrypt');
        const known = '$2a$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW';
        const fresh = await bcrypt.hash('secret', 4);
        callback(null, await bcrypt.compare('secret', fresh), await bcrypt.compare('Secret', fresh), bcrypt.compareSync('secret', known), bcrypt.hashSync('secret', known.slice(0, 29)) === known,
            await new Promise((done) => bcrypt.genSalt(4, (error, salt) => bcrypt.hash('x', salt, (error, hash) => bcrypt.compare('x', hash, (error, same) => done(same))))),
            await bcrypt.compare('x', 'no hash'), bcrypt.getRounds(fresh));";
    let expected = [json!(true), json!(false), json!(true), json!(true), json!(true), json!(false), json!(4)];
    assert_eq!(run(body).await, expected);
}

#[tokio::test]
async fn small_modules_do_what_packages_expect() {
    let body = "const util = require('util'), url = require('url'), querystring = require('querystring'), EventEmitter = require('events'), path = require('path');
        class Own extends EventEmitter {}
        const own = new Own();
        const seen = [];
        own.on('a', (x) => seen.push(x)).once('a', (x) => seen.push(-x));
        own.emit('a', 1); own.emit('a', 2);
        const parsed = url.parse('https://u:p@Host.example:8443/a/b?x=1&y=a%20b#h', true);
        callback(null, seen, util.format('%s is %d %j', 'a', 1, { b: 2 }), util.inspect({ a: [1, 'b'], c: null }), await util.promisify((x, done) => done(null, x + 1))(1),
            [parsed.hostname, parsed.port, parsed.pathname, parsed.query.y, parsed.auth, parsed.hash], url.format({ protocol: 'https', host: 'a.example', pathname: 'x', query: { q: 'a b' } }),
            url.resolve('https://a.example/x/y', '../z'), querystring.stringify({ a: ['1', '2'], b: 'c d' }), querystring.parse('a=1&a=2&b=c+d'), path.join('/a', '../b', 'c.js'), path.extname('x.tar.gz'));";
    let expected = [
        json!([1, -1, 2]),
        json!("a is 1 {\"b\":2}"),
        json!("{ a: [ 1, 'b' ], c: null }"),
        json!(2),
        json!(["host.example", "8443", "/a/b", "a b", "u:p", "#h"]),
        json!("https://a.example/x?q=a%20b"),
        json!("https://a.example/z"),
        json!("a=1&a=2&b=c%20d"),
        json!({ "a": ["1", "2"], "b": "c d" }),
        json!("/b/c.js"),
        json!(".gz"),
    ];
    assert_eq!(run(body).await, expected);
}

/// A key of the curve P-256 and a signature of `portico` with it, made by Node.js.
const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgJ03aYIWkZU/mBKld\\nM20So3ltIGklT9ZqAs6475gfvZKhRANCAAQt6GPDsY98Zn+wMV/6P1Ci6kzTVyWX\\nOZaRTLTIkO+bZ4wT417X1+BITJClfHHdyj05t6xlgJr/5BxbGyTIZuNU\\n-----END PRIVATE KEY-----";
const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAELehjw7GPfGZ/sDFf+j9QoupM01cl\\nlzmWkUy0yJDvm2eME+Ne19fgSEyQpXxx3co9ObesZYCa/+QcWxskyGbjVA==\\n-----END PUBLIC KEY-----";
const SIGNATURE: &str =
    "MEYCIQCCw8Xgso52inYrCUWobY+KyQhCN3uI3z+9HOpw3HRxRgIhALEWgffv6hx43/7eu2SvRx+HzkFh9fgcry9SAklQwlZB";
