#!/bin/sh
# Builds the fuzz targets (fuzz/*.cc) and runs each for so many seconds. What is found stays in build-fuzz/found,
# the corpus that grew in build-fuzz/corpus; fuzz/corpus/<target> holds the seeds that are kept.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-60}
tools/build.sh fuzz "${JOBS:-$(nproc)}"
mkdir -p build-fuzz/found
count=0
for target in build-fuzz/fuzz_*; do
    [ -x "$target" ] && [ -f "$target" ] || continue
    name=$(basename "$target")
    name=${name#fuzz_}
    mkdir -p "build-fuzz/corpus/$name"
    seeds=
    [ -d "fuzz/corpus/$name" ] && seeds=fuzz/corpus/$name
    echo "fuzz $name for ${seconds}s"
    # shellcheck disable=SC2086
    "$target" -max_total_time="$seconds" -rss_limit_mb=2048 -print_final_stats=0 -verbosity=0 \
        -artifact_prefix=build-fuzz/found/ "build-fuzz/corpus/$name" $seeds
    count=$((count + 1))
done
echo "fuzz: $count targets, nothing found"
