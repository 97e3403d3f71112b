#!/bin/sh
# Installs what Portico needs from Debian, if it is missing. Usage: tests/install.sh build|test|fuzz
#   build   a C compiler; libxml2, xmlsec and what binds them (XML signatures)
#   fuzz    the same, and a C++ compiler
#   test    the same as build, PostgreSQL, MariaDB, Chromium and chromedriver, xmllint, valgrind, and SAML identity providers:
#           SimpleSAMLphp and LemonLDAP::NG of Debian; samlp of npm and pysaml2 of PyPI, which go into the folder
#           `identity-providers` beside what cargo builds
set -eu

missing=""
need() { # need COMMAND PACKAGE
    command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
}

need gcc gcc
[ "${1:-build}" != fuzz ] || need c++ g++
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
    [ -x /usr/sbin/mariadbd ] || missing="$missing mariadb-server"
    need node nodejs
    need npm npm
    need xmlsec1 xmlsec1
    need valgrind valgrind
    need xmllint libxml2-utils
    python3 -c 'import ensurepip, venv' >/dev/null 2>&1 || missing="$missing python3 python3-venv"
    # With these nothing asks for a web server that would be started: php serves the tests by itself.
    [ -e /usr/share/simplesamlphp/www ] || missing="$missing simplesamlphp micro-httpd netcat-traditional php-cgi php-cli php-mbstring php-xml"
    # The same holds here: plackup serves the tests by itself. The portal loads a module for captchas that needs images.
    need plackup libplack-perl
    perl -MLasso -MGD::SecurityImage -MImage::Magick -MXML::Simple -MLemonldap::NG::Portal -e 1 >/dev/null 2>&1 ||
        missing="$missing liblemonldap-ng-portal-perl lemonldap-ng-uwsgi-app mini-httpd liblasso-perl libglib-perl libio-string-perl libxml-simple-perl libgd-securityimage-perl libimage-magick-perl"
fi
command -v cargo >/dev/null 2>&1 || {
    echo "install.sh: cargo is missing; install Rust 1.95 or newer from https://rustup.rs/" >&2
    exit 1
}

# What is not of Debian needs no root: each folder is complete or not there.
providers() {
    here=$(cd "$(dirname "$0")/identity_providers" && pwd)
    there=${CARGO_TARGET_DIR:-$here/../../target}/identity-providers
    if [ ! -e "$there/samlp/node_modules" ]; then
        rm -rf "$there/samlp.part" "$there/samlp" && mkdir -p "$there/samlp.part"
        cp "$here/samlp/package.json" "$here/samlp/package-lock.json" "$there/samlp.part/"
        npm ci --prefix "$there/samlp.part" --ignore-scripts --no-audit --no-fund
        mv "$there/samlp.part" "$there/samlp"
    fi
    # Packages that scripts may require: beside what cargo builds, as an operator has them in `scripts.modules_dir`.
    modules=$(cd "$here/../../server/script/modules" && pwd)
    if ! cmp -s "$modules/package-lock.json" "$there/../script-modules/package-lock.json"; then
        rm -rf "$there/../script-modules.part" "$there/../script-modules" && mkdir -p "$there/../script-modules.part"
        cp "$modules/package.json" "$modules/package-lock.json" "$there/../script-modules.part/"
        npm ci --prefix "$there/../script-modules.part" --ignore-scripts --no-audit --no-fund
        mv "$there/../script-modules.part" "$there/../script-modules"
    fi
    if [ ! -e "$there/pysaml2/complete" ]; then
        rm -rf "$there/pysaml2"
        python3 -m venv "$there/pysaml2"
        "$there/pysaml2/bin/pip" install --quiet --no-input --requirement "$here/pysaml2/requirements.txt"
        touch "$there/pysaml2/complete"
    fi
}
finish() {
    [ "${1:-build}" != test ] || providers
    exit 0
}
[ -n "$missing" ] || finish "$@"

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
finish "$@"
