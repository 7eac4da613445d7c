#!/bin/sh
# Builds the load client and the two peer servers into bench/peers/build. Only what changed is built again.
set -eu
cd "$(dirname "$0")"

for tool in protoc grpc_cpp_plugin cmake pkg-config go; do
  command -v "$tool" >/dev/null || {
    echo "bench/peers: $tool is missing (Debian: libgrpc++-dev protobuf-compiler-grpc cmake pkg-config; Go: https://go.dev/dl)" >&2
    exit 1
  }
done

cmake -S . -B build/cpp >/dev/null
cmake --build build/cpp --parallel 2

# The generators' versions are pinned in go.mod.
proto=../../proto/longshore/v1
package=longshore/bench/peers/longshorev1
generated=go/longshorev1
if [ ! -e $generated/file_service.pb.go ] || [ -n "$(find $proto/file_service.proto $proto/resources.proto go/go.mod -newer $generated/file_service.pb.go)" ]; then
  (cd go && go build -o ../build/ google.golang.org/protobuf/cmd/protoc-gen-go google.golang.org/grpc/cmd/protoc-gen-go-grpc)
  mkdir -p $generated
  protoc -I ../../proto --plugin=build/protoc-gen-go --plugin=build/protoc-gen-go-grpc \
    --go_out=$generated --go_opt=module=$package --go-grpc_out=$generated --go-grpc_opt=module=$package \
    --go_opt=Mlongshore/v1/file_service.proto=$package --go_opt=Mlongshore/v1/resources.proto=$package \
    --go-grpc_opt=Mlongshore/v1/file_service.proto=$package --go-grpc_opt=Mlongshore/v1/resources.proto=$package \
    $proto/file_service.proto $proto/resources.proto
fi
(cd go && go build -o ../build/go-server .)
