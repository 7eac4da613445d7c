#!/bin/sh
# Builds the load client and the peers into bench/peers/build. Only what changed is built again.
set -eu
cd "$(dirname "$0")"

cmake -S . -B build/cpp >/dev/null
cmake --build build/cpp --parallel 2
