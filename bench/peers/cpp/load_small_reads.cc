// `small-reads`: whole reads of a small file, a fixed number of them under way at any time, on one
// thread.
#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/support/async_stream.h>

#include <algorithm>
#include <cstdio>

#include "command_line.h"
#include "load.h"
#include "wire.h"

namespace bench {
namespace {

// One read under way: started, then read until the stream ends, then its status. The completion
// queue's tag.
struct Call {
  enum Step { kStart, kRead, kFinish };
  grpc::ClientContext context;
  std::unique_ptr<grpc::ClientAsyncReader<grpc::ByteBuffer>> stream;
  grpc::ByteBuffer message;
  grpc::Status status;
  Clock::time_point started = Clock::now();
  Step step = kStart;
  int64_t bytes = 0;
  bool malformed = false;
};

double Percentile(const std::vector<double>& sorted, double share) {
  if (sorted.empty()) return 0;
  return sorted[static_cast<size_t>(share * static_cast<double>(sorted.size() - 1))];
}

}  // namespace

int RunSmallReads(int argc, char** argv, int first) {
  const CommandLine flags(argc, argv, first,
                          {"target", "file", "count", "concurrency", "connections", "chunk"}, {});
  const int64_t count = flags.Number("count");
  const int64_t concurrency = std::min(count, flags.NumberOr("concurrency", 1));
  const int64_t connections = flags.NumberOr("connections", 1);
  if (concurrency == 0 || connections == 0)
    FailUsage("--count, --concurrency and --connections are at least 1");
  const auto request = ReadFileRequest(flags.Text("file"), flags.NumberOr("chunk", 0), 0);
  const auto channels = Connect(flags.Text("target"), connections);
  const auto method = ReadFileMethod();

  grpc::CompletionQueue queue;
  int64_t begun = 0;
  const auto begin = [&] {
    Call* call = new Call;
    call->stream.reset(grpc::internal::ClientAsyncReaderFactory<grpc::ByteBuffer>::Create(
        channels[static_cast<size_t>(begun++) % channels.size()].get(), &queue, method,
        &call->context, request, true, call));
  };

  std::vector<double> latencies;
  int64_t failed = 0, bytes = 0;
  std::string error;
  const double cpu_before = CpuSeconds();
  const auto start = Clock::now();
  for (int64_t i = 0; i < concurrency; ++i) begin();
  void* tag = nullptr;
  bool ok = false;
  while (static_cast<int64_t>(latencies.size()) + failed < count && queue.Next(&tag, &ok)) {
    Call* call = static_cast<Call*>(tag);
    if (call->step != Call::kFinish) {
      if (call->step == Call::kRead && ok) {
        ReadFrame frame;
        call->malformed |= !ParseReadFrame(call->message, false, &frame);
        call->bytes += static_cast<int64_t>(frame.content_bytes);
      }
      if (ok) {
        call->step = Call::kRead;
        call->stream->Read(&call->message, call);
      } else {
        call->step = Call::kFinish;
        call->stream->Finish(&call->status, call);
      }
      continue;
    }
    if (call->status.ok() && !call->malformed) {
      latencies.push_back(SecondsSince(call->started) * 1000);
      bytes += call->bytes;
    } else {
      ++failed;
      error = call->malformed ? "a response that is no ReadFileResponse" : StatusText(call->status);
    }
    delete call;
    if (begun < count) begin();
  }
  const double seconds = SecondsSince(start);
  queue.Shutdown();

  std::sort(latencies.begin(), latencies.end());
  std::printf(
      "{\"load\":\"small-reads\",\"seconds\":%.6f,\"ok\":%zu,\"failed\":%lld,\"per_s\":%.1f,"
      "\"bytes\":%lld,"
      "\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f,\"client_cpu_s\":%.3f,\"error\":%s}\n",
      seconds, latencies.size(), static_cast<long long>(failed),
      static_cast<double>(latencies.size()) / seconds, static_cast<long long>(bytes),
      Percentile(latencies, 0.5), Percentile(latencies, 0.99), Percentile(latencies, 1.0),
      CpuSeconds() - cpu_before, JsonString(error).c_str());
  return failed == 0 ? 0 : 1;
}

}  // namespace bench
