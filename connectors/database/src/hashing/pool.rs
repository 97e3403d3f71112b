//! Owns the threads that hash, their memory, and the queue before them.
//! Never touches accounts: it hashes passwords and compares hashes.

use super::{Parameters, PhcError, PhcHash};
use crate::{ForeignHash, Password};
use argon2::{Algorithm, Argon2, Block, Version};
use portico_core::{connector::ConnectorError, entropy::Entropy, secret::Secret};
use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};
use subtle::ConstantTimeEq;
use tokio::sync::oneshot;

/// How passwords are hashed, and how many at once.
#[derive(Clone, Copy, Debug)]
pub struct HashingSettings {
    /// What one hash costs.
    pub parameters: Parameters,
    /// How many threads hash; there is a memory for each that has hashed at the same time as the others.
    pub threads: usize,
    /// How many passwords may wait for a thread.
    pub queue: usize,
}

impl Default for HashingSettings {
    /// 19 MiB, two passes, one lane (the floor of `security.md` §3.5), a thread a core, and 64 that wait.
    fn default() -> Self {
        Self {
            parameters: Parameters { memory_kib: 19_456, iterations: 2, parallelism: 1 },
            threads: thread::available_parallelism().map_or(1, usize::from),
            queue: 64,
        }
    }
}

/// Why the pool does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HashingError {
    /// The configured parameters cannot be used.
    #[error("the password hashing parameters cannot be used: {0}")]
    Parameters(#[from] PhcError),
    /// The machine gives no more threads.
    #[error("a thread for hashing passwords cannot be started")]
    Threads(#[source] std::io::Error),
}

/// Hashes passwords on threads of its own.
///
/// Memories are kept: to allocate one for each hash would cost more than the hash does. The one that was used last is used
/// first, because most of it is still in the processor's cache. A password that finds the queue full is turned away
/// ([`ConnectorError::Busy`]) rather than letting logins wait behind an attack (`security.md` DB-09). The threads end when
/// the pool is dropped.
#[derive(Debug)]
pub struct HashingPool {
    parameters: Parameters,
    jobs: SyncSender<Job>,
    dummy: PhcHash,
    entropy: EntropySource,
    work: Arc<Work>,
}

/// What came of comparing a password with a hash.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Match {
    /// It is not the password, or there is none.
    No,
    /// It is.
    Yes,
    /// It is, and the hash was made with other parameters than today's.
    Outdated,
}

/// What the pool has done since it started: for metrics, and for tests that compare the work of two answers.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct WorkDone {
    /// Passwords that were hashed or compared.
    pub passwords: u64,
    /// Blocks of one KiB that were written for them: equal work writes equally many.
    pub blocks: u64,
}

struct EntropySource(Arc<dyn Entropy>);

impl std::fmt::Debug for EntropySource {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Entropy")
    }
}

#[derive(Debug, Default)]
struct Work {
    passwords: AtomicU64,
    blocks: AtomicU64,
}

/// A password, and what is to be done with it.
struct Job {
    password: Password,
    task: Task,
    /// Blocks to write besides, so that a cheaper hash takes as long as today's.
    filler: u64,
}

/// What is to be done with a password, and where the outcome goes.
enum Task {
    /// Hash it with this salt and at this cost.
    Hash { salt: Vec<u8>, parameters: Parameters, length: usize, reply: oneshot::Sender<Vec<u8>> },
    /// Compare it with a hash of another system.
    Compare { hash: Box<ForeignHash>, reply: oneshot::Sender<bool> },
}

impl Task {
    /// Whether whoever asked has hung up.
    fn is_abandoned(&self) -> bool {
        match self {
            Self::Hash { reply, .. } => reply.is_closed(),
            Self::Compare { reply, .. } => reply.is_closed(),
        }
    }
}

impl HashingPool {
    /// Length of a new hash, in bytes.
    const OUTPUT: usize = 32;

