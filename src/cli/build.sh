#!/bin/sh
# Compiles to JavaScript, with the data that lies beside the code, which the compiler leaves where it is.
#   sh src/cli/build.sh [folder]     (default: dist)
set -eu
cd "$(dirname "$0")/../.."
sh src/cli/setup.sh --build
mkdir -p "${1:-dist}"
out=$(cd "${1:-dist}" && pwd)
node_modules/.bin/tsc -p tsconfig.build.json --outDir "$out"
(cd src && find . -name '*.json' -exec cp --parents '{}' "$out/src/" ';')
