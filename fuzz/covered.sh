#!/bin/sh
# Compiles as cargo wants it, and instruments what is to be looked into. Cargo calls it instead of rustc.
rustc=$1
shift
case " $* " in
*" --crate-name portico_saml "* | *" --crate-name portico_properties "* | *" --crate-name quick_xml "*)
    exec "$rustc" "$@" -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
        -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
        -Cllvm-args=-sanitizer-coverage-trace-compares
    ;;
esac
exec "$rustc" "$@"
