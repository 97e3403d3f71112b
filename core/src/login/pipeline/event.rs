//! Owns what an action is told: its `event` (contract §4.2).
//! Never touches what it does with it.

use super::{
    RuleInput,
    input::{object_of, present},
};
use crate::{model::BoundAction, oauth::PromptValue};
use serde_json::{Map, Value, json};

impl RuleInput<'_> {
    /// The argument `event` of this action.
    pub(super) fn event(&self, action: &BoundAction) -> Value {
        let methods =
            self.methods.iter().map(|method| json!({"name": method.name, "timestamp": method.at.iso()}));
        let secrets = action
            .version
            .content
            .secrets
            .iter()
            .map(|secret| (secret.name.clone(), Value::from(secret.value.expose())));
        let optional = [
            ("user", Some(self.event_user())),
            (
                "client",
                Some(json!({
                    "client_id": self.client.id,
                    "name": self.client.name,
                    "metadata": object_of(self.client.extra.get("client_metadata")),
                })),
            ),
            (
                "connection",
                Some(json!({
                    "id": self.connection.id,
                    "name": self.connection.name,
                    "strategy": self.connection.strategy,
                    "metadata": object_of(self.connection.extra.get("metadata")),
                })),
            ),
            (
                "organization",
                self.organization.map(|organization| {
                    json!({
                        "id": organization.id,
                        "name": organization.name.as_str(),
                        "display_name": organization.title(),
                        "metadata": organization.metadata.clone().unwrap_or_default(),
                    })
                }),
            ),
            ("authorization", Some(json!({"roles": self.roles}))),
            ("authentication", Some(json!({"methods": methods.collect::<Vec<_>>()}))),
            ("request", Some(self.event_request())),
            ("transaction", Some(self.event_transaction())),
            ("session", self.event_session()),
            ("resource_server", self.asked.audience.map(|audience| json!({"identifier": audience}))),
            ("stats", Some(json!({"logins_count": self.logins_count}))),
            ("tenant", Some(json!({"id": self.tenant}))),
            ("configuration", Some(json!({}))),
            ("secrets", Some(Value::Object(secrets.collect()))),
        ];
        Value::Object(present(optional).collect())
    }

    fn event_user(&self) -> Value {
        let mut user = self.user_argument();
        for of_rules in ["blocked", "last_ip", "last_login"] {
            user.remove(of_rules);
        }
        // Nobody has a second factor here.
        user.insert("enrolledFactors".to_owned(), json!([]));
        user.insert("multifactor".to_owned(), json!([]));
        Value::Object(user)
    }

    fn event_request(&self) -> Value {
        let Some(request) = &self.request else { return json!({"query": {}, "body": {}, "geoip": {}}) };
        let optional = [
            ("ip", request.ip.clone().map(Value::from)),
            ("user_agent", request.user_agent.clone().map(Value::from)),
            ("hostname", request.hostname.clone().map(Value::from)),
            ("method", request.method.map(Value::from)),
            ("query", Some(Value::Object(request.query.clone()))),
            ("body", Some(Value::Object(request.body.clone()))),
            ("geoip", Some(json!({}))),
        ];
        Value::Object(present(optional).collect())
    }

    fn event_transaction(&self) -> Value {
        let mut transaction = Map::from_iter([
            ("protocol".to_owned(), json!(self.protocol.as_str())),
            ("requested_scopes".to_owned(), json!(self.scope)),
            ("metadata".to_owned(), json!({})),
        ]);
        if let Some(id) = self.asked.transaction {
            // The handle opens nothing without the browser's cookie, and is in the browser's address bar.
            transaction.insert("id".to_owned(), json!(id));
        }
        let Some(request) = self.asked.request else { return Value::Object(transaction) };
        let prompt = request.prompt.iter().map(|prompt| match prompt {
            PromptValue::None => "none",
            PromptValue::Login => "login",
            PromptValue::Consent => "consent",
            PromptValue::SelectAccount => "select_account",
        });
        let optional = [
            ("acr_values", Some(json!(request.acr_values))),
            ("prompt", Some(prompt.collect())),
            ("ui_locales", Some(json!(request.ui_locales))),
            ("locale", request.ui_locales.first().map(|locale| json!(locale))),
            ("login_hint", request.login_hint.as_ref().map(|hint| json!(hint))),
            ("redirect_uri", Some(json!(request.redirect_uri))),
            ("response_mode", Some(json!(request.response_mode))),
            ("response_type", Some(json!(["code"]))),
            ("state", request.state.as_ref().map(|state| json!(state))),
        ];
        transaction.extend(present(optional));
        Value::Object(transaction)
    }

    fn event_session(&self) -> Option<Value> {
        let session = self.session?;
        let clients = self.session_clients.iter().map(|client| json!({"client_id": client}));
        let optional = [
            ("id", Some(json!(session))),
            ("authenticated_at", self.asked.authenticated_at.map(|at| json!(at.iso()))),
            ("created_at", self.asked.authenticated_at.map(|at| json!(at.iso()))),
            ("clients", Some(clients.collect())),
        ];
        Some(Value::Object(present(optional).collect()))
    }
}
