//! The program `portico`.

/// A login makes many small pieces, on which the C library's own spends a part of it. `.cargo/config.toml` has its settings.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    portico_server::cli::run(std::env::args_os())
}
