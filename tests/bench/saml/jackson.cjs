// Owns whole logins by `@boxyhq/saml-jackson` as a library, its store in memory: how many in a second of CPU.
// Never touches HTTP, nor the bank: requests go out by standard output, one line of JSON each time, and answers come in.
// Usage: node jackson.cjs FOLDER-WITH-NODE-MODULES COUNT
const { createRequire } = require("node:module");
const { generateKeyPairSync } = require("node:crypto");
const { inflateRawSync } = require("node:zlib");
const readline = require("node:readline");
const [, , folder, count] = process.argv;
const origin = "http://127.0.0.1:5225";
const back = "http://app.localhost:9/callback";
const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const next = async () => JSON.parse((await lines.next()).value);
const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

async function start(bank) {
  const keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const packed = (pem) => Buffer.from(pem).toString("base64");
  const controllers = await createRequire(`${folder}/`)("@boxyhq/saml-jackson").default({
    externalUrl: origin,
    samlAudience: `${origin}/saml/audience`,
    samlPath: "/api/oauth/saml",
    oidcPath: "/api/oauth/oidc",
    noAnalytics: true,
    db: { engine: "mem", ttl: 300, cleanupLimit: 1000 },
    clientSecretVerifier: "dummy",
    openid: {
      jwsAlg: "RS256",
      jwtSigningKeys: {
        private: packed(keys.privateKey.export({ type: "pkcs8", format: "pem" })),
        public: packed(keys.publicKey.export({ type: "spki", format: "pem" })),
      },
    },
    logger: { info() {}, warn() {}, error: console.error },
  });
  const metadata =
    `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="${bank.issuer}"><IDPSSODescriptor ` +
    `protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><KeyDescriptor use="signing"><KeyInfo ` +
    `xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>${bank.certificate}</X509Certificate>` +
    `</X509Data></KeyInfo></KeyDescriptor><SingleSignOnService ` +
    `Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="http://idp.localhost:9/sso"/>` +
    `</IDPSSODescriptor></EntityDescriptor>`;
  const connection = await controllers.connectionAPIController.createSAMLConnection({
    rawMetadata: metadata,
    tenant: "metahexa",
    product: "bench",
    defaultRedirectUrl: back,
    redirectUrl: JSON.stringify([back]),
  });
  return { oauth: controllers.oauthController, connection };
}

async function logins({ oauth, connection }, times) {
  let used = 0;
  const counted = async (items, step) => {
    const before = process.cpuUsage();
    const made = [];
    for (const item of items) made.push(await step(item));
    const after = process.cpuUsage(before);
    used += (after.user + after.system) / 1e6;
    return made;
  };
  const sent = await counted([...Array(times).keys()], async (number) => {
    const { redirect_url } = await oauth.authorize({
      client_id: connection.clientID,
      redirect_uri: back,
      response_type: "code",
      state: `s${number}`,
      scope: "openid email profile",
    });
    return new URL(redirect_url).searchParams;
  });
  const asked = sent.map((query) => {
    const request = inflateRawSync(Buffer.from(query.get("SAMLRequest"), "base64")).toString();
    return /ID="([^"]+)"/.exec(request)[1];
  });
  say({ requests: asked, acs: `${origin}/api/oauth/saml`, audience: `${origin}/saml/audience` });
  const answers = await next();
  const posted = answers.map((SAMLResponse, at) => ({ SAMLResponse, RelayState: sent[at].get("RelayState") }));
  const codes = await counted(posted, async (form) => {
    const { redirect_url } = await oauth.samlResponse(form);
    const code = new URL(redirect_url).searchParams.get("code");
    if (!code) throw new Error(redirect_url);
    return code;
  });
  await counted(codes, async (code) => {
    const tokens = await oauth.token({
      grant_type: "authorization_code",
      code,
      client_id: connection.clientID,
      client_secret: connection.clientSecret,
      redirect_uri: back,
    });
    if (!tokens.id_token) throw new Error("no id_token");
  });
  return times / used;
}

(async () => {
  const running = await start(await next());
  await logins(running, 60);
  say({ rate: await logins(running, Number(count)) });
  process.exit(0);
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
