// `bcrypt` and `bcryptjs`: with a callback, or a promise without one, and the variants that are done at once.
(native, require) => {
  "use strict";
  const { Buffer, binary } = require("buffer");
  const { timingSafeEqual } = require("crypto");
  const ROUNDS = 10;
  const checked = (data, what) => {
    if (typeof data !== "string" && !(data instanceof Uint8Array)) throw new Error(`${what} must be a string`);
    return data;
  };
  const genSaltSync = (rounds = ROUNDS) => native.bcryptSalt(Number(rounds) || ROUNDS);
  const hashSync = (data, salt) => {
    if (data === undefined || data === null || salt === undefined || salt === null) throw new Error("data and salt arguments required");
    checked(data, "data");
    return native.bcrypt(binary(data), typeof salt === "number" ? genSaltSync(salt) : salt);
  };
  const compareSync = (data, hash) => {
    if (data === undefined || data === null || hash === undefined || hash === null) throw new Error("data and hash arguments required");
    checked(data, "data");
    const known = String(checked(hash, "hash"));
    // What is no hash is the hash of nothing.
    if (!/^\$2[abxy]\$\d\d\$[./0-9A-Za-z]{53}$/.test(known)) return false;
    return timingSafeEqual(Buffer.from(native.bcrypt(binary(data), known)), Buffer.from(known));
  };
  const both = (work) => (...args) => {
    const last = args[args.length - 1];
    const callback = typeof last === "function" ? args.pop() : undefined;
    const promise = new Promise((resolve) => resolve(work(...args)));
    if (!callback) return promise;
    promise.then((value) => setImmediate(callback, null, value), (error) => setImmediate(callback, error));
    return undefined;
  };
  return {
    genSaltSync,
    hashSync,
    compareSync,
    genSalt: both((rounds) => genSaltSync(rounds)),
    hash: both(hashSync),
    compare: both(compareSync),
    getRounds: (hash) => Number(String(hash).split("$")[2]),
    getSalt: (hash) => String(hash).slice(0, 29),
    truncates: (data) => Buffer.byteLength(data) > 72,
  };
}
