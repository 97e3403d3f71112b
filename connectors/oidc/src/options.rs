//! Owns reading a connection's options: what is wrong with them is said when they are saved, not at a login.
//! Never touches the network: whether the identity provider is there is found out later.

use crate::{
    keys::Algorithm,
    mapping::Mapping,
    settings::{AuthMethod, Content, Endpoints, Settings, Upstream},
};
use portico_core::{connector::Problem, secret::Secret};
use serde_json::{Map, Value};
use url::{Host, Url};

/// Which strategy's options they are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Flavour {
    /// `oidc`: by `discovery_url`, or by explicit endpoints.
    Oidc,
    /// `okta`: by `domain`.
    Okta,
}

/// Parameters of the authorization request that are ours alone.
const OURS: [&str; 14] = [
    "client_id",
    "client_secret",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "request",
    "request_uri",
    "prompt",
    "max_age",
];

/// RFC 7518 §3.2: a key for HMAC with SHA-256 has 256 bits at least (RP-08).
const MIN_HMAC_SECRET: usize = 32;

const WELL_KNOWN: &str = "/.well-known/openid-configuration";

/// Read the options of one connection.
pub(crate) fn read(options: &Value, flavour: Flavour) -> Result<Settings, Vec<Problem>> {
    let empty = Map::new();
    let mut reader = Reader { options: options.as_object().unwrap_or(&empty), problems: Vec::new() };
    reader.flow();
    let client_id = reader.required("client_id", 255);
    let client_secret = Secret::new(reader.required("client_secret", 700));
    let endpoints = Endpoints {
        authorization: reader.url("authorization_endpoint"),
        token: reader.url("token_endpoint"),
        jwks: reader.url("jwks_uri"),
        userinfo: reader.url("userinfo_endpoint"),
        end_session: reader.url("end_session_endpoint"),
    };
    let issuer = reader.url("issuer").and_then(|_url| reader.text("issuer", 255));
    let discovery_url = match flavour {
        Flavour::Oidc => reader.url("discovery_url").map(well_known),
        Flavour::Okta => reader.domain(),
    };
    if flavour == Flavour::Oidc && discovery_url.is_none() && !reader.options.contains_key("discovery_url") {
        let given = [
            ("issuer", issuer.is_some()),
            ("authorization_endpoint", endpoints.authorization.is_some()),
            ("token_endpoint", endpoints.token.is_some()),
            ("jwks_uri", endpoints.jwks.is_some()),
        ];
        for (name, _) in
            given.into_iter().filter(|(name, given)| !given && !reader.options.contains_key(*name))
        {
            reader.problem(name, "is needed unless `discovery_url` is given");
        }
    }
    let settings = Settings {
        discovery_url,
        issuer,
        endpoints,
        scope: reader.scope(),
        algs: reader.algs(&client_secret),
        auth_method: reader.auth_method(),
        mapping: reader.mapping(),
        upstream: reader.upstream(),
        own_callback: reader.own_callback(),
        client_id,
        client_secret,
    };
    if reader.problems.is_empty() { Ok(settings) } else { Err(reader.problems) }
}

fn well_known(mut url: Url) -> Url {
    if !url.path().ends_with(WELL_KNOWN) {
        url.set_path(&format!("{}{WELL_KNOWN}", url.path().trim_end_matches('/')));
    }
    url
}

