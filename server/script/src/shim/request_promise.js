// `request-promise` and its like: `request` that gives a promise of the body.
(native, require) => {
  "use strict";
  class StatusCodeError extends Error {
    constructor(status, body, options, response) {
      super(`${status} - ${typeof body === "string" ? body : JSON.stringify(body)}`);
      Object.assign(this, { name: "StatusCodeError", statusCode: status, error: body, options, response });
    }
  }
  class RequestError extends Error {
    constructor(cause, options) {
      super(String(cause));
      Object.assign(this, { name: "RequestError", cause, error: cause, options });
    }
  }
  const make = (request) => {
    const promised = (send) => (options, second, third) => {
      const own = typeof options === "object" ? options : { ...(typeof second === "object" ? second : {}), url: options };
      let sent;
      const promise = new Promise((resolve, reject) => {
        sent = send(own, (error, response, body) => {
          const callback = typeof third === "function" ? third : typeof second === "function" ? second : undefined;
          if (callback) callback(error, response, body);
          if (error) reject(new RequestError(error, own));
          else if (own.simple !== false && (response.statusCode < 200 || response.statusCode > 299)) reject(new StatusCodeError(response.statusCode, body, own, response));
          else if (own.transform) resolve(own.transform(body, response, own.resolveWithFullResponse));
          else resolve(own.resolveWithFullResponse ? response : body);
        });
      });
      // Who listens to `error` or gives a callback need not handle the promise.
      promise.catch(() => {});
      for (const name of ["then", "catch", "finally"]) sent[name] = (...args) => promise[name](...args);
      sent.promise = () => promise;
      return sent;
    };
    const all = promised(request);
    for (const name of ["get", "post", "put", "patch", "del", "delete", "head", "options"]) all[name] = promised(request[name]);
    return Object.assign(all, { defaults: (options) => make(request.defaults(options)), jar: request.jar });
  };
  return make(require("request"));
}
