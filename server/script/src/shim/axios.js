// `axios`.
(native, require) => {
  "use strict";
  const { send, named, query, basic } = require("portico:http_client");
  const { URLSearchParams } = require("portico:whatwg_url");

  class AxiosError extends Error {
    constructor(message, code, config, request, response) {
      super(message);
      Object.assign(this, { name: "AxiosError", code, config, request, response, isAxiosError: true, status: response && response.status });
    }
    toJSON() {
      return { message: this.message, name: this.name, code: this.code, status: this.status };
    }
  }
  class Cancel extends Error {}
  const combine = (base, url) => (base && !/^([a-z][a-z0-9+.-]*:)?\/\//i.test(url) ? (url ? `${base.replace(/\/+$/, "")}/${url.replace(/^\/+/, "")}` : base) : url);
  const asked = (params, serializer) => {
    if (!params) return "";
    if (typeof serializer === "function") return serializer(params);
    return params instanceof URLSearchParams ? params.toString() : query(params, true);
  };
  const merge = (one, other) => {
    const merged = { ...one, ...other };
    for (const name of ["headers", "params", "auth"]) if (one[name] && other[name] && !(other[name] instanceof URLSearchParams)) merged[name] = { ...one[name], ...other[name] };
    return merged;
  };
  const METHODS = ["get", "delete", "head", "options", "post", "put", "patch"];
  const flat = (headers, method) => {
    const { common, ...rest } = headers || {};
    const own = rest[method];
    for (const name of METHODS) delete rest[name];
    return { ...named(common), ...named(own), ...named(rest) };
  };

  const dispatch = async (config) => {
    const method = String(config.method || "get").toLowerCase();
    const headers = { accept: "application/json, text/plain, */*", ...flat(config.headers, method) };
    let body = config.data;
    for (const transform of [].concat(config.transformRequest || [])) body = transform(body, headers);
    if (body instanceof URLSearchParams) {
      headers["content-type"] = headers["content-type"] || "application/x-www-form-urlencoded;charset=utf-8";
      body = body.toString();
    } else if (body !== null && typeof body === "object" && !(body instanceof Uint8Array)) {
      const isForm = /^application\/x-www-form-urlencoded/.test(headers["content-type"] || "");
      headers["content-type"] = headers["content-type"] || "application/json";
      body = isForm ? query(body) : JSON.stringify(body);
    } else if (typeof body === "string") headers["content-type"] = headers["content-type"] || "application/x-www-form-urlencoded";
    if (config.auth) headers.authorization = basic(config.auth.username, config.auth.password);
    let url = combine(config.baseURL, String(config.url || ""));
    const more = asked(config.params, config.paramsSerializer && (config.paramsSerializer.serialize || config.paramsSerializer));
    if (more) url = url.split("#")[0] + (url.includes("?") ? "&" : "?") + more;
    const redirects = config.maxRedirects === undefined ? 5 : Math.min(config.maxRedirects, 5);
    const sent = send({ url, method, headers, body, redirects });
    const late = config.timeout && new Promise((_, reject) => setTimeout(() => reject(new AxiosError(`timeout of ${config.timeout}ms exceeded`, "ECONNABORTED", config)), config.timeout));
    let answer;
    try {
      answer = await (late ? Promise.race([sent, late]) : sent);
    } catch (error) {
      throw error instanceof AxiosError ? error : new AxiosError(error.message, error.code || "ERR_NETWORK", config, {});
    }
    let data = config.responseType === "arraybuffer" ? answer.body : answer.body.toString();
    for (const transform of [].concat(config.transformResponse || [])) data = transform(data, answer.headers);
    if (!config.transformResponse && config.responseType !== "arraybuffer" && config.responseType !== "text" && data !== "") {
      try {
        data = JSON.parse(data);
      } catch {
        // As it came.
      }
    }
    const response = { data, status: answer.status, statusText: answer.message, headers: answer.headers, config, request: { path: url, res: { responseUrl: answer.url } } };
    const isFine = config.validateStatus === undefined ? answer.status >= 200 && answer.status < 300 : !config.validateStatus || config.validateStatus(answer.status);
    if (isFine) return response;
    throw new AxiosError(`Request failed with status code ${answer.status}`, answer.status < 500 ? "ERR_BAD_REQUEST" : "ERR_BAD_RESPONSE", config, response.request, response);
  };

  class Interceptors {
    constructor() {
      this.all = [];
    }
    use(fulfilled, rejected) {
      return this.all.push([fulfilled, rejected]) - 1;
    }
    eject(at) {
      this.all[at] = null;
    }
  }
  const create = (defaults) => {
    const interceptors = { request: new Interceptors(), response: new Interceptors() };
    const run = (config) => {
      let chain = Promise.resolve(merge(axios.defaults, config));
      for (const pair of [...interceptors.request.all].reverse()) if (pair) chain = chain.then(...pair);
      chain = chain.then(dispatch);
      for (const pair of interceptors.response.all) if (pair) chain = chain.then(...pair);
      return chain;
    };
    const axios = (url, config) => run(typeof url === "string" ? { ...config, url } : url || {});
    axios.request = axios;
    axios.defaults = { headers: { common: {}, get: {}, delete: {}, head: {}, options: {}, post: {}, put: {}, patch: {} }, ...defaults };
    axios.interceptors = interceptors;
    axios.getUri = (config) => combine(config.baseURL || axios.defaults.baseURL, config.url || "") + (config.params ? `?${asked(config.params)}` : "");
    for (const method of ["get", "delete", "head", "options"]) axios[method] = (url, config) => run({ ...config, url, method });
    for (const method of ["post", "put", "patch"]) {
      axios[method] = (url, data, config) => run({ ...config, url, data, method });
      axios[`${method}Form`] = (url, data, config) => run({ ...config, url, data: new URLSearchParams(data), method });
    }
    return axios;
  };
  const axios = create({});
  return Object.assign(axios, {
    create: (config) => create(merge(axios.defaults, { ...config, headers: { ...axios.defaults.headers, ...(config && config.headers) } })),
    default: axios,
    AxiosError,
    Cancel,
    isCancel: (error) => error instanceof Cancel,
    isAxiosError: (error) => Boolean(error && error.isAxiosError),
    all: (promises) => Promise.all(promises),
    spread: (work) => (list) => work(...list),
  });
}
