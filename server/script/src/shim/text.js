// Text and bytes: TextEncoder, TextDecoder (UTF-8 alone), atob, btoa, and the part of Buffer that scripts use.
() => {
  "use strict";
  const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const encodeUtf8 = (text) => {
    const escaped = encodeURIComponent(text.toWellFormed());
    const bytes = [];
    for (let index = 0; index < escaped.length; index += 1) {
      if (escaped[index] === "%") {
        bytes.push(parseInt(escaped.slice(index + 1, index + 3), 16));
        index += 2;
      } else bytes.push(escaped.charCodeAt(index));
    }
    return bytes;
  };
  const decodeUtf8 = (bytes) => {
    let text = "";
    for (let index = 0; index < bytes.length; ) {
      const first = bytes[index];
      const more = first < 0x80 ? 0 : first >= 0xc2 && first < 0xe0 ? 1 : first >= 0xe0 && first < 0xf0 ? 2 : first >= 0xf0 && first < 0xf5 ? 3 : -1;
      let code = more < 0 ? -1 : more === 0 ? first : first & (0x3f >> more);
      for (let next = 1; next <= more && code >= 0; next += 1) {
        const byte = bytes[index + next];
        code = byte !== undefined && (byte & 0xc0) === 0x80 ? (code << 6) | (byte & 0x3f) : -1;
      }
      const tooSmall = (more === 2 && code < 0x800) || (more === 3 && code < 0x10000);
      const isText = code >= 0 && !tooSmall && code <= 0x10ffff && !(code >= 0xd800 && code < 0xe000);
      text += isText ? String.fromCodePoint(code) : "\ufffd";
      index += isText ? more + 1 : 1;
    }
    return text;
  };
  const encodeBase64 = (bytes) => {
    let text = "";
    for (let index = 0; index < bytes.length; index += 3) {
      const [a, b, c] = [bytes[index], bytes[index + 1], bytes[index + 2]];
      text += DIGITS[a >> 2] + DIGITS[((a & 3) << 4) | ((b || 0) >> 4)];
      text += b === undefined ? "=" : DIGITS[((b & 15) << 2) | ((c || 0) >> 6)];
      text += c === undefined ? "=" : DIGITS[c & 63];
    }
    return text;
  };
  const decodeBase64 = (text) => {
    const bytes = [];
    let [bits, count] = [0, 0];
    for (const digit of text.replaceAll("-", "+").replaceAll("_", "/")) {
      const value = DIGITS.indexOf(digit);
      if (value < 0) continue;
      bits = ((bits << 6) | value) & 0xffff;
      count += 6;
      if (count >= 8) {
        count -= 8;
        bytes.push((bits >> count) & 0xff);
      }
    }
    return bytes;
  };
  const latin1 = (text) => Array.from(text, (character) => character.charCodeAt(0) & 0xff);
  const asLatin1 = (bytes) => Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");

  class Buffer extends Uint8Array {
    static from(value, encoding = "utf8") {
      return super.from(typeof value === "string" ? Buffer.#bytes(value, encoding) : value);
    }
    static alloc(size) {
      return new Buffer(size);
    }
    static isBuffer(value) {
      return value instanceof Buffer;
    }
    static byteLength(value, encoding = "utf8") {
      return typeof value === "string" ? Buffer.#bytes(value, encoding).length : value.byteLength;
    }
    static concat(buffers) {
      return Buffer.from(buffers.flatMap((buffer) => [...buffer]));
    }
    static #bytes(text, encoding) {
      switch (String(encoding).toLowerCase()) {
        case "utf8":
        case "utf-8":
          return encodeUtf8(text);
        case "base64":
        case "base64url":
          return decodeBase64(text);
        case "hex":
          return (text.match(/^([0-9a-f]{2})*/i)[0].match(/../g) || []).map((digits) => parseInt(digits, 16));
        case "ascii":
        case "latin1":
        case "binary":
          return latin1(text);
        default:
          throw new TypeError(`Unknown encoding: ${encoding}`);
      }
    }
    toString(encoding = "utf8") {
      switch (String(encoding).toLowerCase()) {
        case "utf8":
        case "utf-8":
          return decodeUtf8(this);
        case "base64":
          return encodeBase64(this);
        case "base64url":
          return encodeBase64(this).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
        case "hex":
          return Array.from(this, (byte) => byte.toString(16).padStart(2, "0")).join("");
        case "ascii":
        case "latin1":
        case "binary":
          return asLatin1(this);
        default:
          throw new TypeError(`Unknown encoding: ${encoding}`);
      }
    }
    toJSON() {
      return { type: "Buffer", data: [...this] };
    }
    equals(other) {
      return this.length === other.length && this.every((byte, index) => byte === other[index]);
    }
  }

  return {
    Buffer,
    TextEncoder: class TextEncoder {
      get encoding() {
        return "utf-8";
      }
      encode(text = "") {
        return Uint8Array.from(encodeUtf8(String(text)));
      }
    },
    TextDecoder: class TextDecoder {
      constructor(label = "utf-8") {
        if (!/^utf-?8$/i.test(label)) throw new RangeError(`Unknown encoding: ${label}`);
      }
      get encoding() {
        return "utf-8";
      }
      decode(bytes = []) {
        return decodeUtf8(bytes instanceof ArrayBuffer ? new Uint8Array(bytes) : bytes);
      }
    },
    atob: (text) => asLatin1(decodeBase64(String(text))),
    btoa: (text) => {
      if (/[^\u0000-\u00ff]/.test(String(text))) throw new RangeError("btoa takes bytes");
      return encodeBase64(latin1(String(text)));
    },
  };
}
