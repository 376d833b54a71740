#!/usr/bin/env bash
# Sets up what the tests need, system packages included, and runs them. --all adds the slow ones; the rest goes to pytest.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

packages=()
command -v chromium >/dev/null || packages+=(chromium)
ldconfig -p | grep -q 'libzbar\.so' || packages+=(libzbar0)
command -v git >/dev/null || packages+=(git)
python3 -c 'import ensurepip, venv' 2>/dev/null || packages+=(python3-venv)
if [ ${#packages[@]} -gt 0 ]; then
    as_root=()
    [ "$(id -u)" = 0 ] || as_root=(sudo -n)
    say "Installing ${packages[*]} ..."
    { "${as_root[@]}" apt-get update -qq && DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq "${packages[@]}" >/dev/null; } ||
        stop "The tests need more system packages. Install them, then start again:" "    sudo apt install ${packages[*]}"
fi
prepare_environment requirements-dev.txt

select=(-m "not slow")
if [ "${1:-}" = --all ]; then
    select=()
    shift
fi
cd "$root"
exec "$venv/bin/python" -m pytest "${select[@]}" "$@"
