//! Owns looking again at what an identity provider publishes, and at certificates that end soon.
//! Never touches the store: what is to be kept and told goes back to the worker.

use crate::{
    key::TrustedKey,
    metadata::{fetch::fetch, published::Published},
    options::{PUBLISHED, WARNED, read},
    settings::Settings,
};
use portico_core::{
    connector::{ConnectorDeps, ConnectorError, Notice, Renewal},
    model::{Connection, EventKind},
    time::Timestamp,
};
use serde_json::{Map, Value, json};

/// So many days before a certificate ends somebody is told, once each.
const WARNINGS: [i64; 5] = [60, 30, 7, 1, 0];
const DAY: i64 = 86_400;

/// Look again. What cannot be read now stays as it was: a provider that is away for a day loses nobody's trust, and one that
/// publishes nonsense gains none.
pub(super) async fn renew(
    connection: &Connection,
    deps: &ConnectorDeps,
) -> Result<Option<Renewal>, ConnectorError> {
    let misconfigured = |problems: Vec<portico_core::connector::Problem>| {
        let texts: Vec<String> = problems.into_iter().map(|problem| problem.message).collect();
        ConnectorError::Misconfigured(texts.join("; "))
    };
    let mut options = connection.options.clone();
    let settings = read(&options).map_err(misconfigured)?;
    let now = deps.clock.now();
    let mut notices = Vec::new();
    if settings.metadata_url.is_some() {
        notices.extend(refresh(connection, &settings, &mut options, deps, now).await);
    }
    let settings = read(&options).map_err(misconfigured)?;
    notices.extend(warn(connection, &settings.trusted, &mut options, now));
    Ok((options != connection.options).then_some(Renewal { options, notices }))
}

/// Read the metadata again, and keep what it says.
async fn refresh(
    connection: &Connection,
    settings: &Settings,
    options: &mut Value,
    deps: &ConnectorDeps,
    now: Timestamp,
) -> Option<Notice> {
    let url = settings.metadata_url.as_ref()?;
    let before: Published =
        options.get(PUBLISHED).and_then(|kept| serde_json::from_value(kept.clone()).ok()).unwrap_or_default();
    // Which identity provider it is was settled when the connection was made: metadata never changes that.
    let wanted = settings.identity_provider.as_deref();
    let after = match fetch(&*deps.http, url, wanted, now).await {
        Ok(fetched) if fetched.certificates.is_empty() => {
            Err("publishes no certificate to verify signatures with".to_owned())
        }
        Ok(fetched) => Ok(fetched.after(&before, now)),
        Err(why) => Err(why.to_string()),
    };
    let (kept, notice) = match after {
        Ok(after) => {
            let notice = changed(connection, &before, &after);
            (after, notice)
        }
        Err(why) => {
            tracing::warn!(connection.id = %connection.id, "the metadata of connection `{}` {why}", connection.name);
            if before.problem.as_ref() == Some(&why) {
                return None;
            }
            let notice = Notice {
                kind: EventKind::Warning,
                description: format!(
                    "the metadata of connection `{}` {why}; what it said before counts",
                    connection.name
                ),
                details: details(json!({"reason": "metadata_unusable", "url": url.as_str()})),
            };
            (Published { problem: Some(why), ..before.clone() }, Some(notice))
        }
    };
    // That it was read once more is no change.
    if (Published { read_at: before.read_at.clone(), ..kept.clone() }) != before
        && let Some(map) = options.as_object_mut()
    {
        map.insert(PUBLISHED.to_owned(), serde_json::to_value(kept).unwrap_or_default());
    }
    notice
}

/// What is trusted differently from now on.
fn changed(connection: &Connection, before: &Published, after: &Published) -> Option<Notice> {
    let (added, removed) = after.difference(before);
    let moved = before.sign_in != after.sign_in || before.sign_out != after.sign_out;
    if added.is_empty() && removed.is_empty() && !moved {
        return None;
    }
    let count = |what: &[String], word: &str| format!("{} certificate(s) {word}", what.len());
    let mut said = Vec::new();
    said.extend((!added.is_empty()).then(|| count(&added, "came")));
    said.extend((!removed.is_empty()).then(|| count(&removed, "went")));
    said.extend(moved.then(|| "the endpoints changed".to_owned()));
    Some(Notice {
        kind: EventKind::ConnectionTrustChanged,
        description: format!("the metadata of connection `{}` changed: {}", connection.name, said.join(", ")),
        details: details(json!({
            "added": added, "removed": removed, "sign_in": after.sign_in, "sign_out": after.sign_out,
        })),
    })
}

/// Tell of certificates that end soon, once at each step.
fn warn(connection: &Connection, trusted: &[TrustedKey], options: &mut Value, now: Timestamp) -> Vec<Notice> {
    let told = options.get(WARNED).and_then(Value::as_object).cloned().unwrap_or_default();
    let mut telling = Map::new();
    let mut notices = Vec::new();
    for key in trusted {
        let left = (key.not_after().seconds() - now.seconds()).div_euclid(DAY);
        let Some(step) = WARNINGS.into_iter().rfind(|step| left < *step || (*step == 0 && left < 0)) else {
            continue;
        };
        telling.insert(key.fingerprint().to_owned(), step.into());
        if told.get(key.fingerprint()).and_then(Value::as_i64).is_some_and(|told| told <= step) {
            continue;
        }
        let (name, until) = (&connection.name, key.not_after().iso());
        let description = if left < 0 {
            format!("a certificate that connection `{name}` trusts ended on {until}")
        } else {
            format!("a certificate that connection `{name}` trusts ends on {until}, in {} day(s)", left + 1)
        };
        tracing::warn!(connection.id = %connection.id, "{description}");
        notices.push(Notice {
            kind: EventKind::CertificateExpiring,
            description,
            details: details(json!({"thumbprint": key.fingerprint(), "expires": until, "days": step})),
        });
    }
    if telling != told
        && let Some(map) = options.as_object_mut()
    {
        if telling.is_empty() {
            map.shift_remove(WARNED);
        } else {
            map.insert(WARNED.to_owned(), telling.into());
        }
    }
    notices
}

fn details(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    }
}
