#!/bin/sh
# tests/packaging/test_deb.sh: builds the Debian package, looks into it, and installs, upgrades, removes and purges it in a
# Debian 12 of its own; closes with "N passed, N failed, N skipped".
#
# Wants root and a mirror (MIRROR=URL; otherwise Debian's). /proc is mounted in a mount namespace that ends with the inner
# run, so what this deletes afterwards never has anything mounted in it. A systemctl that writes down what it is asked
# stands in for systemd: it shows what the package's scripts would do to a running system.
set -u
cd "$(dirname "$0")/../.." || exit 1
MIRROR=${MIRROR:-http://deb.debian.org/debian}
. tests/packaging/tell.sh

holds() { grep -qE -e "$1" "$2" || { cat "$2"; false; }; }
lacks() { ! grep -E -e "$1" "$2"; }

# ROOT COMMAND...: in the other Debian, with nothing of this machine's environment.
inside() {
    root=$1
    shift
    env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 \
        chroot "$root" "$@" </dev/null
}
# Asks whether the directory is there and whose: "700 bongsu bongsu".
owner_is() { [ "$(inside "$work/inst" stat -c '%a %U %G' "$1")" = "$2" ]; }

stand_in_for_systemctl() {
    mkdir -p "$work/inst/run/systemd/system"
    cat >"$work/inst/usr/local/sbin/systemctl" <<'STUB'
#!/bin/sh
echo "$*" >>/var/log/asked
case "$*" in *is-enabled*) echo disabled ;; esac
exit 0
STUB
    chmod 755 "$work/inst/usr/local/sbin/systemctl"
}

test_install() {
    check "its dependencies are Debian's" inside "$work/inst" apt-get satisfy -q -y --no-install-recommends \
        "$(dpkg-deb -f "$work/inst/first.deb" Depends)"
    stand_in_for_systemctl
    check "it installs" inside "$work/inst" apt-get install -q -y --no-install-recommends /first.deb
    : >>"$work/inst/var/log/asked"
    check "installing starts and enables nothing" lacks '(start|enable) ' "$work/inst/var/log/asked"
    check "the user bongsu cannot log in" \
        holds '^bongsu:x:[0-9]{1,3}:.*:/var/lib/bongsu:/usr/sbin/nologin$' "$work/inst/etc/passwd"
    check "the operators' group is there, and nobody in it" holds '^bongsu-operators:x:[0-9]{1,3}:$' "$work/inst/etc/group"
    for role in edge guard keeper; do
        entry="^bongsu-$role:x:[0-9]{1,3}:.*:/usr/sbin/nologin\$"
        check "the user bongsu-$role cannot log in" holds "$entry" "$work/inst/etc/passwd"
    done
    check "/var/lib/bongsu is root's, and the user makes names in it" owner_is /var/lib/bongsu '1771 root bongsu'
    inside "$work/inst" bongsu --version >"$work/version" 2>&1
    check "bongsu --version" holds "$(dpkg-deb -f "$work/inst/first.deb" Version | sed 's/-[^-]*$//; s/\./\\./g')" "$work/version"
    echo 'a passphrase of the test' >"$work/inst/etc/bongsu-passphrase"
    inside "$work/inst" sh -c 'chown bongsu: /etc/bongsu-passphrase && chmod 0400 /etc/bongsu-passphrase'
    check "bongsu init, as the user" inside "$work/inst" runuser -u bongsu -- \
        bongsu init /var/lib/bongsu --name kr --country KR --passphrase-file /etc/bongsu-passphrase
    check "bongsu accounts, as the unit runs it" inside "$work/inst" bongsu accounts /var/lib/bongsu
    check "the signing keys are keeper's" owner_is /var/lib/bongsu/keys/ledger '600 bongsu-keeper bongsu-keeper'
    check "the TLS key is edge's" owner_is /var/lib/bongsu/keys/tls '600 bongsu-edge bongsu-edge'
    check "the node's configuration is root's, and the user reads it" owner_is /var/lib/bongsu/bongsu.yaml '640 root bongsu'
    check "the user asks the stopped node" inside "$work/inst" runuser -u bongsu -- bongsu status --dir /var/lib/bongsu
}

