#!/usr/bin/env bash
# Sets up this machine (a Raspberry Pi or another Debian) as a gate that starts at boot and looks after itself.
# May be run again, after an update for example. --dry-run says what would be done and does nothing.
set -euo pipefail
umask 022
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

home=/opt/attendance
program=$home
venv=$home/.venv
user=attendance
unit=attendance-system
groups=(video render gpio i2c spi input dialout plugdev audio)
dry_run=

case "${1:-}" in
--dry-run) dry_run=yes ;;
'') ;;
*) stop "Unknown option $1. Usage: sudo bash scripts/install_kiosk.sh [--dry-run]" ;;
esac
[ -n "$dry_run" ] || [ "$(id -u)" = 0 ] ||
    stop "This sets up users and services, so it needs root: sudo bash scripts/install_kiosk.sh"
command -v apt-get >/dev/null || [ -n "$dry_run" ] ||
    stop "This is for Raspberry Pi OS and other Debians (there is no apt-get here). docs/operations/install.md has the steps."

run() {
    if [ -n "$dry_run" ]; then printf 'would run: %s\n' "$*"; else "$@"; fi
}

install_packages() {
    local missing=()
    python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3 python3-venv)
    command -v sudo >/dev/null || missing+=(sudo)
    [ ${#missing[@]} = 0 ] && return
    run apt-get update -qq
    run env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}"
}

make_user() {
    local group
    id "$user" >/dev/null 2>&1 ||
        run useradd --system --user-group --home-dir "$home" --no-create-home --shell /usr/sbin/nologin "$user"
    for group in "${groups[@]}"; do
        ! getent group "$group" >/dev/null || run usermod --append --groups "$group" "$user"
    done
}

# The code belongs to root, so that the gate cannot change it; what it writes is in data.
copy_program() {
    if [ "$root" != "$home" ]; then
        run rm -rf "$home/attendance" "$home/src" # what a new version no longer has must not stay
        run copy_files
    fi
    run install -d -o "$user" -g "$user" -m 750 "$home/data"
    run chown -R "$user:$user" "$home/data"
    run chgrp -R "$user" "$home/config"
    run chmod -R u=rwX,g=rX,o= "$home/config" # it may hold passwords
}

copy_files() {
    local keep=()
    [ ! -e "$home/config/config.json" ] || keep=(--exclude=./config/config.json)
    tar -C "$root" --exclude=./data --exclude=./.venv --exclude=./.venvs --exclude=./.git --exclude=__pycache__ "${keep[@]}" -cf - . |
        tar -C "$home" --no-same-owner -xf -
}

finish_program() {
    run use_environment
    run "$venv/bin/python" -m compileall -q "$home/attendance"
    # Without the models the gate still runs, with a simpler face detector; health says so.
    run as_gate "$venv/bin/python" -m attendance.vision.assets "$home/data/assets" ||
        say "The face models could not be fetched now. Run this script again when the machine is online."
}

as_gate() { setpriv --reuid "$user" --regid "$user" --init-groups env -C "$home" HOME="$home" "$@"; }

# One line, for the watchdog's restart command and nothing else.
allow_restart() {
    local systemctl line new
    systemctl=$(command -v systemctl || printf /usr/bin/systemctl)
    line="$user ALL=(root) NOPASSWD: $systemctl restart $unit"
    if [ -n "$dry_run" ]; then
        printf 'would write: /etc/sudoers.d/%s: %s\n' "$unit" "$line"
        return
    fi
    new=$(mktemp)
    printf '%s\n' "$line" >"$new"
    visudo -cqf "$new" || stop "sudo does not accept the line '$line'; nothing was changed in /etc/sudoers.d."
    install -m 440 "$new" "/etc/sudoers.d/$unit"
    rm -f "$new"
}

# However this script ends, a gate that ran runs again.
stop_gate() {
    if [ -z "$dry_run" ]; then
        systemctl is-active --quiet "$unit" 2>/dev/null || return 0
        trap 'systemctl start "$unit"' EXIT
    fi
    run systemctl stop "$unit"
}

install_units() {
    local etc=/etc/systemd
    run install -m 644 "$root/deploy/systemd/$unit.service" "$etc/system/$unit.service"
    run install -D -m 644 "$root/deploy/systemd/hardware-watchdog.conf" "$etc/system.conf.d/$unit.conf"
    run install -D -m 644 "$root/deploy/systemd/journal-size.conf" "$etc/journald.conf.d/$unit.conf"
    run systemctl enable --quiet "$unit"
    if [ -d /run/systemd/system ] || [ -n "$dry_run" ]; then
        run systemctl daemon-reexec # reads the units and arms the hardware watchdog
        run systemctl restart systemd-journald
        run systemctl restart "$unit"
    fi
}

install_packages
make_user
run install -d "$home"
run make_environment requirements.txt
allow_restart
# All that takes long is done: from here until the units are in place the gate stands still.
stop_gate
copy_program
finish_program
install_units
[ -n "$dry_run" ] || say "The gate is installed in $home. How it is: systemctl status $unit"
