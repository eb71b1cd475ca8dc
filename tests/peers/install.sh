#!/bin/bash
# Installs the third-party peers on Debian 12. Needs root (or sudo) only while a package is missing.
# What is not a Debian package goes to .work/ beside this script. A second run does nothing.
#
# No service is started, now or at the next start of the machine. Without a peer of the second
# list of packages, or without .work/proxies, `run` goes on, and says which checks it did not make.
set -euo pipefail
cd "$(dirname "$0")"
WS=8.23.0
PLAYWRIGHT=1.57.0 # takes the Node 18 of Debian 12

packages=(squid-openssl tinyproxy microsocks dante-server nginx haproxy nghttp2-proxy nghttp2-client curl openssl apache2-utils chromium)
python3 -c 'import ensurepip' 2>/dev/null || packages+=(python3-venv)
command -v npm >/dev/null || packages+=(nodejs npm)
# apache2-bin is httpd without its service; the compiler makes loopback_bind.c.
more=(apache2-bin openssh-server openssh-client gnutls-bin netcat-openbsd proxychains4 git gcc libc6-dev)
# The domains of companies. krb5-config would ask for a realm; nothing of /etc is used.
more+=(krb5-kdc krb5-admin-server krb5-user samba winbind libnss-wrapper cntlm faketime libglib2.0-bin gsettings-desktop-schemas)
# What the feature `negotiate` is built with.
more+=(libkrb5-dev libclang-dev)

main() {
  apt_install "${packages[@]}"
  local package
  apt_install "${more[@]}" || for package in "${more[@]}"; do
    apt_install "$package" || absent "$package"
  done

  mkdir -p .work
  environment .work/venv requirements.txt
  # Of its own, because mitmproxy wants an older h2.
  environment .work/proxies requirements-proxies.txt || absent "what requirements-proxies.txt names"
  if ! has ws "$WS" || ! has playwright-core "$PLAYWRIGHT"; then
    npm install --silent --no-audit --no-fund --no-save --no-package-lock --prefix .work \
      "ws@$WS" "playwright-core@$PLAYWRIGHT"
  fi
}

absent() { echo "!! $1 cannot be installed: its checks will not be made" >&2; }

has() { grep -qs "\"version\": \"$2\"" ".work/node_modules/$1/package.json"; }

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# environment FOLDER REQUIREMENTS: a Python environment with what a file names.
environment() {
  if cmp -s "$2" "$1/requirements.txt"; then return; fi
  rm -rf "$1"
  python3 -m venv "$1" &&
    "$1/bin/pip" install --quiet --disable-pip-version-check -r "$2" &&
    cp "$2" "$1/requirements.txt"
}

# apt_install PACKAGE...: those of them that are missing.
apt_install() {
  local missing=() package
  for package in "$@"; do installed "$package" || missing+=("$package"); done
  [ ${#missing[@]} = 0 ] || (apt_install_missing "${missing[@]}")
}

# The packages of servers start them, unless policy-rc.d forbids it (deb-systemd-invoke(1)).
apt_install_missing() {
  local sudo=() policy=/usr/sbin/policy-rc.d kept
  [ "$(id -u)" = 0 ] || sudo=(sudo)
  kept=$(mktemp -d)
  if [ -e $policy ]; then cp -a $policy "$kept/"; fi
  # shellcheck disable=SC2064  # the paths are wanted as they are now
  trap "if [ -e '$kept/policy-rc.d' ]; then ${sudo[*]} cp -a '$kept/policy-rc.d' $policy; else ${sudo[*]} rm -f $policy; fi; rm -rf '$kept'" EXIT
  local before unit
  before=$(services)
  printf '#!/bin/sh\nexit 101\n' | "${sudo[@]}" tee $policy >/dev/null &&
    "${sudo[@]}" chmod 755 $policy &&
    "${sudo[@]}" apt-get update -q &&
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "$@" ||
    return
  # They would start with the machine, too, and so would those that they depend on.
  services | while read -r unit; do
    if grep -qxF "$unit" <<<"$before"; then
      continue
    elif command -v systemctl >/dev/null; then
      "${sudo[@]}" systemctl --quiet disable "$unit"
    else
      "${sudo[@]}" find /etc/systemd/system -name "$unit" -type l -delete
    fi
  done
}

# The units that start with the machine, sorted.
services() { find /etc/systemd/system -mindepth 2 -type l -printf '%f\n' 2>/dev/null | sort -u; }

main
