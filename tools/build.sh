#!/bin/sh
# Configures a preset if that was not done yet, and builds it: tools/build.sh PRESET JOBS [TARGET...]
set -eu
cd "$(dirname "$0")/.."
preset=$1
jobs=$2
shift 2
for command in cmake ninja g++; do
    command -v "$command" >/dev/null || { echo "cannot build: there is no $command here" >&2; exit 1; }
done
# One cache for all work trees of the repository.
export CCACHE_BASEDIR="$PWD" CCACHE_NOHASHDIR=1
directory=build
[ "$preset" = release ] || directory=build-$preset
if [ ! -f "$directory/build.ninja" ]; then
    echo "configuring $directory"
    cmake --preset "$preset" > "$directory.log" 2>&1 || { cat "$directory.log"; rm "$directory.log"; exit 1; }
    rm "$directory.log"
fi
if [ $# -gt 0 ]; then
    exec cmake --build --preset "$preset" -j "$jobs" --target "$@"
fi
exec cmake --build --preset "$preset" -j "$jobs"
