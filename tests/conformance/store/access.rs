//! Owns the cases of roles and permissions, rules, keys and settings.
//! Never touches how they are applied.

use super::{
    attempt,
    home::Home,
    on_every_engine, read,
    samples::{AUDIENCE, furnish, resource_server, role, role_id, rule, signing_key, user_id},
    write,
};
use portico_core::{
    model::{KeyState, Permission, RuleConfig, TenantSettings},
    port::store::{Direction, Page, StoreError},
    secret::Secret,
    time::Timestamp,
};

on_every_engine! {
    roles_are_found_listed_and_changed
    roles_permit
    users_have_roles_and_permissions
    rules_run_in_their_order
    rules_read_configuration
    keys_move_from_state_to_state
    settings_have_defaults_and_marks_are_set_once
}

fn permission(api: i64, name: &str) -> Permission {
    Permission {
        resource_server_identifier: resource_server(api).identifier,
        permission_name: name.to_owned(),
    }
}

async fn roles_are_found_listed_and_changed(home: Home) {
    let store = home.open().await;
    furnish(&*store).await;
    let mut odd = role(2);
    odd.name = "100%_\\admin".to_owned();
    odd.description = None;
    let inserted = odd.clone();
    write!(store, unit => {
        unit.roles().insert(&role(1)).await?;
        unit.roles().insert(&inserted).await?;
    });
    read!(store, unit => {
        let roles = unit.roles();
        assert_eq!(roles.find(&role_id(2)).await?.as_ref(), Some(&odd));
        assert_eq!(roles.find(&role_id(9)).await?, None);
        assert_eq!(roles.find_all(&[role_id(1), role_id(9), role_id(0)]).await?, [role(0), role(1)]);
        assert_eq!(roles.find_all(&[]).await?, []);
        assert_eq!(roles.list(None, &Page::first(2)).await?, [role(0), role(1)]);
        assert_eq!(roles.list(Some("OLE 0001"), &Page::first(9)).await?, [role(1)]);
        for literal in ["0%_", "_\\a", "%"] {
            assert_eq!(roles.list(Some(literal), &Page::first(9)).await?, [odd.clone()], "{literal}");
        }
        assert_eq!((roles.count(None).await?, roles.count(Some("role")).await?), (3, 2));
    });
    let mut twin = role(5);
    twin.name = role(1).name;
    let twice = attempt!(store, unit => unit.roles().insert(&twin).await);
    assert!(matches!(&twice, Err(StoreError::Conflict(name)) if name == "roles_name_key"), "{twice:?}");
    write!(store, unit => {
        let mut changed = role(1);
        changed.description = None;
        assert!(unit.roles().update(&changed).await?);
        assert!(!unit.roles().update(&role(9)).await?);
        assert_eq!(unit.roles().find(&role_id(1)).await?, Some(changed));
        assert!(unit.roles().delete(&role_id(1)).await?);
        assert!(!unit.roles().delete(&role_id(1)).await?);
    });
}

async fn roles_permit(home: Home) {
    let store = home.open().await;
    furnish(&*store).await;
    write!(store, unit => {
        unit.resource_servers().insert(&resource_server(1)).await?;
        unit.roles().insert(&role(1)).await?;
        let roles = unit.roles();
        roles.add_permissions(&role_id(0), &[permission(1, "b"), permission(0, "b"), permission(0, "a")]).await?;
        roles.add_permissions(&role_id(0), &[permission(0, "a")]).await?;
        roles.add_permissions(&role_id(0), &[]).await?;
        roles.add_permissions(&role_id(1), &[permission(0, "a"), permission(0, "c")]).await?;
        roles.remove_permissions(&role_id(0), &[permission(1, "b"), permission(1, "a")]).await?;
        roles.remove_permissions(&role_id(0), &[]).await?;
    });
    read!(store, unit => {
        let roles = unit.roles();
        let (a, b, c) = (permission(0, "a"), permission(0, "b"), permission(0, "c"));
        assert_eq!(roles.permissions(&role_id(0), &Page::first(9)).await?, [a.clone(), b.clone()]);
        let last = Page { skip: 1, direction: Direction::Descending, ..Page::first(9) };
        assert_eq!(roles.permissions(&role_id(0), &last).await?, std::slice::from_ref(&a));
        assert_eq!(roles.permissions_of(&[role_id(0), role_id(1)]).await?, [a, b, c], "each once");
        assert_eq!(roles.permissions_of(&[]).await?, []);
    });
    assert_eq!(resource_server(0).identifier, AUDIENCE);
}

async fn users_have_roles_and_permissions(home: Home) {
    let store = home.open().await;
    furnish(&*store).await;
    write!(store, unit => {
        let roles = unit.roles();
        roles.insert(&role(1)).await?;
        roles.add_to_user(&user_id(0), &[role_id(1), role_id(0)]).await?;
        roles.add_to_user(&user_id(0), &[role_id(1)]).await?;
        assert_eq!(roles.of_user(&user_id(0), &Page::first(9)).await?, [role(0), role(1)]);
        roles.remove_from_user(&user_id(0), &[role_id(0)]).await?;
        assert_eq!(roles.of_user(&user_id(0), &Page::first(9)).await?, [role(1)]);
        assert_eq!(roles.of_user(&user_id(1), &Page::first(9)).await?, []);
        roles.permit_user(&user_id(0), &[permission(0, "b"), permission(0, "a")]).await?;
        roles.permit_user(&user_id(0), &[permission(0, "b")]).await?;
        let page = Page::first(9);
        let direct = roles.permissions_of_user(&user_id(0), &page).await?;
        assert_eq!(direct, [permission(0, "a"), permission(0, "b")]);
        roles.forbid_user(&user_id(0), &[permission(0, "b")]).await?;
        assert_eq!(roles.permissions_of_user(&user_id(0), &page).await?, [permission(0, "a")]);
        roles.delete(&role_id(1)).await?;
        assert_eq!(roles.of_user(&user_id(0), &page).await?, [], "a deleted role is taken from everybody");
    });
}

