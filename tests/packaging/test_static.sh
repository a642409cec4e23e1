#!/bin/sh
# tests/packaging/test_static.sh: builds the static program and runs a node with it in a root that holds nothing else: no
# library, no shell, no /etc. Closes with "N passed, N failed, N skipped".
#
# Wants root, for chroot and a mount namespace that ends with the inner run.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/packaging/tell.sh

inside() { env -i BONGSU_DIR=/node /usr/sbin/chroot "$work/alone" /bongsu "$@" </dev/null; }
holds() {
    want=$1
    shift
    "$@" >"$work/out" 2>&1
    grep -qE -e "$want" "$work/out" || { cat "$work/out"; false; }
}

# Waits until the node answers, 20 seconds at most.
ready() {
    for _ in $(seq 100); do
        inside status 2>/dev/null | grep -q "): running" && return
        sleep 0.2
    done
    cat "$work/serve.log"
    false
}
ends() {
    kill -TERM "$node" && wait "$node" || { cat "$work/serve.log"; false; }
}

test_node() {
    check "bongsu --version" holds '^bongsu [0-9]' inside --version
    check "bongsu init" inside init /node --name kr --country KR --passphrase-file /passphrase --listen 127.0.0.1:17843
    env -i BONGSU_DIR=/node /usr/sbin/chroot "$work/alone" /bongsu serve >"$work/serve.log" 2>&1 </dev/null &
    node=$!
    check "it serves" ready
    check "it takes the sample campaign" inside add /campaign.json --source kisa
    check "it holds objects" holds '[1-9][0-9]* objects' inside status
    check "it ends on SIGTERM" ends
    check "its log is whole" inside check
}

if [ "${1:-}" = --inside ]; then
    work=$2
    mount -t proc proc "$work/alone/proc" && mount --bind /dev "$work/alone/dev" || exit 1
    node=
    trap '[ -z "$node" ] || kill "$node" 2>/dev/null' EXIT
    test_node
    summary
fi

work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
trap 'exit 1' INT TERM
for tool in cmake dpkg-source; do
    command -v $tool >/dev/null || { echo "test_static: $tool is missing; run scripts/setup --deb" >&2; failed=1; summary; }
done
check "it builds, and needs no library" scripts/build-static
[ $failed = 0 ] || summary
if [ "$(id -u)" != 0 ] || ! unshare --mount true 2>/dev/null; then
    echo "skipped: running it alone needs root and a mount namespace"
    summary 1
fi
mkdir -p "$work/alone/proc" "$work/alone/dev" "$work/alone/tmp" "$work/alone/run"
cp build/static/bongsu "$work/alone/bongsu"
cp samples/campaign/kr-cert.json "$work/alone/campaign.json"
echo 'a passphrase of the test' >"$work/alone/passphrase"
chmod 400 "$work/alone/passphrase"
run_inside tests/packaging/test_static.sh
summary
