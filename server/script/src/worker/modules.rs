//! Owns `require`: modules of ours, and packages that the operator has installed, which the gateway reads.
//! Never touches a file: there are none here.

use super::{ask, globals, native, state::State};
use rquickjs::{
    Ctx, Exception, Function, Object, Persistent, Value, context::EvalOptions, function::This, prelude::Opt,
};
use std::{cell::RefCell, collections::BTreeMap, path::Path, rc::Rc};

/// Our modules, and the names they go by. Each is an expression: a function of what is `native` and of `require`, whose
/// value is the module. What begins with `portico:` is for the others of them.
const OWN: &[(&[&str], &str)] = &[
    (&["assert"], include_str!("../shim/assert.js")),
    (&["auth0"], include_str!("../shim/auth0.js")),
    (&["axios"], include_str!("../shim/axios.js")),
    (&["bcrypt", "bcryptjs"], include_str!("../shim/bcrypt.js")),
    (&["buffer"], include_str!("../shim/buffer.js")),
    (&["crypto"], include_str!("../shim/crypto.js")),
    (&["events"], include_str!("../shim/events.js")),
    (&["mysql"], include_str!("../shim/mysql.js")),
    (&["mysql2"], "(native, require) => require('mysql')"),
    (&["mysql2/promise"], "(native, require) => require('mysql').promises"),
    (&["http"], "(native, require) => require('portico:http').http"),
    (&["https"], "(native, require) => require('portico:http').https"),
    (&["node-fetch"], include_str!("../shim/node_fetch.js")),
    (&["os"], include_str!("../shim/os.js")),
    (&["path"], include_str!("../shim/path.js")),
    (&["pg"], include_str!("../shim/pg.js")),
    (&["pg-pool"], "(native, require) => require('pg').Pool"),
    (&["process"], include_str!("../shim/process.js")),
    (&["querystring"], include_str!("../shim/querystring.js")),
    (&["request"], include_str!("../shim/request.js")),
    (&["request-promise", "request-promise-native"], include_str!("../shim/request_promise.js")),
    (&["stream"], include_str!("../shim/stream.js")),
    (&["string_decoder"], include_str!("../shim/string_decoder.js")),
    (&["timers"], include_str!("../shim/timers.js")),
    (&["url"], include_str!("../shim/url.js")),
    (&["util"], include_str!("../shim/util.js")),
    (&["@auth0/rule-utilities"], include_str!("../shim/rule_utilities.js")),
    (&["portico:errors"], include_str!("../shim/errors.js")),
    (&["portico:fetch"], include_str!("../shim/fetch.js")),
    (&["portico:http"], include_str!("../shim/http.js")),
    (&["portico:http_client"], include_str!("../shim/http_client.js")),
    (&["portico:oauth1"], include_str!("../shim/oauth1.js")),
    (&["portico:whatwg_url"], include_str!("../shim/whatwg_url.js")),
];

/// Names that are refused, and what to do instead.
const REFUSED: &[(&[&str], &str)] = &[
    (
        &["mongodb", "mongoose", "tedious", "mssql", "oracledb", "ibm_db", "cassandra-driver"],
        "scripts reach PostgreSQL (pg) and MySQL or MariaDB (mysql, mysql2) alone; put a small web service in front of this database and call it with request, axios or fetch",
    ),
    (
        &[
            "child_process",
            "cluster",
            "dgram",
            "dns",
            "fs",
            "fs/promises",
            "inspector",
            "module",
            "net",
            "perf_hooks",
            "readline",
            "repl",
            "tls",
            "tty",
            "v8",
            "vm",
            "wasi",
            "worker_threads",
            "zlib",
        ],
        "it is not available to scripts: they have no files, no sockets and no processes",
    ),
];

/// Packages that were read for this or an earlier run. They are the operator's, the same for everybody.
#[derive(Default)]
pub(super) struct Packages {
    found: RefCell<BTreeMap<(String, String), Rc<Found>>>,
    bytes: RefCell<usize>,
}

/// A file of a package.
struct Found {
    /// Its place below the folder of packages.
    path: String,
    text: String,
}

/// The function `require` of scripts.
pub(super) fn install<'js>(ctx: &Ctx<'js>, state: &Rc<State>, globals: &Object<'js>) -> rquickjs::Result<()> {
    globals.set("require", require_of(ctx, state, String::new())?)
}

/// The function `require` of one file; of scripts where there is none.
fn require_of<'js>(ctx: &Ctx<'js>, state: &Rc<State>, from: String) -> rquickjs::Result<Function<'js>> {
    let state = Rc::clone(state);
    Function::new(ctx.clone(), move |ctx: Ctx<'js>, name: Opt<Value<'js>>| {
        let name = name.0.and_then(|name| name.as_string()?.to_string().ok()).unwrap_or_default();
        require(&ctx, &state, &from, &name)
    })
}

fn require<'js>(ctx: &Ctx<'js>, state: &Rc<State>, from: &str, name: &str) -> rquickjs::Result<Value<'js>> {
    let plain = plain(name);
    if !plain.starts_with("portico:") && is_own(plain) {
        return own(ctx, state, plain);
    }
    if let Some((_, advice)) = REFUSED.iter().find(|(names, _)| names.contains(&plain)) {
        return Err(Exception::throw_message(ctx, &format!("Cannot find module '{name}': {advice}")));
    }
    package(ctx, state, from, plain)
}

