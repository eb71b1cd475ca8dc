#!/bin/bash
# Makes a throw-away CA and leaf certificates, valid for a week:   certs.sh [FOLDER]
#
#   ca.pem       the root, RSA
#   server.pem   EC leaf and chain for localhost, *.peers.test, 127.0.0.1, ::1
#   rsa.pem      the same with an RSA key
#   wrong.pem    a leaf for another name
#   expired.pem  the right names, but its time is over
#   client.pem   a client's leaf, CN=test-client
#   mitm.pem     another root, for proxies that look into TLS
#
# Each has its key beside it as NAME.key.
set -euo pipefail
folder=${1:-$(cd "$(dirname "$0")" && pwd)/.work/certs}
mkdir -p "$folder"
cd "$folder"

names='DNS:localhost,DNS:*.peers.test,IP:127.0.0.1,IP:::1'

# leaf NAME COMMON-NAME ALTERNATIVE-NAMES PURPOSE START END KEY-OPTIONS...
# `openssl ca`, because `openssl x509` of version 3.0 cannot make a certificate of the past.
leaf() {
  local name=$1 common=$2 alternative=$3 purpose=$4 start=$5 end=$6
  shift 6
  openssl req -new -nodes "$@" -keyout "$name.key" -subj "/CN=$common" -out "$name.csr"
  cat > ca.cnf <<CNF
[ca]
default_ca = this
[this]
database = index
new_certs_dir = .
rand_serial = yes
unique_subject = no
default_md = sha256
policy = policy
x509_extensions = leaf
[policy]
commonName = supplied
[leaf]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = $purpose
subjectAltName = $alternative
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
CNF
  openssl ca -batch -notext -config ca.cnf -cert ca.pem -keyfile ca.key \
    -startdate "$start" -enddate "$end" -in "$name.csr" -out "$name.pem"
  cat ca.pem >> "$name.pem"
}

# root NAME COMMON-NAME
root() {
  openssl req -x509 -newkey rsa:2048 -nodes -sha256 -days 7 -keyout "$1.key" -out "$1.pem" \
    -subj "/CN=$2" -addext 'basicConstraints=critical,CA:TRUE' \
    -addext 'keyUsage=critical,keyCertSign,cRLSign'
}

day() { date -u -d "$1" +%Y%m%d%H%M%SZ; }

make() {
  : > index
  root ca 'wirestack peers CA'
  root mitm 'wirestack peers interception CA'
  local ec=(-newkey ec -pkeyopt ec_paramgen_curve:P-256) now end
  now=$(day '1 hour ago') end=$(day '6 days')
  leaf server localhost "$names" serverAuth "$now" "$end" "${ec[@]}"
  leaf rsa localhost "$names" serverAuth "$now" "$end" -newkey rsa:2048
  leaf wrong wrong.invalid DNS:wrong.invalid serverAuth "$now" "$end" "${ec[@]}"
  leaf expired localhost "$names" serverAuth 20200101000000Z 20210101000000Z "${ec[@]}"
  leaf client test-client DNS:test-client clientAuth "$now" "$end" "${ec[@]}"
  # The names that `openssl ca` gives to its copies are the serial numbers.
  rm -f -- *.csr ca.cnf index* [0-9A-F]*.pem
}

make > openssl.log 2>&1 || { cat openssl.log >&2; exit 1; }
rm openssl.log
