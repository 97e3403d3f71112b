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

  // The constants of FIPS 180-4, made when they are first needed: few actions sign anything.
  let constants;
  const tables = () => {
    if (constants) return constants;
    const [k, initial] = [[], []];
    const bits = (root) => ((root - Math.floor(root)) * 4294967296) | 0;
    for (let n = 2; k.length < 64; n += 1) {
      let prime = true;
      for (let d = 2; d * d <= n; d += 1) if (n % d === 0) prime = false;
      if (!prime) continue;
      if (initial.length < 8) initial.push(bits(Math.sqrt(n)));
      k.push(bits(Math.cbrt(n)));
    }
    constants = { k, initial };
    return constants;
  };
  // SHA-256, over arrays of bytes.
  const sha256 = (bytes) => {
    const padded = [...bytes, 0x80];
    while (padded.length % 64 !== 56) padded.push(0);
    const length = bytes.length * 8;
    for (let shift = 56; shift >= 0; shift -= 8) padded.push(Math.floor(length / 2 ** shift) & 255);
    const { k, initial } = tables();
    const h = [...initial];
    const turn = (x, n) => (x >>> n) | (x << (32 - n));
    for (let at = 0; at < padded.length; at += 64) {
      const w = [];
      for (let i = 0; i < 64; i += 1) {
        if (i < 16) {
          const o = at + i * 4;
          w[i] = (padded[o] << 24) | (padded[o + 1] << 16) | (padded[o + 2] << 8) | padded[o + 3];
        } else {
          const s0 = turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ (w[i - 15] >>> 3);
          const s1 = turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ (w[i - 2] >>> 10);
          w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
        }
      }
      let [a, b, c, d, e, f, g, z] = h;
      for (let i = 0; i < 64; i += 1) {
        const s1 = turn(e, 6) ^ turn(e, 11) ^ turn(e, 25);
        const t1 = (z + s1 + ((e & f) ^ (~e & g)) + k[i] + w[i]) | 0;
        const s0 = turn(a, 2) ^ turn(a, 13) ^ turn(a, 22);
        const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
        [z, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + t2) | 0];
      }
      [a, b, c, d, e, f, g, z].forEach((value, i) => {
        h[i] = (h[i] + value) | 0;
      });
    }
    return h.flatMap((word) => [(word >>> 24) & 255, (word >>> 16) & 255, (word >>> 8) & 255, word & 255]);
  };
  const hmac = (key, bytes) => {
    const block = [...(key.length > 64 ? sha256(key) : key)];
    while (block.length < 64) block.push(0);
    const mask = (pad) => block.map((byte) => byte ^ pad);
    return sha256([...mask(0x5c), ...sha256([...mask(0x36), ...bytes])]);
  };
  const utf8 = (value) => {
    const escaped = encodeURIComponent(value);
    const bytes = [];
    for (let i = 0; i < escaped.length; i += 1) {
      const isEscape = escaped[i] === "%";
      bytes.push(isEscape ? parseInt(escaped.slice(i + 1, i + 3), 16) : escaped.charCodeAt(i));
      if (isEscape) i += 2;
    }
    return bytes;
  };
  const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const base64url = (bytes) => {
    let out = "";
    for (let i = 0; i < bytes.length; i += 3) {
      const n = (bytes[i] << 16) | ((bytes[i + 1] || 0) << 8) | (bytes[i + 2] || 0);
      const digits = Math.min(bytes.length - i, 3) + 1;
      for (let d = 0; d < digits; d += 1) out += DIGITS[(n >>> (18 - 6 * d)) & 63];
    }
    return out;
  };
  const unbase64url = (digits) => {
    let escaped = "";
    let kept = 0;
    let bits = 0;
    for (const digit of digits) {
      const value = DIGITS.indexOf(digit);
      if (value < 0) throw new Error("The session token is invalid: it is not a JWT");
      kept = (kept << 6) | value;
      bits += 6;
      if (bits >= 8) {
        bits -= 8;
        escaped += "%" + ((kept >>> bits) & 255).toString(16).padStart(2, "0");
        kept &= (1 << bits) - 1;
      }
    }
    return decodeURIComponent(escaped);
  };
  const signed = (secret, header, payload) => base64url(hmac(utf8(secret), utf8(`${header}.${payload}`)));
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
    const header = base64url(utf8('{"alg":"HS256","typ":"JWT"}'));
    const payload = base64url(utf8(JSON.stringify(claims)));
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
    if (JSON.parse(unbase64url(header)).alg !== "HS256") throw invalid("it is not signed with HS256");
    const expected = signed(secret, header, payload);
    let difference = expected.length ^ signature.length;
    for (let i = 0; i < expected.length; i += 1) difference |= expected.charCodeAt(i) ^ signature.charCodeAt(i);
    if (difference !== 0) throw invalid("its signature does not fit");
    const claims = JSON.parse(unbase64url(payload));
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
