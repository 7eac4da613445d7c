// Flags of the form --name value and --name.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

namespace bench {

class CommandLine {
 public:
  // Flags in `switches` take no value. Exits with status 2 and a sentence on stderr at anything not
  // understood.
  CommandLine(int argc, char** argv, int first, const std::set<std::string>& values,
              const std::set<std::string>& switches);

  bool Has(const std::string& name) const { return values_.count(name) > 0; }
  std::string Text(const std::string& name) const;  // exits where the flag was not given
  std::string TextOr(const std::string& name, const std::string& fallback) const;
  int64_t Number(const std::string& name) const;
  int64_t NumberOr(const std::string& name, int64_t fallback) const;

 private:
  std::map<std::string, std::string> values_;
};

// Prints `message` on stderr and ends the process with status 2.
[[noreturn]] void FailUsage(const std::string& message);

}  // namespace bench
