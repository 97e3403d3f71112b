// An identity provider out of Auth0's `samlp`. Usage: node idp.cjs FOLDER PORT
// FOLDER holds idp.key, idp.crt, service.json ({entityId, acs, slo, certificate, …}) and variant, all read at each request.
'use strict';
const fs = require('fs');
const path = require('path');
const [folder, port] = process.argv.slice(2);
const express = require('express');
const samlp = require('samlp');
const Participants = require('samlp/lib/sessionParticipants');

const base = `http://127.0.0.1:${port}`;
const read = (name) => fs.readFileSync(path.join(folder, name), 'utf8');
const key = read('idp.key');
const cert = read('idp.crt');
const people = { alice: { password: 'secret-alice', email: 'alice@acme.test', given: 'Alice', family: 'Example' } };
const XENC = 'http://www.w3.org/2001/04/xmlenc#';

function variants(service) {
  const encrypted = { encryptionCert: service.encryptionCertificate, encryptionPublicKey: service.encryptionPublicKey };
  const insecure = { disallowEncryptionWithInsecureAlgorithm: false };
  return {
    default: { signResponse: true, signAssertion: true },
    'assertion-signed': { signResponse: false },
    'response-signed': { signResponse: true, signAssertion: false },
    unsigned: { signResponse: false, signAssertion: false },
    sha1: { signResponse: true, signatureAlgorithm: 'rsa-sha1', digestAlgorithm: 'sha1' },
    'aes256-gcm': { signResponse: false, ...encrypted },
    'aes256-cbc': { signResponse: true, ...encrypted, ...insecure, encryptionAlgorithm: `${XENC}aes256-cbc` },
    'aes256-cbc-bare': { signResponse: false, ...encrypted, ...insecure, encryptionAlgorithm: `${XENC}aes256-cbc` },
    '3des': { signResponse: true, ...encrypted, ...insecure, encryptionAlgorithm: `${XENC}tripledes-cbc` },
  };
}

let participants = [];
const states = {};
const store = {
  save: (_req, state, done) => {
    const handle = `h${Object.keys(states).length}`;
    states[handle] = state;
    done(null, handle);
  },
  load: (_req, handle, options, done) => (done || options)(null, states[handle]),
  update: (_req, handle, state, done) => {
    states[handle] = state;
    done(null, handle);
  },
  destroy: (_req, handle, done) => {
    delete states[handle];
    done();
  },
};

const app = express();
app.use(express.urlencoded({ extended: false }));

app.get(
  '/metadata',
  samlp.metadata({
    issuer: `${base}/metadata`,
    cert,
    redirectEndpointPath: '/sso',
    postEndpointPath: '/sso',
    logoutEndpointPaths: { redirect: '/slo', post: '/slo' },
  }),
);

function answer(req, res, next) {
  const service = JSON.parse(read('service.json'));
  samlp.auth({
    issuer: `${base}/metadata`,
    cert,
    key,
    RelayState: req.query.RelayState || req.body.RelayState,
    sessionIndex: '_session',
    destination: service.acs,
    recipient: service.acs,
    signingCert: service.certificate,
    getPostURL: (_audience, _request, _req, done) => done(null, service.acs),
    getUserFromRequest: () => req.user,
    ...variants(service)[read('variant').trim()],
  })(req, res, next);
}

app.all('/sso', (req, res, next) => {
  req.body = req.body || {};
  const typed = req.body;
  const person = people[typed.username];
  if (!person || person.password !== typed.password) {
    const kept = ['SAMLRequest', 'RelayState'].filter((name) => typed[name]);
    const hidden = kept.map((name) => `<input type="hidden" name="${name}" value="${typed[name]}">`).join('');
    return res.send(`<form method="post">${hidden}<input name="username"><input type="password" name="password"></form>`);
  }
  const service = JSON.parse(read('service.json'));
  req.user = {
    id: typed.username,
    emails: [{ value: person.email }],
    displayName: `${person.given} ${person.family}`,
    name: { givenName: person.given, familyName: person.family },
  };
  participants = [
    {
      serviceProviderId: service.entityId,
      nameId: typed.username,
      nameIdFormat: 'urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified',
      sessionIndex: '_session',
      serviceProviderLogoutURL: service.slo,
      cert: service.certificate,
    },
  ];
  req.method = typed.SAMLRequest ? 'POST' : 'GET';
  return answer(req, res, next);
});

app.all('/slo', (req, res, next) => {
  const byAddress = req.method === 'GET';
  req.session = {};
  req.body = req.body || {};
  samlp.logout({
    issuer: `${base}/metadata`,
    cert,
    key,
    deflate: byAddress,
    protocolBinding: `urn:oasis:names:tc:SAML:2.0:bindings:HTTP-${byAddress ? 'Redirect' : 'POST'}`,
    sessionParticipants: new Participants(participants),
    clearIdPSession: (done) => done(),
    store,
  })(req, res, next);
});

app.use((error, _req, res, _next) => res.status(400).send(String((error && error.message) || error)));
app.listen(Number(port), '127.0.0.1', () => console.log('ready'));
