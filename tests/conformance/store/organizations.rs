//! Owns the cases of organizations, their connections, memberships and invitations.
//! Never touches logins.

use super::{
    attempt,
    home::Home,
    on_every_engine, read,
    samples::{
        client_id, connection_id, furnish, hash, invitation, organization, organization_connection,
        organization_id, organization_name, role, role_id, same, user, user_id,
    },
    write,
};
use portico_core::{
    model::TicketSource,
    port::store::{Direction, Page, StoreError},
    time::Timestamp,
};

on_every_engine! {
    organizations_are_found_listed_and_changed
    org_09_a_name_given_up_is_kept_from_others
    deleting_an_organization_takes_what_is_in_it
    organizations_have_connections
    members_are_added_listed_and_removed
    members_have_roles
    invitations_are_found_by_either_ticket
    an_invitation_is_used_once_and_in_time
}

fn conflict(result: Result<(), StoreError>) -> String {
    match result {
        Err(StoreError::Conflict(constraint)) => constraint,
        other => panic!("{other:?}"),
    }
}

async fn organizations_are_found_listed_and_changed(home: Home) {
    let store = home.open().await;
    for n in [3, 1, 2] {
        write!(store, unit => unit.organizations().insert(&organization(n), Timestamp(0)).await?);
    }
    let found = read!(store, unit => unit.organizations().find(&organization_id(2)).await?);
    assert_eq!(found, Some(organization(2)));
    assert_eq!(read!(store, unit => unit.organizations().find(&organization_id(9)).await?), None);
    let found = read!(store, unit => unit.organizations().find_by_name(&organization_name(3)).await?);
    assert_eq!(found, Some(organization(3)));
    assert_eq!(read!(store, unit => unit.organizations().count().await?), 3);

    let list = async |page: Page| -> Vec<i64> {
        let found = read!(store, unit => unit.organizations().list(&page).await?);
        found.into_iter().map(|organization| organization.created_at.0 - 1000).collect()
    };
    assert_eq!(list(Page::first(10)).await, [1, 2, 3], "by when they were made");
    assert_eq!(list(Page::first(2)).await, [1, 2]);
    assert_eq!(list(Page { skip: 1, ..Page::first(1) }).await, [2]);
    let after = Some((1001, organization_id(1).to_string()));
    assert_eq!(list(Page { after: after.clone(), ..Page::first(10) }).await, [2, 3]);
    let descending = Page { direction: Direction::Descending, ..Page::first(10) };
    assert_eq!(list(descending.clone()).await, [3, 2, 1]);
    assert_eq!(
        list(Page { after: Some((1003, organization_id(3).to_string())), ..descending }).await,
        [2, 1]
    );

    let mut changed = organization(2);
    changed.display_name = Some("Other".to_owned());
    let update = changed.clone();
    assert!(write!(store, unit => unit.organizations().update(&update, Timestamp(5), Timestamp(0)).await?));
    assert_eq!(read!(store, unit => unit.organizations().find(&organization_id(2)).await?), Some(changed));
    assert!(
        !write!(store, unit => unit.organizations().update(&organization(9), Timestamp(5), Timestamp(0)).await?)
    );
    assert!(!write!(store, unit => unit.organizations().delete(&organization_id(9), Timestamp(5)).await?));
    let same_id = attempt!(store, unit => unit.organizations().insert(&organization(1), Timestamp(0)).await);
    assert!(conflict(same_id).starts_with("organizations_"));
}

