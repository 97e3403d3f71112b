//! Owns the script worker of the tests: this very executable, started again so that it is nothing else.
//! Never touches the gateway's executable: cargo builds that one for its own package's tests alone.

use portico_script::WorkerCommand;

/// Not a test but a program: the tests start this executable again with the arguments of [`command`], and the harness
/// then runs this one function and nothing else. It works the same under `cargo test` and `cargo nextest`.
#[test]
#[ignore = "a program that other tests start"]
fn script_worker() {
    assert_eq!(portico_script::worker_main(), std::process::ExitCode::SUCCESS);
}

/// How a pool of the tests starts its workers.
pub(crate) fn command() -> WorkerCommand {
    marked("worker::script_worker")
}

/// The same, with a word in the command line by which the test finds its own processes among others'.
pub(crate) fn marked(mark: &str) -> WorkerCommand {
    let args = ["worker::script_worker", mark, "--exact", "--ignored", "--nocapture", "--test-threads=1"];
    WorkerCommand::new(std::env::current_exe().expect("this executable has a path"), args)
}
