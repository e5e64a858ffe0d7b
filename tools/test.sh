#!/bin/sh
# Every test that must always hold: the unit and program tests (ctest) and the quick compatibility runs with
# real clients. The last line is "N passed, N failed"; it also stands in build/test-summary.txt.
set -u
cd "$(dirname "$0")/.."
rm -f build/test-summary.txt
passed=0
failed=0

# Takes the numbers of the last "N passed, N failed" in a file; a suite that left none counts as one failure.
count() { # suite exit-code file
    line=$(grep -Eo '[0-9]+ passed, [0-9]+ failed' "$3" | tail -n 1)
    good=${line%% passed*}
    bad=${line##*, }
    bad=${bad%% failed}
    [ -n "$line" ] || { good=0; bad=0; }
    [ "$2" -ne 0 ] && [ "$bad" -eq 0 ] && bad=1
    summary="$summary  $1: $good passed, $bad failed
"
    passed=$((passed + good))
    failed=$((failed + bad))
}
summary=

log=$(mktemp)
trap 'rm -f "$log" "$log.code"' EXIT

echo "== unit and program tests"
{ ctest --test-dir build --output-on-failure -j "${JOBS:-$(nproc)}" 2>&1; echo $? > "$log.code"; } |
    tee "$log" | grep -v ' Passed \|Start  *[0-9]*:'
# "93% tests passed, 2 tests failed out of 31"
sed -nE 's/.*tests passed, ([0-9]+) tests failed out of ([0-9]+)/\1 \2/p' "$log" |
    while read -r bad all; do echo "$((all - bad)) passed, $bad failed"; done >> "$log"
count ctest "$(cat "$log.code")" "$log"

echo "== real clients"
{ tests/compat/run.py --start-posthorn build/posthorn --second-try 2>&1; echo $? > "$log.code"; } | tee "$log"
count compat "$(cat "$log.code")" "$log"

echo
echo "== summary"
printf '%s' "$summary"
echo "$passed passed, $failed failed" | tee build/test-summary.txt
[ "$failed" -eq 0 ]
