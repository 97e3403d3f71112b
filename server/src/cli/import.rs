//! Owns `portico import`.
//! Never touches what a row means: the core reads and writes rows.

use super::{Common, Failure, failure::causes, opening, say};
use crate::{adapters::Adapters, wire::App};
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use portico_core::{
    admin::{IMPORT_BATCH, Importer},
    entropy::SystemEntropy,
    model::{AuditEvent, Connection, EventKind, JobError, JobSummary},
    port::store::{Store, StoreError},
    time::{Clock, SystemClock},
};
use portico_store::Schema;
use serde::{
    Deserializer,
    de::{Error, SeqAccess, Visitor},
};
use serde_json::{Value, json};
use std::{
    fmt,
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, Read, Write},
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Takes users in from other systems, with the hashes of their passwords.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  portico import users users.json --connection hoekstra-db\n  portico import users users.ndjson --connection hoekstra-db --upsert --errors refused.ndjson"
)]
pub(super) struct Import {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Read users from a file: a JSON array, or one JSON object a line; the gateway may serve meanwhile
    Users(Users),
}

#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  portico import users users.json --connection hoekstra-db\n\nRows are those of POST /api/v2/jobs/users-imports, without its limit of size. Whatever was written stays when the\ncommand is stopped; with --upsert it can be run again."
)]
struct Users {
    /// The file
    file: PathBuf,
    /// The name of the database connection
    #[arg(long, value_name = "NAME")]
    connection: String,
    /// Change users who exist, rather than refusing them; passwords and verified addresses stay
    #[arg(long)]
    upsert: bool,
    /// Where rows go that are refused, one JSON object a line [default: FILE with .errors.ndjson behind it]
    #[arg(long, value_name = "FILE")]
    errors: Option<PathBuf>,
}

impl Import {
    /// Do it.
    pub(super) async fn run(self) -> Result<(), Failure> {
        let config = self.common.load(Vec::new())?;
        let What::Users(users) = self.what;
        let file = File::open(&users.file).map_err(|error| {
            Failure::usage(format!("`{}` cannot be read ({error}); name another file", users.file.display()))
        })?;
        let store = opening::open(&config, Schema::Require).await?;
        let connection = find(&*store, &users.connection).await?;
        let failed = |error: &(dyn std::error::Error + 'static)| Failure::failed(causes(error));
        let adapters = Adapters::new(&config, Arc::clone(&store)).await.map_err(|error| failed(&error))?;
        let app =
            App::new(adapters.ports.clone(), adapters.settings(&config)?).map_err(|error| failed(&error))?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let importer = Importer::new(connection.clone(), &*app.connectors, clock, users.upsert).await?;
        let refused = Refused::new(users.errors.clone().unwrap_or_else(|| beside(&users.file)));
        let (rows, read) = reading(file)?;
        let mut run = Run { store, importer, refused, summary: JobSummary::default() };
        let done = run.all(rows).await;
        // What the file ended in counts once all rows before it are written.
        let ended = read.await.map_err(|error| failed(&error))?;
        done?;
        run.note(&connection).await?;
        ended.map_err(|error| {
            Failure::failed(format!(
                "`{}` could not be read to its end ({error}); {}",
                users.file.display(),
                told(run.summary)
            ))
        })?;
        run.report()
    }
}

async fn find(store: &dyn Store, name: &str) -> Result<Connection, Failure> {
    let found = store
        .read::<_, StoreError, _>(|unit| Box::pin(async move { unit.connections().find_by_name(name).await }))
        .await?;
    found.ok_or_else(|| {
        Failure::usage(format!("there is no connection `{name}`; GET /api/v2/connections lists them"))
    })
}

fn beside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".errors.ndjson");
    name.into()
}

/// An import that goes on.
struct Run {
    store: Arc<dyn Store>,
    importer: Importer,
    refused: Refused,
    summary: JobSummary,
}

