//! Owns what our JavaScript gets from us that the language does not have: texts as bytes, hashes, ciphers, signatures.
//! Never touches the gateway: these are calculations, done here with what the run may use of the processor.

mod cipher;
mod hash;
mod password;
mod pem;
mod signature;
mod text;

use super::{
    ask,
    state::State,
    url_parts::{domain_to_ascii, take_apart},
};
use rquickjs::{
    Ctx, Exception, FromJs, Function, IntoJs, Object, TypedArray, Value,
    prelude::{List, Opt},
};
use std::rc::Rc;

/// Bytes that come as a text of characters up to U+00FF, and go as a `Uint8Array`: reading the memory of a typed array is
/// not safe while scripts can change it.
struct Bytes(Vec<u8>);

impl<'js> FromJs<'js> for Bytes {
    fn from_js(ctx: &Ctx<'js>, value: Value<'js>) -> rquickjs::Result<Self> {
        let text = String::from_js(ctx, value)?;
        let bytes = text.chars().map(|character| u8::try_from(u32::from(character)));
        let bytes = bytes.collect::<Result<_, _>>();
        bytes.map(Self).map_err(|_not_a_byte| Exception::throw_type(ctx, "these are no bytes"))
    }
}

impl<'js> IntoJs<'js> for Bytes {
    fn into_js(self, ctx: &Ctx<'js>) -> rquickjs::Result<Value<'js>> {
        TypedArray::new(ctx.clone(), self.0).map(TypedArray::into_value)
    }
}

/// An outcome that a script may see as an error.
type Outcome<T> = Result<T, String>;

fn thrown<T>(ctx: &Ctx<'_>, outcome: Outcome<T>) -> rquickjs::Result<T> {
    outcome.map_err(|message| Exception::throw_message(ctx, &message))
}

/// The object that every shim gets.
pub(super) fn table<'js>(ctx: &Ctx<'js>, state: &Rc<State>) -> rquickjs::Result<Object<'js>> {
    let table = Object::new(ctx.clone())?;
    install_asking(ctx, state, &table)?;
    install_text(ctx, &table)?;
    install_hashes(ctx, &table)?;
    install_keys(ctx, &table)?;
    Ok(table)
}

fn install_asking<'js>(ctx: &Ctx<'js>, state: &Rc<State>, table: &Object<'js>) -> rquickjs::Result<()> {
    let asking = Rc::clone(state);
    let later =
        move |ctx: Ctx<'js>, method: String, request: String| ask::later(&ctx, &asking, method, request);
    table.set("ask", Function::new(ctx.clone(), later)?)
}

fn install_text<'js>(ctx: &Ctx<'js>, table: &Object<'js>) -> rquickjs::Result<()> {
    let encode = |ctx: Ctx<'js>, text: String, encoding: String| {
        thrown(&ctx, text::encode(&text, &encoding).map(Bytes))
    };
    table.set("encode", Function::new(ctx.clone(), encode)?)?;
    let decode =
        |ctx: Ctx<'js>, bytes: Bytes, encoding: String| thrown(&ctx, text::decode(&bytes.0, &encoding));
    table.set("decode", Function::new(ctx.clone(), decode)?)?;
    let parts = |text: String, base: Opt<String>| take_apart(&text, base.0.as_deref());
    table.set("takeUrlApart", Function::new(ctx.clone(), parts)?)?;
    table.set("domainToAscii", Function::new(ctx.clone(), |text: String| domain_to_ascii(&text))?)
}

fn install_hashes<'js>(ctx: &Ctx<'js>, table: &Object<'js>) -> rquickjs::Result<()> {
    let hash =
        |ctx: Ctx<'js>, name: String, bytes: Bytes| thrown(&ctx, hash::digest(&name, &bytes.0).map(Bytes));
    table.set("hash", Function::new(ctx.clone(), hash)?)?;
    let hmac = |ctx: Ctx<'js>, name: String, key: Bytes, bytes: Bytes| {
        thrown(&ctx, hash::hmac(&name, &key.0, &bytes.0).map(Bytes))
    };
    table.set("hmac", Function::new(ctx.clone(), hmac)?)?;
    let pbkdf2 = |ctx: Ctx<'js>, name: String, password: Bytes, salt: Bytes, rounds: u32, length: usize| {
        thrown(&ctx, password::pbkdf2(&name, &password.0, &salt.0, rounds, length).map(Bytes))
    };
    table.set("pbkdf2", Function::new(ctx.clone(), pbkdf2)?)?;
    let scrypt = |ctx: Ctx<'js>, password: Bytes, salt: Bytes, cost: List<(u32, u32, u32)>, length: usize| {
        thrown(&ctx, password::scrypt(&password.0, &salt.0, cost.0, length).map(Bytes))
    };
    table.set("scrypt", Function::new(ctx.clone(), scrypt)?)?;
    let bcrypt =
        |ctx: Ctx<'js>, password: Bytes, salt: String| thrown(&ctx, password::bcrypt(&password.0, &salt));
    table.set("bcrypt", Function::new(ctx.clone(), bcrypt)?)?;
    let salt = |ctx: Ctx<'js>, cost: u32| thrown(&ctx, password::bcrypt_salt(cost));
    table.set("bcryptSalt", Function::new(ctx.clone(), salt)?)?;
    let random = |ctx: Ctx<'js>, length: usize| thrown(&ctx, hash::random(length).map(Bytes));
    table.set("random", Function::new(ctx.clone(), random)?)?;
    table.set("equal", Function::new(ctx.clone(), |one: Bytes, other: Bytes| hash::equal(&one.0, &other.0))?)
}

fn install_keys<'js>(ctx: &Ctx<'js>, table: &Object<'js>) -> rquickjs::Result<()> {
    let seal = |ctx: Ctx<'js>, name: String, key: Bytes, iv: Bytes, text: Bytes, extra: Opt<Bytes>| {
        let extra = extra.0.map(|bytes| bytes.0).unwrap_or_default();
        thrown(&ctx, cipher::seal(&name, &key.0, &iv.0, text.0, &extra).map(Bytes))
    };
    table.set("seal", Function::new(ctx.clone(), seal)?)?;
    let open = |ctx: Ctx<'js>, name: String, key: Bytes, iv: Bytes, text: Bytes, extra: Opt<Bytes>| {
        let extra = extra.0.map(|bytes| bytes.0).unwrap_or_default();
        thrown(&ctx, cipher::open(&name, &key.0, &iv.0, text.0, &extra).map(Bytes))
    };
    table.set("open", Function::new(ctx.clone(), open)?)?;
    let lengths = |ctx: Ctx<'js>, name: String| thrown(&ctx, cipher::lengths(&name).map(List));
    table.set("cipherLengths", Function::new(ctx.clone(), lengths)?)?;
    let sign = |ctx: Ctx<'js>, name: String, key: String, text: Bytes, pss: Opt<bool>| {
        thrown(&ctx, signature::sign(&name, &key, &text.0, pss.0.unwrap_or_default()).map(Bytes))
    };
    table.set("sign", Function::new(ctx.clone(), sign)?)?;
    let verify = |ctx: Ctx<'js>, name: String, key: String, text: Bytes, signature: Bytes, pss: Opt<bool>| {
        thrown(&ctx, signature::verify(&name, &key, &text.0, &signature.0, pss.0.unwrap_or_default()))
    };
    table.set("verify", Function::new(ctx.clone(), verify)?)?;
    let kind =
        |ctx: Ctx<'js>, key: String| thrown(&ctx, pem::Key::read(&key).map(|key| List(key.described())));
    table.set("kindOfKey", Function::new(ctx.clone(), kind)?)
}
