//! Owns the cases of actions: drafts, versions, their order, and what runs at a login.
//! Never touches how they run.

use super::{attempt, home::Home, on_every_engine, read, samples::rule, write};
use portico_core::{
    id::{ActionBindingId, ActionId, ActionVersionId},
    model::{
        Action, ActionBinding, ActionContent, ActionSecret, ActionVersion, BoundAction, Dependency, Trigger,
    },
    port::store::{ActionFilter, Page, StoreError},
    secret::Secret,
    time::Timestamp,
};

on_every_engine! {
    actions_are_found_listed_changed_and_deleted
    versions_are_kept_up_to_a_number
    bound_and_deployed_actions_run_at_a_login_in_their_order
}

fn uuid(n: i64) -> String {
    format!("00000000-0000-4000-8000-{n:012}")
}

fn content(code: &str) -> ActionContent {
    ActionContent {
        code: format!("canary-code {code}"),
        dependencies: vec![Dependency { name: "lodash".to_owned(), version: "4.17.21".to_owned() }],
        runtime: "node22".to_owned(),
        secrets: vec![ActionSecret {
            name: "KEY".to_owned(),
            value: Secret::new("canary-secret"),
            updated_at: Timestamp(5),
        }],
    }
}

pub(super) fn action(n: i64) -> Action {
    Action {
        id: ActionId::parse(uuid(n)).unwrap(),
        name: format!("Action {n}"),
        trigger: Trigger { id: Trigger::POST_LOGIN.to_owned(), version: "v3".to_owned() },
        draft: content("draft"),
        deployed: None,
        created_at: Timestamp(1000 + n),
        updated_at: Timestamp(2000 + n),
    }
}

pub(super) fn version(n: i64, number: i64) -> ActionVersion {
    ActionVersion {
        id: ActionVersionId::parse(uuid(n * 100 + number)).unwrap(),
        action_id: action(n).id,
        number,
        content: content(&format!("version {number}")),
        created_at: Timestamp(3000 + number),
    }
}

fn binding(n: i64) -> ActionBinding {
    ActionBinding {
        id: ActionBindingId::parse(uuid(900 + n)).unwrap(),
        trigger_id: Trigger::POST_LOGIN.to_owned(),
        action_id: action(n).id,
        display_name: format!("Step {n}"),
        created_at: Timestamp(1),
        updated_at: Timestamp(2),
    }
}

async fn actions_are_found_listed_changed_and_deleted(home: Home) {
    let store = home.open().await;
    write!(store, unit => {
        for n in [3, 1, 2] {
            unit.actions().insert(&action(n)).await?;
        }
    });
    let twin = Action { id: action(9).id, ..action(1) };
    let taken = attempt!(store, unit => unit.actions().insert(&twin).await);
    assert!(matches!(&taken, Err(StoreError::Conflict(name)) if name == "actions_name_key"), "{taken:?}");
    let deployed = Action { deployed: Some(version(2, 1)), draft: content("new"), ..action(2) };
    let changed = deployed.clone();
    write!(store, unit => {
        unit.actions().insert_version(&version(2, 1), 50).await?;
        assert!(unit.actions().update(&changed).await?);
        assert!(!unit.actions().update(&action(9)).await?);
    });
    read!(store, unit => {
        let actions = unit.actions();
        assert_eq!(actions.find(&action(2).id).await?, Some(deployed.clone()));
        assert_eq!(actions.find_by_name("Action 1").await?, Some(action(1)));
        let all = ActionFilter::default();
        assert_eq!(actions.list(&all, &Page::first(9)).await?, [action(1), deployed.clone(), action(3)]);
        assert_eq!(actions.list(&all, &Page::first(1)).await?, [action(1)]);
        for (filter, count) in [
            (ActionFilter { deployed: Some(true), ..ActionFilter::default() }, 1),
            (ActionFilter { deployed: Some(false), ..ActionFilter::default() }, 2),
            (ActionFilter { name: Some("Action 3".to_owned()), ..ActionFilter::default() }, 1),
            (ActionFilter { trigger: Some("post-login".to_owned()), ..ActionFilter::default() }, 3),
            (ActionFilter { trigger: Some("other".to_owned()), ..ActionFilter::default() }, 0),
        ] {
            assert_eq!(actions.count(&filter).await?, count, "{filter:?}");
            assert_eq!(i64::try_from(actions.list(&filter, &Page::first(9)).await?.len()).unwrap(), count);
        }
    });
    write!(store, unit => {
        assert!(unit.actions().delete(&action(2).id).await?);
        assert!(!unit.actions().delete(&action(2).id).await?);
        assert_eq!(unit.actions().count_versions(&action(2).id).await?, 0);
    });
}

