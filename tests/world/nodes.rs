//! Owns two gateways over one PostgreSQL, and what stands in front of them.
//! Never touches how a browser behaves.

use super::{App, Surroundings, World, allow, cheap, node};
use axum::{Router, extract::Request};
use portico_core::{entropy::SystemEntropy, port::store::Store};
use portico_database::HashingPool;
use portico_fixtures::browser::Browser;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};
use tower::ServiceExt;
use url::Url;

/// Two gateways. They share a database and the time, and nothing else: connections, keys, connectors and hashing are each
/// one's own.
pub(crate) struct Nodes {
    /// One of them, and what is in the database.
    pub(crate) first: World,
    /// The other, and the same.
    pub(crate) second: World,
}

/// To which node a browser's next request goes.
#[derive(Clone, Default)]
pub(crate) struct Switch(Arc<AtomicUsize>);

/// Every request goes to another node than the one before.
const TURNS: usize = usize::MAX;

impl Nodes {
    /// Over one database, opened twice: with the seed in it, and MetaHexa's identity provider if it is there.
    pub(crate) async fn over([store, again]: [Arc<dyn Store>; 2], idp: Option<&Url>) -> Self {
        let first = World::over(store, idp).await;
        let store = again;
        let entropy = Arc::new(SystemEntropy::default());
        let hashing = Arc::new(HashingPool::start(cheap(), entropy).expect("a hashing pool"));
        let surroundings = Surroundings {
            clock: Arc::clone(&first.clock),
            scripts: Arc::clone(&first.scripts),
            hashing: Arc::clone(&hashing),
            allow: idp.iter().map(|idp| allow(idp)).collect(),
        };
        let app = node(Arc::clone(&store), surroundings).await;
        let (clock, scripts) = (Arc::clone(&first.clock), Arc::clone(&first.scripts));
        let second = World { clock, store, scripts, hashing, app, seed: first.seed.clone() };
        Self { first, second }
    }

    /// Both.
    pub(crate) fn both(&self) -> [&World; 2] {
        [&self.first, &self.second]
    }

    /// A browser, and the switch that says whom it talks to: the first node, until it is told otherwise.
    pub(crate) fn browser(&self) -> (Browser, Switch) {
        let switch = Switch::default();
        let routers = self.both().map(|node| node.app.router.clone());
        let (asked, count) = (switch.clone(), Arc::new(AtomicUsize::new(0)));
        let balancer = Router::new().fallback(move |request: Request| {
            let number = match asked.0.load(Relaxed) {
                TURNS => count.fetch_add(1, Relaxed) % 2,
                number => number,
            };
            routers[number].clone().oneshot(request)
        });
        (World::browser_through(balancer), switch)
    }
}

impl Switch {
    /// From now on to the first.
    pub(crate) fn to_first(&self) {
        self.0.store(0, Relaxed);
    }

    /// From now on to the second.
    pub(crate) fn to_second(&self) {
        self.0.store(1, Relaxed);
    }

    /// From now on to both, in turns.
    pub(crate) fn in_turns(&self) {
        self.0.store(TURNS, Relaxed);
    }
}

/// A browser at a gateway of this process alone, over a store that another process has filled.
pub(crate) async fn browser_over(store: Arc<dyn Store>) -> Browser {
    World::browser_through(app_over(store).await.router)
}

/// Such a gateway.
pub(crate) async fn app_over(store: Arc<dyn Store>) -> App {
    let entropy = Arc::new(SystemEntropy::default());
    let surroundings = Surroundings {
        clock: Arc::default(),
        scripts: Arc::default(),
        hashing: Arc::new(HashingPool::start(cheap(), entropy).expect("a hashing pool")),
        allow: Vec::new(),
    };
    node(store, surroundings).await
}
