#!/usr/bin/env bash
# Sets up what the tests need, system packages included, and runs them. --all adds the slow ones; the rest goes to pytest.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# fetch_promtool: promtool into .venv/tools, out of Debian's package, which is not installed because it starts a server.
fetch_promtool() {
    local unpacked
    [ -x "$venv/tools/promtool" ] && return
    say "Fetching promtool (19 MB, once) ..."
    unpacked=$(mktemp -d)
    chmod 755 "$unpacked"
    {
        cd "$unpacked" &&
            { apt-get download -qq prometheus || { as_root apt-get update -qq && apt-get download -qq prometheus; }; } &&
            dpkg-deb -x prometheus_*.deb . && mkdir -p "$venv/tools" && mv usr/bin/promtool "$venv/tools/"
    } >/dev/null 2>"$unpacked/errors" || say "promtool could not be fetched:" "$(cat "$unpacked/errors")"
    cd "$root"
    rm -r "$unpacked"
}

packages=()
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
fetch_promtool

select=(-m "not slow")
if [ "${1:-}" = --all ]; then
    select=()
    shift
fi
cd "$root"
# Two at a time: half of the time goes by waiting for real processes. A file stays together, for what its tests share.
exec "$venv/bin/python" -m pytest --numprocesses 2 --dist loadfile "${select[@]}" "$@"
