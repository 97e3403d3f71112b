//! Owns the build of `native/verify.c`.
//! Never touches the libraries that it calls: the crates `samael` and `libxml` link them.

fn main() {
    println!("cargo::rerun-if-changed=native/verify.c");
    let found = pkg_config::Config::new().cargo_metadata(false).probe("xmlsec1-openssl");
    let found = found.unwrap_or_else(|error| panic!("xmlsec is missing (tests/install.sh build): {error}"));
    let mut build = cc::Build::new();
    build.file("native/verify.c").includes(found.include_paths).warnings(true).extra_warnings(true);
    for (name, value) in found.defines {
        build.define(&name, value.as_deref());
    }
    build.compile("portico_verify");
}
