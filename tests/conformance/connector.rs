//! Owns the contract of the connector port: every connector is held to it.
//! Never touches what makes a connector special; its own tests do.

use crate::{
    flows::{custom_database::books, enterprise::metahexa_idp, saml::Bank},
    world::{ISSUER, World, seed::PASSWORD},
};
use portico_core::{
    connector::{AuthnRequest, Connector, ConnectorError, Intent, Interaction, Memo, Presence, Reply, Step},
    entropy::SystemEntropy,
    id::{ConnectionId, TransactionId},
    time::Clock,
};
use portico_fixtures::{
    browser::{Browser, Network},
    oidc_idp::OidcIdp,
    saml_idp::SamlIdp,
};
use serde_json::json;
use std::sync::Arc;

/// A connector on trial, with what a person would answer it.
struct Trial {
    connector: Arc<dyn Connector>,
    request: AuthnRequest,
    right: Answer,
}

/// How a right answer comes about.
enum Answer {
    /// By a form of ours.
    Form(Reply),
    /// By signing in elsewhere, which sends the browser back.
    Elsewhere { _idp: OidcIdp },
    /// By signing in elsewhere, which makes the browser post.
    Posted { _idp: SamlIdp },
}

async fn trials() -> Vec<(&'static str, Trial, World)> {
    let idp = metahexa_idp().await;
    let mut trials = Vec::new();
    for name in ["database", "oidc"] {
        let world = World::with_idp(Some(&idp.issuer().parse().unwrap())).await;
        let id: ConnectionId =
            if name == "oidc" { world.seed.idp.clone() } else { world.seed.database.clone() };
        let connector = world.app.connectors.get(&id).await.unwrap();
        let request = AuthnRequest {
            transaction: TransactionId::random(&SystemEntropy::default()),
            callback: format!("{ISSUER}login/callback").parse().unwrap(),
            intent: Intent::SignIn,
            organization: None,
            client: None,
            login_hint: None,
            force: false,
            acr_values: Vec::new(),
            started_at: world.clock.now(),
        };
        let right = Answer::Form(Reply::from([("username", "piet@hoekstra.test"), ("password", PASSWORD)]));
        trials.push((name, Trial { connector, request, right }, world));
    }
    if let Some((_, trial, _)) = trials.last_mut() {
        trial.right = Answer::Elsewhere { _idp: idp };
    }
    let Bank { world, idp, connection } = Bank::new(json!({})).await;
    let connector = world.app.connectors.get(&connection).await.unwrap();
    let request = AuthnRequest {
        transaction: TransactionId::random(&SystemEntropy::default()),
        started_at: world.clock.now(),
        ..trials[0].1.request.clone()
    };
    for (name, import) in [("custom database", false), ("custom database in import mode", true)] {
        let (world, _books, connection) = books::gateway(&json!({"import_mode": import})).await;
        if import {
            // Who comes for the first time brings a credential; this is about everybody after that.
            assert!(books::is_in(&books::sign_in(&world, "jen@legacy.test", books::PASSWORD).await));
        }
        let connector = world.app.connectors.get(&connection).await.unwrap();
        let request = AuthnRequest {
            transaction: TransactionId::random(&SystemEntropy::default()),
            started_at: world.clock.now(),
            ..trials[0].1.request.clone()
        };
        let reply = Reply::from([("username", "jen@legacy.test"), ("password", books::PASSWORD)]);
        trials.push((name, Trial { connector, request, right: Answer::Form(reply) }, world));
    }
    trials.push(("saml", Trial { connector, request, right: Answer::Posted { _idp: idp } }, world));
    trials
}

impl Trial {
    async fn ask(&self) -> (Interaction, Memo) {
        let step = self.connector.begin(&self.request).await.unwrap();
        let Step::Ask(ask) = step else { panic!("a conversation begins with a question: {step:?}") };
        (ask.interaction, ask.memo)
    }

