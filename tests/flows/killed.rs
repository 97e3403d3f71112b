//! Owns INF-13 at the steps of a login and of an invitation: the gateway is killed in, and after, each of their units of
//! work, and what is left keeps the invariants of `security.md` §5.1.
//! Never touches kills at random moments: the store's own cases have those.

use crate::{
    conformance::store::home::{Home, keks, options},
    world::{HOEKSTRA, ISSUER, World, nodes::browser_over, query, seed},
};
use async_trait::async_trait;
use portico_core::{
    model::EventKind,
    port::store::{Durability, Page, Store, StoreError, Work},
};
use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

const NEW_PASSWORD: &str = "Unusual-Harbour-93-Lantern";
/// What the child is told: the store, where to begin, what to fill in, the application, and when to die.
const STORE: &str = "PORTICO_TEST_JOURNEY_STORE";
const BEGIN: &str = "PORTICO_TEST_JOURNEY_BEGIN";
const USERNAME: &str = "PORTICO_TEST_JOURNEY_USERNAME";
const PASSWORD: &str = "PORTICO_TEST_JOURNEY_PASSWORD";
const CLIENT: &str = "PORTICO_TEST_JOURNEY_CLIENT";
const UNIT: &str = "PORTICO_TEST_JOURNEY_UNIT";
const MOMENT: &str = "PORTICO_TEST_JOURNEY_MOMENT";

/// Where in a unit of work the process ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Moment {
    /// After its last statement, before it is durable.
    Inside,
    /// When it is durable, before anybody hears of it.
    After,
}

/// A store whose process is killed in one of its units that write.
pub(super) struct Deadly {
    pub(super) store: Arc<dyn Store>,
    /// How many units are left until the deadly one, which is the one that finds 1.
    pub(super) left: AtomicUsize,
    pub(super) moment: Moment,
}

/// As `kill -9` does: nothing is flushed, nothing is told.
fn die() {
    let me = rustix::process::getpid();
    rustix::process::kill_process(me, rustix::process::Signal::KILL).unwrap();
}

#[async_trait]
impl Store for Deadly {
    async fn run_write(&self, work: Work<'static>, durability: Durability) -> Result<(), StoreError> {
        let deadly = self.left.fetch_sub(1, SeqCst) == 1;
        let inside = deadly && self.moment == Moment::Inside;
        let work: Work<'static> = Box::new(move |unit| {
            Box::pin(async move {
                let verdict = work(unit).await;
                if inside {
                    die();
                }
                verdict
            })
        });
        let done = self.store.run_write(work, durability).await;
        if deadly {
            die();
        }
        done
    }

    async fn run_read<'a>(&'a self, work: Work<'a>) -> Result<(), StoreError> {
        self.store.run_read(work).await
    }

    async fn ready(&self) -> Result<(), StoreError> {
        self.store.ready().await
    }
}

/// The child: one journey up to its tokens, at a gateway that will be killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by the tests below"]
#[expect(clippy::disallowed_methods, reason = "its parent tells it by the environment what to do")]
async fn goes_on_a_journey_until_killed() {
    let told = |name: &str| std::env::var(name).unwrap();
    let store = portico_store::open(&told(STORE), &options(keks(&[1]))).await.unwrap();
    let moment = if told(MOMENT) == "Inside" { Moment::Inside } else { Moment::After };
    // What a start writes is not the journey's: the count begins when the gateway stands.
    let deadly = Arc::new(Deadly { store, left: AtomicUsize::new(0), moment });
    let mut browser = browser_over(deadly.clone()).await;
    deadly.left.store(told(UNIT).parse().unwrap(), SeqCst);

    browser.open(&told(BEGIN)).await.unwrap();
    let (username, password) = (told(USERNAME), told(PASSWORD));
    let mut fields = vec![("password", password.as_str())];
    if !username.is_empty() {
        fields.push(("username", username.as_str()));
    }
    let page = browser.submit(&fields).await.unwrap();
    let code = query(&page.url).remove("code").unwrap_or_else(|| panic!("{} {}", page.url, page.text()));
    println!("\nacknowledged code {code}");
    let (client, callback) = (told(CLIENT), format!("{HOEKSTRA}/callback"));
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", client.as_str()),
        ("client_secret", &format!("secret-of-{client}")),
        ("code", &code),
        ("redirect_uri", &callback),
        ("code_verifier", seed::VERIFIER),
    ];
    let page = browser.forge(ISSUER, &format!("{ISSUER}oauth/token"), &fields).await.unwrap();
    assert_eq!(page.status, 200, "{}", page.text());
    println!("\nacknowledged tokens");
}

