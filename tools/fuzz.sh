#!/bin/sh
# Builds the fuzz targets (fuzz/*_fuzz.cc) and runs each for so many seconds. What is found stays in build-fuzz/found,
# the corpus that grew in build-fuzz/corpus; fuzz/corpus/<target> holds the seeds that are kept.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-60}
targets=$(ls fuzz/*_fuzz.cc 2>/dev/null | sed 's|fuzz/\(.*\)_fuzz\.cc|fuzz_\1|')
[ -n "$targets" ] || { echo "fuzz: there are no targets"; exit 0; }
# shellcheck disable=SC2086
tools/build.sh fuzz "${JOBS:-$(nproc)}" $targets
mkdir -p build-fuzz/found
count=0
for target in $targets; do
    name=${target#fuzz_}
    mkdir -p "build-fuzz/corpus/$name"
    seeds=
    [ -d "fuzz/corpus/$name" ] && seeds=fuzz/corpus/$name
    echo "fuzz $name for ${seconds}s"
    # shellcheck disable=SC2086
    "build-fuzz/$target" -max_total_time="$seconds" -rss_limit_mb=2048 -print_final_stats=0 -verbosity=0 \
        -artifact_prefix=build-fuzz/found/ "build-fuzz/corpus/$name" $seeds
    count=$((count + 1))
done
echo "fuzz: $count targets, nothing found"
