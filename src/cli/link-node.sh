#!/bin/sh
# Makes the Node of the npm packages the one that npm's scripts run: npm 9, which Debian 12 and 13 have, does not link its
# command, since the machine has one of that name.
set -eu
cd "$(dirname "$0")/../.."
for node in node_modules/node-linux-*/bin/node; do
  [ ! -e "$node" ] || [ -e node_modules/.bin/node ] || ln -s "../../$node" node_modules/.bin/node
done
