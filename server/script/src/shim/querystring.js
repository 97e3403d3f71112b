// `querystring` of Node.js.
() => {
  "use strict";
  const unescape = (text) => {
    try {
      return decodeURIComponent(text);
    } catch {
      return text;
    }
  };
  const escape = (value) => encodeURIComponent(String(value).toWellFormed()).replace(/['()]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
  const plain = (value) => (["string", "number", "bigint", "boolean"].includes(typeof value) ? String(value) : "");
  const stringify = (values, separator, equals, options) => {
    if (values === null || typeof values !== "object") return "";
    const encode = (options && options.encodeURIComponent) || module.escape;
    const pair = (name) => (value) => `${encode(name)}${equals || "="}${encode(plain(value))}`;
    return Object.keys(values).flatMap((name) => (Array.isArray(values[name]) ? values[name].map(pair(name)) : [pair(name)(values[name])])).join(separator || "&");
  };
  const parse = (text, separator, equals, options) => {
    const found = Object.create(null);
    if (typeof text !== "string" || text === "") return found;
    const decode = (options && options.decodeURIComponent) || module.unescape;
    const most = options && typeof options.maxKeys === "number" ? options.maxKeys : 1000;
    const parts = text.split(separator || "&");
    for (const part of most > 0 ? parts.slice(0, most) : parts) {
      if (part === "") continue;
      const at = part.indexOf(equals || "=");
      const [name, value] = (at < 0 ? [part, ""] : [part.slice(0, at), part.slice(at + (equals || "=").length)]).map((one) => decode(one.replace(/\+/g, " ")));
      if (name in found) found[name] = [].concat(found[name], value);
      else found[name] = value;
    }
    return found;
  };
  const module = { stringify, encode: stringify, parse, decode: parse, escape, unescape };
  return module;
}
