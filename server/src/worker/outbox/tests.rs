//! Owns the tests of mail delivery, over a real store and a mailer that fails on request.
//! Never touches the network.

use super::*;
use portico_core::{
    id::MailId,
    port::store::{Direction, EventFilter, Page},
    testing::{FakeClock, SeededEntropy},
};
use portico_mail::{MemoryMailer, Outage};
use serde_json::Map;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

/// Renders the ticket into the text; can be away.
#[derive(Default)]
struct PlainRenderer {
    away: AtomicBool,
}

#[async_trait]
impl MailRenderer for PlainRenderer {
    async fn render(&self, mail: &OutboxMail) -> Result<Mail, RenderError> {
        if self.away.load(SeqCst) {
            return Err(RenderError::Unavailable("the store is away".into()));
        }
        if mail.template != "user_invitation" {
            return Err(RenderError::Unusable(format!("there is no template `{}`", mail.template)));
        }
        Ok(Mail {
            id: mail.id.as_str().to_owned(),
            to: mail.to.clone(),
            from_name: None,
            subject: "You are invited".to_owned(),
            text: mail.data["ticket"].as_str().unwrap_or_default().to_owned(),
            html: None,
        })
    }
}

struct Bench {
    store: Arc<dyn Store>,
    clock: Arc<FakeClock>,
    mailer: Arc<MemoryMailer>,
    renderer: Arc<PlainRenderer>,
    delivery: OutboxDelivery,
}

impl Bench {
    async fn new() -> Self {
        let store = portico_store::temporary().await.unwrap();
        let (clock, mailer, renderer): (Arc<FakeClock>, Arc<MemoryMailer>, Arc<PlainRenderer>) =
            Default::default();
        let ports = DeliveryPorts {
            store: Arc::clone(&store),
            clock: Arc::<FakeClock>::clone(&clock),
            entropy: Arc::new(SeededEntropy::default()),
            renderer: Arc::<PlainRenderer>::clone(&renderer),
            mailer: Arc::<MemoryMailer>::clone(&mailer),
        };
        let delivery = OutboxDelivery::new(ports, Arc::default(), Duration::from_hours(72));
        Self { store, clock, mailer, renderer, delivery }
    }

    async fn push(&self, number: u32, template: &str) {
        let mail = OutboxMail {
            id: MailId::parse(format!("mail_{number}")).unwrap(),
            to: "jennifer@hoekstra.example".to_owned(),
            template: template.to_owned(),
            organization_id: None,
            data: Map::from_iter([("ticket".to_owned(), Value::from(format!("ticket {number}")))]),
            state: OutboxState::Pending,
            attempts: 0,
            last_error: None,
            created_at: self.clock.now(),
            next_attempt_at: self.clock.now(),
        };
        let push = self
            .store
            .write::<_, StoreError, _>(move |unit| Box::pin(async move { unit.outbox().push(&mail).await }));
        push.await.unwrap();
    }

    async fn mails(&self, state: OutboxState) -> Vec<OutboxMail> {
        let list = self.store.read::<_, StoreError, _>(|unit| {
            Box::pin(async move { unit.outbox().list(Some(state), &Page::first(100)).await })
        });
        list.await.unwrap()
    }

    async fn failures(&self) -> Vec<AuditEvent> {
        let list = self.store.read::<_, StoreError, _>(|unit| {
            Box::pin(async move {
                let filter = EventFilter { kinds: vec![EventKind::MailFailed], ..EventFilter::default() };
                let page = Page { direction: Direction::Descending, ..Page::first(100) };
                unit.events().list(&filter, &page).await
            })
        });
        list.await.unwrap()
    }
}

#[tokio::test]
async fn a_message_is_sent_once_and_its_ticket_is_wiped() {
    let bench = Bench::new().await;
    bench.push(1, "user_invitation").await;
    assert_eq!(bench.delivery.deliver_due().await.unwrap(), 1);
    assert_eq!(bench.delivery.deliver_due().await.unwrap(), 0);
    assert_eq!(bench.mailer.take()[0].text, "ticket 1");
    assert_eq!(bench.mails(OutboxState::Sent).await[0].data, Map::new());
}

