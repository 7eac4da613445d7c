// `write`: uploads new content, as fast as the server takes it.
#include <grpcpp/client_context.h>
#include <grpcpp/support/sync_stream.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <random>
#include <thread>

#include "command_line.h"
#include "crc32c.h"
#include "load.h"
#include "longshore/v1/file_service.grpc.pb.h"
#include "wire.h"

namespace bench {
namespace {

// Content that no other run has, at no cost per byte: each chunk is 64 fresh random bytes before
// one shared block.
class ChunkFactory {
 public:
  ChunkFactory(const std::string& block, size_t chunk_bytes, bool with_crc)
      : seed_bytes_(std::min<size_t>(64, chunk_bytes)),
        body_(block.data(), chunk_bytes - seed_bytes_, grpc::Slice::STATIC_SLICE),
        appender_(body_.size(), Crc32c(0, body_.begin(), body_.size())),
        with_crc_(with_crc) {}

  // A serialized WriteUploadRequest {offset, chunk {content, crc32c}}. The block is referred to,
  // not copied.
  grpc::ByteBuffer Message(int64_t offset, std::mt19937_64* random) const {
    std::string seed;
    while (seed.size() < seed_bytes_) {
      const uint64_t word = (*random)();
      seed.append(reinterpret_cast<const char*>(&word),
                  std::min<size_t>(8, seed_bytes_ - seed.size()));
    }
    const size_t content_bytes = seed.size() + body_.size();
    std::string content_head = "\x0a";
    AppendVarint(&content_head, content_bytes);
    std::string head = "\x10";
    AppendVarint(&head, static_cast<uint64_t>(offset));
    head += "\x1a";
    AppendVarint(&head, content_head.size() + content_bytes + (with_crc_ ? 5 : 0));
    head += content_head;
    head += seed;
    std::string tail;
    if (with_crc_) {
      tail = "\x15";
      AppendFixed32(&tail, appender_.After(Crc32c(0, seed.data(), seed.size())));
    }
    const grpc::Slice slices[] = {grpc::Slice(head), body_, grpc::Slice(tail)};
    return grpc::ByteBuffer(slices, with_crc_ ? 3 : 2);
  }

