#!/bin/sh
# tests/interop/test_ledger.sh: the ledger against Go's transparency log packages, both ways; closes with
# "N passed, N failed, N skipped". The first run fetches the Go modules that go-tlog/go.sum names.
set -u
cd "$(dirname "$0")/../.."
skip() {
    echo "skipped: ledger against Go: $1"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
}
command -v go >/dev/null || skip "go is not installed"
scripts/build dev >build/interop-ledger-build.log 2>&1 || {
    tail -20 build/interop-ledger-build.log
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
}
tool=build/dev/tests/unit/ledger/ledger_tool
verify=build/dev/src/verify/bongsu-verify
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
# Without the modules at hand and without a network there is nothing to compare with; a program of ours that does not
# compile is a failure.
(cd tests/interop/go-tlog && go mod download) >"$dir/log" 2>&1 || { cat "$dir/log"; skip "its modules cannot be fetched"; }
mkdir "$dir/ours" "$dir/theirs"
{
    # A step that ends early must not pass by having said little.
    step() {
        name=$1
        shift
        if "$@"; then echo "ok - $name ends well"; else echo "not ok - $name ends well"; fi
    }
    step "building go-tlog" sh -c "cd tests/interop/go-tlog && go build -o '$dir/go-tlog' ."
    step "ledger_tool make" "$tool" make "$dir/ours"
    step "go-tlog verify" "$dir/go-tlog" verify "$dir/ours"
    step "go-tlog make" "$dir/go-tlog" make "$dir/theirs"
    step "ledger_tool check" "$tool" check "$dir/theirs"
    # bongsu-verify, over what Go wrote and over what the room ledger wrote; and one byte of Go's changed.
    for from in theirs ours; do
        step "bongsu-verify proof, $from" "$verify" proof --cosigners 1 --keys "$dir/$from/vkeys" "$dir/$from"/*.tlog-proof
        step "bongsu-verify checkpoint, $from" "$verify" checkpoint --cosigners 1 --keys "$dir/$from/vkeys" \
            "$dir/$from"/checkpoint-*
    done
    sed 's/^index 4$/index 5/' "$dir/theirs/proof-4.tlog-proof" >"$dir/changed"
    step "bongsu-verify refuses Go's proof for another index" sh -c "! '$verify' proof --keys '$dir/theirs/vkeys' '$dir/changed'"
} >"$dir/out" 2>&1
cat "$dir/out"
passed=$(grep -c '^ok - ' "$dir/out")
failed=$(grep -c '^not ok - ' "$dir/out")
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