    /// Start the threads. `entropy` makes salts, and the password of the dummy hash that stands in where an account has
    /// none (`security.md` DB-02).
    pub fn start(settings: HashingSettings, entropy: Arc<dyn Entropy>) -> Result<Self, HashingError> {
        let parameters = settings.parameters;
        parameters.check(Self::OUTPUT)?;
        let work = Arc::new(Work::default());
        let (jobs, waiting) = sync_channel(settings.queue);
        let waiting = Arc::new(Mutex::new(waiting));
        let memories = Arc::<Mutex<Vec<Memory>>>::default();
        for number in 0..settings.threads.max(1) {
            let (memories, work) = (Arc::clone(&memories), Arc::clone(&work));
            let worker = Worker { memories, today: parameters, work };
            let waiting = Arc::clone(&waiting);
            thread::Builder::new()
                .name(format!("password-{number}"))
                .spawn(move || worker.run(&waiting))
                .map_err(HashingError::Threads)?;
        }
        // Nobody knows a password for it: its hash is random bytes.
        let dummy = PhcHash {
            parameters,
            salt: entropy.bytes::<16>().to_vec(),
            output: entropy.bytes::<{ Self::OUTPUT }>().to_vec(),
        };
        Ok(Self { parameters, jobs, dummy, entropy: EntropySource(entropy), work })
    }

    /// Hash a password with a fresh salt, as PHC text.
    pub async fn hash(&self, password: &Password) -> Result<Secret, ConnectorError> {
        let salt = self.entropy.0.bytes::<16>().to_vec();
        let output = self.submit(password, &salt, self.parameters, Self::OUTPUT).await?;
        let hash = PhcHash { parameters: self.parameters, salt, output };
        Ok(Secret::new(hash.to_string()))
    }

    /// Compare a password with a stored hash. The work is the same whether there is one, and whether it matches.
    ///
    /// A hash of another system is compared as that system did, and is outdated in any case. A hash that cannot be read
    /// matches nothing.
    pub async fn verify(
        &self,
        password: &Password,
        stored: Option<&Secret>,
    ) -> Result<Match, ConnectorError> {
        if let Some(foreign) = stored.and_then(|stored| ForeignHash::parse(stored.expose())) {
            let matched = self.compare(password, foreign).await?;
            return Ok(if matched { Match::Outdated } else { Match::No });
        }
        let hash = stored.and_then(|stored| match stored.expose().parse::<PhcHash>() {
            Ok(hash) => Some(hash),
            Err(error) => {
                tracing::error!("a stored password hash cannot be read: {error}");
                None
            }
        });
        let against = hash.as_ref().unwrap_or(&self.dummy);
        let output = self.submit(password, &against.salt, against.parameters, against.output.len()).await?;
        let same = bool::from(output.ct_eq(&against.output));
        Ok(match hash {
            Some(hash) if same && hash.parameters == self.parameters => Match::Yes,
            Some(_) if same => Match::Outdated,
            _ => Match::No,
        })
    }

    /// What has been done since the start.
    pub fn work_done(&self) -> WorkDone {
        WorkDone { passwords: self.work.passwords.load(Relaxed), blocks: self.work.blocks.load(Relaxed) }
    }

    async fn submit(
        &self,
        password: &Password,
        salt: &[u8],
        parameters: Parameters,
        length: usize,
    ) -> Result<Vec<u8>, ConnectorError> {
        let (reply, answer) = oneshot::channel();
        let task = Task::Hash { salt: salt.to_vec(), parameters, length, reply };
        self.queue(password, task, parameters.blocks())?;
        answer.await.map_err(|_thread_gone| ConnectorError::Busy)
    }

    async fn compare(&self, password: &Password, hash: ForeignHash) -> Result<bool, ConnectorError> {
        let (reply, answer) = oneshot::channel();
        let blocks = hash.blocks();
        self.queue(password, Task::Compare { hash: Box::new(hash), reply }, blocks)?;
        answer.await.map_err(|_thread_gone| ConnectorError::Busy)
    }

    fn queue(&self, password: &Password, task: Task, blocks: u64) -> Result<(), ConnectorError> {
        let filler = self.parameters.blocks().saturating_sub(blocks);
        let job = Job { password: password.clone(), task, filler };
        self.jobs.try_send(job).map_err(|_full| ConnectorError::Busy)
    }
}

/// What one hash is made in.
type Memory = Vec<Block>;

struct Worker {
    /// Those that no thread is using.
    memories: Arc<Mutex<Vec<Memory>>>,
    today: Parameters,
    work: Arc<Work>,
}

impl Worker {
    fn run(&self, waiting: &Mutex<Receiver<Job>>) {
        loop {
            // The lock is held while waiting, and by one thread at a time: the others wait for the lock instead.
            let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(job) = next else { return };
            // Whoever asked may have hung up while the job waited.
            if job.task.is_abandoned() {
                continue;
            }
            if let Err(error) = self.work_on(job) {
                tracing::error!("a password could not be hashed: {error}");
            }
        }
    }

