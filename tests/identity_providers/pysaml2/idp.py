"""An identity provider out of pysaml2. Usage: idp.py FOLDER PORT

FOLDER holds idp.key, idp.crt, service.xml (the service's metadata) and variant. The latter two may come later.
"""

import html
import pathlib
import sys

import saml2.xmldsig as xmldsig
from flask import Flask, redirect, request
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT, config, server
from saml2.metadata import entity_descriptor
from saml2.saml import NAMEID_FORMAT_EMAILADDRESS, NameID

folder, port = pathlib.Path(sys.argv[1]), int(sys.argv[2])
base = f"http://127.0.0.1:{port}"
people = {
    "alice": (
        "secret-alice",
        {"uid": ["alice"], "email": ["alice@acme.test"], "displayName": ["Alice Example"], "groups": ["a", "b"]},
    )
}
PASSWORD = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"


def configuration():
    endpoints = {
        name: [(f"{base}{path}", BINDING_HTTP_REDIRECT), (f"{base}{path}", BINDING_HTTP_POST)]
        for name, path in (("single_sign_on_service", "/sso"), ("single_logout_service", "/slo"))
    }
    settings = {
        "entityid": f"{base}/metadata",
        "xmlsec_binary": "/usr/bin/xmlsec1",
        "key_file": str(folder / "idp.key"),
        "cert_file": str(folder / "idp.crt"),
        "service": {
            "idp": {
                "want_authn_requests_signed": True,
                "endpoints": endpoints,
                "policy": {"default": {"lifetime": {"minutes": 15}, "attribute_restrictions": None}},
                "name_id_format": [NAMEID_FORMAT_EMAILADDRESS],
            }
        },
    }
    if (folder / "service.xml").exists():
        settings["metadata"] = {"local": [str(folder / "service.xml")]}
    return config.IdPConfig().load(settings)


def idp():
    return server.Server(config=configuration())


def parsed(fields, binding):
    return idp().parse_authn_request(
        fields["SAMLRequest"],
        binding,
        relay_state=fields.get("RelayState") or None,
        sigalg=fields.get("SigAlg") or None,
        signature=fields.get("Signature") or None,
    )


app = Flask(__name__)


@app.get("/metadata")
def metadata():
    return app.response_class(str(entity_descriptor(configuration())), mimetype="application/samlmetadata+xml")


@app.route("/sso", methods=["GET", "POST"])
def sso():
    if "password" not in request.form:
        binding = BINDING_HTTP_POST if request.method == "POST" else BINDING_HTTP_REDIRECT
        try:
            parsed(request.values, binding)
        except Exception as refused:  # whatever it is, it is shown
            return f"refused: {refused!r}", 400
        names = ("SAMLRequest", "RelayState", "SigAlg", "Signature")
        fields = {name: request.values.get(name, "") for name in names} | {"binding": binding}
        hidden = "".join(
            f'<input type="hidden" name="{name}" value="{html.escape(value)}">' for name, value in fields.items()
        )
        return (
            f'<form method="post" action="/sso">{hidden}'
            '<input name="username"><input type="password" name="password"></form>'
        )
    password, attributes = people.get(request.form["username"], (None, None))
    if password != request.form["password"]:
        return "no", 403
    provider, asked = idp(), parsed(request.form, request.form["binding"]).message
    where = provider.response_args(asked, [BINDING_HTTP_POST])
    variant = (folder / "variant").read_text().strip()
    how = {
        "sign_response": variant not in ("assertion-signed", "unsigned"),
        "sign_assertion": variant not in ("response-signed", "unsigned"),
        "encrypt_assertion": variant == "3des",
        "sign_alg": xmldsig.SIG_RSA_SHA512 if variant == "sha512" else xmldsig.SIG_RSA_SHA256,
        "digest_alg": xmldsig.DIGEST_SHA512 if variant == "sha512" else xmldsig.DIGEST_SHA256,
    }
    if variant == "3des":
        how["encrypted_advice_attributes"] = False
    if variant == "sha1":
        how.update(sign_alg=xmldsig.SIG_RSA_SHA1, digest_alg=xmldsig.DIGEST_SHA1)
    response = provider.create_authn_response(
        attributes,
        userid=request.form["username"],
        name_id=NameID(format=NAMEID_FORMAT_EMAILADDRESS, text=attributes["email"][0]),
        authn={"class_ref": PASSWORD},
        in_response_to=where["in_response_to"],
        destination=where["destination"],
        sp_entity_id=where["sp_entity_id"],
        **how,
    )
    relay_state = request.form["RelayState"]
    return provider.apply_binding(BINDING_HTTP_POST, str(response), where["destination"], relay_state, response=True)[
        "data"
    ]


def carry(binding, sent):
    return redirect(dict(sent["headers"])["Location"]) if binding == BINDING_HTTP_REDIRECT else sent["data"]


@app.get("/end")
def end():
    provider = idp()
    service = next(iter(provider.metadata.with_descriptor("spsso")))
    where = provider.metadata.single_logout_service(service, BINDING_HTTP_REDIRECT, "spsso")[0]["location"]
    name = NameID(format=NAMEID_FORMAT_EMAILADDRESS, text=people["alice"][1]["email"][0])
    _, asked = provider.create_logout_request(where, service, name_id=name)
    sent = provider.apply_binding(
        BINDING_HTTP_REDIRECT, str(asked), where, "ended", sign=True, sigalg=xmldsig.SIG_RSA_SHA256
    )
    return carry(BINDING_HTTP_REDIRECT, sent)


@app.route("/slo", methods=["GET", "POST"])
def slo():
    binding = BINDING_HTTP_POST if request.method == "POST" else BINDING_HTTP_REDIRECT
    provider, fields = idp(), request.values
    if "SAMLResponse" in fields:
        answer = provider.parse_logout_request_response(fields["SAMLResponse"], binding)
        return ("ended", 200) if answer and answer.status_ok() else ("refused", 400)
    asked = provider.parse_logout_request(
        fields["SAMLRequest"],
        binding,
        relay_state=fields.get("RelayState") or None,
        sigalg=fields.get("SigAlg") or None,
        signature=fields.get("Signature") or None,
    ).message
    answer = provider.create_logout_response(
        asked,
        [binding],
        sign=binding == BINDING_HTTP_POST,
        sign_alg=xmldsig.SIG_RSA_SHA256,
        digest_alg=xmldsig.DIGEST_SHA256,
    )
    where = provider.metadata.single_logout_service(asked.issuer.text, binding, "spsso")[0]["location"]
    sent = provider.apply_binding(
        binding,
        str(answer),
        where,
        fields.get("RelayState", ""),
        response=True,
        sign=True,
        sigalg=xmldsig.SIG_RSA_SHA256,
    )
    return carry(binding, sent)


app.run("127.0.0.1", port, threaded=True)
