//! Owns the cases of codes and of token families.
//! Never touches tokens themselves.

use super::{
    attempt,
    home::Home,
    on_every_engine, read,
    samples::{code, family, family_id, furnish, hash, organization_id, session_id, user_id},
    write,
};
use portico_core::{
    id::OrganizationId,
    model::{AccessToken, RefreshToken},
    port::store::StoreError,
    time::Timestamp,
};

on_every_engine! {
    a_code_is_used_once
    access_tokens_come_with_their_family
    refresh_tokens_rotate_without_branching
    families_are_revoked_together
    sweeping_spares_what_is_alive
}

fn access_token(n: i64) -> AccessToken {
    AccessToken {
        hash: hash(&format!("at{n}")),
        family_id: family_id(n),
        scope: vec!["openid".to_owned(), "read:trips".to_owned()],
        expires_at: Timestamp(5000),
    }
}

fn refresh_token(n: i64, generation: i64) -> RefreshToken {
    RefreshToken {
        hash: hash(&format!("rt{n}.{generation}")),
        family_id: family_id(n),
        generation,
        idle_expires_at: Some(Timestamp(5000)),
        expires_at: None,
        consumed_at: None,
        heir: None,
    }
}

async fn a_code_is_used_once(home: Home) {
    let store = home.open().await;
    furnish(&*store).await;
    write!(store, unit => {
        let codes = unit.codes();
        codes.insert(&code(0)).await?;
        codes.insert(&code(1)).await?;
        assert_eq!(codes.find(&hash("code0")).await?, Some(code(0)));
        assert_eq!(codes.find(&hash("unknown")).await?, None);
        assert!(codes.consume(&hash("code0"), Timestamp(2000)).await?);
        assert!(!codes.consume(&hash("code0"), Timestamp(2001)).await?);
        assert!(!codes.consume(&hash("unknown"), Timestamp(2001)).await?);
        let used = codes.find(&hash("code0")).await?.unwrap();
        assert_eq!(used.consumed_at, Some(Timestamp(2000)), "a used one is found, so that its family can be ended");
        assert_eq!(codes.sweep(Timestamp(5001)).await?, 1);
        assert!(codes.find(&hash("code1")).await?.is_some());
    });
}

async fn access_tokens_come_with_their_family(home: Home) {
    let store = home.open().await;
    furnish(&*store).await;
    write!(store, unit => {
        unit.grants().insert_family(&family(0, 0)).await?;
        unit.grants().insert_access_token(&access_token(0)).await?;
    });
    read!(store, unit => {
        let grants = unit.grants();
        assert_eq!(grants.find_family(&family_id(0)).await?, Some(family(0, 0)));
        assert_eq!(grants.find_family(&family_id(9)).await?, None);
        let found = grants.find_access_token(&hash("at0")).await?;
        assert_eq!(found, Some((access_token(0), family(0, 0))));
        assert_eq!(grants.find_access_token(&hash("at9")).await?, None);
        assert_eq!(grants.find_refresh_token(&hash("at0")).await?, None, "of another kind");
    });
    let orphan = attempt!(store, unit => unit.grants().insert_access_token(&access_token(7)).await);
    assert!(matches!(orphan, Err(StoreError::Backend(_))), "{orphan:?}");
}

async fn refresh_tokens_rotate_without_branching(home: Home) {
    let store = home.open().await;
    furnish(&*store).await;
    write!(store, unit => {
        let grants = unit.grants();
        grants.insert_family(&family(0, 0)).await?;
        grants.insert_refresh_token(&refresh_token(0, 1)).await?;
        let found = grants.find_refresh_token(&hash("rt0.1")).await?;
        assert_eq!(found, Some((refresh_token(0, 1), family(0, 0))));
        assert!(grants.extend_refresh_token(&hash("rt0.1"), Some(Timestamp(6000))).await?);
        assert!(grants.consume_refresh_token(&hash("rt0.1"), Timestamp(2000), Some("sealed child")).await?);
        assert!(!grants.consume_refresh_token(&hash("rt0.1"), Timestamp(2001), None).await?);
        assert!(!grants.extend_refresh_token(&hash("rt0.1"), None).await?, "a used one does not live on");
        grants.insert_refresh_token(&refresh_token(0, 2)).await?;
        let (used, _) = grants.find_refresh_token(&hash("rt0.1")).await?.unwrap();
        assert_eq!((used.consumed_at, used.idle_expires_at), (Some(Timestamp(2000)), Some(Timestamp(6000))));
        assert_eq!(used.heir.as_deref(), Some("sealed child"), "the second call has not touched it");
        assert!(grants.extend_refresh_token(&hash("rt0.2"), None).await?);
        let (leaf, _) = grants.find_refresh_token(&hash("rt0.2")).await?.unwrap();
        assert_eq!((leaf.consumed_at, leaf.idle_expires_at), (None, None));
    });
    let mut branch = refresh_token(0, 2);
    branch.hash = hash("branch");
    let branch = attempt!(store, unit => unit.grants().insert_refresh_token(&branch).await);
    let name = "refresh_tokens_family_id_generation_key";
    assert!(matches!(&branch, Err(StoreError::Conflict(found)) if found == name), "{branch:?}");
}

