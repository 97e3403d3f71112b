//! Owns [`Rules`] in SQL. What rules read is sealed.
//! Never touches how rules run.

use crate::{
    seal::RULE_CONFIG_VALUE,
    sql::{FromRow, Row, Sql, sql},
    unit::{Session, SqlUnit},
};
use async_trait::async_trait;
use portico_core::{
    id::RuleId,
    model::{BoundAction, LoginScripts, Rule, RuleConfig, Trigger},
    port::store::{Page, Rules, StoreError},
};

const SELECT: &str =
    "SELECT rule_id, name, script, position, enabled, revision, created_at FROM rules WHERE ";

impl FromRow for Rule {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.parse("rule_id")?,
            name: row.get("name")?,
            script: row.get("script")?,
            order: row.get("position")?,
            enabled: row.get("enabled")?,
            revision: row.get("revision")?,
            created_at: row.at("created_at")?,
        })
    }
}

impl FromRow for RuleConfig {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let key: String = row.get("config_key")?;
        Ok(Self { value: row.open_text(&RULE_CONFIG_VALUE, &key)?, key })
    }
}

/// What runs at the end of a login, as one statement finds it.
enum AtLogin {
    Rule(Rule),
    Action(i64, BoundAction),
}

impl FromRow for AtLogin {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        if row.get::<String>("kind")? == "rule" {
            return Rule::from_row(row).map(Self::Rule);
        }
        Ok(Self::Action(row.get("position")?, BoundAction::from_row(row)?))
    }
}

#[async_trait]
impl<S: Session> Rules for SqlUnit<S> {
    async fn find(&mut self, id: &RuleId) -> Result<Option<Rule>, StoreError> {
        self.optional(Sql::new(SELECT).push("rule_id = ").bind(id)).await
    }

    async fn list(&mut self, enabled: Option<bool>, page: &Page) -> Result<Vec<Rule>, StoreError> {
        let query = restrict(Sql::new(SELECT).push("TRUE"), enabled);
        self.all(query.page(page, "position", "rule_id")).await
    }

    async fn count(&mut self, enabled: Option<bool>) -> Result<i64, StoreError> {
        self.number(restrict(Sql::new("SELECT COUNT(*) AS value FROM rules WHERE TRUE"), enabled)).await
    }

    async fn at_login(&mut self) -> Result<LoginScripts, StoreError> {
        let found: Vec<AtLogin> = self
            .all(sql!(
                "SELECT 'rule' AS kind, rule_id, name, script, position, enabled, revision, created_at,
                     NULL AS version_id, NULL AS action_id, NULL AS number, NULL AS content, NULL AS deployed_at
                 FROM rules WHERE enabled = TRUE
                 UNION ALL
                 SELECT 'action', NULL, a.name, NULL, b.position, NULL, NULL, NULL,
                     v.version_id, v.action_id, v.number, v.content, v.created_at
                 FROM action_bindings b
                     JOIN actions a ON a.action_id = b.action_id
                     JOIN action_versions v ON v.version_id = a.deployed_version
                 WHERE b.trigger_id = $1",
                Trigger::POST_LOGIN,
            ))
            .await?;
        let (mut rules, mut actions) = (Vec::new(), Vec::new());
        for script in found {
            match script {
                AtLogin::Rule(rule) => rules.push(rule),
                AtLogin::Action(position, action) => actions.push((position, action)),
            }
        }
        rules.sort_by_key(|rule| rule.order);
        actions.sort_by_key(|(position, _)| *position);
        Ok(LoginScripts { rules, actions: actions.into_iter().map(|(_, action)| action).collect() })
    }

    async fn next_order(&mut self) -> Result<i64, StoreError> {
        self.number(sql!("SELECT COALESCE(MAX(position), 0) + 1 AS value FROM rules")).await
    }

    async fn insert(&mut self, rule: &Rule) -> Result<(), StoreError> {
        self.execute(sql!(
            "INSERT INTO rules (rule_id, name, script, position, enabled, revision, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            &rule.id,
            &rule.name,
            &rule.script,
            rule.order,
            rule.enabled,
            rule.revision,
            rule.created_at,
        ))
        .await
        .map(drop)
    }

    async fn update(&mut self, rule: &Rule) -> Result<bool, StoreError> {
        self.changed(sql!(
            "UPDATE rules SET name = $2, script = $3, position = $4, enabled = $5, revision = $6 WHERE rule_id = $1",
            &rule.id,
            &rule.name,
            &rule.script,
            rule.order,
            rule.enabled,
            rule.revision,
        ))
        .await
    }

    async fn delete(&mut self, id: &RuleId) -> Result<bool, StoreError> {
        self.changed(sql!("DELETE FROM rules WHERE rule_id = $1", id)).await
    }

    async fn configs(&mut self) -> Result<Vec<RuleConfig>, StoreError> {
        self.all(sql!("SELECT config_key, value FROM rule_configs ORDER BY config_key")).await
    }

    async fn set_config(&mut self, config: &RuleConfig) -> Result<(), StoreError> {
        self.execute(sql!(
            "INSERT INTO rule_configs (config_key, value) VALUES ($1, $2)
             ON CONFLICT (config_key) DO UPDATE SET value = excluded.value",
            &config.key,
            self.vault.seal(&RULE_CONFIG_VALUE, &config.key, config.value.expose().as_bytes())?,
        ))
        .await
        .map(drop)
    }

    async fn delete_config(&mut self, key: &str) -> Result<bool, StoreError> {
        self.changed(sql!("DELETE FROM rule_configs WHERE config_key = $1", key)).await
    }
}

fn restrict(query: Sql<'_>, enabled: Option<bool>) -> Sql<'_> {
    match enabled {
        Some(enabled) => query.push(" AND enabled = ").bind(enabled),
        None => query,
    }
}
