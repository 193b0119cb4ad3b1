#!/bin/sh
# Builds the upstream twins from the Go module proxy: ten minutes and 4 GB on two cores, once.
#   sh test/cli/build-twins.sh <folder>      then: BRAMBLE_TWIN_DIR=<folder>/bin node test/cli/twins.test.ts
set -eu
dir=${1:?a folder outside the checkout}
version=${KUBERNETES_VERSION:-1.36.3}
programs=${PROGRAMS:-kube-scheduler kube-controller-manager kube-apiserver kubectl kube-proxy kubelet}

mkdir -p "$dir/bin"
cd "$dir"
# The module's go.work names folders that are not in it; without it, go.mod may be completed.
export GOFLAGS=-mod=mod GOWORK=off
if [ ! -d "kubernetes-$version" ]; then
  module=$(go mod download -json "k8s.io/kubernetes@v$version" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
  rm -rf partial
  cp -r "$module" partial
  chmod -R u+w partial
  # Its staging folders are modules of their own, published with 0 for 1.
  for name in $(awk '/=> \.\/staging/ { print $1 }' partial/go.mod); do
    (cd partial && go mod edit -replace "$name=$name@v0.${version#*.}")
  done
  mv partial "kubernetes-$version"
fi
cd "kubernetes-$version"
minor=${version#*.}
about=k8s.io/component-base/version
for program in $programs; do
  nice go build -ldflags "-s -w -X $about.gitVersion=v$version -X $about.gitMajor=1 -X $about.gitMinor=${minor%%.*}" \
    -o "../bin/$program" "./cmd/$program"
  echo "$program"
done
