// `crypto` of Node.js, as far as scripts and `jsonwebtoken` go. All calculation is `native`'s.
(native, require) => {
  "use strict";
  const { Buffer, binary, own } = require("buffer");
  const out = (bytes, encoding) => (encoding && encoding !== "buffer" ? own(bytes).toString(encoding) : own(bytes));
  const later = (callback, work) => {
    let result;
    try {
      result = [null, work()];
    } catch (error) {
      result = [error];
    }
    Promise.resolve().then(() => callback(...result));
  };
  // What an object is called with, given that the last argument may be a callback.
  const maybe = (callback, work) => (typeof callback === "function" ? later(callback, work) : work());

  class KeyObject {
    constructor(type, data) {
      this.type = type;
      Object.defineProperty(this, "data", { value: data });
    }
    get symmetricKeySize() {
      return this.type === "secret" ? this.data.length : undefined;
    }
    get asymmetricKeyType() {
      return this.type === "secret" ? undefined : native.kindOfKey(this.data)[1];
    }
    get asymmetricKeyDetails() {
      const curve = this.type === "secret" ? "" : native.kindOfKey(this.data)[2];
      return curve ? { namedCurve: curve } : {};
    }
    export(options) {
      if (this.type === "secret") return own(native.encode(binary(this.data), "latin1"));
      if (options && options.format && options.format !== "pem") throw new Error("keys are exported as PEM");
      return this.data;
    }
  }
  const secret = (key, encoding) => binary(key instanceof KeyObject ? key.data : key, encoding);
  const pem = (key) => {
    if (key instanceof KeyObject) return key.data;
    if (key && typeof key === "object" && !(key instanceof Uint8Array)) {
      if (key.format && key.format !== "pem") throw new Error("keys are read as PEM");
      if (key.passphrase) throw new Error("keys that are encrypted are not read");
      return pem(key.key);
    }
    return typeof key === "string" ? key : Buffer.from(key).toString();
  };
  const asymmetric = (wanted) => (key) => {
    const text = pem(key);
    const [kind] = native.kindOfKey(text);
    if (kind !== wanted) throw new Error(`this is a ${kind} key, not a ${wanted} one`);
    return new KeyObject(wanted, text);
  };

  // Collects what `update` gets until it is asked for the result.
  class Collecting {
    constructor() {
      Object.defineProperty(this, "collected", { value: "", writable: true });
      Object.defineProperty(this, "ended", { value: false, writable: true });
    }
    take(data, encoding) {
      if (this.ended) throw new Error("Digest already called");
      this.collected += binary(data, encoding);
      return this;
    }
    end() {
      if (this.ended) throw new Error("Digest already called");
      this.ended = true;
      return this.collected;
    }
  }
  class Hash extends Collecting {
    constructor(work) {
      super();
      Object.defineProperty(this, "work", { value: work });
    }
    update(data, encoding) {
      return this.take(data, encoding);
    }
    digest(encoding) {
      return out(this.work(this.end()), encoding);
    }
    copy() {
      const copy = new Hash(this.work);
      copy.collected = this.collected;
      return copy;
    }
  }
  const createHash = (name) => {
    native.hash(String(name), "");
    return new Hash((text) => native.hash(String(name), text));
  };
  const createHmac = (name, key) => {
    const bytes = secret(key);
    native.hmac(String(name), bytes, "");
    return new Hash((text) => native.hmac(String(name), bytes, text));
  };

  // The text comes out of `final`: `update(…) + final()` is the same.
  class Cipher extends Collecting {
    constructor(name, key, iv, work, sealing) {
      super();
      const [keyLength, ivLength, tagged] = native.cipherLengths(name);
      const [keyBytes, ivBytes] = [secret(key), iv === null || iv === undefined ? "" : binary(iv)];
      if (keyBytes.length !== keyLength) throw new RangeError("Invalid key length");
      if (ivBytes.length !== ivLength) throw new TypeError("Invalid initialization vector");
      Object.defineProperty(this, "inner", { value: { name, keyBytes, ivBytes, work, sealing, tagged, extra: "", tag: undefined } });
    }
    setAutoPadding(padding = true) {
      if (!padding) throw new Error("setAutoPadding(false) is not available to scripts");
      return this;
    }
    setAAD(bytes) {
      this.inner.extra += binary(bytes);
      return this;
    }
    getAuthTag() {
      return this.inner.tag;
    }
    setAuthTag(tag) {
      this.inner.tag = Buffer.from(tag);
      return this;
    }
    update(data, encoding, outEncoding) {
      this.take(data, encoding);
      return outEncoding ? "" : Buffer.alloc(0);
    }
    final(encoding) {
      const { name, keyBytes, ivBytes, work, sealing, tagged, extra, tag } = this.inner;
      let text = this.end();
      if (tagged && !sealing) {
        if (!tag || tag.length !== 16) throw new Error("Unsupported state or unable to authenticate data");
        text += binary(tag);
      }
      let bytes = work(name, keyBytes, ivBytes, text, extra);
      if (tagged && sealing) {
        this.inner.tag = own(bytes).subarray(bytes.length - 16);
        bytes = bytes.subarray(0, bytes.length - 16);
      }
      return out(bytes, encoding);
    }
  }

  // The key and vector of OpenSSL's EVP_BytesToKey with MD5 and no salt, which `createCipher` used.
  const fromPassword = (name, password) => {
    const [keyLength, ivLength] = native.cipherLengths(name);
    let [all, last] = ["", ""];
    while (all.length < keyLength + ivLength) {
      last = binary(native.hash("md5", last + binary(password)));
      all += last;
    }
    const bytes = Buffer.from(all, "latin1");
    return [bytes.subarray(0, keyLength), ivLength ? bytes.subarray(keyLength, keyLength + ivLength) : null];
  };

  const PSS = 6;
  class Sign extends Collecting {
    constructor(name) {
      super();
      Object.defineProperty(this, "name", { value: String(name) });
    }
    update(data, encoding) {
      return this.take(data, encoding);
    }
    sign(key, encoding) {
      return out(native.sign(this.name, pem(key), this.end(), Boolean(key && key.padding === PSS)), encoding);
    }
  }
  class Verify extends Collecting {
    constructor(name) {
      super();
      Object.defineProperty(this, "name", { value: String(name) });
    }
    update(data, encoding) {
      return this.take(data, encoding);
    }
    verify(key, signature, encoding) {
      return native.verify(this.name, pem(key), this.end(), binary(signature, encoding), Boolean(key && key.padding === PSS));
    }
  }

  const randomBytes = (size, callback) => maybe(callback, () => own(native.random(size)));
  const randomInt = (from, to, callback) => {
    if (to === undefined || typeof to === "function") [from, to, callback] = [0, from, to];
    return maybe(callback, () => from + Number(randomBytes(6).readUIntBE(0, 6) % (to - from)));
  };
  const randomUUID = () => {
    const bytes = randomBytes(16);
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  };
  const fillRandom = (target, offset = 0, size = target.length - offset) => {
    target.set(native.random(size), offset);
    return target;
  };
  const pbkdf2Sync = (password, salt, rounds, length, name) => own(native.pbkdf2(String(name || "sha1"), binary(password), binary(salt), rounds, length));
  const scryptSync = (password, salt, length, options = {}) => {
    const cost = [options.N || options.cost || 16384, options.r || options.blockSize || 8, options.p || options.parallelization || 1];
    return own(native.scrypt(binary(password), binary(salt), cost, length));
  };
  const timingSafeEqual = (one, other) => {
    if (one.byteLength !== other.byteLength) throw new RangeError("Input buffers must have the same byte length");
    return native.equal(binary(one), binary(other));
  };

  return {
    createHash,
    createHmac,
    hash: (name, data, encoding = "hex") => createHash(name).update(data).digest(encoding),
    getHashes: () => ["RSA-SHA1", "RSA-SHA256", "RSA-SHA384", "RSA-SHA512", "md5", "ripemd160", "sha1", "sha224", "sha256", "sha384", "sha512"],
    getCiphers: () => [128, 192, 256].flatMap((bits) => ["cbc", "ctr", "ecb", "gcm"].map((mode) => `aes-${bits}-${mode}`)),
    pbkdf2Sync,
    pbkdf2: (password, salt, rounds, length, name, callback) => {
      const given = typeof name === "function" ? ["sha1", name] : [name, callback];
      later(given[1], () => pbkdf2Sync(password, salt, rounds, length, given[0]));
    },
    scryptSync,
    scrypt: (password, salt, length, options, callback) => later(callback || options, () => scryptSync(password, salt, length, callback ? options : {})),
    timingSafeEqual,
    randomBytes,
    pseudoRandomBytes: randomBytes,
    randomInt,
    randomUUID,
    randomFillSync: fillRandom,
    randomFill: (target, callback) => later(callback, () => fillRandom(target)),
    getRandomValues: (target) => {
      new Uint8Array(target.buffer, target.byteOffset, target.byteLength).set(native.random(target.byteLength));
      return target;
    },
    createCipheriv: (name, key, iv) => new Cipher(String(name), key, iv, native.seal, true),
    createDecipheriv: (name, key, iv) => new Cipher(String(name), key, iv, native.open, false),
    createCipher: (name, password) => new Cipher(String(name), ...fromPassword(String(name), password), native.seal, true),
    createDecipher: (name, password) => new Cipher(String(name), ...fromPassword(String(name), password), native.open, false),
    createSign: (name) => new Sign(name),
    createVerify: (name) => new Verify(name),
    sign: (name, data, key) => new Sign(name).update(data).sign(key),
    verify: (name, data, key, signature) => new Verify(name).update(data).verify(key, signature),
    KeyObject,
    createSecretKey: (key, encoding) => new KeyObject("secret", typeof key === "string" ? Buffer.from(key, encoding) : Buffer.from(key)),
    createPrivateKey: asymmetric("private"),
    createPublicKey: asymmetric("public"),
    constants: { RSA_PKCS1_PADDING: 1, RSA_PKCS1_PSS_PADDING: PSS, RSA_PSS_SALTLEN_DIGEST: -1, RSA_PSS_SALTLEN_AUTO: -2 },
  };
}
