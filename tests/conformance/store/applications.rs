//! Owns the cases of clients, client grants, resource servers and connections.
//! Never touches tokens.

use super::{
    attempt,
    home::Home,
    on_every_engine, read,
    samples::{
        AUDIENCE, client, client_grant, client_id, connection, connection_id, credential, family, furnish,
        organization, organization_connection, organization_id, resource_server, role_id, same, user,
        user_id,
    },
    write,
};
use portico_core::{
    model::Permission,
    port::store::{ClientFilter, ClientGrantFilter, ConnectionFilter, Page, StoreError},
    secret::Secret,
    time::Timestamp,
};
use serde_json::json;

on_every_engine! {
    clients_are_found_listed_and_changed
    client_grants_are_one_for_a_client_and_an_api
    resource_servers_are_found_by_audience
    connections_are_found_and_listed
    a_connection_changes_by_revision
    connections_are_enabled_for_clients
    deleting_a_connection_takes_its_users
}

fn conflict(result: Result<(), StoreError>) -> String {
    match result {
        Err(StoreError::Conflict(constraint)) => constraint,
        other => panic!("{other:?}"),
    }
}

async fn clients_are_found_listed_and_changed(home: Home) {
    let store = home.open().await;
    furnish(&*store).await;
    write!(store, unit => {
        for n in 1..=3 {
            unit.clients().insert(&client(n)).await?;
        }
    });
    let list = async |filter: ClientFilter| -> Vec<String> {
        read!(store, unit => {
            let listed = unit.clients().list(&filter, &Page::first(9)).await?;
            assert_eq!(unit.clients().count(&filter).await?, i64::try_from(listed.len()).unwrap());
            listed.into_iter().map(|client| client.name).collect()
        })
    };
    let all = ClientFilter::default;
    assert_eq!(list(all()).await, ["Client 0", "Client 1", "Client 2", "Client 3"]);
    assert_eq!(list(ClientFilter { is_global: Some(true), ..all() }).await, ["Client 3"]);
    assert_eq!(list(ClientFilter { is_first_party: Some(false), ..all() }).await, ["Client 2"]);
    let spa = vec!["spa".to_owned(), "native".to_owned(), "x".to_owned()];
    assert_eq!(list(ClientFilter { app_types: spa, is_global: Some(false), ..all() }).await, ["Client 1"]);

    let mut changed = client(1);
    changed.secret = Secret::new("rotated");
    changed.name = "Renamed".to_owned();
    let update = changed.clone();
    assert!(write!(store, unit => unit.clients().update(&update).await?));
    assert!(!write!(store, unit => unit.clients().update(&client(9)).await?));
    let found = read!(store, unit => unit.clients().find(&client_id(1)).await?).unwrap();
    assert!(same(&found, &changed) && found.secret.expose() == "rotated");
    let twice = attempt!(store, unit => unit.clients().insert(&client(1)).await);
    assert_eq!(conflict(twice), "clients_pkey");

    write!(store, unit => {
        unit.client_grants().insert(&client_grant(0, 0)).await?;
        unit.grants().insert_family(&family(0, 0)).await?;
        assert!(unit.clients().delete(&client_id(0)).await?);
        assert!(!unit.clients().delete(&client_id(0)).await?);
        assert_eq!(unit.client_grants().find(&client_grant(0, 0).id).await?, None);
        assert_eq!(unit.grants().find_family(&family(0, 0).id).await?, None, "its tokens go with it");
        assert_eq!(unit.connections().of_client(&client_id(0)).await?, []);
    });
}

