#ifndef LONGSHORE_NATIVE_NODE_STAY_LOADED_H_
#define LONGSHORE_NATIVE_NODE_STAY_LOADED_H_

namespace longshore {

// Keeps this library in memory until the process ends. Node unloads an addon with the last worker
// that loaded it (node::binding::DLib), but our threads run in its code.
void StayLoaded();

}  // namespace longshore

#endif  // LONGSHORE_NATIVE_NODE_STAY_LOADED_H_
