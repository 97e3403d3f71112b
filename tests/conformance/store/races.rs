//! Owns what must hold when many do the same thing at once: one winner, or exactly as many as fit.
//! Never touches single callers.

use super::{
    home::Home,
    on_every_engine, read,
    samples::{
        code, connection_id, credential, family, furnish, hash, invitation, mail, organization,
        organization_id, organization_name, ticket, transaction, transaction_id, user_id,
    },
    write,
};
use portico_core::{
    login::{Locating, Stage},
    model::{RefreshToken, TicketKind},
    port::store::{BoxFuture, Charge, Store, StoreError, UnitOfWork},
    secret::Secret,
    time::Timestamp,
};
use std::{sync::Arc, time::Duration};
use tokio::task::JoinSet;

on_every_engine! {
    one_of_fifty_advances_wins
    inf_14_of_two_nodes_racing_for_a_single_use_artefact_one_wins
    a_limit_is_never_exceeded
    charges_of_several_keys_do_not_deadlock
    a_message_is_claimed_by_one_node
    a_name_goes_to_one_organization
    of_two_tickets_made_at_once_one_is_good
    no_password_is_lost_from_the_history
}

/// How many take part.
const RACERS: usize = 50;

/// Run the same unit `RACERS` times at once, spread over the nodes; how each ended.
async fn race<T: Send + 'static>(
    nodes: &[Arc<dyn Store>],
    unit: impl for<'u> Fn(usize, &'u mut (dyn UnitOfWork + 'static)) -> BoxFuture<'u, Result<T, StoreError>>
    + Clone
    + Send
    + 'static,
) -> Vec<Result<T, StoreError>> {
    let mut racers = JoinSet::new();
    for n in 0..RACERS {
        let (node, unit) = (Arc::clone(&nodes[n % nodes.len()]), unit.clone());
        racers.spawn(async move { node.write(move |work| unit(n, work)).await });
    }
    racers.join_all().await
}

/// How many succeeded and said yes. Losing is a "no" or `Stale`, nothing else.
fn winners(results: Vec<Result<bool, StoreError>>) -> usize {
    let won = |result| match result {
        Ok(won) => won,
        Err(StoreError::Stale) => false,
        Err(other) => panic!("{other:?}"),
    };
    results.into_iter().filter_map(|result| won(result).then_some(())).count()
}

async fn nodes(home: &Home) -> Vec<Arc<dyn Store>> {
    let nodes = vec![home.open().await, home.open().await];
    furnish(&*nodes[0]).await;
    nodes
}

async fn one_of_fifty_advances_wins(home: Home) {
    let nodes = nodes(&home).await;
    let store = &nodes[0];
    write!(store, unit => unit.transactions().insert(&transaction(0)).await?);
    let results = race(&nodes, |n, unit| {
        Box::pin(async move {
            let found = unit.transactions().find(&transaction_id(0)).await?.ok_or(StoreError::Stale)?;
            let mut next = found.at(Stage::Locating(Locating {}));
            next.trace.push(format!("by {n}"));
            // All of them read version 1, whoever comes later.
            next.version = 2;
            unit.transactions().advance(&next).await.map(|()| true)
        })
    })
    .await;
    assert_eq!(winners(results), 1);
    let won = read!(nodes[1], unit => unit.transactions().find(&transaction_id(0)).await?).unwrap();
    assert_eq!((won.version, won.trace.len()), (2, 2));
}

async fn inf_14_of_two_nodes_racing_for_a_single_use_artefact_one_wins(home: Home) {
    let nodes = nodes(&home).await;
    let store = &nodes[0];
    write!(store, unit => {
        unit.codes().insert(&code(0)).await?;
        unit.invitations().insert(&invitation(0)).await?;
        unit.tickets().insert(&ticket(0, TicketKind::ChangePassword)).await?;
        unit.grants().insert_family(&family(0, 0)).await?;
        let token = RefreshToken {
            hash: hash("rt"),
            family_id: family(0, 0).id,
            generation: 1,
            idle_expires_at: None,
            expires_at: None,
            consumed_at: None,
            heir: None,
        };
        unit.grants().insert_refresh_token(&token).await?;
    });
    let at = Timestamp(2000);
    let code =
        race(&nodes, move |_, unit| Box::pin(async move { unit.codes().consume(&hash("code0"), at).await }));
    assert_eq!(winners(code.await), 1, "authorization code");
    let invitation = race(&nodes, move |_, unit| {
        Box::pin(async move { unit.invitations().consume(&invitation(0).id, Some(&user_id(0)), at).await })
    });
    assert_eq!(winners(invitation.await), 1, "invitation");
    let ticket = race(&nodes, move |_, unit| {
        Box::pin(async move { unit.tickets().consume(&hash("ticket0"), at).await })
    });
    assert_eq!(winners(ticket.await), 1, "ticket");
    let refresh = race(&nodes, move |n, unit| {
        Box::pin(async move {
            let won = unit.grants().consume_refresh_token(&hash("rt"), at, None).await?;
            if won {
                let child = RefreshToken {
                    hash: hash(&format!("child {n}")),
                    family_id: family(0, 0).id,
                    generation: 2,
                    idle_expires_at: None,
                    expires_at: None,
                    consumed_at: None,
                    heir: None,
                };
                unit.grants().insert_refresh_token(&child).await?;
            }
            Ok(won)
        })
    });
    assert_eq!(winners(refresh.await), 1, "refresh token");
    let member = race(&nodes, move |_, unit| {
        Box::pin(async move { unit.members().insert(&organization_id(0), &user_id(0), at).await })
    });
    assert_eq!(winners(member.await), 1, "membership");
    let mark = race(&nodes, move |n, unit| {
        Box::pin(async move { unit.tenant().set_mark("bootstrapped", &n.to_string()).await })
    });
    assert_eq!(winners(mark.await), 1, "first start");
}

