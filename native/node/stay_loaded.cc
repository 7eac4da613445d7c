#include "native/node/stay_loaded.h"

#include <dlfcn.h>

namespace longshore {

void StayLoaded() {
  Dl_info here{};
  if (::dladdr(reinterpret_cast<void*>(&StayLoaded), &here) == 0) return;
  // Never closed: this handle is what keeps it.
  ::dlopen(here.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
}

}  // namespace longshore
