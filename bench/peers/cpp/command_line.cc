#include "command_line.h"

#include <cstdio>
#include <cstdlib>

namespace bench {

void FailUsage(const std::string& message) {
  std::fprintf(stderr, "%s\n", message.c_str());
  std::exit(2);
}

CommandLine::CommandLine(int argc, char** argv, int first, const std::set<std::string>& values,
                         const std::set<std::string>& switches) {
  for (int i = first; i < argc; ++i) {
    std::string name = argv[i];
    if (name.rfind("--", 0) == 0) name = name.substr(2);
    const size_t equals = name.find('=');
    if (equals != std::string::npos && values.count(name.substr(0, equals)) > 0) {
      values_[name.substr(0, equals)] = name.substr(equals + 1);
    } else if (switches.count(name) > 0) {
      values_[name] = "";
    } else if (values.count(name) > 0 && i + 1 < argc) {
      values_[name] = argv[++i];
    } else {
      FailUsage("flag not known, or its value is missing: " + std::string(argv[i]));
    }
  }
}

std::string CommandLine::Text(const std::string& name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) FailUsage("--" + name + " is needed");
  return found->second;
}

std::string CommandLine::TextOr(const std::string& name, const std::string& fallback) const {
  return Has(name) ? Text(name) : fallback;
}

int64_t CommandLine::Number(const std::string& name) const {
  const std::string text = Text(name);
  char* end = nullptr;
  const int64_t value = std::strtoll(text.c_str(), &end, 10);
  if (text.empty() || *end != '\0' || value < 0)
    FailUsage("--" + name + " takes a whole number, not " + text);
  return value;
}

int64_t CommandLine::NumberOr(const std::string& name, int64_t fallback) const {
  return Has(name) ? Number(name) : fallback;
}

}  // namespace bench
