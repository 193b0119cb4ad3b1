#!/bin/sh
# Installs what the rack needs and this machine lacks, on Debian 12/13 and Raspberry Pi OS; says nothing when nothing is
# missing.
#   sh src/cli/setup.sh [--test | --build]
#     --test    what the tests want besides
#     --build   npm packages and generated schemas alone: compiling needs no rack, and any user may do it
set -eu
cd "$(dirname "$0")/../.."

fail() {
  echo "setup: $*" >&2
  exit 1
}

# A program that must be there, and the package that brings it. Ansible and kubectl come with the boards' own Debian tree.
need="
systemd-nspawn:systemd-container
mmdebstrap:mmdebstrap
nft:nftables
ip:iproute2
ssh-keygen:openssh-client
nsenter:util-linux
journalctl:systemd
apt-config:apt
"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
case ${1:-} in
--test)
  need="$need
conntrack:conntrack
faketime:faketime
"
  ;;
--build) need= keyring=/ ;;
esac

case $(uname -m) in
x86_64 | aarch64) ;;
*) fail "Node comes for x86_64 and arm64 machines: this one is $(uname -m)" ;;
esac

missing=
PATH=$PATH:/usr/sbin:/sbin
for pair in $need; do
  command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair#*:}"
done
# The keys that Debian 13 is signed with; Debian 12 has them since its 12.1.
[ -e "$keyring" ] || missing="$missing debian-archive-keyring"

if [ -n "$missing" ]; then
  command -v apt-get >/dev/null 2>&1 || fail "missing:$missing. Without apt-get, install them yourself"
  [ "$(id -u)" = 0 ] || fail "missing:$missing. Run as root (sudo) to install them"
  echo "setup: installing$missing" >&2
  log=$(mktemp)
  trap 'rm -f "$log"' EXIT
  export DEBIAN_FRONTEND=noninteractive
  # Lists may be old, or none be there: fetched once when a first try fails.
  # shellcheck disable=SC2086 # a list of words
  apt-get install -y --no-install-recommends $missing >"$log" 2>&1 ||
    { apt-get update && apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1 ||
    { tail -5 "$log" >&2; fail "could not install$missing"; }
fi

# The copy of the lock file that npm leaves says which one is installed.
if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  command -v npm >/dev/null 2>&1 || fail "npm is missing: apt-get install npm"
  echo "setup: installing npm packages" >&2
  # ci insists that the lock file names the packages of every platform; a registry's mirror may lack some of other
  # platforms. The second way keeps to the lock file's versions too, and leaves it as it is.
  npm ci --no-audit --no-fund --loglevel=silent >&2 ||
    npm install --no-save --no-audit --no-fund --loglevel=error >&2 || fail "npm install failed"
fi

sh src/cli/link-node.sh

set -- src/api/schema/*.json
if [ ! -e "$1" ]; then
  echo "setup: generating API schemas" >&2
  npm run --silent generate >&2 || fail "npm run generate failed"
fi
