// `read`: reads one file over one or more streams and counts the content.
#include <grpcpp/client_context.h>
#include <grpcpp/support/sync_stream.h>

#include <algorithm>
#include <cstdio>
#include <thread>

#include "command_line.h"
#include "load.h"
#include "longshore/v1/file_service.pb.h"
#include "wire.h"

namespace bench {
namespace {

struct Outcome {
  std::string error;
  int64_t bytes = 0;
  int64_t messages = 0;
  double first_byte_s = 0;
  bool trailer = false;
  std::string served_from;
};

void ReadOne(const std::shared_ptr<grpc::Channel>& channel, const grpc::ByteBuffer& request,
             bool check, Clock::time_point start, Outcome* outcome) {
  grpc::ClientContext context;
  const auto method = ReadFileMethod();
  std::unique_ptr<grpc::ClientReader<grpc::ByteBuffer>> stream(
      grpc::internal::ClientReaderFactory<grpc::ByteBuffer>::Create(channel.get(), method, &context,
                                                                    request));
  grpc::ByteBuffer message;
  ReadFrame frame;
  while (stream->Read(&message)) {
    if (!ParseReadFrame(message, check, &frame)) {
      outcome->error = "a response that is no ReadFileResponse";
      context.TryCancel();
      break;
    }
    outcome->trailer |= frame.kind == ReadFrame::kTrailer;
    if (frame.kind == ReadFrame::kHeader) {
      longshore::v1::ReadFileResponse header;
      if (header.ParseFromString(Flatten(message))) {
        outcome->served_from = header.header().served_from();
      }
    }
    if (frame.kind != ReadFrame::kData) continue;
    if (outcome->messages++ == 0) outcome->first_byte_s = SecondsSince(start);
    if (static_cast<int64_t>(frame.offset) != outcome->bytes)
      outcome->error = "an offset that does not follow";
    if (check && (!frame.has_crc32c || frame.crc32c != frame.actual_crc32c))
      outcome->error = "a CRC that differs";
    outcome->bytes += static_cast<int64_t>(frame.content_bytes);
  }
  const grpc::Status status = stream->Finish();
  if (outcome->error.empty()) outcome->error = StatusText(status);
}

}  // namespace

int RunRead(int argc, char** argv, int first) {
  const CommandLine flags(
      argc, argv, first, {"target", "file", "chunk", "streams", "limit", "connections"}, {"check"});
  const int64_t streams = flags.NumberOr("streams", 1);
  const int64_t connections = flags.NumberOr("connections", 1);
  if (streams == 0 || connections == 0) FailUsage("--streams and --connections are at least 1");
  const auto request = ReadFileRequest(flags.Text("file"), flags.NumberOr("chunk", 1 << 20),
                                       flags.NumberOr("limit", 0));
  const bool check = flags.Has("check");
  const auto channels = Connect(flags.Text("target"), connections);

  std::vector<Outcome> outcomes(static_cast<size_t>(streams));
  std::vector<std::thread> threads;
  const double cpu_before = CpuSeconds();
  const auto start = Clock::now();
  for (size_t i = 0; i < outcomes.size(); ++i) {
    threads.emplace_back(
        [&, i] { ReadOne(channels[i % channels.size()], request, check, start, &outcomes[i]); });
  }
  for (auto& thread : threads) thread.join();
  const double seconds = SecondsSince(start);

  int64_t bytes = 0, messages = 0, failed = 0, trailers = 0;
  double first_byte_s = 0;
  std::string error;
  for (const Outcome& outcome : outcomes) {
    bytes += outcome.bytes;
    messages += outcome.messages;
    trailers += outcome.trailer ? 1 : 0;
    first_byte_s = std::max(first_byte_s, outcome.first_byte_s);
    if (outcome.error.empty()) continue;
    ++failed;
    error = outcome.error;
  }
  std::printf(
      "{\"load\":\"read\",\"seconds\":%.6f,\"bytes\":%lld,\"mib_per_s\":%.1f,\"client_cpu_s\":%.3f,"
      "\"messages\":%lld,"
      "\"trailers\":%lld,\"slowest_first_byte_ms\":%.3f,\"served_from\":%s,\"failed\":%lld,"
      "\"error\":%s}\n",
      seconds, static_cast<long long>(bytes), MebibytesPerSecond(bytes, seconds),
      CpuSeconds() - cpu_before, static_cast<long long>(messages), static_cast<long long>(trailers),
      first_byte_s * 1000, JsonString(outcomes[0].served_from).c_str(),
      static_cast<long long>(failed), JsonString(error).c_str());
  return failed == 0 ? 0 : 1;
}

}  // namespace bench