async fn client_grants_are_one_for_a_client_and_an_api(home: Home) {
    let store = home.open().await;
    furnish(&*store).await;
    write!(store, unit => {
        unit.clients().insert(&client(1)).await?;
        unit.organizations().insert(&organization(1), Timestamp(0)).await?;
        unit.client_grants().insert(&client_grant(0, 0)).await?;
        unit.client_grants().insert(&client_grant(1, 1)).await?;
    });
    let twice = attempt!(store, unit => unit.client_grants().insert(&client_grant(2, 1)).await);
    assert_eq!(conflict(twice), "client_grants_client_id_audience_key");
    let mut changed = client_grant(1, 1);
    changed.organizations = vec![organization_id(1)];
    changed.revision = 2;
    let update = changed.clone();
    assert!(write!(store, unit => unit.client_grants().update(&update).await?));
    assert!(!write!(store, unit => unit.client_grants().update(&client_grant(9, 1)).await?));
    read!(store, unit => {
        let grants = unit.client_grants();
        assert_eq!(grants.find(&changed.id).await?.as_ref(), Some(&changed));
        assert_eq!(grants.find_for(&client_id(1), AUDIENCE).await?.as_ref(), Some(&changed));
        assert_eq!(grants.find_for(&client_id(1), "https://other.test").await?, None);
    });
    let list = async |filter: ClientGrantFilter| -> Vec<i64> {
        read!(store, unit => {
            let listed = unit.client_grants().list(&filter, &Page::first(9)).await?;
            assert_eq!(unit.client_grants().count(&filter).await?, i64::try_from(listed.len()).unwrap());
            listed.into_iter().map(|grant| grant.created_at.0 - 1000).collect()
        })
    };
    let all = ClientGrantFilter::default;
    assert_eq!(list(all()).await, [0, 1]);
    assert_eq!(list(ClientGrantFilter { client_id: Some(client_id(1)), ..all() }).await, [1]);
    assert_eq!(list(ClientGrantFilter { audience: Some(AUDIENCE.to_owned()), ..all() }).await, [0, 1]);
    assert_eq!(list(ClientGrantFilter { organization: Some(organization_id(0)), ..all() }).await, [0]);
    write!(store, unit => {
        assert!(unit.organizations().delete(&organization_id(0), Timestamp(1)).await?);
        let left = unit.client_grants().find(&client_grant(0, 0).id).await?.unwrap();
        assert_eq!(left.organizations, [], "a grant does not name an organization that is gone");
        assert!(unit.client_grants().delete(&client_grant(0, 0).id).await?);
        assert!(!unit.client_grants().delete(&client_grant(0, 0).id).await?);
    });
}

async fn resource_servers_are_found_by_audience(home: Home) {
    let store = home.open().await;
    furnish(&*store).await;
    write!(store, unit => unit.resource_servers().insert(&resource_server(1)).await?);
    let mut twin = resource_server(2);
    twin.identifier = AUDIENCE.to_owned();
    let twice = attempt!(store, unit => unit.resource_servers().insert(&twin).await);
    assert_eq!(conflict(twice), "resource_servers_identifier_key");
    let mut changed = resource_server(1);
    changed.scopes.clear();
    let update = changed.clone();
    assert!(write!(store, unit => unit.resource_servers().update(&update).await?));
    assert!(!write!(store, unit => unit.resource_servers().update(&resource_server(9)).await?));
    read!(store, unit => {
        let servers = unit.resource_servers();
        assert_eq!(servers.find(&changed.id).await?.as_ref(), Some(&changed));
        assert_eq!(servers.find_by_identifier(AUDIENCE).await?, Some(resource_server(0)));
        assert_eq!(servers.find_by_identifier("https://none.test").await?, None);
        assert_eq!(servers.list(&[], &Page::first(9)).await?, [resource_server(0), changed.clone()]);
        let some = ["https://api1.test".to_owned(), "https://none.test".to_owned()];
        assert_eq!(servers.list(&some, &Page::first(9)).await?, [changed]);
        assert_eq!((servers.count(&[]).await?, servers.count(&some).await?), (2, 1));
    });
    write!(store, unit => {
        let permission =
            Permission { resource_server_identifier: AUDIENCE.to_owned(), permission_name: "read".to_owned() };
        unit.roles().add_permissions(&role_id(0), std::slice::from_ref(&permission)).await?;
        unit.roles().permit_user(&user_id(0), &[permission]).await?;
        unit.client_grants().insert(&client_grant(0, 0)).await?;
        assert!(unit.resource_servers().delete(&resource_server(0).id).await?);
        assert!(!unit.resource_servers().delete(&resource_server(0).id).await?);
        assert_eq!(unit.roles().permissions(&role_id(0), &Page::first(9)).await?, []);
        assert_eq!(unit.roles().permissions_of_user(&user_id(0), &Page::first(9)).await?, []);
        assert_eq!(unit.client_grants().find(&client_grant(0, 0).id).await?, None);
    });
}

