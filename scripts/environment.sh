# Sourced by the scripts beside it: makes .venv from a pinned requirements file, once per change of that file.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=$root/.venv

say() { printf '%s\n' "$*" >&2; }

stop() {
    say "$@"
    exit 1
}

# find_python: the first Python on this machine that is new enough, in $python.
find_python() {
    for python in python3 python3.13 python3.12 python3.11; do
        if command -v "$python" >/dev/null && "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
            "$python" -c 'import ensurepip, venv' 2>/dev/null ||
                stop "Python cannot make virtual environments here. Install what is missing, then start again:" \
                    "    sudo apt install python3-venv"
            return
        fi
    done
    stop "Python 3.11 or newer is needed. Install it, then start again:" \
        "    sudo apt install python3 python3-venv"
}

# prepare_environment FILE: .venv holds what FILE pins, and the command "attendance".
prepare_environment() {
    local wanted stamp=$venv/.prepared
    wanted=$(cd "$root" && cat "$1" requirements.txt pyproject.toml | sha256sum)
    [ "$(cat "$stamp" 2>/dev/null)" = "$wanted $root" ] && return
    find_python
    say "Preparing the Python environment in $venv (a few minutes on a Raspberry Pi, once) ..."
    "$python" -m venv --clear "$venv" || stop "The environment $venv could not be made; see the lines above."
    "$venv/bin/python" -m pip install --disable-pip-version-check --quiet --requirement "$root/$1" &&
        "$venv/bin/python" -m pip install --disable-pip-version-check --quiet --no-deps --editable "$root" ||
        stop "The packages could not be installed; see the lines above. Is this machine online? Then start again."
    printf '%s\n' "$wanted $root" >"$stamp"
}
