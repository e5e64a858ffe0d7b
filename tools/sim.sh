#!/bin/sh
# Runs every simulator (build/sim_*) over so many seeds. A failure prints its seed; the same seed repeats it.
set -eu
cd "$(dirname "$0")/.."
count=0
for simulator in build/sim_*; do
    [ -x "$simulator" ] && [ -f "$simulator" ] || continue
    "$simulator" --seeds "$1"
    count=$((count + 1))
done
echo "sim: $count simulators, $1 seeds each, all laws held"