test_upgrade() {
    cp "$work/inst/var/lib/bongsu/root.key" "$work/key"
    : >"$work/inst/var/log/asked"
    check "it upgrades" inside "$work/inst" dpkg -i /second.deb
    check "an upgrade restarts a node that runs, and no other" holds 'try-restart bongsu.service' "$work/inst/var/log/asked"
    check "an upgrade starts nothing" lacks '(^| )(start|restart|enable) ' "$work/inst/var/log/asked"
    check "an upgrade leaves the keys" cmp "$work/key" "$work/inst/var/lib/bongsu/root.key"
}

test_remove() {
    : >"$work/inst/var/log/asked"
    check "it is removed" inside "$work/inst" dpkg -r bongsu
    check "a removal stops the node" holds 'stop bongsu.service' "$work/inst/var/log/asked"
    check "the program is gone" [ ! -e "$work/inst/usr/bin/bongsu" ]
    check "a removal leaves the keys" cmp "$work/key" "$work/inst/var/lib/bongsu/root.key"
    inside "$work/inst" dpkg -P bongsu >"$work/purge" 2>&1
    check "a purge leaves the keys" cmp "$work/key" "$work/inst/var/lib/bongsu/root.key"
    check "a purge says where they are" holds 'keys and log stay in /var/lib/bongsu' "$work/purge"
    inside "$work/inst" dpkg-query -W -f '${Package} ${db:Status-Status}\n' >"$work/packages" 2>&1
    check "dpkg knows nothing of it any more" lacks '^bongsu ' "$work/packages"
    check "it installs again beside an old node" inside "$work/inst" dpkg -i /first.deb
    check "and leaves its keys" cmp "$work/key" "$work/inst/var/lib/bongsu/root.key"
    inside "$work/inst" find /var/lib/bongsu -mindepth 1 -delete
    check "without a node it is purged" inside "$work/inst" dpkg -P bongsu
    check "and the empty directory goes too" [ ! -e "$work/inst/var/lib/bongsu" ]
}

if [ "${1:-}" = --inside ]; then
    work=$2
    mount -t proc proc "$work/inst/proc" || exit 1
    test_install
    test_upgrade
    test_remove
    summary
fi

work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
trap 'exit 1' INT TERM
for tool in dpkg-buildpackage dh lintian debootstrap; do
    command -v $tool >/dev/null || { echo "test_deb: $tool is missing; run scripts/setup --test" >&2; failed=1; summary; }
done
check "it builds" scripts/build-deb
deb=$(ls build/deb/bongsu_*.deb 2>/dev/null | head -n 1)
[ $failed = 0 ] && [ -n "$deb" ] || summary
dpkg-deb -c "$deb" >"$work/contents"
for path in usr/bin/bongsu usr/bin/bongsu-verify usr/share/bongsu/default.policy lib/systemd/system/bongsu.service \
    usr/lib/sysusers.d/bongsu.conf usr/share/man/man1/bongsu-verify.1.gz \
    usr/share/man/man1/bongsu.1.gz usr/share/man/man1/bongsu-serve.1.gz usr/share/man/man5/bongsu.yaml.5.gz \
    usr/share/man/man5/bongsu-policy.5.gz; do
    check "it holds $path" holds " root/root .* \./$path\$" "$work/contents"
done
check "/var/lib/bongsu is not dpkg's to delete" lacks ' \./var/lib' "$work/contents"
check "lintian finds nothing" lintian --allow-root --fail-on error,warning "$deb"
if [ "$(id -u)" != 0 ] || ! unshare --mount true 2>/dev/null; then
    echo "skipped: installing needs root and a mount namespace"
    summary 1
fi
if ! curl -fsSL -m 20 -o /dev/null "$MIRROR/dists/bookworm/Release"; then
    echo "skipped: installing needs a mirror, and $MIRROR does not answer"
    summary 1
fi
check "a Debian 12 of its own" debootstrap --variant=minbase bookworm "$work/inst" "$MIRROR"
[ $failed = 0 ] || summary
cp "$deb" "$work/inst/first.deb"
# The next version: the same package under a higher number.
dpkg-deb -R "$deb" "$work/next" && sed -i 's/^Version: .*/&+next1/' "$work/next/DEBIAN/control" &&
    dpkg-deb --root-owner-group -b "$work/next" "$work/inst/second.deb" >/dev/null
run_inside tests/packaging/test_deb.sh
summary