impl Run {
    async fn all(&mut self, mut rows: Receiver<Rows>) -> Result<(), Failure> {
        let mut position = 0;
        while let Some(some) = rows.recv().await {
            for row in some {
                match row {
                    Ok(row) => self.importer.take(position, row),
                    Err(why) => self.importer.refuse(position, &why),
                }
                position += 1;
            }
            self.write().await?;
        }
        Ok(())
    }

    async fn write(&mut self) -> Result<(), Failure> {
        let batch = self.importer.write(&*self.store, None).await?;
        self.summary = self.summary.and(batch.summary);
        self.refused.add(&batch.errors)
    }

    async fn note(&self, connection: &Connection) -> Result<(), Failure> {
        let event = AuditEvent::new(EventKind::UsersImported, SystemClock.now(), &SystemEntropy::default());
        let mut event = event.through(connection);
        event.description = Some("Users were imported from the command line".to_owned());
        event.details.insert("summary".to_owned(), json!(self.summary));
        let noted = self.store.write::<_, StoreError, _>(move |unit| {
            Box::pin(async move { unit.events().insert(&event).await })
        });
        Ok(noted.await?)
    }

    fn report(self) -> Result<(), Failure> {
        say(told(self.summary));
        match (self.summary.failed, self.refused.finish()?) {
            (0, _) => Ok(()),
            (failed, path) => Err(Failure::failed(format!(
                "{failed} rows were refused; `{}` says which and why",
                path.display()
            ))),
        }
    }
}

fn told(summary: JobSummary) -> String {
    let JobSummary { inserted, updated, failed } = summary;
    format!("{inserted} users were made, {updated} changed, {failed} refused")
}

/// Where refused rows go. The file is made when there is one.
struct Refused {
    path: PathBuf,
    file: Option<BufWriter<File>>,
}

impl Refused {
    fn new(path: PathBuf) -> Self {
        Self { path, file: None }
    }

    fn add(&mut self, errors: &[JobError]) -> Result<(), Failure> {
        self.write(errors).map_err(|error| {
            Failure::failed(format!(
                "`{}` cannot be written ({error}); name another file with --errors",
                self.path.display()
            ))
        })
    }

    fn write(&mut self, errors: &[JobError]) -> io::Result<()> {
        for error in errors {
            let file = match &mut self.file {
                Some(file) => file,
                none => none.insert(BufWriter::new(File::create(&self.path)?)),
            };
            serde_json::to_writer(&mut *file, error)?;
            file.write_all(b"\n")?;
        }
        Ok(())
    }

    fn finish(self) -> Result<PathBuf, Failure> {
        let Self { path, file } = self;
        let done = file.map_or(Ok(()), |mut file| file.flush());
        done.map_err(|error| Failure::failed(format!("`{}` cannot be written ({error})", path.display())))?;
        Ok(path)
    }
}

type Rows = Vec<Result<Value, String>>;
/// The thread, which ends with what is wrong with the file.
type Reading = tokio::task::JoinHandle<Result<(), String>>;

/// Read a file on a thread of its own, some batches ahead. A bar shows how far it is, on a terminal.
fn reading(file: File) -> Result<(Receiver<Rows>, Reading), Failure> {
    let length =
        file.metadata().map_err(|error| Failure::failed(format!("the file cannot be read ({error})")))?.len();
    let bar = ProgressBar::new(length);
    if let Ok(style) =
        ProgressStyle::with_template("{bar:40} {percent:>3} %  {bytes} of {total_bytes}  {eta} left")
    {
        bar.set_style(style);
    }
    let file = BufReader::with_capacity(1 << 16, bar.wrap_read(file));
    let (sender, receiver) = channel(2);
    let thread = tokio::task::spawn_blocking(move || {
        let read = read(file, sender);
        bar.finish_and_clear();
        read
    });
    Ok((receiver, thread))
}

/// The most bytes of one line.
const LONGEST: u64 = 1 << 20;