async fn org_09_a_name_given_up_is_kept_from_others(home: Home) {
    let store = home.open().await;
    let named = |n: i64, name: i64| {
        let mut organization = organization(n);
        organization.name = organization_name(name);
        organization
    };
    write!(store, unit => unit.organizations().insert(&named(1, 1), Timestamp(0)).await?);
    let taken = attempt!(store, unit => unit.organizations().insert(&named(2, 1), Timestamp(0)).await);
    assert_eq!(conflict(taken), "organizations_name_key");

    assert!(
        write!(store, unit => unit.organizations().update(&named(1, 7), Timestamp(500), Timestamp(0)).await?)
    );
    let found = read!(store, unit => unit.organizations().find_by_name(&organization_name(1)).await?);
    assert_eq!(found, None, "a name that was given up finds nothing");
    let early = attempt!(store, unit => unit.organizations().insert(&named(2, 1), Timestamp(500)).await);
    assert_eq!(conflict(early), "organizations_name_key");
    write!(store, unit => unit.organizations().insert(&organization(3), Timestamp(0)).await?);
    let renamed = attempt!(store, unit => unit.organizations().update(&named(3, 1), Timestamp(600), Timestamp(500)).await);
    assert_eq!(conflict(renamed.map(drop)), "organizations_name_key");
    let found = read!(store, unit => unit.organizations().find(&organization_id(3)).await?);
    assert_eq!(found.map(|found| found.name), Some(organization_name(3)), "a refused change changes nothing");

    assert!(
        write!(store, unit => unit.organizations().update(&named(1, 1), Timestamp(600), Timestamp(0)).await?)
    );
    assert!(
        write!(store, unit => unit.organizations().update(&named(1, 8), Timestamp(700), Timestamp(0)).await?)
    );
    write!(store, unit => unit.organizations().insert(&named(2, 1), Timestamp(701)).await?);

    assert!(write!(store, unit => unit.organizations().delete(&organization_id(2), Timestamp(800)).await?));
    let early = attempt!(store, unit => unit.organizations().insert(&named(4, 1), Timestamp(800)).await);
    assert_eq!(conflict(early), "organizations_name_key");
    write!(store, unit => unit.organizations().insert(&named(4, 1), Timestamp(801)).await?);
}

async fn deleting_an_organization_takes_what_is_in_it(home: Home) {
    let store = home.open().await;
    furnish(&*store).await;
    let organization = organization_id(0);
    write!(store, unit => {
        unit.organizations().insert_connection(&organization_connection(0, 0)).await?;
        unit.members().insert(&organization_id(0), &user_id(0), Timestamp(1)).await?;
        unit.members().add_roles(&organization_id(0), &user_id(0), &[role_id(0)]).await?;
        unit.invitations().insert(&invitation(0)).await?;
        assert!(unit.organizations().delete(&organization_id(0), Timestamp(2)).await?);
    });
    read!(store, unit => {
        assert_eq!(unit.organizations().find(&organization).await?, None);
        assert_eq!(unit.organizations().with_connection(&connection_id(0), 9).await?, []);
        assert_eq!(unit.members().find(&organization, &user_id(0)).await?, None);
        assert_eq!(unit.members().count_of(&user_id(0)).await?, 0);
        assert!(unit.invitations().find_by_ticket(&hash("canary-api-ticket-0")).await?.is_none());
        assert!(unit.users().find(&user_id(0)).await?.is_some(), "people stay");
        assert!(unit.roles().find(&role_id(0)).await?.is_some(), "roles stay");
        assert!(unit.connections().find(&connection_id(0)).await?.is_some(), "connections stay");
    });
}

async fn organizations_have_connections(home: Home) {
    let store = home.open().await;
    furnish(&*store).await;
    write!(store, unit => {
        unit.organizations().insert_connection(&organization_connection(0, 1)).await?;
        unit.organizations().insert_connection(&organization_connection(0, 0)).await?;
    });
    let again =
        attempt!(store, unit => unit.organizations().insert_connection(&organization_connection(0, 1)).await);
    assert_eq!(conflict(again), "organization_connections_pkey");
    let mut changed = organization_connection(0, 1);
    changed.is_enabled = false;
    let update = changed.clone();
    assert!(write!(store, unit => unit.organizations().update_connection(&update).await?));
    read!(store, unit => {
        let organizations = unit.organizations();
        let found = organizations.connection(&organization_id(0), &connection_id(1)).await?;
        assert_eq!(found.as_ref(), Some(&changed));
        let page = organizations.connections(&organization_id(0), &Page::first(9)).await?;
        assert_eq!(page, [organization_connection(0, 0), changed.clone()]);
        assert_eq!(organizations.count_connections(&organization_id(0)).await?, 2);
        assert_eq!(organizations.with_connection(&connection_id(1), 9).await?, [changed]);
        assert_eq!(organizations.with_connection(&connection_id(1), 0).await?, []);
    });
    write!(store, unit => {
        let organizations = unit.organizations();
        assert!(organizations.delete_connection(&organization_id(0), &connection_id(1)).await?);
        assert!(!organizations.delete_connection(&organization_id(0), &connection_id(1)).await?);
        assert!(!organizations.update_connection(&organization_connection(0, 1)).await?);
        assert_eq!(organizations.connection(&organization_id(0), &connection_id(1)).await?, None);
    });
}

