#include "native/node/js_error.h"

#include <cerrno>
#include <string>
#include <system_error>

#include "native/core/storage_error.h"

namespace longshore {

namespace {

// What file calls may say (POSIX errno.h); the C library has no portable way to ask for a name.
std::string ErrnoName(int error) {
  switch (error) {
    case EACCES:
      return "EACCES";
    case EAGAIN:
      return "EAGAIN";
    case EBADF:
      return "EBADF";
    case EBUSY:
      return "EBUSY";
    case EDQUOT:
      return "EDQUOT";
    case EEXIST:
      return "EEXIST";
    case EFBIG:
      return "EFBIG";
    case EINVAL:
      return "EINVAL";
    case EIO:
      return "EIO";
    case EISDIR:
      return "EISDIR";
    case ELOOP:
      return "ELOOP";
    case EMFILE:
      return "EMFILE";
    case EMLINK:
      return "EMLINK";
    case ENAMETOOLONG:
      return "ENAMETOOLONG";
    case ENFILE:
      return "ENFILE";
    case ENODEV:
      return "ENODEV";
    case ENOENT:
      return "ENOENT";
    case ENOLCK:
      return "ENOLCK";
    case ENOMEM:
      return "ENOMEM";
    case ENOSPC:
      return "ENOSPC";
    case ENOTDIR:
      return "ENOTDIR";
    case ENOTEMPTY:
      return "ENOTEMPTY";
    case ENXIO:
      return "ENXIO";
    case EOPNOTSUPP:
      return "EOPNOTSUPP";
    case EPERM:
      return "EPERM";
    case EROFS:
      return "EROFS";
    case ESTALE:
      return "ESTALE";
    case ETXTBSY:
      return "ETXTBSY";
    case EXDEV:
      return "EXDEV";
    default:
      return "E" + std::to_string(error);
  }
}

}  // namespace

Napi::Value ToJsError(Napi::Env env, const std::exception_ptr& failure) {
  const auto error_of = [env](const char* message) {
    return Napi::Error::New(env, message).Value();
  };
  try {
    std::rethrow_exception(failure);
  } catch (const StorageError& error) {
    Napi::Object js = error_of(error.what());
    js["code"] = Napi::String::New(env, error.code());
    for (const auto& [name, value] : error.facts()) {
      js[name] = Napi::Number::New(env, static_cast<double>(value));
    }
    return js;
  } catch (const std::system_error& error) {
    Napi::Object js = error_of(error.what());
    js["code"] = Napi::String::New(env, ErrnoName(error.code().value()));
    js["errno"] = Napi::Number::New(env, -error.code().value());
    return js;
  } catch (const std::bad_alloc&) {
    Napi::Object js = error_of("the native core ran out of memory");
    js["code"] = Napi::String::New(env, "ENOMEM");
    return js;
  } catch (const std::exception& error) {
    return error_of(error.what());
  } catch (...) {
    return error_of("the native core failed in a way that has no name");
  }
}

}  // namespace longshore
