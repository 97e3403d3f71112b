//! Owns the cases of encryption at rest: what a thief of the database gets, and what wrong keys do.
//! Never touches ciphers.

use super::{
    actions::{action, version},
    home::{Home, keks, options},
    on_every_engine,
    partners::pair,
    read,
    samples::{
        client, client_id, code, connection_id, furnish, invitation, mail, organization_id, session,
        signing_key, transaction,
    },
    write,
};
use portico_core::{
    model::{KeyPurpose, RuleConfig},
    port::store::Store,
    secret::Secret,
};
use std::fs;

on_every_engine! {
    inf_08_a_stolen_database_holds_no_secret
    inf_10_a_store_opens_with_its_own_keys_alone
    inf_10_rewrapping_retires_a_key
    every_secret_can_be_verified
}

/// Something in every sealed column. Each secret contains the word `canary`.
async fn fill(store: &dyn Store) {
    furnish(store).await;
    write!(store, unit => {
        unit.invitations().insert(&invitation(0)).await?;
        unit.transactions().insert(&transaction(0)).await?;
        unit.outbox().push(&mail(0)).await?;
        unit.keys().insert(&signing_key(0)).await?;
        unit.certified_keys().insert(&pair(0, KeyPurpose::Encryption)).await?;
        let config = RuleConfig { key: "KEY".to_owned(), value: Secret::new("canary-config") };
        unit.rules().set_config(&config).await?;
        unit.actions().insert(&action(0)).await?;
        unit.actions().insert_version(&version(0, 1), 50).await?;
        let mut session = session(0, 0);
        session.cookie = portico_core::secret::TokenHash::of("canary-cookie");
        unit.sessions().insert(&session).await?;
        unit.codes().insert(&code(0)).await?;
    });
}

async fn inf_08_a_stolen_database_holds_no_secret(home: Home) {
    let store = home.open().await;
    fill(&*store).await;
    let dump = if home.is_postgres() {
        home.query("SELECT database_to_xml(true, true, '')")
    } else {
        let wal = home.file().with_extension("db-wal");
        let bytes = [fs::read(home.file()).unwrap(), fs::read(wal).unwrap()].concat();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    assert!(dump.contains("connection-0001"), "the control: what is no secret can be read");
    let found =
        dump.find("canary").map(|at| dump.chars().skip(at.saturating_sub(40)).take(80).collect::<String>());
    assert_eq!(found, None);
}

async fn inf_10_a_store_opens_with_its_own_keys_alone(home: Home) {
    let store = home.open().await;
    fill(&*store).await;
    drop(store);
    let refused = home.try_open(keks(&[2, 3])).await.map(drop).unwrap_err().to_string();
    assert!(refused.contains(keks(&[1]).newest().id()), "it says which key is missing: {refused}");
    let verified = portico_store::verify_secrets(&home.url(), &options(keks(&[2]))).await;
    assert!(verified.is_err());
    let store = home.try_open(keks(&[2, 1])).await.unwrap();
    let found = read!(store, unit => unit.clients().find(&client_id(0)).await?).unwrap();
    assert_eq!(found.secret.expose(), client(0).secret.expose(), "a refusal has changed nothing");
    if home.is_postgres() {
        home.query("DELETE FROM data_keys");
        let refused = home.try_open(keks(&[1])).await.map(drop).unwrap_err().to_string();
        assert!(refused.contains("lost its data keys"), "they are never made anew: {refused}");
    }
}

async fn inf_10_rewrapping_retires_a_key(home: Home) {
    let store = home.open().await;
    fill(&*store).await;
    let url = home.url();
    let both = options(keks(&[2, 1]));
    assert_eq!(portico_store::rewrap(&url, &both).await.unwrap(), 1);
    assert_eq!(portico_store::rewrap(&url, &both).await.unwrap(), 0, "there is nothing left to do");
    let options = read!(store, unit => unit.connections().find(&connection_id(0)).await?).unwrap().options;
    assert_eq!(options["client_secret"], "canary-options", "a server that runs is not disturbed");
    write!(store, unit => unit.clients().insert(&client(1)).await?);
    drop(store);
    assert!(home.try_open(keks(&[1])).await.is_err(), "the old key is of no use any more");
    let store = home.try_open(keks(&[2])).await.unwrap();
    let invitations = read!(store, unit => {
        unit.invitations().list(&organization_id(0), &portico_core::port::store::Page::first(9)).await?
    });
    assert_eq!(invitations[0].api_ticket.expose(), "canary-api-ticket-0");
    assert!(read!(store, unit => unit.clients().find(&client_id(1)).await?).is_some());
}

async fn every_secret_can_be_verified(home: Home) {
    let store = home.open().await;
    fill(&*store).await;
    let verified = portico_store::verify_secrets(&home.url(), &options(keks(&[1]))).await.unwrap();
    // A client, two connections, two tickets, a login, a message, a signing key, a certified key, a configuration value, an
    // action's draft and version, and where a session came from.
    assert_eq!((verified.readable, verified.unreadable), (13, vec![]));
    assert_eq!(portico_store::verify_integrity(&home.url()).unwrap(), Vec::<String>::new());
    if home.is_postgres() {
        home.query(
            "UPDATE connections SET options = (SELECT o.options FROM connections o WHERE o.connection_id = 'con_0001')
             WHERE connection_id = 'con_0000'",
        );
        let verified = portico_store::verify_secrets(&home.url(), &options(keks(&[1]))).await.unwrap();
        assert_eq!(verified.readable, 12);
        assert_eq!(
            verified.unreadable,
            ["connections.options of con_0000"],
            "inf_09: it belongs to another row"
        );
        let found = store
            .read(|unit| Box::pin(async move { unit.connections().find(&connection_id(0)).await }))
            .await;
        assert!(found.unwrap_err().to_string().contains("cannot be decrypted"));
    }
}
