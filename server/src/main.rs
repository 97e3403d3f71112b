//! The program `portico`.

fn main() -> std::process::ExitCode {
    portico_server::cli::run(std::env::args_os())
}
