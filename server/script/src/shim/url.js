// `url` of Node.js: the classes of WHATWG, and `parse`, `format` and `resolve` as they were before.
(native, require) => {
  "use strict";
  const { URL, URLSearchParams } = require("portico:whatwg_url");
  const querystring = require("querystring");
  const SLASHED = ["http:", "https:", "ftp:", "file:", "ws:", "wss:"];

  class Url {
    constructor() {
      for (const name of ["protocol", "slashes", "auth", "host", "port", "hostname", "hash", "search", "query", "pathname", "path", "href"]) this[name] = null;
    }
    format() {
      return format(this);
    }
    resolve(to) {
      return resolve(this.href, to);
    }
  }
  const parse = (text, withQuery = false, withoutProtocol = false) => {
    if (text instanceof Url) return text;
    if (typeof text !== "string") throw new TypeError('The "url" argument must be of type string');
    const url = new Url();
    let rest = text.trim();
    const take = (pattern) => {
      const found = pattern.exec(rest);
      if (found) rest = rest.slice(0, found.index) + rest.slice(found.index + found[0].length);
      return found ? found[0] : null;
    };
    url.hash = take(/#.*$/s);
    url.search = take(/\?.*$/s);
    const protocol = take(/^[a-z][a-z0-9+.-]*:/i);
    if (protocol) url.protocol = protocol.toLowerCase();
    if ((protocol || withoutProtocol) && rest.startsWith("//")) {
      rest = rest.slice(2);
      url.slashes = true;
      const authority = take(/^[^/\\]*/) || "";
      const at = authority.lastIndexOf("@");
      if (at >= 0) url.auth = decodeURIComponent(authority.slice(0, at));
      const [, hostname, port] = /^(.*?)(?::(\d*))?$/.exec(authority.slice(at + 1));
      url.port = port || null;
      url.hostname = hostname.toLowerCase().replace(/^\[|\]$/g, "");
      url.host = hostname.toLowerCase() + (port ? `:${port}` : "");
    }
    url.pathname = rest || (url.host && SLASHED.includes(url.protocol) ? "/" : null);
    const asked = url.search === null ? "" : url.search.slice(1);
    if (withQuery) {
      url.query = querystring.parse(asked);
      if (url.search === null) url.search = "";
    } else if (url.search !== null) url.query = asked;
    if (url.pathname !== null || url.search) url.path = (url.pathname || "") + (url.search || "");
    url.href = format(url);
    return url;
  };
  const format = (url) => {
    if (typeof url === "string") return parse(url).href;
    if (url instanceof URL) return url.href;
    const protocol = url.protocol ? (url.protocol.endsWith(":") ? url.protocol : `${url.protocol}:`) : "";
    const auth = url.auth ? `${encodeURIComponent(url.auth).replace(/%3A/i, ":")}@` : "";
    const named = url.hostname ? (url.hostname.includes(":") ? `[${url.hostname}]` : url.hostname) + (url.port ? `:${url.port}` : "") : null;
    const host = url.host || named;
    let pathname = (url.pathname || "").replace(/[?#]/g, encodeURIComponent);
    let authority = "";
    if (url.slashes || (host && (!protocol || SLASHED.includes(protocol)))) {
      authority = `//${auth}${host || ""}`;
      if (pathname && !pathname.startsWith("/")) pathname = `/${pathname}`;
    } else if (host) authority = auth + host;
    let search = url.search || (url.query && typeof url.query === "object" ? querystring.stringify(url.query) : "");
    if (search && !search.startsWith("?")) search = `?${search}`;
    const hash = url.hash ? (url.hash.startsWith("#") ? url.hash : `#${url.hash}`) : "";
    return protocol + authority + pathname + search.replace(/#/g, "%23") + hash;
  };
  const resolve = (from, to) => {
    const parts = native.takeUrlApart(String(to), String(from));
    if (parts) return parts[0];
    const placed = native.takeUrlApart(String(to), `portico://portico/${String(from).replace(/^\//, "")}`);
    return placed ? placed[0].replace(/^portico:\/\/portico/, "") : String(to);
  };
  return { URL, URLSearchParams, Url, parse, format, resolve, resolveObject: (from, to) => parse(resolve(from, to)), domainToASCII: (name) => native.domainToAscii(String(name)), domainToUnicode: String, urlToHttpOptions: (url) => ({ protocol: url.protocol, hostname: url.hostname, port: url.port, path: url.pathname + url.search, href: url.href }) };
}