    fn memories(&self) -> MutexGuard<'_, Vec<Memory>> {
        self.memories.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work_on(&self, job: Job) -> Result<(), PhcError> {
        let mut memory = self.memories().pop().unwrap_or_default();
        let done = self.work_in(&mut memory, job);
        self.memories().push(memory);
        done
    }

    /// The outcome is told once all the work is done, filler included.
    fn work_in(&self, memory: &mut Memory, job: Job) -> Result<(), PhcError> {
        let Job { password, task, filler } = job;
        let password = &password;
        match task {
            Task::Hash { salt, parameters, length, reply } => {
                let mut output = vec![0; length];
                self.fill(memory, parameters, (password, &salt), &mut output)?;
                self.finish(memory, password, filler)?;
                let _ = reply.send(output);
            }
            Task::Compare { hash, reply } => {
                let matched = hash.matches(password, memory);
                self.trim(memory)?;
                self.finish(memory, password, filler)?;
                let _ = reply.send(matched);
            }
        }
        Ok(())
    }

    /// Count a password, and write so many blocks more.
    fn finish(&self, memory: &mut Memory, password: &Password, filler: u64) -> Result<(), PhcError> {
        self.work.passwords.fetch_add(1, Relaxed);
        let mut filler = u32::try_from(filler).unwrap_or(u32::MAX);
        while filler > 0 {
            let memory_kib = filler.min(self.today.memory_kib).max(8);
            let parameters = Parameters { memory_kib, iterations: 1, parallelism: 1 };
            self.fill(memory, parameters, (password, &[0; 16]), &mut [0; HashingPool::OUTPUT])?;
            filler = filler.saturating_sub(memory_kib);
        }
        Ok(())
    }

    fn fill(
        &self,
        memory: &mut Memory,
        parameters: Parameters,
        (password, salt): (&Password, &[u8]),
        output: &mut [u8],
    ) -> Result<(), PhcError> {
        let params = parameters.check(output.len())?;
        let blocks = params.block_count();
        if memory.len() < blocks {
            memory.resize(blocks, Block::new());
        }
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(password.expose().as_bytes(), salt, output, &mut memory[..blocks])
            .map_err(|_out_of_range| PhcError::Parameters)?;
        self.work.blocks.fetch_add(parameters.blocks(), Relaxed);
        self.trim(memory)
    }

