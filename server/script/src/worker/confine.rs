//! Owns what a worker takes away from itself before it reads anything (`security.md` §3.8).
//! Never touches what runs afterwards.

use landlock::{
    ABI, Access, AccessFs, AccessNet, RestrictionStatus, Ruleset, RulesetAttr, RulesetStatus, Scope,
};
use rustix::{
    process::{
        DumpableBehavior, Resource, Rlimit, Signal, set_dumpable_behavior, set_parent_process_death_signal,
        setrlimit,
    },
    thread::set_no_new_privs,
    time::{ClockId, clock_gettime},
};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};
use std::{collections::BTreeMap, fs, io, time::Duration};

/// Take everything away. What the kernel would not do is in the answer, in words for the log.
pub(super) fn confine() -> Vec<String> {
    let mut missing = Vec::new();
    let mut attempt = |protection: &str, done: Result<(), String>| {
        if let Err(why) = done {
            missing.push(format!("{protection} ({why})"));
        }
    };
    attempt("end with the gateway", set_parent_process_death_signal(Some(Signal::KILL)).map_err(text));
    attempt("no new privileges", set_no_new_privs(true).map_err(text));
    attempt(
        "be the first to go when memory is short",
        fs::write("/proc/self/oom_score_adj", "1000").map_err(text),
    );
    attempt("memory limit", limit_memory());
    attempt("no core file, no trace", set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(text));
    for (resource, most) in [
        (Resource::Cpu, EVER.as_secs()),
        (Resource::Core, 0),
        (Resource::Fsize, 0),
        (Resource::Nofile, 8),
        (Resource::Nproc, 0),
        (Resource::Memlock, 0),
        (Resource::Msgqueue, 0),
    ] {
        attempt("resource limit", limit(resource, most, most).map_err(text));
    }
    allow_processor_time(STARTING);
    attempt("landlock", forbid_files());
    attempt("seccomp", forbid_system_calls().map_err(text));
    missing
}

/// Let the process use this much more of the processor. The kernel ends it at the next whole second after that: this
/// is what stops loops inside the engine that never look at the clock (JS-02).
pub(super) fn allow_processor_time(more: Duration) {
    let until = (processor_time() + more).as_nanos().div_ceil(1_000_000_000);
    let soft = u64::try_from(until).unwrap_or(u64::MAX).min(EVER.as_secs());
    // It worked at the start with the same hard limit, so it works now.
    let _checked_at_start = limit(Resource::Cpu, soft, EVER.as_secs());
}

/// What the process has used of the processor.
pub(super) fn processor_time() -> Duration {
    since_start(ClockId::ProcessCPUTime)
}

/// A clock that only goes forward.
pub(super) fn clock() -> Duration {
    since_start(ClockId::Monotonic)
}

fn since_start(clock: ClockId) -> Duration {
    Duration::try_from(clock_gettime(clock)).unwrap_or_default()
}

fn limit(resource: Resource, soft: u64, hard: u64) -> io::Result<()> {
    setrlimit(resource, Rlimit { current: Some(soft), maximum: Some(hard) }).map_err(io::Error::from)
}

/// What is mapped now, and room for the engine's heap and what is made of it on the way out.
fn limit_memory() -> Result<(), String> {
    let status = fs::read_to_string("/proc/self/status").map_err(text)?;
    let mapped: u64 = status
        .lines()
        .find_map(|line| line.strip_prefix("VmSize:")?.trim().strip_suffix(" kB")?.parse().ok())
        .ok_or_else(|| "/proc/self/status is not understood".to_owned())?;
    let most = (mapped << 10) + ROOM;
    limit(Resource::As, most, most).map_err(text)
}

/// No file, no TCP port, no abstract socket, no signal to others.
fn forbid_files() -> Result<(), String> {
    let abi = ABI::V6;
    let restrict = || {
        Ruleset::default()
            .handle_access(AccessFs::from_all(abi))?
            .handle_access(AccessNet::from_all(abi))?
            .scope(Scope::from_all(abi))?
            .create()?
            .restrict_self()
    };
    let status: Result<RestrictionStatus, landlock::RulesetError> = restrict();
    match status.map_err(text)?.ruleset {
        RulesetStatus::FullyEnforced => Ok(()),
        RulesetStatus::PartiallyEnforced => Err("the kernel knows only a part of it".to_owned()),
        RulesetStatus::NotEnforced => Err("the kernel does not have it".to_owned()),
    }
}

/// Everything that is not on the list fails with `EPERM`: no socket, no file, no program, no process, no thread, and of
/// all descriptors, however they were inherited, only 0.
fn forbid_system_calls() -> Result<(), seccompiler::Error> {
    let allowed = [
        libc::SYS_ppoll,
        libc::SYS_clock_gettime,
        libc::SYS_gettimeofday,
        libc::SYS_brk,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_madvise,
        libc::SYS_futex,
        libc::SYS_getrandom,
        libc::SYS_rt_sigreturn,
        libc::SYS_rt_sigprocmask,
        libc::SYS_sigaltstack,
        libc::SYS_restart_syscall,
        libc::SYS_getpid,
        libc::SYS_gettid,
        libc::SYS_exit,
        libc::SYS_exit_group,
    ];
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = allowed.map(|call| (call, Vec::new())).into();
    #[cfg(target_arch = "x86_64")]
    rules.insert(libc::SYS_poll, Vec::new());
    for call in [libc::SYS_read, libc::SYS_write] {
        rules.insert(call, vec![SeccompRule::new(vec![argument(0, SeccompCmpOp::Eq, 0)?])?]);
    }
    // New memory, but none that can be executed, and no files.
    let not_executable = || argument(2, SeccompCmpOp::MaskedEq(PROT_EXEC), 0);
    let no_file = argument(4, SeccompCmpOp::Eq, u64::from(u32::MAX))?;
    rules.insert(libc::SYS_mmap, vec![SeccompRule::new(vec![not_executable()?, no_file])?]);
    rules.insert(libc::SYS_mprotect, vec![SeccompRule::new(vec![not_executable()?])?]);
    // Its own time on the processor, between runs.
    let own_processor_time =
        vec![argument(0, SeccompCmpOp::Eq, 0)?, argument(1, SeccompCmpOp::Eq, u64::from(libc::RLIMIT_CPU))?];
    rules.insert(libc::SYS_prlimit64, vec![SeccompRule::new(own_processor_time)?]);
    // To end itself when an allocation fails.
    rules.insert(
        libc::SYS_tgkill,
        vec![SeccompRule::new(vec![argument(0, SeccompCmpOp::Eq, u64::from(std::process::id()))?])?],
    );
    let filter = SeccompFilter::new(
        rules.into_iter().collect(),
        SeccompAction::Errno(EPERM),
        SeccompAction::Allow,
        std::env::consts::ARCH.try_into()?,
    )?;
    let program: BpfProgram = filter.try_into()?;
    seccompiler::apply_filter(&program)
}

fn argument(index: u8, operator: SeccompCmpOp, value: u64) -> Result<SeccompCondition, seccompiler::Error> {
    Ok(SeccompCondition::new(index, SeccompCmpArgLen::Dword, operator, value)?)
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// What a process may use of the processor in all its runs: a hundred of them, at a second and a half.
const EVER: Duration = Duration::from_secs(160);

/// What starting may take.
const STARTING: Duration = Duration::from_secs(1);

/// Address space beyond what is mapped at the start.
const ROOM: u64 = 224 << 20;

const EPERM: u32 = libc::EPERM.unsigned_abs();

const PROT_EXEC: u64 = libc::PROT_EXEC.unsigned_abs() as u64;
