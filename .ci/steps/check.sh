# Lint, types, format, imports, dead code, protos, C++ style and analysis.
set -eu
npm run --silent check
