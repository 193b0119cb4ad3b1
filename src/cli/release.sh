#!/bin/sh
# Makes the release that the playbook copies to boards: dist/bramble-ARCH.tar.gz, with the JavaScript, the
# packages it needs, the Node that runs it, playbook and units.
#   sh src/cli/release.sh [arm64|x64]     (default: arm64, what a Pi is)
set -eu
cd "$(dirname "$0")/../.."
arch=${1:-arm64}
mkdir -p dist
case $arch in arm64 | x64) ;; *)
  echo "release: the architecture must be arm64 or x64: got \"$arch\"" >&2
  exit 1
  ;;
esac

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
chmod 755 "$stage" # becomes /opt/bramble
sh src/cli/build.sh "$stage/dist" >&2
cp -r package.json package-lock.json .npmrc LICENSE README.md hardware.md ansible systemd "$stage/" 2>/dev/null || true
# Scripts of packages are for the machine they run on, which is another than this. Not `npm ci`: see setup.sh.
(cd "$stage" && npm install --no-save --omit=dev --os=linux --cpu="$arch" --ignore-scripts --no-audit --no-fund \
  --loglevel=error >&2)
rm -rf "$stage"/node_modules/node-linux-*/include "$stage"/node_modules/node-linux-*/share
tar -C "$stage" --owner=0 --group=0 --sort=name -czf "dist/bramble-$arch.tar.gz" .
ls -l "dist/bramble-$arch.tar.gz" >&2
