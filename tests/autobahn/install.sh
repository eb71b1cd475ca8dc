#!/bin/bash
# Installs the Autobahn test suite to .work/ beside this script. It is Python 2.7 code: the
# interpreter is $PYTHON27, python2.7 on the path, or one of pyenv's. A second run does nothing.
set -euo pipefail
cd "$(dirname "$0")"

python27() {
  local found
  for found in "${PYTHON27:-}" "$(command -v python2.7)" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/2.7.*/bin/python; do
    if [ -n "$found" ] && "$found" -c 'import sys; sys.exit(sys.version_info[:2] != (2, 7))' 2>/dev/null; then
      echo "$found"
      return
    fi
  done
  echo "Autobahn wants Python 2.7: none was found; name one in PYTHON27" >&2
  return 1
}

mkdir -p .work
if ! cmp -s requirements.txt .work/venv27/requirements.txt; then
  python=$(python27)
  rm -rf .work/venv27 .work/venv
  python3 -m venv .work/venv
  .work/venv/bin/pip install --quiet --disable-pip-version-check 'virtualenv<20.22'
  .work/venv/bin/virtualenv --quiet -p "$python" .work/venv27
  .work/venv27/bin/pip install --quiet --disable-pip-version-check -r requirements.txt
  cp requirements.txt .work/venv27/
fi