    fn trim(&self, memory: &mut Memory) -> Result<(), PhcError> {
        // A hash from elsewhere may have needed more: what is kept is what today's hashes need.
        let kept = self.today.check(HashingPool::OUTPUT)?.block_count();
        if memory.len() > kept {
            memory.truncate(kept);
            memory.shrink_to_fit();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use portico_core::{connector::GivenHash, testing::SeededEntropy};
    use serde_json::json;

    const TODAY: Parameters = Parameters { memory_kib: 128, iterations: 2, parallelism: 1 };

    fn pool(parameters: Parameters, threads: usize, queue: usize) -> HashingPool {
        let settings = HashingSettings { parameters, threads, queue };
        HashingPool::start(settings, Arc::new(SeededEntropy::default())).unwrap()
    }

    fn password(text: &str) -> Password {
        Password::parse(text).unwrap()
    }

    #[tokio::test]
    async fn a_password_matches_its_hash_and_no_other() {
        let pool = pool(TODAY, 2, 8);
        let hash = pool.hash(&password("right")).await.unwrap();
        assert!(hash.expose().starts_with("$argon2id$v=19$m=128,t=2,p=1$"));
        assert_ne!(
            hash.expose(),
            pool.hash(&password("right")).await.unwrap().expose(),
            "every hash has its own salt"
        );
        assert_eq!(pool.verify(&password("right"), Some(&hash)).await.unwrap(), Match::Yes);
        assert_eq!(pool.verify(&password("Right"), Some(&hash)).await.unwrap(), Match::No);
        assert_eq!(pool.verify(&password("right"), None).await.unwrap(), Match::No);
        let unreadable = Secret::new("$2b$10$abcdefghijklmnopqrstuu");
        assert_eq!(pool.verify(&password("right"), Some(&unreadable)).await.unwrap(), Match::No);
    }

    #[tokio::test]
    async fn a_hash_is_the_one_of_the_reference_implementation() {
        // printf password | argon2 somesalt -id -t 2 -k 65536 -p 1 (phc-winner-argon2, its test vectors).
        let hash = Secret::new(
            "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        );
        let pool = pool(TODAY, 1, 1);
        assert_eq!(pool.verify(&password("password"), Some(&hash)).await.unwrap(), Match::Outdated);
        assert_eq!(pool.verify(&password("passwort"), Some(&hash)).await.unwrap(), Match::No);
    }

    #[tokio::test]
    async fn db_02_every_answer_takes_the_same_work() {
        let today = pool(TODAY, 1, 8);
        let weaker = pool(Parameters { memory_kib: 64, iterations: 1, parallelism: 1 }, 1, 8);
        let legacy = weaker.hash(&password("right")).await.unwrap();
        let hash = today.hash(&password("right")).await.unwrap();
        let md5 = json!({"algorithm": "md5", "hash": {"value": "7c4f29407893c334a6cb7a87bf045c0d", "encoding": "hex"}});
        let given = GivenHash::Custom(md5.as_object().unwrap().clone());
        let foreign = ForeignHash::read(&given).unwrap().to_text();
        let mut work = Vec::new();
        for (typed, stored, expected) in [
            ("right", Some(&foreign), Match::Outdated),
            ("wrong", Some(&foreign), Match::No),
            ("right", Some(&hash), Match::Yes),
            ("wrong", Some(&hash), Match::No),
            ("wrong", None, Match::No),
            ("wrong", Some(&legacy), Match::No),
            ("right", Some(&legacy), Match::Outdated),
        ] {
            let before = today.work_done();
            assert_eq!(today.verify(&password(typed), stored).await.unwrap(), expected);
            let after = today.work_done();
            work.push((after.passwords - before.passwords, after.blocks - before.blocks));
        }
        assert_eq!(work, [(1, 256); 7]);
    }

    #[tokio::test]
    async fn db_09_a_full_queue_turns_passwords_away() {
        let pool = pool(Parameters { memory_kib: 16 << 10, iterations: 4, parallelism: 1 }, 1, 2);
        let one = password("one");
        let attempts = (0..40).map(|_| pool.hash(&one));
        let outcomes = all_at_once(attempts).await;
        let busy = outcomes.iter().filter(|outcome| matches!(outcome, Err(ConnectorError::Busy))).count();
        let hashed = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        assert_eq!(busy + hashed, 40);
        assert!(hashed >= 2, "what fits is hashed: {hashed}");
        assert!(busy >= 30, "what does not is turned away: {busy}");
        assert!(pool.hash(&one).await.is_ok(), "and afterwards there is room again");
    }

    /// Poll all of them once before any is awaited, as a server with many connections does.
    async fn all_at_once<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
        let mut waiting: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
        std::future::poll_fn(|context| {
            for (future, output) in &mut waiting {
                if output.is_none()
                    && let std::task::Poll::Ready(ready) = future.as_mut().poll(context)
                {
                    *output = Some(ready);
                }
            }
            if waiting.iter().all(|(_, output)| output.is_some()) {
                std::task::Poll::Ready(())
            } else {
                std::task::Poll::Pending
            }
        })
        .await;
        waiting.into_iter().filter_map(|(_, output)| output).collect()
    }

    #[tokio::test]
    async fn a_hash_nobody_waits_for_is_not_made() {
        let pool = pool(Parameters { memory_kib: 16 << 10, iterations: 4, parallelism: 1 }, 1, 8);
        let one = password("one");
        let first = pool.hash(&one);
        {
            // Asked and given up at once.
            let abandoned = all_at_once((0..4).map(|_| {
                let mut asked = Box::pin(pool.hash(&one));
                std::future::poll_fn(move |context| {
                    let _ = asked.as_mut().poll(context);
                    std::task::Poll::Ready(())
                })
            }));
            abandoned.await;
        }
        first.await.unwrap();
        assert!(pool.work_done().passwords <= 2, "{:?}", pool.work_done());
    }

    #[test]
    fn parameters_that_cannot_be_used_stop_the_start() {
        let settings = HashingSettings {
            parameters: Parameters { memory_kib: 4, ..TODAY },
            ..HashingSettings::default()
        };
        let started = HashingPool::start(settings, Arc::new(SeededEntropy::default()));
        assert!(matches!(started, Err(HashingError::Parameters(PhcError::Parameters))));
    }
}
