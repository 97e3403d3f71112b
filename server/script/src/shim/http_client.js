// How our modules ask for requests. They are sent by the gateway, which decides what may be reached, and follows redirects
// so that each is decided about.
(native, require) => {
  "use strict";
  const { Buffer, binary } = require("buffer");
  const named = (headers) => {
    const found = {};
    if (!headers) return found;
    const pairs = Array.isArray(headers) ? headers : typeof headers.entries === "function" ? [...headers.entries()] : Object.entries(headers);
    for (const [name, value] of pairs) if (value !== undefined && value !== null) found[String(name).toLowerCase()] = Array.isArray(value) ? value.join(", ") : String(value);
    return found;
  };
  // A promise of `{status, message, url, headers, body}`; the body is a Buffer.
  const send = ({ url, method, headers, body, redirects = 0 }) => {
    const request = { url: String(url), method: String(method || "GET").toUpperCase(), headers: named(headers), redirects };
    if (body instanceof Uint8Array) request.base64 = native.decode(binary(body), "base64");
    else if (body !== undefined && body !== null) request.body = String(body);
    return native.ask("http", JSON.stringify(request)).then((answer) => ({
      status: answer.status,
      message: answer.message || "",
      url: answer.url || request.url,
      headers: answer.headers || {},
      body: answer.base64 === undefined ? Buffer.from(answer.body || "") : Buffer.from(answer.base64, "base64"),
    }));
  };
  // `{a: 1, b: [2, 3]}` as the query of an address.
  const query = (values, brackets = false) =>
    Object.entries(values)
      .filter(([, value]) => value !== undefined && (value !== null || !brackets))
      .flatMap(([name, value]) => (Array.isArray(value) ? value.map((one, at) => [brackets ? `${name}[]` : `${name}[${at}]`, one]) : [[name, value !== null && typeof value === "object" && !(value instanceof Date) ? JSON.stringify(value) : value instanceof Date ? value.toISOString() : value]]))
      .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value === null ? "" : value)}`)
      .join("&");
  const basic = (user, password) => `Basic ${Buffer.from(`${user || ""}:${password || ""}`).toString("base64")}`;
  return { send, named, query, basic };
}