    /// What the browser brings back when everything is right.
    async fn reply(&self, interaction: &Interaction) -> Reply {
        match (&self.right, interaction) {
            (Answer::Form(reply), Interaction::Prompt(_)) => reply.clone(),
            (Answer::Elsewhere { .. }, Interaction::Redirect(url)) => {
                let mut browser = Browser::new(Arc::new(Network::default()));
                browser.open(url.as_str()).await.unwrap();
                let page =
                    browser.submit_only(&[("username", "amintha"), ("password", "correct")]).await.unwrap();
                let to: url::Url = page.headers["location"].to_str().unwrap().parse().unwrap();
                to.query_pairs().into_owned().collect()
            }
            (Answer::Posted { .. }, Interaction::Redirect(url)) => {
                let mut browser = Browser::new(Arc::new(Network::default()));
                browser.open(url.as_str()).await.unwrap();
                let page = browser.submit(&[("username", "amintha"), ("password", "correct")]).await.unwrap();
                page.forms().remove(0).fields.into_iter().collect()
            }
            (_, other) => panic!("an unexpected question: {other:?}"),
        }
    }
}

#[tokio::test]
async fn the_first_move_can_be_made_again_and_uses_nothing_up() {
    for (name, trial, _world) in trials().await {
        let (first, memo) = trial.ask().await;
        trial.ask().await;
        let reply = trial.reply(&first).await;
        let step = trial.connector.resume(&trial.request, memo, reply).await.unwrap();
        assert!(matches!(step, Step::Identified(_)), "{name}: {step:?}");
    }
}

#[tokio::test]
async fn an_assertion_names_a_subject_and_how_it_was_shown() {
    for (name, trial, _world) in trials().await {
        let (interaction, memo) = trial.ask().await;
        let reply = trial.reply(&interaction).await;
        let Step::Identified(assertion) = trial.connector.resume(&trial.request, memo, reply).await.unwrap()
        else {
            panic!("{name}: identified");
        };
        assert!(!assertion.subject.0.is_empty(), "{name}");
        assert!(assertion.credential.is_none(), "{name}: an existing account brings no new credential");
    }
}

#[tokio::test]
async fn nothing_secret_stands_in_an_address() {
    for (name, trial, _world) in trials().await {
        let (interaction, memo) = trial.ask().await;
        let Interaction::Redirect(url) = interaction else { continue };
        let notes = serde_json::to_value(&memo).unwrap();
        let kept: Vec<String> = notes
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(key, _)| key.contains("verifier") || key.contains("pkce"))
            .filter_map(|(_, value)| value.as_str().map(str::to_owned))
            .collect();
        // Where the answer comes through the browser whole there is no verifier: its signature is what counts.
        let has_verifier = matches!(trial.right, Answer::Elsewhere { .. });
        assert_eq!(kept.is_empty(), !has_verifier, "{name}: the verifier is kept with us");
        assert!(
            kept.iter().all(|secret| !url.as_str().contains(secret)),
            "{name}: and is not in the address"
        );
        assert!(url.as_str().contains(trial.request.transaction.as_str()), "{name}: the handle is");
    }
}

#[tokio::test]
async fn a_wrong_answer_is_no_error_of_ours_and_a_foreign_memo_is_none() {
    for (name, trial, _world) in trials().await {
        let (_, memo) = trial.ask().await;
        let wrong = Reply::from([
            ("username", "piet@hoekstra.test"),
            ("password", "wrong"),
            ("error", "access_denied"),
            ("state", trial.request.transaction.as_str()),
            ("iss", "http://localhost"),
        ]);
        match trial.connector.resume(&trial.request, memo.clone(), wrong).await {
            Ok(Step::Refused { retry, .. }) => {
                assert_eq!(
                    retry.is_some(),
                    trial.connector.presence() == Presence::Here,
                    "{name}: a form is asked again"
                );
            }
            Err(ConnectorError::Protocol(_) | ConnectorError::Rejected(_) | ConnectorError::Missing(_)) => {
                assert_eq!(trial.connector.presence(), Presence::Elsewhere, "{name}");
            }
            other => panic!("{name}: {other:?}"),
        }
        let foreign = Memo::write(&"not of this connector").unwrap();
        let answered = trial.connector.resume(&trial.request, foreign, Reply::default()).await;
        assert!(
            !matches!(answered, Ok(Step::Identified(_))),
            "{name}: nobody is identified by a foreign memo"
        );
    }
}

#[tokio::test]
async fn an_answer_that_nobody_asked_for_is_refused() {
    for (name, trial, _world) in trials().await {
        let step = trial.connector.unsolicited(Reply::default()).await.unwrap();
        assert!(matches!(step, Step::Refused { .. }), "{name}: {step:?}");
    }
}
