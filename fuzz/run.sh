#!/bin/sh
# Looks for inputs that break a property. Usage: fuzz/run.sh gate|judgement|query|metadata [libFuzzer's options]
# Needs stable Rust and a C++ compiler. `-max_total_time=1800` is half an hour; without it, it ends at the first fault.
set -eu
target=$1
shift
cd "$(dirname "$0")"
CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/../target}
export CARGO_TARGET_DIR
mkdir -p "corpus/$target" "artifacts/$target"
RUSTC_WRAPPER="$PWD/covered.sh" cargo build --bin "$target"
exec "$CARGO_TARGET_DIR/debug/$target" -artifact_prefix="artifacts/$target/" -timeout=10 "corpus/$target" "$@"
