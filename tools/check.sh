#!/bin/sh
# What must hold before a push, in at most five minutes on two cores once everything is built.
set -eu
cd "$(dirname "$0")/.."

echo "== format"
tools/format.sh
echo "== clang-tidy"
tools/tidy.py --seconds 100
echo "== tests"
ctest --test-dir build --output-on-failure -j "${JOBS:-$(nproc)}" | tail -n 5
echo "== fuzz"
tools/fuzz.sh 5
echo "== simulation"
tools/sim.sh 2000
echo
echo "check: all good"
