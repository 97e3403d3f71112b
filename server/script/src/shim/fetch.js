// Requests. They are sent by the gateway, which decides what may be reached.
(ask) => {
  "use strict";
  const pairs = (headers) => {
    if (!headers) return [];
    if (Array.isArray(headers)) return headers;
    return typeof headers.entries === "function" ? [...headers.entries()] : Object.entries(headers);
  };
  const send = (url, method, headers, body) => {
    const named = {};
    for (const [name, value] of pairs(headers)) named[String(name).toLowerCase()] = String(value);
    const request = { url: String(url), method: String(method || "GET").toUpperCase(), headers: named };
    if (body !== undefined && body !== null) request.body = String(body);
    return ask("http", JSON.stringify(request)).then(JSON.parse, (why) => {
      throw new TypeError(`fetch failed: ${JSON.parse(why).message}`);
    });
  };

  class Headers {
    #values;
    constructor(values) {
      this.#values = values || {};
    }
    get(name) {
      return this.has(name) ? this.#values[String(name).toLowerCase()] : null;
    }
    has(name) {
      return Object.hasOwn(this.#values, String(name).toLowerCase());
    }
    entries() {
      return Object.entries(this.#values)[Symbol.iterator]();
    }
    forEach(each) {
      for (const [name, value] of Object.entries(this.#values)) each(value, name, this);
    }
    [Symbol.iterator]() {
      return this.entries();
    }
  }

  class Response {
    #body;
    constructor(url, answer) {
      this.url = url;
      this.status = answer.status;
      this.ok = answer.status >= 200 && answer.status < 300;
      this.headers = new Headers(answer.headers);
      this.#body = answer.body === undefined || answer.body === null ? "" : answer.body;
    }
    async text() {
      return this.#body;
    }
    async json() {
      return JSON.parse(this.#body);
    }
  }

  const fetch = async (input, init = {}) => {
    const url = String(input);
    return new Response(url, await send(url, init.method, init.headers, init.body));
  };

  const query = (values) =>
    Object.entries(values)
      .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
      .join("&");

  // `request(options, callback)`, and `request.get` and so on.
  const prepare = (options) => {
    let url = String(options.url || options.uri);
    if (options.qs) url += (url.includes("?") ? "&" : "?") + query(options.qs);
    const headers = { ...options.headers };
    let body = options.body;
    if (options.form) {
      headers["content-type"] = "application/x-www-form-urlencoded";
      body = typeof options.form === "string" ? options.form : query(options.form);
    } else if (options.json) {
      headers.accept = headers.accept || "application/json";
      const value = options.json === true ? body : options.json;
      if (value !== undefined) {
        headers["content-type"] = "application/json";
        body = JSON.stringify(value);
      }
    }
    if (options.auth && options.auth.bearer) headers.authorization = `Bearer ${options.auth.bearer}`;
    else if (options.auth) {
      const user = options.auth.user || options.auth.username || "";
      headers.authorization = `Basic ${btoa(`${user}:${options.auth.pass || options.auth.password || ""}`)}`;
    }
    return [url, options.method, headers, body];
  };
  const request = (options, second, third) => {
    const given = typeof options === "object" ? options : { ...(typeof second === "object" ? second : {}), url: options };
    const callback = third || (typeof second === "function" ? second : () => {});
    send(...prepare(given)).then(
      (answer) => {
        let body = answer.body === undefined || answer.body === null ? "" : answer.body;
        if (given.json) {
          try {
            body = JSON.parse(body);
          } catch {
            // As it came.
          }
        }
        callback(null, { statusCode: answer.status, headers: answer.headers || {}, body }, body);
      },
      (error) => callback(error),
    );
  };
  for (const [name, method] of [["get", "GET"], ["post", "POST"], ["put", "PUT"], ["patch", "PATCH"], ["del", "DELETE"], ["delete", "DELETE"], ["head", "HEAD"]]) {
    request[name] = (options, second, third) => {
      const given = typeof options === "object" ? options : { ...(typeof second === "object" ? second : {}), url: options };
      request({ ...given, method }, third || (typeof second === "function" ? second : undefined));
    };
  }
  return { fetch, request };
}