/// Without `node:` in front and the version behind: `bcrypt@0.8.5`, `@auth0/rule-utilities@0.2.0`.
fn plain(name: &str) -> &str {
    let name = name.strip_prefix("node:").unwrap_or(name);
    if name.starts_with('.') {
        return name;
    }
    match name.rfind('@') {
        Some(at) if at > 0 && !name[at..].contains('/') => &name[..at],
        _ => name,
    }
}

fn is_own(name: &str) -> bool {
    OWN.iter().any(|(names, _)| names.contains(&name))
}

/// A module of ours, made when it is first asked for.
pub(super) fn own<'js>(ctx: &Ctx<'js>, state: &Rc<State>, name: &str) -> rquickjs::Result<Value<'js>> {
    let Some((names, text)) = OWN.iter().find(|(names, _)| names.contains(&name)) else {
        return Err(Exception::throw_message(ctx, &format!("Cannot find module '{name}'")));
    };
    let known = state.modules.borrow().get(names[0]).cloned();
    if let Some(module) = known {
        return module.restore(ctx);
    }
    let mut options = EvalOptions::default();
    // Not `script`: positions in errors are those of the customer's text.
    options.filename = Some(OURS.to_owned());
    let make: Function<'js> = ctx.eval_with_options(*text, options)?;
    let its_state = Rc::clone(state);
    let require =
        Function::new(ctx.clone(), move |ctx: Ctx<'js>, name: String| own(&ctx, &its_state, &name))?;
    let module: Value<'js> = make.call((natives(ctx, state)?, require))?;
    let kept = Persistent::save(ctx, module.clone());
    state.modules.borrow_mut().insert(names[0].to_owned(), kept);
    Ok(module)
}

fn natives<'js>(ctx: &Ctx<'js>, state: &Rc<State>) -> rquickjs::Result<Object<'js>> {
    let known = state.natives.borrow().clone();
    if let Some(table) = known {
        return table.restore(ctx);
    }
    let table = native::table(ctx, state)?;
    if let Some(given) = state.given.borrow().clone() {
        table.set("given", given.restore(ctx)?)?;
    }
    state.natives.replace(Some(Persistent::save(ctx, table.clone())));
    Ok(table)
}

/// A file of a package, as CommonJS has it.
fn package<'js>(ctx: &Ctx<'js>, state: &Rc<State>, from: &str, name: &str) -> rquickjs::Result<Value<'js>> {
    let found = find(ctx, state, from, name)?;
    let known = state.modules.borrow().get(&found.path).cloned();
    if let Some(module) = known {
        // Perhaps not complete, where packages ask for each other.
        return module.restore(ctx)?.into_object().ok_or(rquickjs::Error::Unknown)?.get("exports");
    }
    let module = Object::new(ctx.clone())?;
    let exports = Object::new(ctx.clone())?;
    module.set("exports", exports.clone())?;
    module.set("id", &*found.path)?;
    module.set("filename", &*found.path)?;
    let kept = Persistent::save(ctx, module.clone().into_value());
    state.modules.borrow_mut().insert(found.path.clone(), kept);
    let run = || -> rquickjs::Result<()> {
        if Path::new(&found.path).extension().is_some_and(|ending| ending == "json") {
            return module.set("exports", ctx.json_parse(found.text.as_bytes())?);
        }
        globals::install_all(ctx, state)?;
        let function = wrapped(ctx, &found)?;
        let require = require_of(ctx, state, found.path.clone())?;
        let folder = found.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let process = own(ctx, state, "process")?;
        let (this, place) = (This(exports.clone()), found.path.as_str());
        let args = (this, exports.clone(), require, module.clone(), place, folder, process);
        function.call::<_, Value<'js>>(args).map(drop)
    };
    if let Err(thrown) = run() {
        state.modules.borrow_mut().remove(&found.path);
        return Err(thrown);
    }
    module.get("exports")
}

fn wrapped<'js>(ctx: &Ctx<'js>, found: &Found) -> rquickjs::Result<Function<'js>> {
    let text = if found.text.starts_with("#!") { format!("//{}", found.text) } else { found.text.clone() };
    let mut options = EvalOptions::default();
    options.strict = false;
    options.filename = Some(found.path.clone());
    let head = "(function (exports, require, module, __filename, __dirname, process) {";
    ctx.eval_with_options(format!("{head}{text}\n}})"), options)
}

fn find(ctx: &Ctx<'_>, state: &State, from: &str, name: &str) -> rquickjs::Result<Rc<Found>> {
    let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
    let key = (folder.to_owned(), name.to_owned());
    if let Some(found) = state.packages.found.borrow().get(&key) {
        return Ok(Rc::clone(found));
    }
    let request = serde_json::json!({ "from": folder, "name": name }).to_string();
    let answer = ask::now(ctx, state, "module", request)?.into_object();
    let not_found = || Exception::throw_message(ctx, &format!("Cannot find module '{name}'"));
    let answer = answer.ok_or_else(not_found)?;
    let (path, text) = (answer.get::<_, Option<String>>("path")?, answer.get::<_, Option<String>>("text")?);
    let (Some(path), Some(text)) = (path, text) else { return Err(not_found()) };
    let found = Rc::new(Found { path, text });
    let mut bytes = state.packages.bytes.borrow_mut();
    if *bytes + found.text.len() <= MOST_KEPT {
        *bytes += found.text.len();
        state.packages.found.borrow_mut().insert(key, Rc::clone(&found));
    }
    Ok(found)
}

/// The name of our modules in the engine's traces.
const OURS: &str = "portico";

/// Bytes of packages that a worker keeps for its next runs.
const MOST_KEPT: usize = 4 << 20;
