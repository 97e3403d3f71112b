// `fetch` and what belongs to it.
(native, require) => {
  "use strict";
  const { Buffer } = require("buffer");
  const { send, named } = require("portico:http_client");

  class Headers {
    #values;
    constructor(values) {
      this.#values = named(values);
    }
    get(name) {
      return this.has(name) ? this.#values[String(name).toLowerCase()] : null;
    }
    has(name) {
      return Object.hasOwn(this.#values, String(name).toLowerCase());
    }
    set(name, value) {
      this.#values[String(name).toLowerCase()] = String(value);
    }
    append(name, value) {
      this.set(name, this.has(name) ? `${this.get(name)}, ${value}` : value);
    }
    delete(name) {
      delete this.#values[String(name).toLowerCase()];
    }
    keys() {
      return Object.keys(this.#values)[Symbol.iterator]();
    }
    values() {
      return Object.values(this.#values)[Symbol.iterator]();
    }
    entries() {
      return Object.entries(this.#values)[Symbol.iterator]();
    }
    forEach(each) {
      for (const [name, value] of Object.entries(this.#values)) each(value, name, this);
    }
    raw() {
      return Object.fromEntries(Object.entries(this.#values).map(([name, value]) => [name, [value]]));
    }
    [Symbol.iterator]() {
      return this.entries();
    }
  }

  const bytesOf = (body) => (body === undefined || body === null ? Buffer.alloc(0) : body instanceof Uint8Array ? Buffer.from(body) : Buffer.from(String(body)));
  class Body {
    #bytes;
    constructor(body) {
      this.#bytes = bytesOf(body);
      this.bodyUsed = false;
    }
    async #take() {
      if (this.bodyUsed) throw new TypeError("Body is unusable: it has been read already");
      this.bodyUsed = true;
      return this.#bytes;
    }
    async text() {
      return (await this.#take()).toString();
    }
    async json() {
      return JSON.parse(await this.text());
    }
    async buffer() {
      return this.#take();
    }
    async arrayBuffer() {
      return Uint8Array.from(await this.#take()).buffer;
    }
  }
  class Response extends Body {
    constructor(body, init = {}) {
      super(body);
      this.url = init.url || "";
      this.status = init.status === undefined ? 200 : init.status;
      this.statusText = init.statusText || "";
      this.ok = this.status >= 200 && this.status < 300;
      this.redirected = Boolean(init.redirected);
      this.type = "basic";
      this.headers = new Headers(init.headers);
    }
  }
  class Request extends Body {
    constructor(input, init = {}) {
      super(init.body);
      Object.defineProperty(this, "sent", { value: init.body });
      this.url = String(input && input.url ? input.url : input);
      this.method = String(init.method || (input && input.method) || "GET").toUpperCase();
      this.headers = new Headers(init.headers || (input && input.headers));
    }
  }
  class AbortSignal {
    constructor() {
      this.aborted = false;
      this.reason = undefined;
      this.onabort = null;
      Object.defineProperty(this, "listeners", { value: [] });
    }
    addEventListener(_name, listener) {
      this.listeners.push(listener);
    }
    removeEventListener(_name, listener) {
      const at = this.listeners.indexOf(listener);
      if (at >= 0) this.listeners.splice(at, 1);
    }
    throwIfAborted() {
      if (this.aborted) throw this.reason;
    }
    static timeout(milliseconds) {
      const controller = new AbortController();
      setTimeout(() => controller.abort(), milliseconds);
      return controller.signal;
    }
  }
  class AbortController {
    constructor() {
      this.signal = new AbortSignal();
    }
    abort(reason) {
      if (this.signal.aborted) return;
      this.signal.aborted = true;
      this.signal.reason = reason || Object.assign(new Error("This operation was aborted"), { name: "AbortError" });
      for (const listener of [this.signal.onabort, ...this.signal.listeners]) if (listener) listener({ type: "abort" });
    }
  }

  const fetch = async (input, init = {}) => {
    const request = input instanceof Request ? input : { url: String(input && input.url ? input.url : input), method: init.method, headers: new Headers(init.headers), sent: undefined };
    const body = init.body === undefined ? request.sent : init.body;
    if (body instanceof require("portico:whatwg_url").URLSearchParams && !request.headers.has("content-type")) request.headers.set("content-type", "application/x-www-form-urlencoded;charset=UTF-8");
    else if (typeof body === "string" && !request.headers.has("content-type")) request.headers.set("content-type", "text/plain;charset=UTF-8");
    const redirects = init.redirect === "manual" || init.redirect === "error" ? 0 : 5;
    const aborted = init.signal && new Promise((_, reject) => init.signal.addEventListener("abort", () => reject(init.signal.reason)));
    if (init.signal) init.signal.throwIfAborted();
    const sent = send({ url: request.url, method: init.method || request.method, headers: request.headers, body, redirects }).catch((error) => {
      throw Object.assign(new TypeError(`fetch failed: ${error.message}`), { cause: error });
    });
    const answer = await (aborted ? Promise.race([sent, aborted]) : sent);
    if (init.redirect === "error" && answer.status >= 300 && answer.status < 400) throw new TypeError("fetch failed: unexpected redirect");
    return new Response(answer.body, { url: answer.url, status: answer.status, statusText: answer.message, headers: answer.headers, redirected: answer.url !== request.url });
  };
  return { fetch, Headers, Request, Response, AbortController, AbortSignal };
}
