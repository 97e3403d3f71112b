//! Owns one worker process: how it is started, spoken to, and ended.
//! Never touches the choice of a worker: that is the pool's.

use crate::frame::{self, DONE, Failure, Frame, Kind, NOT_DONE, NotAFrame, RunId};
use futures_util::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use portico_core::port::script::{AskError, Attendant, Reach, ScriptHost};
use serde_json::{Value, json};
use std::{
    cell::OnceCell,
    error::Error,
    ffi::OsString,
    io,
    os::{fd::OwnedFd, unix::net::UnixStream as StdStream, unix::process::ExitStatusExt},
    path::PathBuf,
    process::Stdio,
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    process::{Child, Command},
    time::timeout,
};

/// How a worker is started: a program that calls [`worker_main`](crate::worker_main) and does nothing else.
#[derive(Clone, Debug)]
pub struct WorkerCommand {
    program: PathBuf,
    args: Vec<OsString>,
    variables: Vec<(OsString, OsString)>,
}

impl WorkerCommand {
    /// This program with these arguments: in production the gateway's own executable with `script-worker`.
    pub fn new(program: impl Into<PathBuf>, args: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        let args = args.into_iter().map(Into::into).collect();
        Self { program: program.into(), args, variables: Vec::new() }
    }

    /// The same, with this in its environment, which is empty otherwise.
    #[must_use]
    pub fn with_variable(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }
}

/// A running worker. It is killed when this is dropped.
pub(crate) struct Worker {
    child: Child,
    stream: UnixStream,
    inbox: Vec<u8>,
    /// The protections it could not have; `None` until it has greeted.
    missing: Option<Vec<String>>,
}

/// Who answers what a run asks.
#[derive(Clone, Copy)]
pub(crate) struct Attendance<'a> {
    pub(crate) host: &'a dyn ScriptHost,
    pub(crate) reach: &'a Reach,
    /// Answers what its caller alone can.
    pub(crate) answers: Option<&'a dyn Attendant>,
}

/// One request.
struct Asked {
    number: Vec<u8>,
    method: String,
    request: Value,
}

/// The number of a request, and what came of it.
type Answered = (Vec<u8>, Result<Value, AskError>);

