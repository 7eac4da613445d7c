# Clients in Python and Go, and the examples, against a whole server.
set -eu
npm run --silent test:languages
