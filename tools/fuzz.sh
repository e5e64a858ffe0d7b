#!/bin/sh
# Builds the fuzz targets (fuzz/*_fuzz.cc) and runs each for so many seconds, as many at once as there are cores:
#   tools/fuzz.sh [SECONDS] [TARGET...]
# They begin with what fuzz/seeds.py writes, with what was found before (fuzz/corpus/TARGET) and with the corpus that
# grew here (build-fuzz/corpus). What is found stays in build-fuzz/found. The last line says how it ended.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-60}
[ $# -gt 0 ] && shift
jobs=${JOBS:-$(nproc)}
names=${*:-$(ls fuzz/*_fuzz.cc | sed 's|fuzz/\(.*\)_fuzz\.cc|\1|')}
# Words are wanted here and below.
# shellcheck disable=SC2046,SC2086
tools/build.sh fuzz "$jobs" $(printf 'fuzz_%s ' $names)

rm -rf build-fuzz/logs build-fuzz/seeds
mkdir -p build-fuzz/found build-fuzz/logs
python3 fuzz/seeds.py build-fuzz/seeds

# shellcheck disable=SC2016
printf '%s\n' $names | xargs -P "$jobs" -I NAME sh -c '
    name=$1 seconds=$2
    folders=build-fuzz/corpus/$name
    mkdir -p "$folders" "build-fuzz/found/$name"
    for kept in "fuzz/corpus/$name" "build-fuzz/seeds/$name"; do
        [ -d "$kept" ] && folders="$folders $kept"
    done
    build-fuzz/fuzz_$name -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -verbosity=0 -artifact_prefix="build-fuzz/found/$name/" $folders > "build-fuzz/logs/$name" 2>&1
    echo $? > "build-fuzz/logs/$name.code"' - NAME "$seconds" || true

bad=
runs=0
for name in $names; do
    log=build-fuzz/logs/$name
    done=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    runs=$((runs + ${done:-0}))
    if [ "$(cat "$log.code" 2>/dev/null)" = 0 ]; then
        printf '  %-22s %11s runs\n' "$name" "$done"
    else
        bad="$bad $name"
        printf '  %-22s FOUND SOMETHING:\n' "$name"
        grep -v '^INFO\|^stat::\|^#' "$log" | head -n 40
        # shellcheck disable=SC2012
        echo "  once more: build-fuzz/fuzz_$name $(ls -t "build-fuzz/found/$name"/* 2>/dev/null | head -n 1)"
    fi
done
[ -z "$bad" ] || { echo "fuzz: $runs runs, something found by:$bad"; exit 1; }
echo "fuzz: $(echo "$names" | wc -w) targets for ${seconds} s each, $runs runs, nothing found"