/// Why a worker did not answer. It is of no use any more.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    #[error("it could not be started or spoken to")]
    Io(#[from] io::Error),
    #[error("it spoke nonsense: {0}")]
    Nonsense(&'static str),
    #[error(transparent)]
    NotAFrame(#[from] NotAFrame),
    #[error("it died ({0})")]
    Died(String),
    /// The kernel ended it for its time on the processor (JS-02).
    #[error("it used more processor time than it may")]
    ProcessorTime,
}

/// What a worker said at the end of a run. The worker has checked it; but it is the worker that must not be believed
/// (`security.md` §3.8), so it was checked again.
pub(crate) struct Report {
    pub(crate) failure: Option<Failure>,
    pub(crate) values: Vec<Value>,
    pub(crate) console: Vec<String>,
}

impl Worker {
    /// Start one. It gets the command's environment and one descriptor, its end of a socket pair.
    pub(crate) fn start(command: &WorkerCommand) -> Result<Self, Broken> {
        let (ours, theirs) = StdStream::pair()?;
        ours.set_nonblocking(true)?;
        let child = Command::new(&command.program)
            .args(&command.args)
            .env_clear()
            .envs(command.variables.iter().map(|(name, value)| (name, value)))
            .current_dir("/")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        Ok(Self { child, stream: UnixStream::from_std(ours)?, inbox: Vec::new(), missing: None })
    }

    /// Whether the process is still there.
    pub(crate) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// The process's number; tests kill by it.
    #[cfg(test)]
    pub(crate) fn id(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }

    /// The protections it could not have, once it has greeted.
    pub(crate) fn missing(&self) -> &[String] {
        self.missing.as_deref().unwrap_or_default()
    }

    /// Give an order, and answer what the script asks for until it ends with at most `most` bytes of values. The caller
    /// keeps the deadline.
    pub(crate) async fn order(
        &mut self,
        kind: Kind,
        id: RunId,
        parts: &[&[u8]],
        most: usize,
        attendance: Attendance<'_>,
    ) -> Result<Report, Broken> {
        match self.converse(kind, id, parts, most, attendance).await {
            Err(Broken::Io(_)) => Err(self.cause_of_death().await),
            other => other,
        }
    }

    async fn converse(
        &mut self,
        kind: Kind,
        id: RunId,
        parts: &[&[u8]],
        most: usize,
        attendance: Attendance<'_>,
    ) -> Result<Report, Broken> {
        self.stream.write_all(&frame::encode(kind, &id, parts)?).await?;
        // Outlives what is under way: its last act is to cancel that.
        let attendant: OnceCell<Box<dyn Attendant>> = OnceCell::new();
        let mut under_way: FuturesUnordered<BoxFuture<'_, Answered>> = FuturesUnordered::new();
        let mut asked = 0;
        loop {
            tokio::select! {
                frame = receive(&mut self.stream, &mut self.inbox) => {
                    let frame = frame?;
                    if self.missing.is_none() {
                        self.missing = Some(greeting(&frame)?);
                        continue;
                    }
                    // JS-20: an answer for another run ends the worker, not just the frame.
                    if frame.id != id {
                        return Err(Broken::Nonsense("a frame for another run"));
                    }
                    match frame.kind {
                        Kind::Done => return report(frame, most),
                        Kind::Ask => {
                            asked += 1;
                            if asked > MOST_ASKED {
                                return Err(Broken::Nonsense("it asks without end"));
                            }
                            let asked = asked_of(frame)?;
                            let attendant = if asked.method.starts_with(CALLERS) {
                                attendance.answers
                            } else {
                                let attend = || attendance.host.attend(attendance.reach);
                                Some(&**attendant.get_or_init(attend))
                            };
                            under_way.push(Box::pin(answer(attendant, asked)));
                        }
                        Kind::Hello | Kind::Run | Kind::Check | Kind::Answer => {
                            return Err(Broken::Nonsense("a frame of this kind is not its to send"));
                        }
                    }
                }
                Some((number, answer)) = under_way.next(), if !under_way.is_empty() => {
                    self.stream.write_all(&answered(&id, &number, answer)?).await?;
                }
            }
        }
    }

    async fn cause_of_death(&mut self) -> Broken {
        match timeout(Duration::from_millis(200), self.child.wait()).await {
            Ok(Ok(status)) if status.signal() == Some(libc::SIGXCPU) => Broken::ProcessorTime,
            Ok(Ok(status)) => Broken::Died(status.to_string()),
            Ok(Err(error)) => Broken::Io(error),
            Err(_elapsed) => Broken::Nonsense("it closed its end and lives on"),
        }
    }
}

async fn receive(stream: &mut UnixStream, inbox: &mut Vec<u8>) -> Result<Frame, Broken> {
    loop {
        if let Some(frame) = frame::decode(inbox)? {
            return Ok(frame);
        }
        if stream.read_buf(inbox).await? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
    }
}

/// The first frame: which protections the worker could not have.
fn greeting(frame: &Frame) -> Result<Vec<String>, Broken> {
    let [missing] = frame.parts.as_slice() else { return Err(Broken::Nonsense("it did not greet")) };
    if frame.kind != Kind::Hello {
        return Err(Broken::Nonsense("it did not greet"));
    }
    serde_json::from_slice(missing).map_err(|_malformed| Broken::Nonsense("its greeting is malformed"))
}

fn asked_of(frame: Frame) -> Result<Asked, Broken> {
    let [number, method, request]: [Vec<u8>; 3] =
        frame.parts.try_into().map_err(|_other| Broken::Nonsense("a request has three parts"))?;
    let method = String::from_utf8(method).map_err(|_invalid| Broken::Nonsense("a method is not UTF-8"))?;
    let request =
        serde_json::from_slice(&request).map_err(|_malformed| Broken::Nonsense("a request is not JSON"))?;
    Ok(Asked { number, method, request })
}

async fn answer(attendant: Option<&dyn Attendant>, asked: Asked) -> Answered {
    let Asked { number, method, request } = asked;
    let answer = match attendant {
        Some(attendant) => attendant.ask(&method, request).await,
        None => Err(AskError::told(format!("{method} is not available to this script"))),
    };
    (number, answer)
}

fn answered(id: &RunId, number: &[u8], answer: Result<Value, AskError>) -> Result<Vec<u8>, NotAFrame> {
    let not_done = |properties: &Value| {
        frame::encode(Kind::Answer, id, &[number, NOT_DONE, properties.to_string().as_bytes()])
    };
    match answer {
        Ok(answer) => frame::encode(Kind::Answer, id, &[number, DONE, answer.to_string().as_bytes()])
            .or_else(|_too_long| not_done(&json!({ "message": "the answer is too long" }))),
        Err(AskError::Told(properties)) => not_done(&Value::Object(properties)),
        // JS-10: one text for everything, so that a script cannot map a network by its errors.
        Err(failed) => {
            let mut chain = Vec::new();
            let mut source = failed.source();
            while let Some(error) = source {
                chain.push(error.to_string());
                source = error.source();
            }
            tracing::info!("what a script asked for failed: {}", chain.join(": "));
            not_done(&json!({ "message": failed.to_string() }))
        }
    }
}

fn report(frame: Frame, most: usize) -> Result<Report, Broken> {
    let [failure, values, console]: [Vec<u8>; 3] =
        frame.parts.try_into().map_err(|_other| Broken::Nonsense("an ending has three parts"))?;
    let malformed = |_: serde_json::Error| Broken::Nonsense("an ending is malformed");
    let values = if values.is_empty() {
        Vec::new()
    } else {
        let values = str::from_utf8(&values).map_err(|_invalid| Broken::Nonsense("a value is not UTF-8"))?;
        frame::check_json(values, most).map_err(|_large| Broken::Nonsense("a value is too large"))?;
        serde_json::from_str(values).map_err(malformed)?
    };
    Ok(Report {
        failure: serde_json::from_slice(&failure).map_err(malformed)?,
        values,
        console: serde_json::from_slice(&console).map_err(malformed)?,
    })
}

/// What one run may ask altogether. How many requests and queries may be among it is the host's to say (JS-10).
const MOST_ASKED: usize = 1_000;

/// Methods that the caller of a run answers itself.
const CALLERS: &str = "auth0.";
