#!/usr/bin/env bash
# Everything `make test` checks, in order of speed; the first failure stops it.
set -euo pipefail
cd "$(dirname "$0")/.."
JINKU_HOME=$(mktemp -d)
export JINKU_HOME
trap 'rm -rf "$JINKU_HOME"' EXIT
echo "== ruff";         ruff check . && ruff format --check .
echo "== mypy";         mypy -p pricing -p vault -p review -p market_api
echo "== import rules"; lint-imports
echo "== declarations"; dg check yaml
echo "== dbt parse";    python -m orchestration.dbt
echo "== tests";        pytest -q -n 2 --dist worksteal --durations=15 -m "not faults" "$@"