async fn connections_are_found_and_listed(home: Home) {
    let store = home.open().await;
    furnish(&*store).await;
    let mut twin = connection(7);
    twin.name = connection(1).name;
    let twice = attempt!(store, unit => unit.connections().insert(&twin).await);
    assert_eq!(conflict(twice), "connections_name_key");
    read!(store, unit => {
        let connections = unit.connections();
        assert_eq!(connections.find(&connection_id(0)).await?, Some(connection(0)));
        assert_eq!(connections.find(&connection_id(9)).await?, None);
        assert_eq!(connections.find_by_name("connection-0001").await?, Some(connection(1)));
        assert_eq!(connections.find_by_name("CONNECTION-0001").await?, None);
        let ids = [connection_id(1), connection_id(9), connection_id(0)];
        assert_eq!(connections.find_all(&ids).await?, [connection(0), connection(1)]);
        assert_eq!(connections.find_all(&[]).await?, []);
        let all = ConnectionFilter::default();
        assert_eq!(connections.list(&all, &Page::first(1)).await?, [connection(0)]);
        assert_eq!(connections.count(&all).await?, 2);
        let filter = ConnectionFilter { strategies: vec!["oidc".to_owned(), "samlp".to_owned()], name: None };
        assert_eq!(connections.list(&filter, &Page::first(9)).await?, [connection(1)]);
        let filter = ConnectionFilter { name: Some("connection-0001".to_owned()), ..filter };
        assert_eq!(connections.count(&filter).await?, 1);
        let filter = ConnectionFilter { name: Some("connection-0000".to_owned()), ..filter };
        assert_eq!(connections.count(&filter).await?, 0);
    });
}

async fn a_connection_changes_by_revision(home: Home) {
    let store = home.open().await;
    furnish(&*store).await;
    let mut changed = connection(0);
    changed.options = json!({"client_secret": "rotated"});
    changed.revision = 2;
    let update = changed.clone();
    write!(store, unit => unit.connections().update(&update).await?);
    let update = changed.clone();
    let late = attempt!(store, unit => unit.connections().update(&update).await);
    assert!(matches!(late, Err(StoreError::Stale)), "{late:?}");
    let mut nowhere = connection(9);
    nowhere.revision = 2;
    let nowhere = attempt!(store, unit => unit.connections().update(&nowhere).await);
    assert!(matches!(nowhere, Err(StoreError::Stale)), "{nowhere:?}");
    assert_eq!(read!(store, unit => unit.connections().find(&connection_id(0)).await?), Some(changed));
}

async fn connections_are_enabled_for_clients(home: Home) {
    let store = home.open().await;
    furnish(&*store).await;
    write!(store, unit => {
        unit.clients().insert(&client(1)).await?;
        unit.connections().enable(&connection_id(0), &client_id(1), true).await?;
        unit.connections().enable(&connection_id(0), &client_id(1), true).await?;
        unit.connections().enable(&connection_id(1), &client_id(0), false).await?;
        unit.connections().enable(&connection_id(1), &client_id(0), false).await?;
    });
    read!(store, unit => {
        let connections = unit.connections();
        let found = connections.find(&connection_id(0)).await?.unwrap();
        assert_eq!(found.enabled_clients, [client_id(0), client_id(1)]);
        assert_eq!(connections.of_client(&client_id(1)).await?, [found]);
        assert_eq!(connections.find(&connection_id(1)).await?.unwrap().enabled_clients, []);
        assert_eq!(connections.clients(&connection_id(0), &Page::first(1)).await?, [client_id(0)]);
        let after = Page { after: Some((0, client_id(0).to_string())), ..Page::first(9) };
        assert_eq!(connections.clients(&connection_id(0), &after).await?, [client_id(1)]);
    });
    let unknown =
        attempt!(store, unit => unit.connections().enable(&connection_id(0), &client_id(9), true).await);
    assert!(matches!(unknown, Err(StoreError::Backend(_))), "{unknown:?}");
}

async fn deleting_a_connection_takes_its_users(home: Home) {
    let store = home.open().await;
    furnish(&*store).await;
    let mut elsewhere = user(5);
    elsewhere.identities = vec![super::samples::identity(1, "5"), super::samples::identity(0, "second")];
    write!(store, unit => {
        unit.users().insert(&elsewhere).await?;
        unit.credentials().insert(&credential(0)).await?;
        unit.organizations().insert_connection(&organization_connection(0, 0)).await?;
        assert!(unit.connections().delete(&connection_id(0)).await?);
        assert!(!unit.connections().delete(&connection_id(0)).await?);
        assert_eq!(unit.users().find(&user_id(0)).await?, None);
        let left = unit.users().find(&user_id(5)).await?.unwrap();
        assert_eq!(left.identities, [super::samples::identity(1, "5")], "who belongs elsewhere stays");
        assert!(unit.credentials().find(&connection_id(0), &credential(0).subject).await?.is_none());
        assert_eq!(unit.organizations().count_connections(&organization_id(0)).await?, 0);
        assert_eq!(unit.connections().of_client(&client_id(0)).await?, [connection(1)]);
    });
}