struct Reader<'o> {
    options: &'o Map<String, Value>,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn problem(&mut self, name: &str, message: &str) {
        self.problems.push(Problem { pointer: format!("/{name}"), message: format!("`{name}` {message}") });
    }

    fn text(&mut self, name: &str, longest: usize) -> Option<String> {
        match self.options.get(name) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) if !text.is_empty() && text.chars().count() <= longest => {
                Some(text.clone())
            }
            Some(_) => {
                self.problem(name, &format!("must be a text of 1 to {longest} characters"));
                None
            }
        }
    }

    fn required(&mut self, name: &str, longest: usize) -> String {
        let before = self.problems.len();
        let text = self.text(name, longest);
        if text.is_none() && self.problems.len() == before {
            self.problem(name, "is needed");
        }
        text.unwrap_or_default()
    }

    /// `https`, or `http` on this machine: what may really be reached is the egress policy's decision.
    fn url(&mut self, name: &str) -> Option<Url> {
        let text = self.text(name, 255)?;
        let url = Url::parse(&text).ok().filter(|url| {
            let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
            plain && url.has_host() && (url.scheme() == "https" || url.scheme() == "http" && is_local(url))
        });
        if url.is_none() {
            self.problem(name, "must be an https URL, without a user name and a fragment");
        }
        url
    }

    /// Contract §2.5.3: `type` is `front_channel` by default there; here a code is the only way (`security.md` §3.2).
    fn flow(&mut self) {
        match self.options.get("type") {
            None | Some(Value::Null) => {}
            Some(Value::String(flow)) if flow == "back_channel" => {}
            Some(_) => self.problem(
                "type",
                "must be `back_channel`: ID tokens through the browser (`front_channel`) are not accepted, so register \
                 Portico at the identity provider for the code flow with a client secret",
            ),
        }
        let pkce = self.options.get("connection_settings").and_then(|settings| settings.get("pkce"));
        if !matches!(pkce, None | Some(Value::Null))
            && !matches!(pkce.and_then(Value::as_str), Some("auto" | "S256"))
        {
            self.problem(
                "connection_settings",
                "may hold `pkce` as `auto` or `S256` only: S256 is always used",
            );
        }
    }

    fn domain(&mut self) -> Option<Url> {
        let domain = self.required("domain", 255);
        let url = Url::parse(&format!("https://{domain}{WELL_KNOWN}")).ok();
        let url = url.filter(|url| domain.len() >= 4 && url.host_str() == Some(&domain.to_ascii_lowercase()));
        if url.is_none() && !domain.is_empty() {
            self.problem("domain", "must be the host name of the Okta organization, such as `bank.okta.com`");
        }
        url
    }

    fn scope(&mut self) -> String {
        let scope = self.text("scope", 255).unwrap_or_else(|| "openid profile email".to_owned());
        if !scope.split(' ').any(|scope| scope == "openid") {
            self.problem("scope", "must contain `openid`");
        }
        scope
    }

    fn algs(&mut self, client_secret: &Secret) -> Vec<Algorithm> {
        const NAME: &str = "id_token_signed_response_algs";
        let default = Algorithm::named("RS256");
        let listed = match self.options.get(NAME) {
            None | Some(Value::Null) => return default.into_iter().collect(),
            Some(Value::Array(listed)) if !listed.is_empty() => listed,
            Some(_) => {
                self.problem(NAME, "must be a list of at least one algorithm");
                return Vec::new();
            }
        };
        let algs: Option<Vec<Algorithm>> =
            listed.iter().map(|name| name.as_str().and_then(Algorithm::named)).collect();
        let Some(algs) = algs else {
            self.problem(NAME, "may hold RS, PS, ES or HS with 256, 384 or 512 (not ES512), and EdDSA");
            return Vec::new();
        };
        let (secret, public): (Vec<_>, Vec<_>) =
            algs.iter().partition::<Vec<Algorithm>, _>(|alg| alg.symmetric);
        if !secret.is_empty() && !public.is_empty() {
            self.problem(NAME, "may not mix HS with other algorithms: a public key could pass for a secret");
        }
        if !secret.is_empty() && client_secret.expose().len() < MIN_HMAC_SECRET {
            self.problem(NAME, "may hold HS only with a `client_secret` of 32 characters or more");
        }
        algs
    }

    fn auth_method(&mut self) -> Option<AuthMethod> {
        match self.text("token_endpoint_auth_method", 255)?.as_str() {
            "client_secret_post" => Some(AuthMethod::Post),
            "client_secret_basic" => Some(AuthMethod::Basic),
            _ => {
                self.problem(
                    "token_endpoint_auth_method",
                    "must be `client_secret_post` or `client_secret_basic`",
                );
                None
            }
        }
    }

    fn mapping(&mut self) -> Mapping {
        let mapping = match self.options.get("attribute_map") {
            None | Some(Value::Null) => Ok(Mapping::default()),
            Some(map) => Mapping::read(map),
        };
        mapping.unwrap_or_else(|message| {
            self.problem("attribute_map", message);
            Mapping::default()
        })
    }

    /// Of ours alone: the contract has one callback for all connections of this kind (§1.10).
    fn own_callback(&mut self) -> bool {
        match self.options.get("own_callback") {
            None | Some(Value::Null) => false,
            Some(Value::Bool(own)) => *own,
            Some(_) => {
                self.problem("own_callback", "must be true or false");
                false
            }
        }
    }

    /// Contract §2.5.3: `{name: {alias}}` forwards a parameter, `{name: {value}}` sends one.
    fn upstream(&mut self) -> Vec<Upstream> {
        let parameters = match self.options.get("upstream_params") {
            None | Some(Value::Null) => return Vec::new(),
            Some(Value::Object(parameters)) => parameters,
            Some(_) => {
                self.problem("upstream_params", "must be an object");
                return Vec::new();
            }
        };
        let mut upstream = Vec::new();
        for (name, what) in parameters {
            let content = match (what.get("value"), what.get("alias")) {
                (Some(Value::String(value)), None) => Some(Content::Value(value.clone())),
                (None, Some(Value::String(alias))) if alias == "login_hint" => Some(Content::LoginHint),
                _ => None,
            };
            match content {
                Some(_) if OURS.contains(&name.as_str()) => {
                    self.problem(
                        "upstream_params",
                        &format!("may not set `{name}`, which is part of the protocol"),
                    );
                }
                Some(content) => upstream.push(Upstream { name: name.clone(), content }),
                None => self.problem(
                    "upstream_params",
                    &format!(
                        "has `{name}`, which is neither {{\"value\": text}} nor {{\"alias\": \"login_hint\"}}"
                    ),
                ),
            }
        }
        upstream
    }
}

fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn good() -> Value {
        json!({
            "type": "back_channel",
            "discovery_url": "https://idp.example/.well-known/openid-configuration",
            "client_id": "gateway",
            "client_secret": "0123456789abcdef0123456789abcdef",
        })
    }

    fn with(changes: &Value) -> Value {
        let mut options = good();
        for (name, value) in changes.as_object().cloned().unwrap_or_default() {
            options[name] = value;
        }
        options
    }

    fn pointers(options: &Value, flavour: Flavour) -> Vec<String> {
        read(options, flavour).err().unwrap_or_default().into_iter().map(|problem| problem.pointer).collect()
    }

    #[test]
    fn ordinary_options_are_read_with_their_defaults() {
        let settings = read(&good(), Flavour::Oidc).unwrap();
        assert_eq!(settings.scope, "openid profile email");
        assert_eq!(settings.algs, vec![Algorithm::named("RS256").unwrap()]);
        assert_eq!(settings.auth_method, None);
        assert_eq!(settings.upstream, vec![]);
        assert!(!settings.own_callback, "the contract's callback, unless another is asked for");
    }

    #[test]
    fn options_of_other_tools_and_nulls_are_no_problem() {
        let options = with(&json!({
            "schema_version": "oidc-V4", "icon_url": "x", "issuer": null, "scope": null, "type": null,
            "connection_settings": {"pkce": "auto"}, "token_endpoint_auth_method": "client_secret_basic",
            "id_token_signed_response_algs": ["ES256", "PS256"], "discovery_url": "https://idp.example/tenant/",
            "upstream_params": {"login": {"alias": "login_hint"}, "acr_values": {"value": "mfa"}},
        }));
        let settings = read(&options, Flavour::Oidc).unwrap();
        assert_eq!(
            settings.discovery_url.unwrap().as_str(),
            "https://idp.example/tenant/.well-known/openid-configuration"
        );
        assert_eq!(settings.auth_method, Some(AuthMethod::Basic));
        assert_eq!(settings.upstream.len(), 2);
    }

    #[test]
    fn every_problem_points_at_its_option() {
        for (changes, pointer) in [
            (json!({"type": "front_channel"}), "/type"),
            (json!({"client_id": ""}), "/client_id"),
            (json!({"client_secret": null}), "/client_secret"),
            (json!({"client_secret": "x".repeat(701)}), "/client_secret"),
            (json!({"discovery_url": "http://idp.example/"}), "/discovery_url"),
            (json!({"discovery_url": "file:///etc/passwd"}), "/discovery_url"),
            (json!({"discovery_url": "https://user:word@idp.example/"}), "/discovery_url"),
            (json!({"discovery_url": "idp.example"}), "/discovery_url"),
            (json!({"token_endpoint": "http://10.0.0.1/token"}), "/token_endpoint"),
            (json!({"jwks_uri": 7}), "/jwks_uri"),
            (json!({"scope": "profile"}), "/scope"),
            (json!({"connection_settings": {"pkce": "disabled"}}), "/connection_settings"),
            (json!({"connection_settings": {"pkce": "plain"}}), "/connection_settings"),
            (json!({"token_endpoint_auth_method": "private_key_jwt"}), "/token_endpoint_auth_method"),
            (json!({"id_token_signed_response_algs": ["none"]}), "/id_token_signed_response_algs"),
            (json!({"id_token_signed_response_algs": []}), "/id_token_signed_response_algs"),
            (json!({"id_token_signed_response_algs": ["RS256", "HS256"]}), "/id_token_signed_response_algs"),
            (
                json!({"upstream_params": {"redirect_uri": {"value": "https://evil.example"}}}),
                "/upstream_params",
            ),
            (json!({"upstream_params": {"x": {"alias": "acr_values"}}}), "/upstream_params"),
            (json!({"attribute_map": {"mapping_mode": "magic"}}), "/attribute_map"),
            (json!({"own_callback": "true"}), "/own_callback"),
        ] {
            assert_eq!(pointers(&with(&changes), Flavour::Oidc), [pointer], "{changes}");
        }
    }

    #[test]
    fn a_shared_secret_signs_only_when_it_is_long() {
        let hmac = json!({"id_token_signed_response_algs": ["HS256"]});
        assert!(read(&with(&hmac), Flavour::Oidc).is_ok());
        let mut short = with(&hmac);
        short["client_secret"] = json!("x".repeat(31));
        assert_eq!(pointers(&short, Flavour::Oidc), ["/id_token_signed_response_algs"]);
    }

    #[test]
    fn without_discovery_every_endpoint_is_needed() {
        let options = json!({"client_id": "a", "client_secret": "b"});
        assert_eq!(
            pointers(&options, Flavour::Oidc),
            ["/issuer", "/authorization_endpoint", "/token_endpoint", "/jwks_uri"]
        );
    }

    #[test]
    fn okta_is_found_by_its_domain() {
        let options = |domain: &str| json!({"domain": domain, "client_id": "a", "client_secret": "b"});
        let settings = read(&options("bank.okta.com"), Flavour::Okta).unwrap();
        assert_eq!(
            settings.discovery_url.unwrap().as_str(),
            "https://bank.okta.com/.well-known/openid-configuration"
        );
        for domain in ["", "bank.okta.com/evil", "u@bank.okta.com", "a:1", "bank.okta.com:444", "x y"] {
            assert_eq!(pointers(&options(domain), Flavour::Okta), ["/domain"], "{domain}");
        }
    }
}
