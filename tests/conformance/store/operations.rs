//! Owns the cases of rate limits, the log and the outbox.
//! Never touches mail servers.

use super::{
    home::Home,
    on_every_engine, read,
    samples::{event, mail, organization_id, user_id},
    write,
};
use portico_core::{
    model::{EventKind, OutboxState},
    port::store::{Charge, Direction, EventFilter, Page},
    time::Timestamp,
};
use std::time::Duration;

on_every_engine! {
    a_key_takes_a_burst_and_then_one_a_period
    charges_are_all_or_none
    limits_are_refunded_forgotten_and_swept
    entries_of_the_log_are_filtered_and_paged
    messages_are_claimed_by_one_and_settled
    settled_messages_are_listed_and_swept
}

fn charge(key: &str, burst: u32, milliseconds: u64) -> Charge {
    Charge { key: key.to_owned(), burst, period: Duration::from_millis(milliseconds) }
}

async fn a_key_takes_a_burst_and_then_one_a_period(home: Home) {
    let store = home.open().await;
    let charged = async |at: i64| write!(store, unit => unit.limits().charge(&[charge("a", 3, 100)], Timestamp(at)).await?);
    for _ in 0..3 {
        assert_eq!(charged(1000).await, None);
    }
    assert_eq!(charged(1000).await, Some(("a".to_owned(), Timestamp(1100))));
    assert_eq!(charged(1099).await, Some(("a".to_owned(), Timestamp(1100))), "a refusal costs nothing");
    assert_eq!(charged(1100).await, None, "there is room when it was said");
    assert_eq!(charged(1199).await, Some(("a".to_owned(), Timestamp(1200))));
    for _ in 0..3 {
        assert_eq!(charged(9000).await, None, "a key that was left alone is empty");
    }
    assert_eq!(charged(9000).await, Some(("a".to_owned(), Timestamp(9100))));
    let never = write!(store, unit => unit.limits().charge(&[charge("z", 0, 100)], Timestamp(0)).await?);
    assert_eq!(never, Some(("z".to_owned(), Timestamp(100))));
    assert_eq!(write!(store, unit => unit.limits().charge(&[], Timestamp(0)).await?), None);
}

async fn charges_are_all_or_none(home: Home) {
    let store = home.open().await;
    let (a, b, c) = (charge("a", 10, 100), charge("b", 1, 100), charge("c", 1, 500));
    let all = [c.clone(), a.clone(), b.clone()];
    assert_eq!(write!(store, unit => unit.limits().charge(&all, Timestamp(1000)).await?), None);
    let (all, both) = ([c.clone(), a.clone(), b.clone()], [b.clone(), c.clone()]);
    let refused = write!(store, unit => unit.limits().charge(&all, Timestamp(1000)).await?);
    assert_eq!(
        refused,
        Some(("c".to_owned(), Timestamp(1500))),
        "the first that is full, as they were named"
    );
    let refused = write!(store, unit => unit.limits().charge(&both, Timestamp(1000)).await?);
    assert_eq!(refused, Some(("b".to_owned(), Timestamp(1100))));
    // Nine more fit into `a`: the refused call took nothing.
    for left in (0..9).rev() {
        let a = a.clone();
        assert_eq!(write!(store, unit => unit.limits().charge(&[a], Timestamp(1000)).await?), None, "{left}");
    }
    let (twice, a) = ([a.clone(), a.clone()], [a]);
    assert!(write!(store, unit => unit.limits().charge(&a, Timestamp(1000)).await?).is_some());
    let once = write!(store, unit => unit.limits().charge(&twice, Timestamp(1100)).await?);
    assert_eq!(once, None, "a key that is named twice is charged once");
}

async fn limits_are_refunded_forgotten_and_swept(home: Home) {
    let store = home.open().await;
    write!(store, unit => {
        let limits = unit.limits();
        let (a, b) = (charge("a", 1, 100), charge("b", 1, 100));
        let both = [a.clone(), b.clone()];
        assert_eq!(limits.charge(&both, Timestamp(1000)).await?, None);
        limits.refund(&both, Timestamp(1000)).await?;
        assert_eq!(limits.charge(&both, Timestamp(1000)).await?, None);
        limits.refund(&[], Timestamp(1000)).await?;
        limits.forget("a").await?;
        limits.forget("unknown").await?;
        assert_eq!(limits.charge(std::slice::from_ref(&a), Timestamp(1000)).await?, None);
        assert!(limits.charge(std::slice::from_ref(&b), Timestamp(1000)).await?.is_some());
        limits.refund(&[charge("unknown", 1, 100)], Timestamp(1000)).await?;
        assert_eq!(limits.sweep(Timestamp(1000)).await?, 0);
        assert_eq!(limits.sweep(Timestamp(1100)).await?, 1, "the one that never was charged");
        assert_eq!(limits.sweep(Timestamp(1101)).await?, 2);
    });
}