async fn rules_run_in_their_order(home: Home) {
    let store = home.open().await;
    assert_eq!(read!(store, unit => unit.rules().next_order().await?), 1);
    write!(store, unit => {
        for n in [4, 2, 3] {
            unit.rules().insert(&rule(n)).await?;
        }
    });
    for (twin, constraint) in [(("Rule 2", 9), "rules_name_key"), (("Other", 2), "rules_position_key")] {
        let mut twin_rule = rule(9);
        (twin_rule.name, twin_rule.order) = (twin.0.to_owned(), twin.1);
        let insert = twin_rule.clone();
        let taken = attempt!(store, unit => unit.rules().insert(&insert).await);
        assert!(matches!(&taken, Err(StoreError::Conflict(name)) if name == constraint), "{taken:?}");
        twin_rule.id = rule(3).id;
        let taken = attempt!(store, unit => unit.rules().update(&twin_rule).await);
        assert!(matches!(&taken, Err(StoreError::Conflict(name)) if name == constraint), "{taken:?}");
    }
    read!(store, unit => {
        let rules = unit.rules();
        assert_eq!(rules.find(&rule(3).id).await?, Some(rule(3)));
        assert_eq!(rules.list(None, &Page::first(9)).await?, [rule(2), rule(3), rule(4)]);
        assert_eq!(rules.list(Some(false), &Page::first(9)).await?, [rule(3)]);
        assert_eq!(rules.at_login().await?.rules, [rule(2), rule(4)]);
        assert_eq!((rules.count(None).await?, rules.count(Some(true)).await?), (3, 2));
        assert_eq!(rules.next_order().await?, 5);
    });
    write!(store, unit => {
        let mut last = rule(2);
        (last.order, last.revision) = (7, 2);
        assert!(unit.rules().update(&last).await?);
        assert!(!unit.rules().update(&rule(9)).await?);
        assert_eq!(unit.rules().at_login().await?.rules, [rule(4), last]);
        assert!(unit.rules().delete(&rule(4).id).await?);
        assert!(!unit.rules().delete(&rule(4).id).await?);
    });
}

async fn rules_read_configuration(home: Home) {
    let store = home.open().await;
    let set = |key: &str, value: &str| RuleConfig { key: key.to_owned(), value: Secret::new(value) };
    let (one, other, later) = (set("B", "canary-config"), set("a", "2"), set("B", "3"));
    write!(store, unit => {
        unit.rules().set_config(&one).await?;
        unit.rules().set_config(&other).await?;
        unit.rules().set_config(&later).await?;
    });
    let configs = read!(store, unit => unit.rules().configs().await?);
    let configs: Vec<_> = configs.iter().map(|config| (config.key.as_str(), config.value.expose())).collect();
    assert_eq!(configs, [("B", "3"), ("a", "2")], "bytewise order");
    write!(store, unit => {
        assert!(unit.rules().delete_config("B").await?);
        assert!(!unit.rules().delete_config("B").await?);
    });
}

async fn keys_move_from_state_to_state(home: Home) {
    let store = home.open().await;
    write!(store, unit => {
        unit.keys().insert(&signing_key(2)).await?;
        unit.keys().insert(&signing_key(1)).await?;
        assert!(unit.keys().advance("kid1", KeyState::Next, KeyState::Current, Timestamp(50)).await?);
        assert!(!unit.keys().advance("kid1", KeyState::Next, KeyState::Current, Timestamp(51)).await?);
        assert!(!unit.keys().advance("none", KeyState::Next, KeyState::Current, Timestamp(51)).await?);
        assert!(unit.keys().advance("kid1", KeyState::Current, KeyState::Previous, Timestamp(60)).await?);
    });
    let keys = read!(store, unit => unit.keys().list().await?);
    assert_eq!(keys.iter().map(|key| key.kid.as_str()).collect::<Vec<_>>(), ["kid1", "kid2"]);
    assert_eq!(keys[0].private.as_slice(), b"canary-private-key");
    assert_eq!(keys[0].public, signing_key(1).public);
    assert_eq!(keys[0].state, KeyState::Previous);
    assert_eq!((keys[0].current_since, keys[0].previous_since), (Some(Timestamp(50)), Some(Timestamp(60))));
    assert_eq!((keys[1].state, keys[1].current_since), (KeyState::Next, None));
    let twice = attempt!(store, unit => unit.keys().insert(&signing_key(1)).await);
    assert!(matches!(&twice, Err(StoreError::Conflict(name)) if name == "signing_keys_pkey"), "{twice:?}");
}

async fn settings_have_defaults_and_marks_are_set_once(home: Home) {
    let store = home.open().await;
    assert_eq!(read!(store, unit => unit.tenant().settings().await?), TenantSettings::default());
    for name in ["One", "Two"] {
        let settings = TenantSettings { friendly_name: Some(name.to_owned()), ..TenantSettings::default() };
        let stored = settings.clone();
        write!(store, unit => unit.tenant().set_settings(&stored).await?);
        assert_eq!(read!(store, unit => unit.tenant().settings().await?), settings);
    }
    write!(store, unit => {
        assert_eq!(unit.tenant().mark("first_client").await?, None);
        assert!(unit.tenant().set_mark("first_client", "a").await?);
        assert!(!unit.tenant().set_mark("first_client", "b").await?);
        assert_eq!(unit.tenant().mark("first_client").await?.as_deref(), Some("a"));
    });
}
