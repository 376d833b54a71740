#!/usr/bin/env bash
# Sets up what the tests need, system packages included, and runs them. --all adds the slow ones; the rest goes to pytest.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# fetch_tools PACKAGE PROGRAM...: programs into .venv/tools, out of a Debian package that is not installed, because that
# would start its server.
fetch_tools() {
    local package=$1 unpacked program missing=
    shift
    for program; do [ -x "$venv/tools/$program" ] || missing=yes; done
    [ "$missing" ] || return 0
    say "Fetching $package (once) ..."
    unpacked=$(mktemp -d)
    chmod 755 "$unpacked"
    {
        cd "$unpacked" &&
            { apt-get download -qq "$package" || { as_root apt-get update -qq && apt-get download -qq "$package"; }; } &&
            dpkg-deb -x "$package"_*.deb . && mkdir -p "$venv/tools" &&
            for program; do mv "usr/bin/$program" "$venv/tools/"; done &&
            # Alertmanager looks for its templates only where its package would have put them.
            { [ ! -d usr/share/prometheus ] || as_root cp -rn usr/share/prometheus /usr/share/; }
    } >/dev/null 2>"$unpacked/errors" || say "$package could not be fetched:" "$(cat "$unpacked/errors")"
    cd "$root"
    rm -r "$unpacked"
}

# fetch_cluster: what deploy/ha needs, into .venv/tools/ha, out of Debian packages that are not installed, because they
# would start servers. Libraries that are installed are used from there.
fetch_cluster() {
    local archives packages=(postgresql patroni etcd-server etcd-client pgbouncer haproxy)
    [ ! -d "$venv/tools/ha" ] || return 0
    say "Fetching ${packages[*]} (once) ..."
    archives=$(mktemp -d)
    mkdir -p "$archives/partial" "$archives/ha"
    download() {
        apt-get install -y -qq --no-install-recommends --download-only -o Debug::NoLocking=1 \
            -o APT::Sandbox::User=root -o Dir::Cache::archives="$archives" "${packages[@]}"
    }
    {
        { download || { as_root apt-get update -qq && download; }; } &&
            find "$archives" -name '*.deb' -print0 | xargs -0 -r -I{} dpkg-deb -x {} "$archives/ha" &&
            rm -rf "$archives/ha/usr/share/doc" && mkdir -p "$venv/tools" && mv "$archives/ha" "$venv/tools/"
    } >/dev/null 2>"$archives/errors" || say "The cluster could not be fetched:" "$(cat "$archives/errors")"
    rm -r "$archives"
}

all=
if [ "${1:-}" = --all ]; then
    all=yes
    shift
fi
packages=()
if [ "$all" ]; then
    command -v nft >/dev/null || packages+=(nftables)
    command -v ip >/dev/null || packages+=(iproute2)
fi
command -v chromium >/dev/null || packages+=(chromium)
ldconfig -p | grep -q 'libzbar\.so' || packages+=(libzbar0)
command -v git >/dev/null || packages+=(git)
python3 -c 'import ensurepip, venv' 2>/dev/null || packages+=(python3-venv)
if [ ${#packages[@]} -gt 0 ]; then
    say "Installing ${packages[*]} ..."
    { as_root apt-get update -qq && as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${packages[@]}" >/dev/null; } ||
        stop "The tests need more system packages. Install them, then start again:" "    sudo apt install ${packages[*]}"
fi
prepare_environment requirements-dev.txt
fetch_tools prometheus prometheus promtool
fetch_tools prometheus-alertmanager prometheus-alertmanager amtool

select=(-m "not slow")
if [ "$all" ]; then
    select=()
    fetch_cluster
fi
cd "$root"
# Three at a time, on two processors: much of the time goes by waiting for real processes. A file stays together, for
# what its tests share.
exec "$venv/bin/python" -m pytest --numprocesses 3 --dist loadfile "${select[@]}" "$@"
