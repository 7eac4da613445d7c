# Installs what the steps use and a bare machine with Node lacks.
set -eu

packages=(
  g++ make cmake git                                    # the native core
  binutils                                              # objdump: which instructions stand where
  clang clang-format clang-tidy libclang-rt-14-dev      # check, fuzz
  g++-aarch64-linux-gnu qemu-user-static                # aarch64
  libgrpc++-dev protobuf-compiler protobuf-compiler-grpc pkg-config libssl-dev # bench: the peers
  python3 python3-venv                                  # languages
  postgresql                                            # debian-postgres
  util-linux e2fsprogs openssl curl ca-certificates      # tests: small disks, locks, certificates
)
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  sudo=$([ "$(id -u)" -eq 0 ] || echo sudo)
  $sudo apt-get update -q
  $sudo apt-get install -y -q --no-install-recommends "${missing[@]}"
fi

for tool in node npm go; do
  command -v $tool >/dev/null || {
    echo "$tool is missing: Node 20.19 or later (https://nodejs.org/en/download), Go 1.25 or later (https://go.dev/dl)"
    exit 1
  }
done
node --version
go version
python3 --version