async fn versions_are_kept_up_to_a_number(home: Home) {
    let store = home.open().await;
    write!(store, unit => {
        unit.actions().insert(&action(1)).await?;
        unit.actions().insert(&action(2)).await?;
        unit.actions().insert_version(&version(2, 1), 2).await?;
        for number in 1..=4 {
            unit.actions().insert_version(&version(1, number), 2).await?;
        }
    });
    let twin = ActionVersion { id: version(5, 5).id, ..version(1, 4) };
    let taken = attempt!(store, unit => unit.actions().insert_version(&twin, 2).await);
    assert!(matches!(taken, Err(StoreError::Conflict(_))), "{taken:?}");
    read!(store, unit => {
        let (actions, id) = (unit.actions(), action(1).id);
        assert_eq!(actions.versions(&id, &Page::first(9)).await?, [version(1, 4), version(1, 3)]);
        assert_eq!(actions.versions(&id, &Page::first(1)).await?, [version(1, 4)]);
        assert_eq!((actions.count_versions(&id).await?, actions.count_versions(&action(2).id).await?), (2, 1));
        assert_eq!(actions.version(&id, &version(1, 3).id).await?, Some(version(1, 3)));
        assert_eq!(actions.version(&id, &version(1, 1).id).await?, None);
        assert_eq!(actions.version(&action(2).id, &version(1, 3).id).await?, None, "of another action");
    });
}

async fn bound_and_deployed_actions_run_at_a_login_in_their_order(home: Home) {
    let store = home.open().await;
    assert!(read!(store, unit => unit.rules().at_login().await?).is_empty());
    let bindings = [binding(3), binding(1), binding(2)];
    let wanted = bindings.clone();
    write!(store, unit => {
        unit.rules().insert(&rule(2)).await?;
        for n in 1..=3 {
            unit.actions().insert(&action(n)).await?;
            unit.actions().insert_version(&version(n, 1), 50).await?;
        }
        for n in [1, 3] {
            unit.actions().update(&Action { deployed: Some(version(n, 1)), ..action(n) }).await?;
        }
        unit.actions().bind(Trigger::POST_LOGIN, &wanted).await?;
    });
    let runs = |n: i64| BoundAction { id: action(n).id, name: action(n).name, version: version(n, 1) };
    read!(store, unit => {
        let scripts = unit.rules().at_login().await?;
        assert_eq!(scripts.rules, [rule(2)]);
        assert_eq!(scripts.actions, [runs(3), runs(1)], "the other one is not deployed");
        assert_eq!(unit.actions().bindings(Trigger::POST_LOGIN).await?, bindings);
        assert_eq!(unit.actions().bindings("other").await?, []);
    });
    write!(store, unit => {
        unit.actions().bind(Trigger::POST_LOGIN, &[binding(1), binding(3)]).await?;
        unit.actions().delete(&action(3).id).await?;
    });
    read!(store, unit => {
        assert_eq!(unit.rules().at_login().await?.actions, [runs(1)]);
        assert_eq!(unit.actions().bindings(Trigger::POST_LOGIN).await?, [binding(1)]);
    });
    write!(store, unit => unit.actions().bind(Trigger::POST_LOGIN, &[]).await?);
    assert_eq!(read!(store, unit => unit.rules().at_login().await?).actions, []);
}