fn read(mut file: impl BufRead, sender: Sender<Rows>) -> Result<(), String> {
    let first = loop {
        let buffer = file.fill_buf().map_err(|error| error.to_string())?;
        match buffer.first() {
            Some(byte) if byte.is_ascii_whitespace() => file.consume(1),
            first => break first.copied(),
        }
    };
    let mut rows = Batches { sender, waiting: Vec::with_capacity(IMPORT_BATCH) };
    if first == Some(b'[') {
        let mut reader = serde_json::Deserializer::from_reader(file);
        reader
            .deserialize_seq(Elements(&mut rows))
            .and_then(|()| reader.end())
            .map_err(|error| error.to_string())?;
    } else {
        lines(file, &mut rows)?;
    }
    rows.send()
}

/// One object a line; what is none is refused by itself.
fn lines(mut file: impl BufRead, rows: &mut Batches) -> Result<(), String> {
    let mut line = String::new();
    loop {
        line.clear();
        let read = file.by_ref().take(LONGEST).read_line(&mut line).map_err(|error| error.to_string())?;
        if read == 0 {
            return Ok(());
        }
        if read as u64 == LONGEST && !line.ends_with('\n') {
            return Err("a line is longer than 1 MiB".to_owned());
        }
        if !line.trim().is_empty() {
            rows.push(serde_json::from_str(&line).map_err(|error| format!("The line is no JSON: {error}")))?;
        }
    }
}

/// Rows on their way.
struct Batches {
    sender: Sender<Rows>,
    waiting: Rows,
}

impl Batches {
    fn push(&mut self, row: Result<Value, String>) -> Result<(), String> {
        self.waiting.push(row);
        if self.waiting.len() >= IMPORT_BATCH { self.send() } else { Ok(()) }
    }

    fn send(&mut self) -> Result<(), String> {
        let rows = std::mem::replace(&mut self.waiting, Vec::with_capacity(IMPORT_BATCH));
        self.sender.blocking_send(rows).map_err(|_gone| "nobody takes the rows any more".to_owned())
    }
}

/// The elements of a JSON array, handed on one by one.
struct Elements<'b>(&'b mut Batches);

impl<'de> Visitor<'de> for Elements<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array of users")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        while let Some(row) = elements.next_element::<Value>()? {
            self.0.push(Ok(row)).map_err(A::Error::custom)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> (Vec<Result<Value, String>>, Result<(), String>) {
        let (sender, mut receiver) = channel(100);
        let done = read(text.as_bytes(), sender);
        let mut rows = Vec::new();
        while let Ok(some) = receiver.try_recv() {
            rows.extend(some);
        }
        (rows, done)
    }

    #[test]
    fn a_file_is_an_array_or_a_line_each() {
        let expected: Vec<Result<Value, String>> = (0..2_500).map(|n| Ok(json!({ "n": n }))).collect();
        let array: Vec<_> = expected.iter().map(|row| row.clone().unwrap()).collect();
        assert_eq!(all(&format!("\n {}", json!(array))), (expected.clone(), Ok(())));
        let lines: Vec<_> = array.iter().map(Value::to_string).collect();
        let lines = lines.join("\n\n");
        assert_eq!(all(&lines), (expected, Ok(())));
        assert_eq!(all(""), (Vec::new(), Ok(())));
        assert_eq!(all("[]"), (Vec::new(), Ok(())));
    }

    #[test]
    fn a_line_that_is_no_json_is_refused_and_an_array_that_breaks_off_ends_the_import() {
        let (rows, done) = all("{\"a\":1}\nnonsense\n{\"b\":2}");
        assert!(done.is_ok());
        assert!(matches!(&rows[..], [Ok(_), Err(_), Ok(_)]), "{rows:?}");
        let (rows, done) = all("[{\"a\":1},{\"b\":");
        assert!(done.is_err());
        assert!(rows.len() <= 1, "rows before the fault may be written: {rows:?}");
        assert!(all(&"x".repeat(2 << 20)).1.is_err(), "no line is endless");
    }
}