fn charge(key: &str, burst: u32) -> Charge {
    Charge { key: key.to_owned(), burst, period: Duration::from_mins(1) }
}

async fn a_limit_is_never_exceeded(home: Home) {
    let nodes = nodes(&home).await;
    let results = race(&nodes, |_, unit| {
        Box::pin(async move {
            let full = unit.limits().charge(&[charge("id", 7), charge("ip", 20)], Timestamp(1000)).await?;
            Ok(full.is_none())
        })
    });
    assert_eq!(winners(results.await), 7);
    // Those that were refused because of `id` took nothing from `ip`.
    let results = race(&nodes, |_, unit| {
        Box::pin(
            async move { Ok(unit.limits().charge(&[charge("ip", 20)], Timestamp(1000)).await?.is_none()) },
        )
    });
    assert_eq!(winners(results.await), 13);
}

async fn charges_of_several_keys_do_not_deadlock(home: Home) {
    let nodes = nodes(&home).await;
    let results = race(&nodes, |n, unit| {
        Box::pin(async move {
            let mut keys = [charge("a", 1000), charge("b", 1000), charge("c", 1000)];
            keys.rotate_left(n % 3);
            let full = unit.limits().charge(&keys, Timestamp(1000)).await?;
            keys.reverse();
            unit.limits().refund(&keys, Timestamp(1000)).await?;
            Ok(full.is_none())
        })
    });
    assert_eq!(winners(results.await), RACERS);
}

async fn a_message_is_claimed_by_one_node(home: Home) {
    let nodes = nodes(&home).await;
    let store = &nodes[0];
    write!(store, unit => {
        for n in 0..40 {
            unit.outbox().push(&mail(n)).await?;
        }
    });
    let claims = race(&nodes, |_, unit| {
        Box::pin(async move { unit.outbox().claim(Timestamp(2000), Timestamp(9000), 3).await })
    });
    let mut claimed: Vec<_> = claims.await.into_iter().flat_map(Result::unwrap).map(|mail| mail.id).collect();
    claimed.sort();
    let total = claimed.len();
    claimed.dedup();
    assert_eq!(claimed.len(), total, "claimed twice");
    // On PostgreSQL some may have come away with less than there was; the rest is still due.
    let rest = write!(store, unit => unit.outbox().claim(Timestamp(2000), Timestamp(9000), 99).await?);
    assert_eq!(total + rest.len(), 40);
}

async fn a_name_goes_to_one_organization(home: Home) {
    let nodes = nodes(&home).await;
    let results = race(&nodes, |n, unit| {
        Box::pin(async move {
            let mut organization = organization(100 + i64::try_from(n).unwrap());
            organization.name = organization_name(5);
            unit.organizations().insert(&organization, Timestamp(0)).await
        })
    });
    let (won, lost): (Vec<_>, Vec<_>) = results.await.into_iter().partition(Result::is_ok);
    assert_eq!((won.len(), lost.len()), (1, RACERS - 1));
    for lost in lost {
        let taken = matches!(&lost, Err(StoreError::Conflict(name)) if name.starts_with("organization"));
        assert!(taken, "{lost:?}");
    }
}

async fn of_two_tickets_made_at_once_one_is_good(home: Home) {
    let nodes = nodes(&home).await;
    let made = race(&nodes, |n, unit| {
        Box::pin(async move {
            let ticket = ticket(i64::try_from(n).unwrap(), TicketKind::ChangePassword);
            unit.tickets().insert(&ticket).await
        })
    });
    made.await.into_iter().collect::<Result<Vec<()>, _>>().unwrap();
    let used = race(&nodes, |n, unit| {
        Box::pin(async move { unit.tickets().consume(&hash(&format!("ticket{n}")), Timestamp(2000)).await })
    });
    assert!(winners(used.await) <= 1);
}

async fn no_password_is_lost_from_the_history(home: Home) {
    let nodes = nodes(&home).await;
    let store = &nodes[0];
    write!(store, unit => unit.credentials().insert(&credential(0)).await?);
    let changes = race(&nodes, |n, unit| {
        Box::pin(async move {
            let new = Secret::new(format!("hash {n}"));
            let subject = credential(0).subject;
            unit.credentials().change_password(&connection_id(0), &subject, &new, Timestamp(1), 100).await
        })
    });
    let changed = winners(changes.await);
    let subject = credential(0).subject;
    let found = read!(store, unit => unit.credentials().find(&connection_id(0), &subject).await?).unwrap();
    assert_eq!(found.history.len(), changed, "one change, one entry");
}
