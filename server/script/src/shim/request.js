// `request(options, callback)`, `request.get` and so on.
(native, require) => {
  "use strict";
  const { send, named, query, basic } = require("portico:http_client");
  const { Buffer } = require("buffer");
  const EventEmitter = require("events");
  const querystring = require("querystring");

  const prepare = (options) => {
    let url = String(typeof (options.url || options.uri) === "object" ? (options.url || options.uri).href : options.url || options.uri || "");
    if (options.baseUrl) url = options.baseUrl.replace(/\/$/, "") + (url.startsWith("/") ? url : url && `/${url}`);
    if (options.qs) {
      const asked = options.useQuerystring ? querystring.stringify(options.qs) : query(options.qs);
      if (asked) url += (url.includes("?") ? "&" : "?") + asked;
    }
    const headers = named(options.headers);
    let body = options.body;
    if (options.form) {
      headers["content-type"] = headers["content-type"] || "application/x-www-form-urlencoded";
      body = typeof options.form === "string" ? options.form : query(options.form);
    } else if (options.json !== undefined && options.json !== false) {
      headers.accept = headers.accept || "application/json";
      const value = options.json === true ? body : options.json;
      if (value !== undefined && !(options.json === true && typeof value === "string" && headers["content-type"])) {
        headers["content-type"] = headers["content-type"] || "application/json";
        body = JSON.stringify(value);
      }
    } else if (options.formData || options.multipart) throw new Error("request: formData and multipart are not available to scripts");
    else if (body !== undefined && body !== null && typeof body !== "string" && !(body instanceof Uint8Array)) throw new Error("Argument error, options.body.");
    const { auth } = options;
    if (auth && auth.bearer) headers.authorization = `Bearer ${typeof auth.bearer === "function" ? auth.bearer() : auth.bearer}`;
    else if (auth) headers.authorization = basic(auth.user || auth.username, auth.pass || auth.password);
    if (options.oauth) headers.authorization = require("portico:oauth1").header({ ...options, url });
    const method = String(options.method || "GET").toUpperCase();
    const follows = options.followAllRedirects || (options.followRedirect !== false && ["GET", "HEAD", "OPTIONS"].includes(method));
    return { url, method, headers, body, redirects: follows ? Math.min(options.maxRedirects === undefined ? 5 : options.maxRedirects, 5) : 0 };
  };
  const given = (options, second, third) => {
    const callback = typeof third === "function" ? third : typeof second === "function" ? second : options && options.callback;
    const more = second && typeof second === "object" ? second : {};
    return [typeof options === "object" && !(options && options.href) ? { ...options, ...more } : { ...more, url: options }, callback];
  };

  // What `request` returns: it can be listened to, and completed until it is sent.
  class Request extends EventEmitter {
    constructor(options, callback) {
      super();
      Object.assign(this, { options, callback, method: options.method || "GET", uri: options.url || options.uri });
      Promise.resolve().then(() => this.start());
    }
    auth(user, pass, _now, bearer) {
      this.options.auth = bearer ? { bearer } : { user, pass };
      return this;
    }
    form(form) {
      this.options.form = form;
      return this;
    }
    json(value) {
      this.options.json = value;
      return this;
    }
    qs(values) {
      this.options.qs = { ...this.options.qs, ...values };
      return this;
    }
    setHeader(name, value) {
      this.options.headers = { ...this.options.headers, [name]: value };
      return this;
    }
    abort() {
      this.aborted = true;
    }
    start() {
      if (this.aborted) return;
      const tell = (error) => {
        if (this.aborted) return;
        if (this.callback) this.callback(error);
        if (!this.callback || this.listenerCount("error")) this.emit("error", error);
      };
      let sent;
      try {
        sent = send(prepare(this.options));
      } catch (error) {
        tell(error);
        return;
      }
      const { timeout } = this.options;
      const limited = timeout ? Promise.race([sent, new Promise((_, reject) => setTimeout(() => reject(Object.assign(new Error("ESOCKETTIMEDOUT"), { code: "ESOCKETTIMEDOUT", connect: false })), timeout))]) : sent;
      limited.then(
        (answer) => this.answer(answer),
        (error) => setImmediate(tell, error),
      );
    }
    answer(answer) {
      if (this.aborted) return;
      let body = this.options.encoding === null ? answer.body : answer.body.toString(this.options.encoding || "utf8");
      if (this.options.json) {
        try {
          body = JSON.parse(body, this.options.jsonReviver);
        } catch {
          // As it came.
        }
      }
      const response = Object.assign(new EventEmitter(), { statusCode: answer.status, statusMessage: answer.message, headers: answer.headers, body, request: { uri: require("url").parse(answer.url), href: answer.url, method: this.method, headers: this.options.headers || {} } });
      response.toJSON = () => ({ statusCode: answer.status, body, headers: answer.headers, request: response.request });
      // What the callback throws is thrown at nobody who could mistake it for a failed request.
      setImmediate(() => {
        this.emit("response", response);
        this.emit("data", this.options.encoding === null ? body : Buffer.from(answer.body));
        this.emit("end");
        if (this.callback) this.callback(null, response, body);
        this.emit("complete", response, body);
      });
    }
  }

  const make = (defaults) => {
    const merged = (options) => ({ ...defaults, ...options, headers: { ...defaults.headers, ...options.headers } });
    const request = (options, second, third) => {
      const [own, callback] = given(options, second, third);
      return new Request(merged(own), callback);
    };
    for (const [name, method] of [["get", "GET"], ["post", "POST"], ["put", "PUT"], ["patch", "PATCH"], ["del", "DELETE"], ["delete", "DELETE"], ["head", "HEAD"], ["options", "OPTIONS"]]) {
      request[name] = (options, second, third) => {
        const [own, callback] = given(options, second, third);
        return new Request(merged({ ...own, method }), callback);
      };
    }
    request.defaults = (more) => make(merged(more || {}));
    request.jar = () => ({ setCookie: () => {}, getCookieString: () => "", getCookies: () => [] });
    request.cookie = String;
    request.Request = Request;
    return request;
  };
  return make({});
}
