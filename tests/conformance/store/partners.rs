//! Owns the cases of what partners are met with: certified key pairs, and answers that count but once.
//! Never touches what is signed, or what an answer says.

use super::{
    attempt,
    home::Home,
    on_every_engine, read,
    samples::{connection_id, furnish},
    write,
};
use portico_core::{
    model::{CertifiedKey, KeyPurpose, KeyState},
    port::store::StoreError,
    secret::TokenHash,
    time::Timestamp,
};

on_every_engine! {
    certified_pairs_move_from_state_to_state
    an_answer_counts_but_once_at_its_connection
}

pub(super) fn pair(number: u8, purpose: KeyPurpose) -> CertifiedKey {
    CertifiedKey {
        kid: format!("pair{number}"),
        purpose,
        certificate: vec![number, 0, 255],
        private: b"canary-private-pair".to_vec().into(),
        state: KeyState::Next,
        created_at: Timestamp(number.into()),
        current_since: None,
        previous_since: None,
    }
}

async fn certified_pairs_move_from_state_to_state(home: Home) {
    let store = home.open().await;
    write!(store, unit => {
        unit.certified_keys().insert(&pair(2, KeyPurpose::Encryption)).await?;
        unit.certified_keys().insert(&pair(1, KeyPurpose::Signing)).await?;
        let keys = unit.certified_keys();
        assert!(keys.advance("pair1", KeyState::Next, KeyState::Current, Timestamp(50)).await?);
        assert!(!keys.advance("pair1", KeyState::Next, KeyState::Current, Timestamp(51)).await?);
        assert!(keys.advance("pair1", KeyState::Current, KeyState::Previous, Timestamp(60)).await?);
    });
    let keys = read!(store, unit => unit.certified_keys().list().await?);
    assert_eq!(keys.iter().map(|key| key.kid.as_str()).collect::<Vec<_>>(), ["pair1", "pair2"]);
    assert_eq!((keys[0].purpose, keys[1].purpose), (KeyPurpose::Signing, KeyPurpose::Encryption));
    assert_eq!(
        (&keys[0].certificate, keys[0].private.as_slice()),
        (&vec![1, 0, 255], &b"canary-private-pair"[..])
    );
    assert_eq!(keys[0].state, KeyState::Previous);
    assert_eq!((keys[0].current_since, keys[0].previous_since), (Some(Timestamp(50)), Some(Timestamp(60))));
    let twice = attempt!(store, unit => unit.certified_keys().insert(&pair(1, KeyPurpose::Signing)).await);
    assert!(matches!(&twice, Err(StoreError::Conflict(name)) if name == "certified_keys_pkey"), "{twice:?}");
}

async fn an_answer_counts_but_once_at_its_connection(home: Home) {
    let store = home.open().await;
    furnish(&*store).await;
    let marks = || (TokenHash::of("_assertion1"), TokenHash::of("_assertion2"));
    let (one, other) = marks();
    write!(store, unit => {
        let answers = unit.answers();
        assert!(answers.consume(&connection_id(0), &one, Timestamp(100)).await?);
        assert!(!answers.consume(&connection_id(0), &one, Timestamp(900)).await?, "it was used");
        assert!(answers.consume(&connection_id(0), &other, Timestamp(200)).await?);
        assert!(answers.consume(&connection_id(1), &one, Timestamp(200)).await?, "another connection's");
    });
    let (one, other) = marks();
    write!(store, unit => {
        assert_eq!(unit.answers().sweep(Timestamp(101)).await?, 1);
        assert!(unit.answers().consume(&connection_id(0), &one, Timestamp(300)).await?, "nobody would take it");
        assert!(!unit.answers().consume(&connection_id(0), &other, Timestamp(300)).await?);
        unit.connections().delete(&connection_id(1)).await?;
    });
}
