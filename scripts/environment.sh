# Sourced by the scripts beside it: makes Python environments from pinned requirements files, each in a folder of its
# own in .venvs. .venv is a link to the one in use and is moved to a whole one only, so that a power cut, or an update
# without internet, leaves the one before.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
program=$root # where the program is when it runs
venv=$program/.venv

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

# prepare_environment FILE: .venv holds what FILE pins, and the command "attendance". Fails with .venv as it was.
prepare_environment() {
    holds "$venv" "$1" || { make_environment "$1" && use_environment; }
}

# make_environment FILE: a whole environment for FILE, beside the one in use, in $made.
make_environment() {
    made=$program/.venvs/$(pins "$1")
    holds "$made" "$1" && return
    find_python
    say "Preparing the Python environment in $made (a few minutes on a Raspberry Pi, once) ..."
    mkdir -p "$program/.venvs"
    (flock 9 && { holds "$made" "$1" || fill_environment "$1"; }) 9>"$program/.venvs/.lock" && return
    say "The packages could not be installed; see the lines above. Is this machine online? Then start again."
    return 1
}

# use_environment: .venv is $made, in one step and when that is on the disk. The one before stays, and those on which a
# gate still runs.
use_environment() {
    local before each
    [ "$venv" -ef "$made" ] && return
    before=$(readlink -f "$venv")
    if [ -d "$venv" ] && [ ! -L "$venv" ]; then
        before=$program/.venvs/by-hand
        rm -rf "$before" && mv -T "$venv" "$before" || return
    fi
    sync -f "$made" && ln -sfn ".venvs/${made##*/}" "$venv.new" && mv -T "$venv.new" "$venv" && sync -f "$program" ||
        return
    (
        flock -n 9 || exit 0 # somebody is making another one
        for each in "$program"/.venvs/*; do
            [ "$each" -ef "$made" ] || [ "$each" -ef "$before" ] || pgrep -f "$each/bin/python" >/dev/null || rm -rf "$each"
        done
    ) 9>"$program/.venvs/.lock"
}

# holds DIR FILE: DIR is a whole environment in which everything is that FILE pins.
holds() { [ -x "$1/bin/python" ] && grep -qsx "$(pins "$2")" "$1/.whole"; }

pins() {
    { (cd "$root" && grep -hv '^#' "$1" $(sed -n 's/^-r //p' "$1") requirements.txt) && printf '%s\n' "$program"; } | sha256sum | cut -c -16
}

fill_environment() {
    local site
    "$python" -m venv --clear "$made" &&
        "$made/bin/python" -m pip install --disable-pip-version-check --quiet --requirement "$root/$1" &&
        site=$(printf '%s' "$made"/lib/python3*/site-packages) &&
        printf '%s\n' "$program" >"$site/attendance.pth" &&
        printf '#!/bin/sh\nexec "%s/bin/python" -P -m attendance "$@"\n' "$made" >"$made/bin/attendance" &&
        chmod +x "$made/bin/attendance" &&
        sync -f "$made" &&
        { pins "$1" && pins requirements.txt; } >"$made/.whole" && return
    rm -rf "$made" # half of one only takes room
    return 1
}