/// What the child got before its gateway was killed.
#[derive(Debug, Default)]
struct Got {
    code: Option<String>,
    tokens: bool,
    /// Nothing was left to be killed in.
    survived: bool,
}

/// A journey that is tried again and again.
struct Journey {
    home: Home,
    world: World,
}

impl Journey {
    async fn prepare(home: Home) -> Self {
        let world = World::over(home.open().await, None).await;
        Self { home, world }
    }

    fn run(&self, begin: &str, (username, password): (&str, &str), unit: usize, moment: Moment) -> Got {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "flows::killed::goes_on_a_journey_until_killed", "--ignored", "--nocapture"])
            .env(STORE, self.home.url())
            .env(BEGIN, begin)
            .env(USERNAME, username)
            .env(PASSWORD, password)
            .env(CLIENT, self.world.seed.booking.as_str())
            .env(UNIT, unit.to_string())
            .env(MOMENT, format!("{moment:?}"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut got = Got::default();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            match line.unwrap().strip_prefix("acknowledged ") {
                Some("tokens") => got.tokens = true,
                Some(code) => got.code = code.strip_prefix("code ").map(str::to_owned),
                None => {}
            }
        }
        let status = child.wait().unwrap();
        got.survived = status.success();
        let killed = std::os::unix::process::ExitStatusExt::signal(&status) == Some(9);
        assert!(got.survived || killed, "unit {unit} {moment:?}: the child failed by itself: {status}");
        got
    }

    async fn count(&self, kind: EventKind) -> usize {
        self.world.kinds().await.into_iter().filter(|each| *each == kind).count()
    }

    /// I2, I12: the store is whole, secrets open, and a code gives tokens at most once.
    async fn assert_whole(&self, got: &Got, at: &str) {
        self.home.assert_sound(at).await;
        let Some(code) = &got.code else { return };
        let booking = &self.world.seed.booking;
        let first = self.world.redeem(booking, code).await;
        assert!(first.status == 403 || first.status == 200 && !got.tokens, "{at}: {got:?} {}", first.body);
        assert_eq!(self.world.redeem(booking, code).await.status, 403, "{at}: and never again");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inf_13_a_login_that_is_killed_at_any_step_leaves_nothing_by_half() {
    kill_a_login(Home::memory()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inf_13_a_login_that_is_killed_at_any_step_leaves_nothing_by_half_on_postgres() {
    kill_a_login(Home::postgres()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inf_13_an_invitation_that_is_killed_at_any_step_is_accepted_entirely_or_not_at_all() {
    kill_an_invitation(Home::memory()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inf_13_an_invitation_that_is_killed_at_any_step_is_accepted_entirely_or_not_at_all_on_postgres() {
    kill_an_invitation(Home::postgres()).await;
}

async fn kill_a_login(home: Home) {
    let journey = Journey::prepare(home).await;
    let seed = &journey.world.seed;
    let begin = seed.authorize(&seed.booking, Some(&seed.hoekstra), &[]);
    for moment in [Moment::Inside, Moment::After] {
        let mut kills = 0;
        loop {
            let at = format!("unit {} {moment:?}", kills + 1);
            let before = journey.count(EventKind::Login).await;
            let got = journey.run(&begin, ("piet@hoekstra.test", seed::PASSWORD), kills + 1, moment);
            journey.assert_whole(&got, &at).await;
            let logged = journey.count(EventKind::Login).await - before;
            assert!(logged <= 1, "{at}: I10: one attempt, one entry at most");
            assert!(
                logged == 1 || got.code.is_none(),
                "{at}: I5: a code that was given is of a login that is told"
            );
            let code = journey.world.sign_in(&mut journey.world.browser()).await;
            assert_eq!(journey.world.redeem(&seed.booking, &code).await.status, 200, "{at}: it goes on");
            if got.survived {
                break;
            }
            kills += 1;
        }
        // The login's stages, the guess that is counted, the code with its session, its redemption.
        assert!(kills >= 4, "{moment:?}: only {kills} units were there to be killed in");
    }
}

async fn kill_an_invitation(home: Home) {
    let journey = Journey::prepare(home).await;
    let (world, seed) = (&journey.world, &journey.world.seed);
    for moment in [Moment::Inside, Moment::After] {
        let mut kills = 0;
        loop {
            let at = format!("unit {} {moment:?}", kills + 1);
            let email = format!("jennifer.{kills}.{moment:?}@hoekstra.test").to_lowercase();
            let (_, ticket) = world.invite(&seed.hoekstra, &email).await;
            let invited = [("invitation", ticket.as_str()), ("organization_name", "hoekstra")];
            let begin = seed.authorize(&seed.booking, Some(&seed.hoekstra), &invited);
            let kinds = [EventKind::InvitationAccepted, EventKind::SignUp, EventKind::MemberAdded];
            let mut before = Vec::new();
            for kind in kinds {
                before.push(journey.count(kind).await);
            }
            let got = journey.run(&begin, ("", NEW_PASSWORD), kills + 1, moment);
            journey.assert_whole(&got, &at).await;

            // Account, membership, the end of the invitation and its entries in the log: all of it, or nothing.
            let people = world.people(&email, &seed.hoekstra).await;
            let accepted = !people.is_empty();
            assert_eq!(
                people.iter().filter(|(_, member)| *member).count(),
                usize::from(accepted),
                "{at}: I1"
            );
            assert!(accepted || got.code.is_none(), "{at}: I6: who got a code is a member");
            for (kind, before) in kinds.into_iter().zip(before) {
                assert_eq!(journey.count(kind).await - before, usize::from(accepted), "{at}: I10: {kind:?}");
            }
            let hoekstra = seed.hoekstra.clone();
            let listed = world.store.read::<_, StoreError, _>(|unit| {
                Box::pin(async move { unit.invitations().list(&hoekstra, &Page::first(100)).await })
            });
            let listed = listed.await.unwrap();
            let invitation = listed.iter().find(|each| each.invitee_email.canonical() == email);
            let spent = invitation.is_none_or(|invitation| invitation.consumed_at.is_some());
            assert_eq!(spent, accepted, "{at}: I1: {invitation:?}");

            // It goes on from there: with the invitation, or with the account.
            let mut browser = world.browser();
            let mut fields = vec![("password", NEW_PASSWORD)];
            if accepted {
                fields.push(("username", email.as_str()));
                world.begin(&mut browser, &seed.booking, &[]).await;
            } else {
                world.begin(&mut browser, &seed.booking, &invited).await;
            }
            let page = browser.submit(&fields).await.unwrap();
            assert!(query(&page.url).contains_key("code"), "{at}: {} {}", page.url, page.text());
            assert_eq!(
                world.people(&email, &seed.hoekstra).await.len(),
                1,
                "{at}: I1: one account in the end"
            );
            if got.survived {
                break;
            }
            kills += 1;
        }
        assert!(kills >= 4, "{moment:?}: only {kills} units were there to be killed in");
    }
}
