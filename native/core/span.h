#ifndef LONGSHORE_NATIVE_CORE_SPAN_H_
#define LONGSHORE_NATIVE_CORE_SPAN_H_

#include <cstddef>
#include <cstdint>

namespace longshore {

// A piece of somebody's memory; not owned.
struct Span {
  const uint8_t* data;
  size_t bytes;
};

}  // namespace longshore

#endif  // LONGSHORE_NATIVE_CORE_SPAN_H_