async fn members_are_added_listed_and_removed(home: Home) {
    let store = home.open().await;
    furnish(&*store).await;
    write!(store, unit => {
        unit.users().insert(&user(2)).await?;
        unit.organizations().insert(&organization(1), Timestamp(0)).await?;
        let members = unit.members();
        assert!(members.insert(&organization_id(0), &user_id(2), Timestamp(10)).await?);
        assert!(members.insert(&organization_id(0), &user_id(0), Timestamp(20)).await?);
        assert!(!members.insert(&organization_id(0), &user_id(2), Timestamp(30)).await?, "nothing changes");
        assert!(members.insert(&organization_id(1), &user_id(2), Timestamp(5)).await?);
    });
    read!(store, unit => {
        let members = unit.members();
        let found = members.find(&organization_id(0), &user_id(2)).await?.unwrap();
        assert_eq!((found.created_at, found.roles), (Timestamp(10), vec![]));
        assert_eq!(members.find(&organization_id(0), &user_id(1)).await?, None);
        assert_eq!(members.list(&organization_id(0), &Page::first(9)).await?, [user(2), user(0)]);
        let after = Some((10, user_id(2).to_string()));
        let next = Page { after, ..Page::first(9) };
        assert_eq!(members.list(&organization_id(0), &next).await?, [user(0)]);
        assert_eq!(members.joined_at(&organization_id(0), &user_id(0)).await?, Some(Timestamp(20)));
        assert_eq!(members.joined_at(&organization_id(0), &user_id(1)).await?, None);
        assert_eq!(members.count(&organization_id(0)).await?, 2);
        let organizations = members.organizations_of(&user_id(2), &Page::first(9)).await?;
        assert_eq!(organizations, [organization(0), organization(1)]);
        assert_eq!(members.count_of(&user_id(2)).await?, 2);
    });
    write!(store, unit => {
        assert!(unit.members().delete(&organization_id(0), &user_id(2)).await?);
        assert!(!unit.members().delete(&organization_id(0), &user_id(2)).await?);
        assert_eq!(unit.members().count(&organization_id(0)).await?, 1);
    });
}

async fn members_have_roles(home: Home) {
    let store = home.open().await;
    furnish(&*store).await;
    write!(store, unit => {
        unit.roles().insert(&role(1)).await?;
        unit.roles().insert(&role(2)).await?;
        unit.members().insert(&organization_id(0), &user_id(0), Timestamp(10)).await?;
        unit.members().add_roles(&organization_id(0), &user_id(0), &[role_id(2), role_id(0), role_id(1)]).await?;
        unit.members().add_roles(&organization_id(0), &user_id(0), &[role_id(0)]).await?;
        unit.members().add_roles(&organization_id(0), &user_id(0), &[]).await?;
        unit.members().remove_roles(&organization_id(0), &user_id(0), &[role_id(1), role_id(9)]).await?;
    });
    let roles =
        read!(store, unit => unit.members().roles(&organization_id(0), &user_id(0), &Page::first(9)).await?);
    assert_eq!(roles, [role(0), role(2)]);
    let held =
        read!(store, unit => unit.members().roles_of(&organization_id(0), &[user_id(0), user_id(1)]).await?);
    assert_eq!(held, [(user_id(0), role(0)), (user_id(0), role(2))]);
    let elsewhere = read!(store, unit => unit.members().roles_of(&organization_id(1), &[user_id(0)]).await?);
    assert_eq!(elsewhere, []);
    assert_eq!(read!(store, unit => unit.members().roles_of(&organization_id(0), &[]).await?), []);
    let found = read!(store, unit => unit.members().find(&organization_id(0), &user_id(0)).await?).unwrap();
    assert_eq!(found.roles, [role_id(0), role_id(2)]);
    let nobody = attempt!(store, unit => unit.members().add_roles(&organization_id(0), &user_id(1), &[role_id(0)]).await);
    assert!(matches!(nobody, Err(StoreError::Backend(_))), "only members have roles: {nobody:?}");
    write!(store, unit => {
        assert!(unit.roles().delete(&role_id(2)).await?);
        assert!(unit.members().delete(&organization_id(0), &user_id(0)).await?);
        assert!(unit.members().insert(&organization_id(0), &user_id(0), Timestamp(40)).await?);
    });
    let found = read!(store, unit => unit.members().find(&organization_id(0), &user_id(0)).await?).unwrap();
    assert_eq!(found.roles, [], "who comes back has no roles left from before");
}

