// The Authorization header of OAuth 1.0 with HMAC-SHA1 (RFC 5849 §3): what `request` does with `oauth`.
(native, require) => {
  "use strict";
  const crypto = require("crypto");
  const escape = (value) => encodeURIComponent(String(value)).replace(/[!*'()]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
  const header = ({ url, method, oauth, form }) => {
    const own = { oauth_version: "1.0", oauth_timestamp: String(Math.trunc(Date.now() / 1000)), oauth_nonce: crypto.randomBytes(16).toString("hex"), oauth_signature_method: "HMAC-SHA1" };
    for (const name of ["consumer_key", "token", "callback", "verifier", "nonce", "timestamp"]) if (oauth[name] !== undefined) own[`oauth_${name}`] = String(oauth[name]);
    const [address, asked] = url.split("#")[0].split("?");
    const sent = [asked, typeof form === "string" ? form : undefined].flatMap((text) => Object.entries(require("querystring").parse(text || "")));
    const pairs = [...Object.entries(own), ...sent, ...(form && typeof form === "object" ? Object.entries(form) : [])].flatMap(([name, value]) => [].concat(value).map((one) => `${escape(name)}=${escape(one)}`)).sort();
    const base = [String(method || "GET").toUpperCase(), address, pairs.join("&")].map(escape).join("&");
    own.oauth_signature = crypto.createHmac("sha1", `${escape(oauth.consumer_secret || "")}&${escape(oauth.token_secret || "")}`).update(base).digest("base64");
    return `OAuth ${Object.keys(own).sort().map((name) => `${name}="${escape(own[name])}"`).join(",")}`;
  };
  return { header };
}
