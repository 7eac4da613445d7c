// The plainest good C++ server of longshore.v1.FileService: gRPC's synchronous API, the generated
// messages, the system's own file calls. What it does less than Longshore: no digest and no CRC in
// either direction, no acks, nothing made durable, no resuming, no records, no deduplication, no
// access rules.
#include <fcntl.h>
#include <grpcpp/grpcpp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <string>

#include "command_line.h"
#include "longshore/v1/file_service.grpc.pb.h"

namespace {

using grpc::ServerContext;
using grpc::Status;
using grpc::StatusCode;
namespace v1 = longshore::v1;

constexpr int64_t kDefaultChunkBytes = 1 << 20;
constexpr int64_t kMaxChunkBytes = 4 << 20;

// Owns a file descriptor.
class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() {
    if (fd_ >= 0) close(fd_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

Status FromErrno(const std::string& what) {
  const StatusCode code = errno == ENOENT ? StatusCode::NOT_FOUND : StatusCode::INTERNAL;
  return Status(code, what + ": " + std::strerror(errno));
}

// Reads exactly `size` bytes. False: an error, or the file is shorter.
bool ReadFully(int fd, char* out, size_t size, int64_t offset) {
  while (size > 0) {
    const ssize_t got = pread(fd, out, size, offset);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    out += got;
    offset += got;
    size -= static_cast<size_t>(got);
  }
  return true;
}

bool WriteFully(int fd, const std::string& bytes, int64_t offset) {
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t put =
        pwrite(fd, bytes.data() + done, bytes.size() - done, offset + static_cast<int64_t>(done));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return false;
    done += static_cast<size_t>(put);
  }
  return true;
}

class FileService final : public v1::FileService::Service {
 public:
  FileService(std::string root, bool discard) : root_(std::move(root)), discard_(discard) {}

  Status GetServerInfo(ServerContext*, const v1::GetServerInfoRequest*,
                       v1::ServerInfo* info) override {
    info->set_version("peer-cpp-" + grpc::Version());
    return Status::OK;
  }

  Status ReadFile(ServerContext*, const v1::ReadFileRequest* request,
                  grpc::ServerWriter<v1::ReadFileResponse>* stream) override {
    const FileDescriptor file(open(PathOf(request->file()).c_str(), O_RDONLY | O_CLOEXEC));
    struct stat facts {};
    if (file.get() < 0 || fstat(file.get(), &facts) != 0) return FromErrno(request->file());
    int64_t offset = request->offset();
    if (offset < 0) offset = std::max<int64_t>(0, facts.st_size + offset);
    if (offset > facts.st_size)
      return Status(StatusCode::OUT_OF_RANGE, "the offset is beyond the end");
    int64_t left = facts.st_size - offset;
    if (request->limit() > 0) left = std::min<int64_t>(left, request->limit());
    int64_t chunk_bytes = request->preferred_chunk_bytes();
    if (chunk_bytes <= 0) chunk_bytes = kDefaultChunkBytes;
    chunk_bytes = std::min(chunk_bytes, kMaxChunkBytes);

    v1::ReadFileResponse header;
    header.mutable_header()->mutable_file()->set_name(request->file());
    header.mutable_header()->set_total_size(facts.st_size);
    stream->Write(header);

    v1::ReadFileResponse response;
    int64_t sent = 0;
    while (left > 0) {
      const size_t size = static_cast<size_t>(std::min(left, chunk_bytes));
      response.mutable_data()->set_offset(offset);
      std::string* content = response.mutable_data()->mutable_chunk()->mutable_content();
      if (content->size() != size) content->resize(size);
      if (!ReadFully(file.get(), &(*content)[0], size, offset)) return FromErrno(request->file());
      if (!stream->Write(response)) return Status::CANCELLED;
      offset += static_cast<int64_t>(size);
      left -= static_cast<int64_t>(size);
      sent += static_cast<int64_t>(size);
    }
    v1::ReadFileResponse trailer;
    trailer.mutable_trailer()->set_bytes_sent(sent);
    stream->Write(trailer);
    return Status::OK;
  }

  Status CreateUpload(ServerContext*, const v1::CreateUploadRequest* request,
                      v1::Upload* upload) override {
    upload->set_name(request->parent() + "/uploads/" + std::to_string(time(nullptr)) + "-" +
                     std::to_string(++last_upload_));
    upload->set_total_size(request->total_size());
    upload->set_state(v1::Upload::OPEN);
    return Status::OK;
  }

  Status WriteUpload(
      ServerContext*,
      grpc::ServerReaderWriter<v1::WriteUploadResponse, v1::WriteUploadRequest>* stream) override {
    v1::WriteUploadRequest request;
    if (!stream->Read(&request))
      return Status(StatusCode::INVALID_ARGUMENT, "the first message names the upload");
    const std::string id = IdOf(request.upload());
    const FileDescriptor file(discard_ ? -1
                                       : open((root_ + "/" + id).c_str(),
                                              O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!discard_ && file.get() < 0) return FromErrno(id);
    int64_t size = 0;
    do {
      const std::string& content = request.chunk().content();
      if (!discard_ && !WriteFully(file.get(), content, request.offset())) return FromErrno(id);
      size += static_cast<int64_t>(content.size());
      if (request.finish()) break;
    } while (stream->Read(&request));
    if (!request.finish()) return Status(StatusCode::CANCELLED, "the stream ended before finish");
    v1::WriteUploadResponse response;
    response.mutable_file()->set_name("tenants/bench/files/" + id);
    response.mutable_file()->mutable_digest()->set_size_bytes(size);
    stream->Write(response);
    return Status::OK;
  }

 private:
  static std::string IdOf(const std::string& name) { return name.substr(name.rfind('/') + 1); }
  std::string PathOf(const std::string& name) const { return root_ + "/" + IdOf(name); }

  const std::string root_;
  const bool discard_;
  std::atomic<int64_t> last_upload_{0};
};

}  // namespace

int main(int argc, char** argv) {
  const bench::CommandLine flags(argc, argv, 1, {"listen", "root"}, {"discard"});
  const std::string address = flags.TextOr("listen", "127.0.0.1:0");
  FileService service(flags.Text("root"), flags.Has("discard"));
  int port = 0;
  grpc::ServerBuilder builder;
  builder.SetMaxReceiveMessageSize(16 << 20);
  builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  const auto server = builder.BuildAndStart();
  if (!server || port == 0) bench::FailUsage("cannot listen on " + address);
  std::printf("listening on %s:%d\n", address.substr(0, address.rfind(':')).c_str(), port);
  std::fflush(stdout);
  server->Wait();
}
