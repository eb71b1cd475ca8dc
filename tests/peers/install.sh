#!/bin/bash
# Installs the third-party peers on Debian 12. Needs root (or sudo) only while a package is missing.
# What is not a Debian package goes to .work/ beside this script. A second run does nothing.
set -euo pipefail
cd "$(dirname "$0")"
WS=8.23.0
PLAYWRIGHT=1.64.1

packages=(squid-openssl tinyproxy microsocks dante-server nginx haproxy nghttp2-proxy nghttp2-client curl openssl apache2-utils chromium)
python3 -c 'import ensurepip' 2>/dev/null || packages+=(python3-venv)
command -v npm >/dev/null || packages+=(nodejs npm)

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# The packages of servers start them, unless policy-rc.d forbids it (deb-systemd-invoke(1)).
apt_install() {
  local sudo=() policy=/usr/sbin/policy-rc.d kept
  [ "$(id -u)" = 0 ] || sudo=(sudo)
  kept=$(mktemp -d)
  if [ -e $policy ]; then cp -a $policy "$kept/"; fi
  # shellcheck disable=SC2064  # the paths are wanted as they are now
  trap "if [ -e '$kept/policy-rc.d' ]; then ${sudo[*]} cp -a '$kept/policy-rc.d' $policy; else ${sudo[*]} rm -f $policy; fi; rm -rf '$kept'" EXIT
  printf '#!/bin/sh\nexit 101\n' | "${sudo[@]}" tee $policy >/dev/null
  "${sudo[@]}" chmod 755 $policy
  "${sudo[@]}" apt-get update -q
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "$@"
}

missing=()
for package in "${packages[@]}"; do installed "$package" || missing+=("$package"); done
[ ${#missing[@]} = 0 ] || (apt_install "${missing[@]}")

mkdir -p .work
if ! cmp -s requirements.txt .work/venv/requirements.txt; then
  rm -rf .work/venv
  python3 -m venv .work/venv
  .work/venv/bin/pip install --quiet --disable-pip-version-check -r requirements.txt
  cp requirements.txt .work/venv/
fi
has() { grep -qs "\"version\": \"$2\"" ".work/node_modules/$1/package.json"; }
if ! has ws "$WS" || ! has playwright-core "$PLAYWRIGHT"; then
  npm install --silent --no-audit --no-fund --no-save --no-package-lock --prefix .work \
    "ws@$WS" "playwright-core@$PLAYWRIGHT"
fi
