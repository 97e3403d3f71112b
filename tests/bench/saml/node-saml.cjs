// Owns the judgements of `@node-saml/node-saml`: how many in a second of CPU.
// Never touches the network. Usage: node node-saml.cjs FOLDER-WITH-NODE-MODULES PAPERS.json COUNT
const { createRequire } = require("node:module");
const { readFileSync } = require("node:fs");
const [, , folder, file, count] = process.argv;
const { SAML } = createRequire(`${folder}/`)("@node-saml/node-saml");
const papers = JSON.parse(readFileSync(file, "utf8"));
const saml = new SAML({
  callbackUrl: papers.acs,
  entryPoint: "http://idp.localhost:9/sso",
  issuer: papers.audience,
  audience: papers.audience,
  idpCert: papers.certificate,
  idpIssuer: papers.issuer,
  wantAuthnResponseSigned: false,
  wantAssertionsSigned: true,
  validateInResponseTo: "never",
});

async function judge(times) {
  for (let at = 0; at < times; at++) {
    const { profile } = await saml.validatePostResponseAsync({ SAMLResponse: papers.response });
    if (profile.nameID !== "alice@metahexa.example") throw new Error("somebody else");
  }
}

(async () => {
  await judge(100);
  const before = process.cpuUsage();
  await judge(Number(count));
  const used = process.cpuUsage(before);
  console.log((Number(count) / ((used.user + used.system) / 1e6)).toFixed(1));
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
