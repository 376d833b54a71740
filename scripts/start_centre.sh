#!/usr/bin/env bash
# Starts the centre; makes its Python environment the first time. With words, another verb of `attendance fleet`: demo, …
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
prepare_environment requirements-fleet.txt
[ $# -gt 0 ] || set -- serve
exec "$venv/bin/attendance" fleet "$@"
