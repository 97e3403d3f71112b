//! Owns what rules and actions change of the metadata of whoever signs in: collected in the run, stored by the core.
//! Never touches anybody else, and nothing else of them.

use crate::{
    admin::merge,
    id::UserId,
    model::User,
    port::{
        script::{AskError, Attendant},
        store::{StoreError, UnitOfWork},
    },
    time::Timestamp,
};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::sync::{Mutex, PoisonError};

/// What is to become of the metadata of whoever signs in: merged at the first level, and `null` removes a key.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct MetadataUpdates {
    /// Of `app_metadata`.
    pub app_metadata: Map<String, Value>,
    /// Of `user_metadata`.
    pub user_metadata: Map<String, Value>,
}

impl MetadataUpdates {
    /// Whether nothing is to become of it.
    pub fn is_empty(&self) -> bool {
        self.app_metadata.is_empty() && self.user_metadata.is_empty()
    }

    /// These, and then those.
    pub(super) fn extend(&mut self, later: Self) {
        self.app_metadata.extend(later.app_metadata);
        self.user_metadata.extend(later.user_metadata);
    }

    /// Store them, if the user is there still.
    pub async fn write(
        self,
        unit: &mut dyn UnitOfWork,
        user: &UserId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Some(mut user) = unit.users().find(user).await? else { return Ok(()) };
        merge(&mut user.app_metadata, self.app_metadata);
        merge(&mut user.user_metadata, self.user_metadata);
        user.updated_at = now;
        unit.users().update(&user).await.map(drop)
    }
}

/// `auth0.users` of one login's rules. It answers with what the user will be, and changes nothing itself.
#[derive(Debug)]
pub(super) struct OwnUser {
    id: UserId,
    state: Mutex<Own>,
}

#[derive(Debug)]
struct Own {
    app_metadata: Map<String, Value>,
    user_metadata: Map<String, Value>,
    updates: MetadataUpdates,
}

impl OwnUser {
    pub(super) fn new(user: &User) -> Self {
        let own = Own {
            app_metadata: user.app_metadata.clone(),
            user_metadata: user.user_metadata.clone(),
            updates: MetadataUpdates::default(),
        };
        Self { id: user.id.clone(), state: Mutex::new(own) }
    }

    /// What was asked for so far.
    pub(super) fn updates(&self) -> MetadataUpdates {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).updates.clone()
    }
}

#[async_trait]
impl Attendant for OwnUser {
    /// `auth0.users.updateAppMetadata` and `.updateUserMetadata` with the arguments `[user_id, metadata]`, and what
    /// `ManagementClient` makes of the same: `.update` with `[user_id, {app_metadata, user_metadata}]`, `.get` with `[user_id]`.
    async fn ask(&self, method: &str, request: Value) -> Result<Value, AskError> {
        let told = |why: &str| AskError::told(format!("{method} {why}"));
        let [Value::String(id), rest @ ..] = request.as_array().map(Vec::as_slice).unwrap_or_default() else {
            return Err(told("takes a user's id first"));
        };
        if id != self.id.as_str() {
            return Err(told("reaches only the user who signs in"));
        }
        let changes = match (method, rest) {
            ("auth0.users.updateAppMetadata", [Value::Object(changes)]) => {
                MetadataUpdates { app_metadata: changes.clone(), ..MetadataUpdates::default() }
            }
            ("auth0.users.updateUserMetadata", [Value::Object(changes)]) => {
                MetadataUpdates { user_metadata: changes.clone(), ..MetadataUpdates::default() }
            }
            ("auth0.users.update", [changes @ Value::Object(_)]) => {
                serde_json::from_value(changes.clone()).map_err(|_other| told("changes metadata only"))?
            }
            ("auth0.users.get", _) => MetadataUpdates::default(),
            (
                "auth0.users.updateAppMetadata" | "auth0.users.updateUserMetadata" | "auth0.users.update",
                _,
            ) => {
                return Err(told("takes an object"));
            }
            _ => return Err(told("is not supported")),
        };
        let mut own = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut app_metadata, mut user_metadata) = (own.app_metadata.clone(), own.user_metadata.clone());
        merge(&mut app_metadata, changes.app_metadata.clone());
        merge(&mut user_metadata, changes.user_metadata.clone());
        let size = |metadata: &Map<String, Value>| json!(metadata).to_string().len();
        if size(&app_metadata).max(size(&user_metadata)) > MOST_BYTES {
            return Err(told("would leave more metadata than a user may have"));
        }
        own.updates.extend(changes);
        let answer =
            json!({ "user_id": self.id, "app_metadata": app_metadata, "user_metadata": user_metadata });
        (own.app_metadata, own.user_metadata) = (app_metadata, user_metadata);
        Ok(answer)
    }
}

/// Bytes of one kind of metadata, as JSON, that scripts may leave.
pub(super) const MOST_BYTES: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::login::pipeline::tests::user;

    async fn asked(own: &OwnUser, method: &str, request: Value) -> Result<Value, String> {
        own.ask(&format!("auth0.users.{method}"), request).await.map_err(|error| match error {
            AskError::Told(told) => told["message"].as_str().unwrap_or_default().to_owned(),
            AskError::Failed(error) => error.to_string(),
        })
    }

    #[tokio::test]
    async fn updates_are_collected_and_answered_with_what_will_be() {
        let own = OwnUser::new(&user());
        let answer = asked(&own, "updateAppMetadata", json!(["auth0|1", {"plan": null, "seats": 3}])).await;
        assert_eq!(answer.unwrap()["app_metadata"], json!({"seats": 3}));
        let both = json!(["auth0|1", {"app_metadata": {"seats": 4}, "user_metadata": {"colour": "red"}}]);
        asked(&own, "update", both).await.unwrap();
        let seen = asked(&own, "get", json!(["auth0|1"])).await.unwrap();
        assert_eq!(seen["app_metadata"], json!({"seats": 4}));
        let updates = own.updates();
        assert_eq!(Value::Object(updates.app_metadata), json!({"plan": null, "seats": 4}));
        assert_eq!(Value::Object(updates.user_metadata), json!({"colour": "red"}));
    }

    #[tokio::test]
    async fn js_14_nobody_else_is_reached_and_nothing_else_is_changed() {
        let own = OwnUser::new(&user());
        for (method, request, why) in [
            ("updateAppMetadata", json!(["auth0|2", {"admin": true}]), "reaches only the user who signs in"),
            ("get", json!(["auth0|2"]), "reaches only the user who signs in"),
            ("update", json!(["auth0|1", {"email_verified": true}]), "changes metadata only"),
            ("updateUserMetadata", json!(["auth0|1", "x"]), "takes an object"),
            ("updateUserMetadata", json!({}), "takes a user's id first"),
            ("link", json!(["auth0|1", {}]), "is not supported"),
            ("updateAppMetadata", json!(["auth0|1", {"x": "x".repeat(MOST_BYTES)}]), "more metadata"),
        ] {
            let told = asked(&own, method, request).await.unwrap_err();
            assert!(told.contains(why), "{method}: {told}");
        }
        assert!(own.updates().is_empty());
    }
}
