//! Owns INF-18: the first start, raced for.
//! Never touches the command line: what it prints is tested where it is written.

use portico_core::{
    admin::bootstrap::{SecretRotation, bootstrap},
    entropy::SystemEntropy,
    port::store::{ClientFilter, Page, StoreError, UserFilter},
    time::SystemClock,
};

#[tokio::test]
async fn inf_18_of_many_first_starts_one_is_told_the_secret_and_there_is_no_default() {
    let store = portico_store::temporary().await.unwrap();
    let issuer = "https://login.portico.test/".parse().unwrap();
    let entropy = SystemEntropy::default();
    let start = || bootstrap(&*store, &SystemClock, &entropy, &issuer, SecretRotation::Keep);
    let starts = futures_util::future::join_all((0..16).map(|_| start())).await;
    let made: Vec<_> = starts.into_iter().map(Result::unwrap).collect();
    assert_eq!(made.iter().filter(|made| made.client_secret.is_some()).count(), 1);
    assert!(made.iter().all(|each| each.client_id == made[0].client_id), "all found the same client");
    assert!(start().await.unwrap().client_secret.is_none(), "nobody is told twice");

    let (clients, users) = store
        .read::<_, StoreError, _>(|unit| {
            Box::pin(async move {
                let clients = unit.clients().list(&ClientFilter::default(), &Page::first(10)).await?;
                let users = unit.users().list(&UserFilter::default(), &Page::first(10)).await?;
                Ok((clients, users))
            })
        })
        .await
        .unwrap();
    assert_eq!(users.len(), 0, "there is no default account");
    let mut secrets: Vec<_> = clients.iter().map(|client| client.secret.expose().to_owned()).collect();
    assert_eq!(secrets.len(), 2, "the global client, and one for the Management API");
    assert!(secrets.iter().all(|secret| secret.len() >= 43), "and no default secret");
    secrets.dedup();
    assert_eq!(secrets.len(), 2);
}
