//! Owns what every engine of the store must do, on a RAM disk, on a disk and on PostgreSQL.
//! Never touches an engine's inside: it opens stores as the server does.
//!
//! Every method of every repository has a case here. PostgreSQL is started by the tests; without it they fail.

mod access;
mod actions;
mod applications;
pub(crate) mod home;
mod jobs;
mod killed;
mod logins;
mod maintenance;
mod operations;
mod organizations;
mod partners;
mod people;
mod races;
mod samples;
mod sealing;
mod tls;
mod tokens;
mod units;

/// Run an expression in a unit that writes; what it yields.
macro_rules! write {
    ($store:expr, $unit:ident => $body:expr) => {
        $store
            .write(move |$unit| {
                Box::pin(async move { Ok::<_, portico_core::port::store::StoreError>($body) })
            })
            .await
            .unwrap()
    };
}

/// Run an expression in a unit that writes; the whole result.
macro_rules! attempt {
    ($store:expr, $unit:ident => $body:expr) => {
        $store.write(move |$unit| Box::pin(async move { $body })).await
    };
}

/// Run an expression in a unit that reads; what it yields.
macro_rules! read {
    ($store:expr, $unit:ident => $body:expr) => {
        $store
            .read(|$unit| Box::pin(async move { Ok::<_, portico_core::port::store::StoreError>($body) }))
            .await
            .unwrap()
    };
}

/// A test of each of these functions on each engine.
macro_rules! on_every_engine {
    ($($test:ident)*) => {
        mod memory { $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() { super::$test(crate::conformance::store::home::Home::memory()).await; }
        )* }
        mod disk { $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() { super::$test(crate::conformance::store::home::Home::disk()).await; }
        )* }
        mod postgres { $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() { super::$test(crate::conformance::store::home::Home::postgres()).await; }
        )* }
    };
}

pub(crate) use {attempt, on_every_engine, read, write};
