#!/bin/sh
# Names the C++ files that clang-format would change; --fix changes them.
set -eu
cd "$(dirname "$0")/.."
files=$(git ls-files --cached --others --exclude-standard '*.cc' '*.h')
# shellcheck disable=SC2086
if [ "${1:-}" = --fix ]; then
    exec clang-format-16 -i $files
elif ! clang-format-16 --dry-run -Werror $files; then
    echo "not formatted; 'make format' does it" >&2
    exit 1
fi