#[tokio::test]
async fn inv_20_a_mail_server_that_is_away_loses_nothing_and_gets_the_same_ticket_later() {
    let bench = Bench::new().await;
    bench.push(1, "user_invitation").await;
    bench.mailer.outage(Some(Outage::Away));
    for _ in 0..5 {
        bench.delivery.deliver_due().await.unwrap();
        bench.clock.advance(Duration::from_secs(10));
    }
    assert_eq!(bench.mailer.attempts(), 2, "it waits between attempts: 15 seconds and more");
    let waiting = &bench.mails(OutboxState::Pending).await[0];
    assert_eq!(waiting.last_error.as_deref(), Some("not delivered yet: the mail server is away"));
    assert_eq!(waiting.attempts, 2);

    bench.mailer.outage(None);
    bench.clock.advance(Duration::from_hours(1));
    bench.delivery.deliver_due().await.unwrap();
    let sent = bench.mailer.take();
    assert_eq!((sent.len(), sent[0].text.as_str()), (1, "ticket 1"));
}

#[tokio::test]
async fn inv_20_a_lost_answer_means_the_same_message_id_again() {
    let bench = Bench::new().await;
    bench.push(1, "user_invitation").await;
    bench.mailer.outage(Some(Outage::AnswerLost));
    bench.delivery.deliver_due().await.unwrap();
    bench.mailer.outage(None);
    bench.clock.advance(Duration::from_hours(1));
    bench.delivery.deliver_due().await.unwrap();
    let sent = bench.mailer.take();
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0], sent[1], "same id, same ticket");
}

#[tokio::test]
async fn a_rejected_message_is_given_up_with_an_entry_in_the_log() {
    let bench = Bench::new().await;
    bench.push(1, "user_invitation").await;
    bench.mailer.outage(Some(Outage::Unwilling));
    bench.delivery.deliver_due().await.unwrap();
    bench.clock.advance(Duration::from_hours(2));
    assert_eq!(bench.delivery.deliver_due().await.unwrap(), 0);
    let events = bench.failures().await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].description.as_deref(), Some("550 no such mailbox"));
    assert!(!serde_json::to_string(&events).unwrap().contains("ticket 1"), "no entry holds a ticket");
}

#[tokio::test]
async fn a_message_that_never_goes_is_given_up_in_the_end() {
    let bench = Bench::new().await;
    bench.push(1, "user_invitation").await;
    bench.mailer.outage(Some(Outage::Away));
    for _ in 0..71 {
        bench.delivery.deliver_due().await.unwrap();
        bench.clock.advance(Duration::from_mins(59));
    }
    assert_eq!(bench.failures().await.len(), 0);
    bench.clock.advance(Duration::from_hours(4));
    bench.delivery.deliver_due().await.unwrap();
    assert_eq!(bench.failures().await.len(), 1);
    assert_eq!(bench.mails(OutboxState::Failed).await[0].data, Map::new());
}

#[tokio::test]
async fn what_cannot_be_rendered_fails_at_once_and_what_cannot_be_read_waits() {
    let bench = Bench::new().await;
    bench.push(1, "no_such_template").await;
    bench.delivery.deliver_due().await.unwrap();
    assert_eq!(
        bench.failures().await[0].description.as_deref(),
        Some("there is no template `no_such_template`")
    );

    bench.push(2, "user_invitation").await;
    bench.renderer.away.store(true, SeqCst);
    bench.delivery.deliver_due().await.unwrap();
    bench.renderer.away.store(false, SeqCst);
    bench.clock.advance(Duration::from_mins(1));
    bench.delivery.deliver_due().await.unwrap();
    assert_eq!(bench.mailer.take().len(), 1);
}

#[tokio::test]
async fn two_nodes_share_the_work_and_a_node_that_dies_loses_none_of_it() {
    let bench = Bench::new().await;
    for number in 0..20 {
        bench.push(number, "user_invitation").await;
    }
    let (now, until) = (bench.clock.now(), bench.clock.now().plus(LEASE));
    let dying = bench.store.write::<_, StoreError, _>(move |unit| {
        Box::pin(async move { unit.outbox().claim(now, until, BATCH).await })
    });
    assert_eq!(dying.await.unwrap().len(), 8);
    let (one, other) = tokio::join!(bench.delivery.deliver_due(), bench.delivery.deliver_due());
    assert_eq!(one.unwrap() + other.unwrap(), 12);
    assert_eq!(bench.mailer.take().len(), 12);
    bench.clock.advance(LEASE);
    assert_eq!(bench.delivery.deliver_due().await.unwrap(), 8);
}
