// What stands around an action: its `api`, which notes what the action wants, in order. The gateway decides what of that
// has an effect; nothing here is trusted. No positions in an action's errors are in this text.
(authored, event, how, callback) => {
  "use strict";
  const wanted = [];
  const want = (...what) => {
    wanted.push(what.map((part) => (part === undefined ? null : part)));
  };
  const text = (value) => (value === undefined || value === null ? "" : String(value));
  const refuse = (name) => () => {
    want("unsupported", name);
    throw new Error(`\`${name}\` is not supported`);
  };

  // Before the action's own code runs, which may give the name another meaning.
  const ours = require;
  const base64url = (value) => ours("buffer").Buffer.from(value, "utf8").toString("base64url");
  const unbase64url = (part) => ours("buffer").Buffer.from(part, "base64url").toString("utf8");
  const signed = (secret, header, payload) =>
    ours("crypto").createHmac("sha256", secret).update(`${header}.${payload}`).digest("base64url");
  const isSame = (one, other) => {
    const [a, b] = [one, other].map((value) => ours("buffer").Buffer.from(value, "utf8"));
    return a.length === b.length && ours("crypto").timingSafeEqual(a, b);
  };
  const secretOf = (options) => {
    const secret = options && text(options.secret);
    if (!secret) throw new Error("a secret is required to sign and to check session tokens");
    return secret;
  };
  const encodeToken = (options) => {
    const secret = secretOf(options);
    const now = Math.floor(Date.now() / 1000);
    const lifetime = Number(options.expiresInSeconds === undefined ? 900 : options.expiresInSeconds);
    if (!(lifetime > 0)) throw new Error("expiresInSeconds is a number of seconds above 0");
    const claims = {
      iat: now,
      exp: now + Math.floor(lifetime),
      iss: how.issuer,
      sub: event.user.user_id,
      ip: event.request && event.request.ip,
      ...options.payload,
    };
    const header = base64url('{"alg":"HS256","typ":"JWT"}');
    const payload = base64url(JSON.stringify(claims));
    return `${header}.${payload}.${signed(secret, header, payload)}`;
  };
  const validateToken = (options) => {
    const secret = secretOf(options);
    const invalid = (why) => new Error(`The session token is invalid: ${why}`);
    const name = options.tokenParameterName === undefined ? "session_token" : text(options.tokenParameterName);
    const { query = {}, body = {} } = event.request || {};
    const token = body[name] === undefined ? query[name] : body[name];
    if (typeof token !== "string") throw invalid(`there is no parameter ${name}`);
    const parts = token.split(".");
    if (parts.length !== 3) throw invalid("it is not a JWT");
    const [header, payload, signature] = parts;
    if (!isSame(signed(secret, header, payload), signature)) throw invalid("its signature does not fit");
    let claims;
    try {
      if (JSON.parse(unbase64url(header)).alg !== "HS256") throw invalid("it is not signed with HS256");
      claims = JSON.parse(unbase64url(payload));
    } catch (error) {
      throw error instanceof SyntaxError ? invalid("it is not a JWT") : error;
    }
    const now = Math.floor(Date.now() / 1000);
    if (typeof claims.exp !== "number" || claims.exp <= now) throw invalid("it has expired");
    if (typeof claims.nbf === "number" && claims.nbf > now) throw invalid("it is not valid yet");
    if (typeof claims.state !== "string" || claims.state !== how.state) {
      throw invalid("State in the token does not match the /continue state");
    }
    return claims;
  };

  const api = {};
  const noting = (name) => (key, value) => {
    want(name, text(key), value);
    return api;
  };
  const refusing = (group, names) =>
    Object.fromEntries(names.map((name) => [name, refuse(`api.${group}.${name}`)]));
  Object.assign(api, {
    access: {
      deny: (reason) => {
        want("deny", text(reason));
        return api;
      },
    },
    accessToken: {
      setCustomClaim: noting("accessToken"),
      addScope: noting("addScope"),
      removeScope: noting("removeScope"),
    },
    idToken: { setCustomClaim: noting("idToken") },
    user: { setAppMetadata: noting("app_metadata"), setUserMetadata: noting("user_metadata") },
    redirect: {
      canRedirect: () => how.can_redirect,
      sendUserTo: (address, options) => {
        want("sendUserTo", text(address), { ...(options && options.query) });
        return api;
      },
      encodeToken,
      validateToken,
    },
    rules: { wasExecuted: (id) => how.rules.includes(id) },
    validation: {
      error: (code, message) => {
        want("invalid", text(code), text(message));
        return api;
      },
    },
    multifactor: {
      enable: (provider) => (provider === "none" ? api : refuse("api.multifactor.enable")()),
    },
    authentication: refusing("authentication", [
      "challengeWith",
      "challengeWithAny",
      "enrollWith",
      "enrollWithAny",
      "recordMethod",
      "setPrimaryUser",
    ]),
  });

  const module = { exports: {} };
  authored.call(module.exports, module.exports, module);
  const handler = module.exports[how.handler];
  if (handler === undefined && how.handler === "onContinuePostLogin") {
    callback(null, wanted);
    return;
  }
  if (typeof handler !== "function") throw new Error(`the action exports no function ${how.handler}`);
  const failed = (thrown) => {
    // A call that is not supported is never passed over, whatever the action makes of its error.
    if (wanted.some(([name]) => name === "unsupported")) callback(null, wanted);
    else callback(thrown === undefined || thrown === null ? new Error(`rejected with ${thrown}`) : thrown);
  };
  new Promise((resolve) => resolve(handler(event, api))).then(() => callback(null, wanted), failed);
}
