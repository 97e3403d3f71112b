"""Owns the judgements of `python3-saml`: how many in a second of CPU.

Never touches the network. Usage: python python3-saml.py PAPERS.json COUNT
"""

import json
import sys
import time
from urllib.parse import urlsplit

from onelogin.saml2.auth import OneLogin_Saml2_Auth

papers = json.load(open(sys.argv[1]))
count = int(sys.argv[2])
acs = urlsplit(papers["acs"])
settings = {
    "strict": True,
    "sp": {
        "entityId": papers["audience"],
        "assertionConsumerService": {"url": papers["acs"]},
    },
    "idp": {
        "entityId": papers["issuer"],
        "singleSignOnService": {"url": "http://idp.localhost/sso"},
        "x509cert": papers["certificate"],
    },
    "security": {"wantAssertionsSigned": True},
}
request = {
    "https": "off",
    "http_host": acs.netloc,
    "script_name": acs.path,
    "query_string": acs.query,
    "get_data": {},
    "post_data": {"SAMLResponse": papers["response"]},
}


def judge(times):
    for _ in range(times):
        auth = OneLogin_Saml2_Auth(request, settings)
        auth.process_response(request_id=papers["request"])
        assert auth.is_authenticated(), auth.get_last_error_reason()
        assert auth.get_nameid() == "alice@metahexa.example"


judge(20)
before = time.process_time()
judge(count)
print(f"{count / (time.process_time() - before):.1f}")
