#!/usr/bin/env bash
# Everything `make test` checks, in order of speed; the first failure stops it.
set -euo pipefail
cd "$(dirname "$0")/.."
echo "== ruff";        ruff check . && ruff format --check .
echo "== mypy";        mypy -p pricing -p vault -p review -p market_api
echo "== import rules"; lint-imports
echo "== tests";       pytest -q -n 2 --dist worksteal "$@"