 private:
  size_t seed_bytes_;
  grpc::Slice body_;
  Crc32cAppender appender_;
  bool with_crc_;
};

struct Plan {
  int64_t bytes = 0;
  int64_t chunk_bytes = 0;
  bool raw = false;
};

struct Outcome {
  std::string error;
  std::string file;
  std::string sha256;
  int64_t acks = 0;
};

grpc::ByteBuffer Serialized(const longshore::v1::WriteUploadRequest& request) {
  const grpc::Slice slice(request.SerializeAsString());
  return grpc::ByteBuffer(&slice, 1);
}

std::string CreateUpload(const std::shared_ptr<grpc::Channel>& channel, const Plan& plan,
                         Outcome* outcome) {
  longshore::v1::CreateUploadRequest request;
  request.set_parent("tenants/bench");
  request.set_total_size(plan.bytes);
  request.mutable_file()->set_display_name("bench.bin");
  request.mutable_file()->set_media_type("application/octet-stream");
  longshore::v1::Upload upload;
  grpc::ClientContext context;
  const auto stub = longshore::v1::FileService::NewStub(channel);
  outcome->error = StatusText(stub->CreateUpload(&context, request, &upload));
  return upload.name();
}

void UploadOne(const std::shared_ptr<grpc::Channel>& channel, const Plan& plan,
               const ChunkFactory& whole, const ChunkFactory& last, Outcome* outcome) {
  std::string upload = "tenants/bench/uploads/raw";
  if (!plan.raw) upload = CreateUpload(channel, plan, outcome);
  if (!outcome->error.empty()) return;

  using Stream = grpc::ClientReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer>;
  grpc::ClientContext context;
  const auto method = WriteUploadMethod();
  std::unique_ptr<Stream> stream(
      grpc::internal::ClientReaderWriterFactory<grpc::ByteBuffer, grpc::ByteBuffer>::Create(
          channel.get(), method, &context));
  std::thread reader([&] {
    grpc::ByteBuffer message;
    while (stream->Read(&message)) {
      longshore::v1::WriteUploadResponse response;
      if (!response.ParseFromString(Flatten(message)))
        outcome->error = "a response that is no WriteUploadResponse";
      if (response.has_progress()) ++outcome->acks;
      if (response.has_file()) {
        outcome->file = response.file().name();
        outcome->sha256 = response.file().digest().sha256();
      }
    }
  });

  std::random_device entropy;
  std::mt19937_64 random((static_cast<uint64_t>(entropy()) << 32) | entropy());
  longshore::v1::WriteUploadRequest first;
  first.set_upload(upload);
  bool open = stream->Write(Serialized(first));
  for (int64_t offset = 0; open && offset < plan.bytes; offset += plan.chunk_bytes) {
    const ChunkFactory& factory = plan.bytes - offset < plan.chunk_bytes ? last : whole;
    open = stream->Write(factory.Message(offset, &random));
  }
  longshore::v1::WriteUploadRequest finish;
  finish.set_offset(plan.bytes);
  finish.set_finish(true);
  if (open) stream->WriteLast(Serialized(finish), grpc::WriteOptions());
  reader.join();
  const grpc::Status status = stream->Finish();
  if (!status.ok()) outcome->error = StatusText(status);
  if (outcome->error.empty() && outcome->file.empty())
    outcome->error = "the stream ended without a file";
}

}  // namespace

int RunWrite(int argc, char** argv, int first) {
  const CommandLine flags(argc, argv, first, {"target", "bytes", "chunk", "streams", "connections"},
                          {"no-crc", "raw"});
  Plan plan;
  plan.bytes = flags.Number("bytes");
  plan.chunk_bytes = flags.NumberOr("chunk", 1 << 20);
  plan.raw = flags.Has("raw");
  const int64_t streams = flags.NumberOr("streams", 1);
  const int64_t connections = flags.NumberOr("connections", 1);
  if (plan.chunk_bytes == 0 || streams == 0 || connections == 0) {
    FailUsage("--chunk, --streams and --connections are at least 1");
  }

  std::string block(static_cast<size_t>(plan.chunk_bytes), '\0');
  std::mt19937_64 random(std::random_device{}());
  for (size_t i = 0; i + 8 <= block.size(); i += 8) {
    const uint64_t word = random();
    std::memcpy(&block[i], &word, 8);
  }
  const bool with_crc = !flags.Has("no-crc");
  const ChunkFactory whole(block, static_cast<size_t>(plan.chunk_bytes), with_crc);
  const ChunkFactory last(block, static_cast<size_t>(plan.bytes % plan.chunk_bytes), with_crc);
  const auto channels = Connect(flags.Text("target"), connections);

  std::vector<Outcome> outcomes(static_cast<size_t>(streams));
  std::vector<std::thread> threads;
  const double cpu_before = CpuSeconds();
  const auto start = Clock::now();
  for (size_t i = 0; i < outcomes.size(); ++i) {
    threads.emplace_back(
        [&, i] { UploadOne(channels[i % channels.size()], plan, whole, last, &outcomes[i]); });
  }
  for (auto& thread : threads) thread.join();
  const double seconds = SecondsSince(start);

  int64_t failed = 0, acks = 0;
  std::string error;
  for (const Outcome& outcome : outcomes) {
    acks += outcome.acks;
    if (outcome.error.empty()) continue;
    ++failed;
    error = outcome.error;
  }
  const int64_t bytes = plan.bytes * (streams - failed);
  std::printf(
      "{\"load\":\"write\",\"seconds\":%.6f,\"bytes\":%lld,\"mib_per_s\":%.1f,\"client_cpu_s\":%."
      "3f,\"acks\":%lld,"
      "\"file\":%s,\"sha256\":%s,\"failed\":%lld,\"error\":%s}\n",
      seconds, static_cast<long long>(bytes), MebibytesPerSecond(bytes, seconds),
      CpuSeconds() - cpu_before, static_cast<long long>(acks), JsonString(outcomes[0].file).c_str(),
      JsonString(outcomes[0].sha256).c_str(), static_cast<long long>(failed),
      JsonString(error).c_str());
  return failed == 0 ? 0 : 1;
}

}  // namespace bench
