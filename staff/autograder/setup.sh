#!/usr/bin/env bash
# Runs once, when Gradescope builds the container's image (Ubuntu, as root, with a network).
set -euo pipefail
cd "$(dirname "$0")"
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
apt-get -qq install --yes --no-install-recommends python3 python3-venv bubblewrap
python3 -m venv /autograder/venv
# The exact versions that the answers were made with, where this Python has them.
lock=$(/autograder/venv/bin/python -c 'import sys; print("-c requirements.lock" * (sys.version_info >= (3, 11)))')
/autograder/venv/bin/pip install --quiet $lock -r requirements.txt $(cat pip_flags)
