//! The program `portico`.

/// Passwords are hashed in 19 MiB each, everything else in small pieces: this one is better at both than the C library's.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    portico_server::cli::run(std::env::args_os())
}