async fn invitations_are_found_by_either_ticket(home: Home) {
    let store = home.open().await;
    furnish(&*store).await;
    let mut unsent = invitation(1);
    unsent.mail_ticket = None;
    write!(store, unit => {
        unit.invitations().insert(&invitation(0)).await?;
        unit.invitations().insert(&unsent).await?;
    });
    read!(store, unit => {
        let invitations = unit.invitations();
        let (found, source) = invitations.find_by_ticket(&hash("canary-api-ticket-0")).await?.unwrap();
        assert!(same(&found, &invitation(0)) && source == TicketSource::Api);
        assert_eq!(found.api_ticket.expose(), "canary-api-ticket-0");
        let (found, source) = invitations.find_by_ticket(&hash("canary-mail-ticket-0")).await?.unwrap();
        assert!(same(&found, &invitation(0)) && source == TicketSource::Mail);
        assert_eq!(found.mail_ticket.unwrap().expose(), "canary-mail-ticket-0");
        assert!(invitations.find_by_ticket(&hash("canary-mail-ticket-1")).await?.is_none());
        let found = invitations.find(&organization_id(0), &invitation(1).id).await?.unwrap();
        assert!(found.mail_ticket.is_none());
        assert!(invitations.find(&organization_id(1), &invitation(1).id).await?.is_none(), "of another organization");
        assert_eq!(invitations.count(&organization_id(0)).await?, 2);
        let page = invitations.list(&organization_id(0), &Page { skip: 1, ..Page::first(9) }).await?;
        assert!(page.len() == 1 && page[0].id == invitation(1).id);
    });
    write!(store, unit => {
        let invitations = unit.invitations();
        assert!(!invitations.delete(&organization_id(1), &invitation(0).id).await?, "of another organization");
        assert!(invitations.delete(&organization_id(0), &invitation(0).id).await?);
        assert!(!invitations.delete(&organization_id(0), &invitation(0).id).await?);
        assert!(invitations.find_by_ticket(&hash("canary-mail-ticket-0")).await?.is_none());
    });
}

async fn an_invitation_is_used_once_and_in_time(home: Home) {
    let store = home.open().await;
    furnish(&*store).await;
    write!(store, unit => {
        let invitations = unit.invitations();
        invitations.insert(&invitation(0)).await?;
        invitations.insert(&invitation(1)).await?;
        assert!(!invitations.consume(&invitation(0).id, None, Timestamp(9000)).await?, "over at its end");
        assert!(invitations.consume(&invitation(0).id, Some(&user_id(0)), Timestamp(8999)).await?);
        assert!(!invitations.consume(&invitation(0).id, Some(&user_id(1)), Timestamp(2000)).await?);
        assert_eq!(invitations.count(&organization_id(0)).await?, 1, "used ones are not listed");
        let (used, _) = invitations.find_by_ticket(&hash("canary-api-ticket-0")).await?.unwrap();
        assert_eq!((used.consumed_at, used.accepted_by), (Some(Timestamp(8999)), Some(user_id(0))));
        assert_eq!(used.client_id, client_id(0));
    });
}
