#!/bin/sh
# clang-tidy over the sources changed since the main branch (on the main branch: by its last commit); ALL=1
# takes every one. SECONDS_MAX ends the run early, which is said and is no failure.
set -u
cd "$(dirname "$0")/.."

base=$(git merge-base HEAD origin/main 2>/dev/null || git merge-base HEAD main 2>/dev/null || git rev-parse HEAD)
[ "$base" = "$(git rev-parse HEAD)" ] && base=$(git rev-parse HEAD~1 2>/dev/null || echo "$base")
if [ -n "${ALL:-}" ]; then
    files=$(git ls-files 'src/*.cc')
else
    files=$({ git diff --name-only --diff-filter=d "$base" -- 'src/*.cc'
              git ls-files --others --exclude-standard 'src/*.cc'; } | sort -u)
fi
[ -n "$files" ] || { echo "no source changed"; exit 0; }

# The build is g++'s; its own warning switches mean nothing to clang.
echo "$files" | timeout "${SECONDS_MAX:-86400}" xargs -n 1 -P "${JOBS:-$(nproc)}" \
    clang-tidy-16 -p build --quiet --warnings-as-errors='*' --extra-arg=-Wno-unknown-warning-option 2>&1 |
    { grep -v 'warnings generated\|^Suppressed\|^Use -header-filter' || true; } > build/tidy.log
cat build/tidy.log
if grep -q 'error:' build/tidy.log; then
    exit 1
fi
echo "looked at up to $(echo "$files" | wc -l) files within ${SECONDS_MAX:-any number of} seconds"
