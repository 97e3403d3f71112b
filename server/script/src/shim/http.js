// `http` and `https` of Node.js, as far as small packages use them: a request that is sent when it ends.
(native, require) => {
  "use strict";
  const { send } = require("portico:http_client");
  const { Buffer, binary } = require("buffer");
  const EventEmitter = require("events");
  const make = (scheme) => {
    const address = (options) => options.href || `${options.protocol || scheme}//${options.hostname || options.host || "localhost"}${options.port ? `:${options.port}` : ""}${options.path || "/"}`;
    const request = (first, second, third) => {
      const callback = [first, second, third].find((one) => typeof one === "function");
      const url = typeof first === "string" || (first && first.href) ? String(first.href || first) : undefined;
      const options = { ...(url === undefined ? first : {}), ...(typeof second === "object" ? second : {}) };
      const sending = Object.assign(new EventEmitter(), { written: "", headers: { ...options.headers } });
      if (options.auth && !sending.headers.Authorization) sending.headers.Authorization = `Basic ${Buffer.from(options.auth).toString("base64")}`;
      Object.assign(sending, {
        setHeader: (name, value) => void (sending.headers[name] = value),
        getHeader: (name) => sending.headers[name],
        setTimeout: () => sending,
        destroy: () => void (sending.destroyed = true),
        abort: () => void (sending.destroyed = true),
        write: (chunk, encoding) => {
          sending.written += binary(chunk, encoding);
          return true;
        },
        end: (chunk, encoding) => {
          if (chunk !== undefined && typeof chunk !== "function") sending.write(chunk, encoding);
          const body = sending.written ? Buffer.from(sending.written, "latin1") : undefined;
          send({ url: url === undefined ? address(options) : url, method: options.method, headers: sending.headers, body }).then(
            (answer) => {
              if (sending.destroyed) return;
              const response = Object.assign(new EventEmitter(), { statusCode: answer.status, statusMessage: answer.message, headers: answer.headers, encoding: null });
              Object.assign(response, { setEncoding: (encoding) => void (response.encoding = encoding), resume: () => response, pause: () => response });
              if (callback) callback(response);
              sending.emit("response", response);
              setImmediate(() => {
                response.emit("data", response.encoding ? answer.body.toString(response.encoding) : answer.body);
                response.emit("end");
                response.emit("close");
              });
            },
            (error) => setImmediate(() => sending.emit("error", error)),
          );
          return sending;
        },
      });
      return sending;
    };
    class Agent {}
    return { request, get: (...args) => request(...args).end(), Agent, globalAgent: new Agent(), STATUS_CODES: {}, METHODS: ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"] };
  };
  return { http: make("http:"), https: make("https:") };
}