async fn families_are_revoked_together(home: Home) {
    let store = home.open().await;
    furnish(&*store).await;
    write!(store, unit => {
        let grants = unit.grants();
        let elsewhere = OrganizationId::parse("org_elsewhere").unwrap();
        for n in 0..4 {
            let mut family = family(n, 0);
            if n == 3 {
                family.organization_id = Some(elsewhere.clone());
                family.session_id = Some(session_id(1));
            }
            grants.insert_family(&family).await?;
        }
        grants.insert_family(&family(4, 1)).await?;
        grants.insert_refresh_token(&refresh_token(0, 1)).await?;
        grants.insert_access_token(&access_token(1)).await?;

        assert!(grants.revoke_family(&family_id(2), Timestamp(10)).await?);
        assert!(!grants.revoke_family(&family_id(2), Timestamp(11)).await?);
        assert_eq!(grants.find_family(&family_id(2)).await?.unwrap().revoked_at, Some(Timestamp(10)));
        assert_eq!(grants.revoke_of_session(&session_id(0), Timestamp(20)).await?, 2, "families 1 and 4");
        let (_, ended) = grants.find_access_token(&hash("at1")).await?.unwrap();
        assert_eq!(ended.revoked_at, Some(Timestamp(20)));
        let (_, alive) = grants.find_refresh_token(&hash("rt0.1")).await?.unwrap();
        assert_eq!(alive.revoked_at, None, "a family with a refresh token outlives its session");
        assert_eq!(grants.revoke_of_user(&user_id(0), Some(&organization_id(0)), Timestamp(30)).await?, 1);
        assert_eq!(grants.revoke_of_user(&user_id(0), None, Timestamp(40)).await?, 1, "the one elsewhere");
        assert_eq!(grants.revoke_of_user(&user_id(1), None, Timestamp(40)).await?, 0);
    });
}

async fn sweeping_spares_what_is_alive(home: Home) {
    let store = home.open().await;
    furnish(&*store).await;
    write!(store, unit => {
        let grants = unit.grants();
        for n in 0..4 {
            grants.insert_family(&family(n, 0)).await?;
        }
        grants.insert_access_token(&access_token(0)).await?;
        grants.insert_refresh_token(&refresh_token(0, 1)).await?;
        let forever = RefreshToken { idle_expires_at: None, ..refresh_token(1, 1) };
        grants.insert_refresh_token(&forever).await?;
        let short = RefreshToken { expires_at: Some(Timestamp(2000)), idle_expires_at: None, ..refresh_token(2, 1) };
        grants.insert_refresh_token(&short).await?;

        assert_eq!(grants.sweep(Timestamp(1000)).await?, 0);
        assert!(grants.find_family(&family_id(3)).await?.is_some(), "it may be about to get a token");
        assert_eq!(grants.sweep(Timestamp(2001)).await?, 1);
        assert_eq!(grants.find_family(&family_id(2)).await?, None);
        assert_eq!(grants.find_family(&family_id(3)).await?, None);
        assert_eq!(grants.sweep(Timestamp(5000)).await?, 0);
        assert_eq!(grants.sweep(Timestamp(5001)).await?, 2);
        assert_eq!(grants.find_family(&family_id(0)).await?, None);
        assert_eq!(grants.sweep(Timestamp(i64::MAX)).await?, 0);
        assert!(grants.find_refresh_token(&hash("rt1.1")).await?.is_some());
    });
}
