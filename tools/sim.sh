#!/bin/sh
# Runs so many random histories of the engine on the simulated disk. A failure prints its seed; the same seed
# repeats it exactly (build/posthorn-sim --help).
set -eu
cd "$(dirname "$0")/.."
if [ ! -x build/posthorn-sim ]; then
    echo "sim: there is no build/posthorn-sim"
    exit 1
fi
exec build/posthorn-sim --seeds "$1"
