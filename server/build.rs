//! Owns the list of embedded files that a change of makes the server stale.
//! Never touches their content: `include_dir!` reads it.

fn main() {
    for folder in ["assets", "locales", "templates"] {
        println!("cargo:rerun-if-changed={folder}");
    }
}
