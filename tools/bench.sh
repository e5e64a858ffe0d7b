#!/bin/sh
# Measures this machine: the engine's parts alone, then (if it is there) side by side with Apache RocketMQ.
set -eu
cd "$(dirname "$0")/.."
for benchmark in build/bench_*; do
    [ -x "$benchmark" ] && [ -f "$benchmark" ] || continue
    echo "== $(basename "$benchmark")"
    "$benchmark"
done
if [ -x tools/bench/run.py ]; then
    echo "== side by side with Apache RocketMQ"
    exec tools/bench/run.py "$@"
fi
