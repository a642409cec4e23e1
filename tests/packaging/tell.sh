# shellcheck shell=sh
# How the tests of this folder count and tell; sourced, with $work a directory of the run's own.
passed=0
failed=0

# NAME COMMAND...: one test.
check() {
    name=$1
    shift
    if "$@" >"$work/said" 2>&1; then
        echo "ok: $name"
        passed=$((passed + 1))
    else
        cat "$work/said"
        echo "FAILED: $name"
        failed=$((failed + 1))
    fi
}
# SKIPPED: the last line, and the end.
summary() {
    echo "$passed passed, $failed failed, ${1:-0} skipped"
    [ $failed = 0 ]
    exit
}
# SCRIPT: the part of it that needs a mount namespace, its counts added to ours.
run_inside() {
    unshare --mount --propagation private "$1" --inside "$work" >"$work/inner" 2>&1
    grep -v '^[0-9]* passed, ' "$work/inner"
    last=$(grep '^[0-9]* passed, ' "$work/inner") || last='0 passed, 1 failed, 0 skipped'
    passed=$((passed + $(echo "$last" | awk '{ print $1 }')))
    failed=$((failed + $(echo "$last" | awk '{ print $3 }')))
}