async fn entries_of_the_log_are_filtered_and_paged(home: Home) {
    let store = home.open().await;
    write!(store, unit => {
        for n in [2, 0, 3, 1] {
            let kind = if n == 3 { EventKind::LoginFailed } else { EventKind::Login };
            unit.events().insert(&event(n, kind)).await?;
        }
    });
    let found = read!(store, unit => unit.events().find(&event(3, EventKind::LoginFailed).id).await?);
    assert_eq!(found, Some(event(3, EventKind::LoginFailed)));
    let list = async |filter: EventFilter, page: Page| -> Vec<i64> {
        read!(store, unit => {
            let listed = unit.events().list(&filter, &page).await?;
            if page == Page::first(9) {
                assert_eq!(unit.events().count(&filter).await?, i64::try_from(listed.len()).unwrap());
            }
            listed.into_iter().map(|event| event.at.0 - 1000).collect()
        })
    };
    let all = EventFilter::default;
    assert_eq!(list(all(), Page::first(9)).await, [0, 1, 2, 3]);
    let newest = Page { direction: Direction::Descending, ..Page::first(2) };
    assert_eq!(list(all(), newest.clone()).await, [3, 2]);
    let after = Some((1002, event(2, EventKind::Login).id.to_string()));
    assert_eq!(list(all(), Page { after, ..newest }).await, [1, 0]);
    let kinds = vec![EventKind::LoginFailed, EventKind::SignUp, EventKind::Logout];
    assert_eq!(list(EventFilter { kinds, ..all() }, Page::first(9)).await, [3]);
    assert_eq!(list(EventFilter { user_id: Some(user_id(1)), ..all() }, Page::first(9)).await, [1]);
    let organization_id = Some(organization_id(0));
    assert_eq!(list(EventFilter { organization_id, ..all() }, Page::first(9)).await, [0, 2]);
    assert_eq!(write!(store, unit => unit.events().sweep(Timestamp(1002)).await?), 2);
    assert_eq!(list(all(), Page::first(9)).await, [2, 3]);
}

async fn messages_are_claimed_by_one_and_settled(home: Home) {
    let store = home.open().await;
    write!(store, unit => {
        for n in 0..3 {
            unit.outbox().push(&mail(n)).await?;
        }
        let mut later = mail(3);
        later.next_attempt_at = Timestamp(8000);
        unit.outbox().push(&later).await?;
    });
    let claimed = write!(store, unit => unit.outbox().claim(Timestamp(1010), Timestamp(2000), 2).await?);
    assert_eq!(claimed.iter().map(|mail| mail.id.clone()).collect::<Vec<_>>(), [mail(0).id, mail(1).id]);
    assert_eq!(claimed[0].data, mail(0).data);
    assert_eq!((claimed[0].attempts, claimed[0].next_attempt_at), (1, Timestamp(2000)));
    let rest = write!(store, unit => unit.outbox().claim(Timestamp(1010), Timestamp(2000), 9).await?);
    assert_eq!(rest.iter().map(|mail| mail.id.clone()).collect::<Vec<_>>(), [mail(2).id]);
    write!(store, unit => {
        let outbox = unit.outbox();
        outbox.settle(&mail(0).id, OutboxState::Sent, None, Timestamp(0)).await?;
        outbox.settle(&mail(1).id, OutboxState::Failed, Some("550 no such user"), Timestamp(0)).await?;
        outbox.settle(&mail(2).id, OutboxState::Pending, Some("421 busy"), Timestamp(3000)).await?;
        assert_eq!(outbox.claim(Timestamp(2999), Timestamp(9000), 9).await?, []);
        let again = outbox.claim(Timestamp(3000), Timestamp(9000), 9).await?;
        assert_eq!(again.len(), 1, "what was sent or given up is never due");
        assert_eq!((again[0].attempts, again[0].last_error.as_deref()), (2, Some("421 busy")));
        assert_eq!(again[0].data, mail(2).data);
    });
}

async fn settled_messages_are_listed_and_swept(home: Home) {
    let store = home.open().await;
    write!(store, unit => {
        let outbox = unit.outbox();
        outbox.push(&mail(0)).await?;
        outbox.push(&mail(1)).await?;
        outbox.settle(&mail(1).id, OutboxState::Failed, Some("550 no such user"), Timestamp(7)).await?;
        let failed = outbox.list(Some(OutboxState::Failed), &Page::first(9)).await?;
        assert_eq!(failed.len(), 1);
        assert!(failed[0].data.is_empty(), "the ticket in it is wiped");
        assert_eq!(failed[0].last_error.as_deref(), Some("550 no such user"));
        assert_eq!(outbox.list(Some(OutboxState::Pending), &Page::first(9)).await?, [mail(0)]);
        assert_eq!(outbox.list(None, &Page::first(9)).await?.len(), 2);
        assert_eq!(outbox.sweep(Timestamp(1001)).await?, 0);
        assert_eq!(outbox.sweep(Timestamp(i64::MAX)).await?, 1, "what is still to be sent stays");
        assert_eq!(outbox.list(None, &Page::first(9)).await?, [mail(0)]);
    });
}
