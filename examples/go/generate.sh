#!/bin/sh
# Generates the Go code of the contract into examples/go/longshorev1. The plugins' versions are pinned in go.mod; the
# compiler is buf, which `npm ci` has brought.
set -eu
cd "$(dirname "$0")"

package=longshore/examples/go/longshorev1
options=module=$package
for file in file_service resources; do
  options=$options,Mlongshore/v1/$file.proto=$package
done
mkdir -p longshorev1
../../node_modules/.bin/buf generate ../../proto --output . \
  --path ../../proto/longshore/v1/file_service.proto --path ../../proto/longshore/v1/resources.proto \
  --template "{\"version\": \"v2\", \"plugins\": [
    {\"local\": [\"go\", \"tool\", \"protoc-gen-go\"], \"out\": \"longshorev1\", \"opt\": \"$options\"},
    {\"local\": [\"go\", \"tool\", \"protoc-gen-go-grpc\"], \"out\": \"longshorev1\", \"opt\": \"$options\"}]}"
