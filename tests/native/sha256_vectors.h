#ifndef LONGSHORE_TESTS_NATIVE_SHA256_VECTORS_H_
#define LONGSHORE_TESTS_NATIVE_SHA256_VECTORS_H_

#include <cstdint>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

// Reads tests/vectors/sha256.json, which the TypeScript tests share: one `"key": value` a line is
// all of JSON that it uses.

namespace longshore::testing {

struct Sha256Vector {
  std::string name;
  std::vector<uint8_t> message;
  std::string sha256;  // hex
};

inline std::vector<uint8_t> FromHex(const std::string& hex) {
  std::vector<uint8_t> bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<uint8_t>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

// What follows `"key": ` on the line, without quotation marks and comma; false if it has none.
inline bool ValueOf(const std::string& line, const std::string& key, std::string* value) {
  const std::string start = '"' + key + "\": ";
  const size_t at = line.find(start);
  if (at == std::string::npos) return false;
  *value = line.substr(at + start.size());
  if (!value->empty() && value->back() == ',') value->pop_back();
  if (value->size() >= 2 && value->front() == '"') *value = value->substr(1, value->size() - 2);
  return true;
}

inline std::vector<Sha256Vector> ReadSha256Vectors(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path);
  std::vector<Sha256Vector> vectors;
  std::string line;
  std::string value;
  while (std::getline(file, line)) {
    if (ValueOf(line, "name", &value)) vectors.push_back({value, {}, ""});
    if (ValueOf(line, "hex", &value) || ValueOf(line, "repeatHex", &value)) {
      vectors.back().message = FromHex(value);
    }
    if (ValueOf(line, "times", &value)) {
      const std::vector<uint8_t> once = vectors.back().message;
      for (int i = 1; i < std::stoi(value); ++i) {
        vectors.back().message.insert(vectors.back().message.end(), once.begin(), once.end());
      }
    }
    if (ValueOf(line, "sha256", &value)) vectors.back().sha256 = value;
  }
  return vectors;
}

}  // namespace longshore::testing

#endif  // LONGSHORE_TESTS_NATIVE_SHA256_VECTORS_H_
