// `@auth0/rule-utilities`: what rules that redirect and update users use. Our own, since it is in no registry.
(native, require) => {
  "use strict";
  const crypto = require("crypto");
  const { Buffer } = require("buffer");
  const UNITS = { s: 1, m: 60, h: 3600, d: 86400, w: 604800 };
  const seconds = (span) => {
    if (typeof span === "number") return span;
    const [, count, unit] = /^(\d+)\s*([smhdw])?/.exec(String(span)) || [];
    if (count === undefined) throw new Error("SESSION_TOKEN_EXPIRES_IN is no span of time");
    return Number(count) * UNITS[unit || "s"];
  };
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = (text, secret) => crypto.createHmac("sha256", secret).update(text).digest("base64url");
  // A JSON Web Token with HS256 (RFC 7515, RFC 7519).
  const sign = (claims, secret, expiresIn) => {
    if (!secret) throw new Error("secretOrPrivateKey must have a value");
    const now = Math.trunc(Date.now() / 1000);
    const text = `${part({ alg: "HS256", typ: "JWT" })}.${part({ iat: now, exp: now + seconds(expiresIn), ...claims })}`;
    return `${text}.${signed(text, secret)}`;
  };
  const verify = (token, secret, { subject, issuer, audience }) => {
    const refuse = (why) => {
      throw Object.assign(new Error(why), { name: "JsonWebTokenError" });
    };
    if (!secret) refuse("secret or public key must be provided");
    const [header, body, signature, more] = String(token || "").split(".");
    if (!body || !signature || more !== undefined) refuse("jwt malformed");
    const [expected, found] = [signed(`${header}.${body}`, secret), signature].map((text) => Buffer.from(text));
    const { alg } = JSON.parse(Buffer.from(header, "base64url").toString());
    if (alg !== "HS256" || expected.length !== found.length || !crypto.timingSafeEqual(expected, found)) refuse("invalid signature");
    const claims = JSON.parse(Buffer.from(body, "base64url").toString());
    if (typeof claims.exp !== "number") refuse("Expired token");
    if (claims.exp * 1000 <= Date.now()) refuse("jwt expired");
    if (claims.sub !== subject) refuse(`jwt subject invalid. expected: ${subject}`);
    if (claims.iss !== issuer) refuse(`jwt issuer invalid. expected: ${issuer}`);
    if (audience !== undefined && claims.aud !== audience) refuse(`jwt audience invalid. expected: ${audience}`);
    return claims;
  };

  const noRedirectProtocols = ["oauth2-resource-owner", "oauth2-refresh-token", "oauth2-password", "redirect-callback"];
  class Auth0RedirectRuleUtilities {
    constructor(user, context, configuration) {
      const settings = configuration || {};
      Object.assign(this, { user: user || {}, context: context || {}, noRedirectProtocols, tokenSecret: settings.SESSION_TOKEN_SECRET, tokenExpiresIn: settings.SESSION_TOKEN_EXPIRES_IN || "3d" });
    }
    get redirectUrl() {
      return this.context.redirect && this.context.redirect.url;
    }
    get queryParams() {
      return (this.context.request && this.context.request.query) || {};
    }
    get protocolCanRedirect() {
      return !this.noRedirectProtocols.includes(this.context.protocol);
    }
    get isRedirectCallback() {
      return this.context.protocol === "redirect-callback";
    }
    get canRedirect() {
      return !this.redirectUrl && !this.context.multifactor && this.queryParams.prompt !== "none" && this.protocolCanRedirect;
    }
    get issuer() {
      return `https://${this.context.request.hostname}/`;
    }
    createSessionToken(additional = {}) {
      return sign({ ip: this.context.request.ip, iss: this.issuer, sub: this.user.user_id, ...additional }, this.tokenSecret, this.tokenExpiresIn);
    }
    validateSessionToken(options = {}) {
      return verify(this.queryParams.session_token, this.tokenSecret, { ...options, subject: this.user.user_id, issuer: this.issuer });
    }
    doRedirect(url, options = {}) {
      if (!url || !this.canRedirect) throw new Error("Cannot redirect");
      const { sessionToken, generateSessionToken = true } = options || {};
      const token = typeof sessionToken === "string" && sessionToken ? sessionToken : generateSessionToken === true ? this.createSessionToken() : "";
      this.context.redirect = { url: token ? `${url}?session_token=${token}` : url };
    }
  }
  // Sets and reads metadata, under a name of the rule's own where one is given; an update gives a promise.
  class Auth0UserUpdateUtilities {
    constructor(user, auth0, namespace) {
      const { ManagementClient } = require("auth0");
      Object.assign(this, { user, userId: user.user_id, updatedUserData: {}, apiClient: new ManagementClient({ token: auth0.accessToken, domain: auth0.domain }), isNamespaced: Boolean(namespace) && typeof namespace === "string", namespace });
      for (const kind of ["user_metadata", "app_metadata"]) {
        user[kind] = user[kind] || {};
        if (this.isNamespaced) user[kind][namespace] = user[kind][namespace] || {};
      }
    }
    metadata(kind) {
      return this.isNamespaced ? this.user[kind][this.namespace] : this.user[kind];
    }
    setUser(key, value) {
      this.user[key] = value;
      this.updatedUserData[key] = value;
    }
    setUserMeta(key, value) {
      this.metadata("user_metadata")[key] = value;
    }
    setAppMeta(key, value) {
      this.metadata("app_metadata")[key] = value;
    }
    getUserMeta(key) {
      return this.metadata("user_metadata")[key];
    }
    getAppMeta(key) {
      return this.metadata("app_metadata")[key];
    }
    updateUser() {
      return this.apiClient.updateUser({ id: this.userId }, this.updatedUserData);
    }
    updateUserMeta() {
      return this.apiClient.updateUserMetadata({ id: this.userId }, this.user.user_metadata);
    }
    updateAppMeta() {
      return this.apiClient.updateAppMetadata({ id: this.userId }, this.user.app_metadata);
    }
    updateUserMetadata() {
      return this.updateUserMeta();
    }
    updateAppMetadata() {
      return this.updateAppMeta();
    }
  }
  return { Auth0RedirectRuleUtilities, Auth0UserUpdateUtilities, noRedirectProtocols };
}
