// Text and bytes: Buffer, TextEncoder, TextDecoder, atob, btoa. What costs time is done by `native`.
(native) => {
  "use strict";
  const SPELLINGS = { "utf-8": "utf8", binary: "latin1", "ucs2": "utf16le", "ucs-2": "utf16le", "utf-16le": "utf16le" };
  const spelled = (encoding) => {
    const name = String(encoding === undefined || encoding === null ? "utf8" : encoding).toLowerCase();
    return SPELLINGS[name] || name;
  };
  // Bytes go to `native` as a text of characters up to U+00FF.
  const binary = (bytes) => {
    let text = "";
    for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode.apply(null, bytes.subarray(at, at + 8192));
    return text;
  };
  const view = (value) => {
    if (value instanceof Uint8Array) return value;
    if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    if (value instanceof ArrayBuffer) return new Uint8Array(value);
    throw new TypeError("The argument must be a string, a Buffer, a TypedArray or an ArrayBuffer");
  };
  const encode = (text, encoding) => native.encode(text.toWellFormed(), spelled(encoding));
  const decode = (bytes, encoding) => {
    const name = spelled(encoding);
    return name === "latin1" ? binary(bytes) : native.decode(binary(bytes), name);
  };
  const toBinary = (value, encoding) => binary(typeof value === "string" ? encode(value, encoding) : view(value));
  const clamp = (value, from, to) => Math.min(Math.max(Math.trunc(Number(value)) || 0, from), to);

  class Buffer extends Uint8Array {
    static get [Symbol.species]() {
      return Buffer;
    }
    static from(value, second, third) {
      if (typeof value === "string") return own(encode(value, second));
      if (value instanceof ArrayBuffer) return new Buffer(value, second, third);
      if (value && value.type === "Buffer" && Array.isArray(value.data)) return Buffer.from(value.data);
      if (value && typeof value === "object" && typeof value.valueOf() === "string") return Buffer.from(value.valueOf(), second);
      if (value === null || typeof value !== "object") throw new TypeError("The first argument must be a string, a Buffer, an array or an array-like object");
      const bytes = new Buffer(value.length >>> 0);
      for (let at = 0; at < bytes.length; at += 1) bytes[at] = value[at];
      return bytes;
    }
    static alloc(size, fill, encoding) {
      const bytes = new Buffer(size);
      return fill === undefined || fill === 0 ? bytes : bytes.fill(fill, encoding);
    }
    static allocUnsafe(size) {
      return new Buffer(size);
    }
    static allocUnsafeSlow(size) {
      return new Buffer(size);
    }
    static isBuffer(value) {
      return value instanceof Buffer;
    }
    static isEncoding(encoding) {
      return ["utf8", "utf16le", "latin1", "ascii", "hex", "base64", "base64url"].includes(spelled(encoding));
    }
    static byteLength(value, encoding) {
      return typeof value === "string" ? encode(value, encoding).length : value.byteLength;
    }
    static concat(list, length) {
      const size = length === undefined ? list.reduce((sum, one) => sum + one.length, 0) : length;
      const bytes = new Buffer(size);
      let at = 0;
      for (const one of list) {
        if (at >= size) break;
        bytes.set(one.subarray(0, size - at), at);
        at += one.length;
      }
      return bytes;
    }
    static compare(one, other) {
      const shorter = Math.min(one.length, other.length);
      for (let at = 0; at < shorter; at += 1) if (one[at] !== other[at]) return one[at] < other[at] ? -1 : 1;
      return Math.sign(one.length - other.length);
    }
    get parent() {
      return this.buffer;
    }
    toString(encoding, start, end) {
      const [from, to] = [clamp(start, 0, this.length), end === undefined ? this.length : clamp(end, 0, this.length)];
      return decode(from === 0 && to === this.length ? this : this.subarray(from, to), encoding);
    }
    toLocaleString(encoding, start, end) {
      return this.toString(encoding, start, end);
    }
    toJSON() {
      return { type: "Buffer", data: Array.from(this) };
    }
    equals(other) {
      return this.length === other.length && Buffer.compare(this, other) === 0;
    }
    compare(other, start = 0, end = other.length, ownStart = 0, ownEnd = this.length) {
      return Buffer.compare(this.subarray(ownStart, ownEnd), other.subarray(start, end));
    }
    slice(start, end) {
      return this.subarray(start, end);
    }
    copy(target, at = 0, start = 0, end = this.length) {
      const part = this.subarray(start, Math.min(end, start + target.length - at));
      target.set(part, at);
      return part.length;
    }
    write(text, offset, length, encoding) {
      if (typeof offset === "string") [offset, length, encoding] = [0, undefined, offset];
      else if (typeof length === "string") [length, encoding] = [undefined, length];
      const at = offset || 0;
      const bytes = encode(String(text), encoding);
      const part = bytes.subarray(0, Math.min(bytes.length, length === undefined ? Infinity : length, this.length - at));
      this.set(part, at);
      return part.length;
    }
    fill(value, start, end, encoding) {
      if (typeof start === "string") [start, end, encoding] = [0, this.length, start];
      const [from, to] = [start || 0, end === undefined ? this.length : end];
      if (typeof value === "number") return super.fill(value, from, to);
      const bytes = typeof value === "string" ? encode(value, encoding) : view(value);
      if (bytes.length === 0) return super.fill(0, from, to);
      for (let at = from; at < to; at += 1) this[at] = bytes[(at - from) % bytes.length];
      return this;
    }
    indexOf(value, from = 0, encoding = undefined) {
      if (typeof value === "number") return super.indexOf(value & 255, from);
      return binary(this).indexOf(toBinary(value, encoding), from);
    }
    lastIndexOf(value, from = Infinity, encoding = undefined) {
      if (typeof value === "number") return super.lastIndexOf(value & 255, from);
      return binary(this).lastIndexOf(toBinary(value, encoding), from);
    }
    includes(value, from, encoding) {
      return this.indexOf(value, from, encoding) >= 0;
    }
    swap16() {
      for (let at = 0; at + 1 < this.length; at += 2) [this[at], this[at + 1]] = [this[at + 1], this[at]];
      return this;
    }
    readUIntBE(offset, length) {
      let value = 0;
      for (let at = 0; at < length; at += 1) value = value * 256 + this[offset + at];
      return value;
    }
    readUIntLE(offset, length) {
      let value = 0;
      for (let at = length - 1; at >= 0; at -= 1) value = value * 256 + this[offset + at];
      return value;
    }
    readIntBE(offset, length) {
      const value = this.readUIntBE(offset, length);
      return value >= 2 ** (8 * length - 1) ? value - 2 ** (8 * length) : value;
    }
    readIntLE(offset, length) {
      const value = this.readUIntLE(offset, length);
      return value >= 2 ** (8 * length - 1) ? value - 2 ** (8 * length) : value;
    }
    writeUIntBE(value, offset, length) {
      let rest = value < 0 ? value + 2 ** (8 * length) : value;
      for (let at = length - 1; at >= 0; at -= 1, rest = Math.floor(rest / 256)) this[offset + at] = rest % 256;
      return offset + length;
    }
    writeUIntLE(value, offset, length) {
      let rest = value < 0 ? value + 2 ** (8 * length) : value;
      for (let at = 0; at < length; at += 1, rest = Math.floor(rest / 256)) this[offset + at] = rest % 256;
      return offset + length;
    }
    writeIntBE(value, offset, length) {
      return this.writeUIntBE(value, offset, length);
    }
    writeIntLE(value, offset, length) {
      return this.writeUIntLE(value, offset, length);
    }
  }
  // `readInt32BE` and its like, by DataView: a range error where the place is not in the buffer.
  for (const [name, size] of [["Uint8", 1], ["Int8", 1], ["Uint16", 2], ["Int16", 2], ["Uint32", 4], ["Int32", 4], ["BigUint64", 8], ["BigInt64", 8], ["Float32", 4], ["Float64", 8]]) {
    const spoken = { Float32: "Float", Float64: "Double", BigUint64: "BigUInt64" }[name] || name.replace("Uint", "UInt");
    for (const [ending, little] of size === 1 ? [["", true]] : [["LE", true], ["BE", false]]) {
      const read = function (offset = 0) {
        return new DataView(this.buffer, this.byteOffset, this.byteLength)[`get${name}`](offset, little);
      };
      const write = function (value, offset = 0) {
        new DataView(this.buffer, this.byteOffset, this.byteLength)[`set${name}`](offset, value, little);
        return offset + size;
      };
      for (const spelling of [spoken, name]) {
        Object.defineProperty(Buffer.prototype, `read${spelling}${ending}`, { value: read, configurable: true, writable: true });
        Object.defineProperty(Buffer.prototype, `write${spelling}${ending}`, { value: write, configurable: true, writable: true });
      }
    }
  }
  // A view of the same bytes: nothing is copied.
  const own = (bytes) => new Buffer(bytes.buffer, bytes.byteOffset, bytes.byteLength);

  // `new Buffer(…)` and `Buffer(…)` of old scripts and packages.
  const Callable = new Proxy(Buffer, {
    apply: (_target, _self, args) => make(args),
    construct: (target, args, called) => (called === Callable ? make(args) : Reflect.construct(target, args, called)),
  });
  const make = ([value, ...rest]) => (typeof value === "number" ? Buffer.alloc(value) : Buffer.from(value, ...rest));
  Object.defineProperty(Buffer.prototype, "constructor", { value: Callable, configurable: true, writable: true });
  Buffer.poolSize = 8192;

  const atob = (text) => decode(native.encode(String(text), "base64"), "latin1");
  const btoa = (text) => {
    if (/[^\u0000-\u00ff]/.test(String(text))) throw new RangeError("btoa takes bytes");
    return native.decode(String(text), "base64");
  };
  return {
    Buffer: Callable,
    SlowBuffer: Callable,
    kMaxLength: 2 ** 31 - 1,
    INSPECT_MAX_BYTES: 50,
    constants: { MAX_LENGTH: 2 ** 31 - 1, MAX_STRING_LENGTH: 2 ** 29 },
    TextEncoder: class TextEncoder {
      get encoding() {
        return "utf-8";
      }
      encode(text = "") {
        return native.encode(String(text).toWellFormed(), "utf8");
      }
    },
    TextDecoder: class TextDecoder {
      #encoding;
      constructor(label = "utf-8") {
        this.#encoding = { "utf-8": "utf8", utf8: "utf8", "utf-16le": "utf16le", latin1: "latin1", "iso-8859-1": "latin1", "windows-1252": "latin1" }[String(label).toLowerCase()];
        if (!this.#encoding) throw new RangeError(`Unknown encoding: ${label}`);
      }
      get encoding() {
        return this.#encoding === "utf8" ? "utf-8" : this.#encoding;
      }
      decode(bytes) {
        const text = bytes === undefined ? "" : decode(view(bytes), this.#encoding);
        return text.startsWith("\ufeff") ? text.slice(1) : text;
      }
    },
    atob,
    btoa,
    // For our own modules.
    binary: toBinary,
    own,
  };
}
