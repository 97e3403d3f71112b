#!/bin/sh
# Installs what Portico needs from Debian, if it is missing. Usage: tests/install.sh build|test
#   build   a C compiler; libxml2, xmlsec and what binds them (XML signatures)
#   test    the same, PostgreSQL, Chromium and chromedriver
set -eu

missing=""
need() { # need COMMAND PACKAGE
    command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
}

need gcc gcc
need make make
[ -e /usr/include/stdio.h ] || missing="$missing libc6-dev"
header() { # header FILE PACKAGE
    [ -e "/usr/include/$1" ] || missing="$missing $2"
}
header libxml2/libxml/parser.h libxml2-dev
header xmlsec1/xmlsec/xmlsec.h libxmlsec1-dev
header libxslt/xslt.h libxslt1-dev
header openssl/ssl.h libssl-dev
need pkg-config pkg-config
# The bindings of xmlsec are made while building, by libclang and its headers.
if ! ls /usr/lib/llvm-*/lib/clang/*/include/stddef.h >/dev/null 2>&1 || ! ls /usr/lib/llvm-*/lib/libclang*.so* >/dev/null 2>&1; then
    if apt-cache show libclang1-14 >/dev/null 2>&1; then
        missing="$missing libclang1-14 libclang-common-14-dev"
    else
        missing="$missing libclang-dev"
    fi
fi
if [ "${1:-build}" = test ]; then
    need chromium chromium
    need chromedriver chromium-driver
    ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || missing="$missing postgresql"
fi
command -v cargo >/dev/null 2>&1 || {
    echo "install.sh: cargo is missing; install Rust 1.95 or newer from https://rustup.rs/" >&2
    exit 1
}
[ -n "$missing" ] || exit 0

command -v apt-get >/dev/null 2>&1 || {
    echo "install.sh: these are missing, and this is no Debian to install them on:$missing" >&2
    exit 1
}
if [ "$(id -u)" = 0 ]; then
    as_root() { env DEBIAN_FRONTEND=noninteractive "$@"; }
elif command -v sudo >/dev/null 2>&1; then
    as_root() { sudo env DEBIAN_FRONTEND=noninteractive "$@"; }
else
    echo "install.sh: run this as root, or install yourself:$missing" >&2
    exit 1
fi

echo "installing:$missing"
as_root apt-get update -q
case "$missing" in
*postgresql*)
    # The tests start servers of their own, in folders of their own: Debian need not start one.
    as_root apt-get install -q -y --no-install-recommends postgresql-common
    as_root sed -i 's/^#\?create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
    ;;
esac
# shellcheck disable=SC2086
as_root apt-get install -q -y --no-install-recommends $missing
