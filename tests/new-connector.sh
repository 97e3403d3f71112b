#!/bin/sh
# Makes the folder of a new connector from connectors/registry/skeleton, and registers it.
# Usage: tests/new-connector.sh NAME     (lower case: ldap, custom_database; NAME is the strategy, too)
# docs/CONNECTORS.md tells what to write then. Until it is written, connections of this strategy are refused.
set -eu
cd "$(dirname "$0")/.."

name="${1:-}"
case "$name" in
"" | [!a-z]* | *[!a-z0-9_]*)
    echo "new-connector: write a name in lower case, as in: make new-connector NAME=ldap" >&2
    exit 2
    ;;
esac
folder="connectors/$name"
[ ! -e "$folder" ] || {
    echo "new-connector: $folder is there already" >&2
    exit 1
}
package="portico-$(echo "$name" | tr _ -)"
type="$(echo "$name" | awk -F_ '{ for (i = 1; i <= NF; i++) printf "%s", toupper(substr($i, 1, 1)) substr($i, 2) }')"

edit() { # edit FILE MARKER TEXT: put TEXT behind the first MARKER
    grep -qF "$2" "$1" || {
        echo "new-connector: \`$2\` is not in $1: mend this script" >&2
        exit 1
    }
    MARKER="$2" TEXT="$3" awk '
        !done && (at = index($0, ENVIRON["MARKER"])) {
            end = at + length(ENVIRON["MARKER"]) - 1
            $0 = substr($0, 1, end) ENVIRON["TEXT"] substr($0, end + 1)
            done = 1
        }
        { print }' "$1" >"$1.new"
    mv "$1.new" "$1"
}

mkdir -p "$folder/src"
filled() { # filled FILE: a file of the skeleton with the names put in
    sed -e "s/portico-skeleton/$package/" -e "s/Skeleton/$type/g" -e "s/skeleton/$name/g" "connectors/registry/skeleton/$1"
}
filled manifest.toml >"$folder/Cargo.toml"
filled lib.rs >"$folder/src/lib.rs"
filled factory.rs >"$folder/src/factory.rs"

line="
" # a line break
registry=connectors/registry/src/lib.rs
dag=tests/architecture/dag.rs
edit Cargo.toml 'portico-connectors = { path = "connectors/registry" }' "$line$package = { path = \"$folder\" }"
edit connectors/registry/Cargo.toml 'portico-core.workspace = true' "$line$package.workspace = true"
edit $registry 'use std::sync::Arc;' "${line}use portico_$name::${type}Factory;"
edit $registry 'factories: vec![' "Box::new(${type}Factory), "
edit $registry 'BUILT_IN: &[&str] = &[' "\"$name\", "
edit $dag 'ALLOWED: &[(&str, &[&str])] = &[' "(\"$package\", &[\"portico-core\"]), "
edit $dag 'REGISTERED: &[&str] = &[' "\"$package\", "
cargo fmt --package "$package" --package portico-connectors --package portico-tests

echo "$folder is made and registered: it compiles, and refuses until it is written."
echo "Next: docs/CONNECTORS.md; a trial in tests/conformance/connector.rs; cargo test -p portico-connectors"
