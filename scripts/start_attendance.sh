#!/usr/bin/env bash
# Sets up what the gate needs, the first time and after an update, and runs it with the given options, supervised:
# by systemd if that has started this script, else by a guardian of its own.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

if ! prepare_environment requirements.txt; then
    [ -x "$venv/bin/python" ] || exit 1
    say "The gate starts with the packages that it has."
fi
# Not by way of the link: a gate that runs keeps its packages when another environment is put in its place.
python=$(readlink -f "$venv")/bin/python
case " $* " in
*" --demo "*) assets_for=--demo ;;
*) assets_for= ;;
esac
# Without the models the gate still runs, with a simpler face detector; the command says so.
"$python" -m attendance.vision.assets "${ATTENDANCE_ASSETS:-${ATTENDANCE_HOME:-$root}/data/assets}" $assets_for || true

supervise=()
[ -n "${NOTIFY_SOCKET:-}" ] || supervise=("$python" -I "$root/attendance/ops/guardian.py" --)
# exec: signals of systemd and of the terminal must reach the gate or its guardian, not this shell.
exec "${supervise[@]}" "$python" "$root/attendance_system.py" "$@"
