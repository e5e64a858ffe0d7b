#!/bin/sh
# Installs the Debian packages of the named lists (tools/packages-LIST.txt) that are missing, and says so first.
# Needs neither root nor network when nothing is missing. NO_INSTALL=1: report only.
#   tools/install.sh build test
set -eu
cd "$(dirname "$0")"

is_there() { # package [command...]
    package=$1
    shift
    if [ $# -gt 0 ]; then
        found=yes
        for command in "$@"; do
            command -v "$command" >/dev/null 2>&1 || found=no
        done
        [ $found = yes ] && return 0
    fi
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ]
}

missing=
for list in "$@"; do
    while read -r line; do
        line=${line%%#*}
        # Words are wanted here: package, then its commands.
        # shellcheck disable=SC2086
        set -- $line
        [ $# -eq 0 ] && continue
        is_there "$@" || missing="$missing $1"
    done < "packages-$list.txt"
done
missing=$(echo "$missing" | tr ' ' '\n' | sed '/^$/d' | sort -u | tr '\n' ' ')
[ -z "$missing" ] && exit 0

if [ -n "${NO_INSTALL:-}" ]; then
    echo "missing (not installed, because of NO_INSTALL): $missing"
    exit 0
fi
if ! command -v apt-get >/dev/null; then
    echo "These packages are missing, and there is no apt-get to install them: $missing" >&2
    echo "Posthorn is built on Debian 12; elsewhere install their equals and use NO_INSTALL=1." >&2
    exit 1
fi

root=
if [ "$(id -u)" -ne 0 ]; then
    root=sudo
    if ! command -v sudo >/dev/null; then
        echo "These packages are missing; as root run:  apt-get install $missing" >&2
        exit 1
    fi
fi

echo "Going to install from Debian:  $missing"
# Debian starts the services it installs, unless a policy says no. Those of the tests are wanted for their programs.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' | $root tee $policy >/dev/null
    $root chmod +x $policy
    trap '$root rm -f $policy' EXIT
fi
apt() { $root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 "$@"; }
updated=no
update() {
    [ $updated = yes ] && return 1
    updated=yes
    apt update
}
for package in $missing; do
    if ! apt-cache policy "$package" 2>/dev/null | grep -q 'Candidate: [^(]'; then
        update
        break
    fi
done
# The package lists may be old: then the first try fails and the second, after an update, does not.
# shellcheck disable=SC2086
apt install -y --no-install-recommends $missing || { update && apt install -y --no-install-recommends $missing; }
