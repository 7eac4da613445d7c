# The README's first command, for somebody who has nothing: an empty HOME, a fresh clone. The server takes a file in,
# gives it back, and is gone with all of its processes when npm is told to stop.
set -eu

command=$(grep -oE -m 1 '^npm ci && npm start' README.md)
place=$(mktemp -d "${TMPDIR:-/tmp}/longshore-readme-XXXXXX")
trap 'rm -rf "$place"' EXIT
export HOME=$place/home LONGSHORE_DATA_DIR=$place/data
export LONGSHORE_GRPC_ADDRESS=127.0.0.1:0 LONGSHORE_HTTP_ADDRESS=127.0.0.1:0
mkdir -p "$HOME"

# A group of its own, so that nothing of it can outlive this step.
setsid sh -c "${command/npm start/exec npm start}" >"$place/log" 2>&1 &
server=$!
stop_all() {
  if [ $? -ne 0 ]; then echo "what the server said:" && cat "$place/log"; fi
  kill -KILL -- "-$server" 2>/dev/null || true
  rm -rf "$place"
}
trap stop_all EXIT

for _ in $(seq 600); do
  grep -q '"msg":"longshore serves"' "$place/log" && break
  kill -0 "$server" 2>/dev/null || break
  sleep 0.5
done
address() { grep -o "\"$1\":\"127.0.0.1:[0-9]*\"" "$place/log" | tail -1 | cut -d'"' -f4; }
export LONGSHORE_SERVER=$(address grpc)
[ -n "$LONGSHORE_SERVER" ]

curl -fsS "http://$(address http)/health"
curl -fsS "http://$(address http)/metrics" | grep -c '^longshore_'
npx longshore --version
head -c 3000000 /dev/urandom >"$place/sent.bin"
npx longshore put "$place/sent.bin"
npx longshore get sent.bin --output "$place/received.bin"
cmp "$place/sent.bin" "$place/received.bin"

kill -TERM "$server"
for _ in $(seq 60); do
  pgrep -g "$server" >/dev/null || pgrep -f "$place/data" >/dev/null || break
  sleep 0.5
done
if pgrep -g "$server" -a || pgrep -f "$place/data" -a; then
  echo "these processes outlived the server"
  exit 1
fi
echo "stopped, with all of its processes"
