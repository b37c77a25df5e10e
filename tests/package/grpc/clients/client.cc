// SPDX-License-Identifier: MIT
//
// kvs as libgrpc++ sees it. Usage: client ADDRESS [CA-FILE | wait], with a file over TLS. It prints a line for each thing that it
// tried; with "wait" it watches until a line comes on its input, and then makes one call. The calls are those that generated stubs make; the messages are written here, so that nothing has to be generated.
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/client_unary_call.h>
#include <grpcpp/impl/rpc_method.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/sync_stream.h>

namespace
{

using grpc::ByteBuffer;
using grpc::internal::RpcMethod;

ByteBuffer buffer_of(const std::string &text)
{
    const grpc::Slice slice(text);
    return ByteBuffer(&slice, 1);
}

std::string text_of(const ByteBuffer &buffer)
{
    std::vector<grpc::Slice> slices;
    std::string text;
    (void)buffer.Dump(&slices);
    for (const grpc::Slice &slice : slices)
        text.append(reinterpret_cast<const char *>(slice.begin()), slice.size());
    return text;
}

// A field of protobuf with a length.
std::string field(int number, const std::string &content)
{
    std::string out(1, static_cast<char>(number << 3 | 2));
    size_t size = content.size();
    for (; size > 127; size >>= 7)
        out += static_cast<char>((size & 127) | 128);
    return out + static_cast<char>(size) + content;
}

uint64_t varint(const std::string &message, size_t &at)
{
    uint64_t value = 0;
    for (int shift = 0; at < message.size(); shift += 7) {
        const auto byte = static_cast<unsigned char>(message[at++]);
        value |= static_cast<uint64_t>(byte & 127) << shift;
        if (byte < 128)
            break;
    }
    return value;
}

struct Reply {
    uint64_t status = 0;
    std::string text; // of the first value
    int changes = 0;
};

Reply read(const ByteBuffer &buffer)
{
    const std::string message = text_of(buffer);
    Reply reply;
    for (size_t at = 0; at < message.size();) {
        const uint64_t tag = varint(message, at), value = varint(message, at);
        if (tag == 8)
            reply.status = value;
        if (tag == (9 << 3 | 2))
            reply.changes++;
        if ((tag & 7) != 2)
            continue;
        if (tag == (3 << 3 | 2)) { // a Value, whose string is its only field
            size_t inner = at;
            (void)varint(message, inner);
            const uint64_t size = varint(message, inner);
            reply.text = message.substr(inner, size);
        }
        at += value;
    }
    return reply;
}

const std::string table = field(1, "t");

[[noreturn]] void fail(const std::string &what, const grpc::Status &status)
{
    std::cerr << what << ": " << status.error_code() << ' ' << status.error_message() << std::endl;
    std::exit(1);
}

void set_deadline(grpc::ClientContext &context, int milliseconds)
{
    context.set_deadline(std::chrono::system_clock::now() +
                         std::chrono::milliseconds(milliseconds));
}

class Client
{
  public:
    explicit Client(std::shared_ptr<grpc::Channel> channel) : channel_(std::move(channel))
    {
    }

    grpc::Status try_call(const char *path, const std::string &request, ByteBuffer *reply,
                          bool gzip = false)
    {
        grpc::ClientContext context;
        set_deadline(context, 20000);
        if (gzip)
            context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
        const RpcMethod method(path, RpcMethod::NORMAL_RPC);
        return grpc::internal::BlockingUnaryCall<ByteBuffer, ByteBuffer>(
            channel_.get(), method, &context, buffer_of(request), reply);
    }

    Reply call(const char *path, const std::string &request, bool gzip = false)
    {
        ByteBuffer reply;
        const grpc::Status status = try_call(path, request, &reply, gzip);
        if (!status.ok())
            fail(path, status);
        return read(reply);
    }

    void set(const std::string &key, const std::string &value, bool gzip = false)
    {
        call("/weft.kv.v1.Kv/Hset", table + field(2, field(1, key) + field(2, field(1, value))),
             gzip);
    }

    Reply get(const std::string &key, bool gzip = false)
    {
        return call("/weft.kv.v1.Kv/Hget", table + field(2, key), gzip);
    }

    std::unique_ptr<grpc::ClientReader<ByteBuffer>> watch(grpc::ClientContext &context)
    {
        static const RpcMethod method("/weft.kv.v1.Kv/Watch", RpcMethod::SERVER_STREAMING);
        return std::unique_ptr<grpc::ClientReader<ByteBuffer>>(
            grpc::internal::ClientReaderFactory<ByteBuffer>::Create(channel_.get(), method,
                                                                    &context, buffer_of(table)));
    }

    bool many()
    {
        std::vector<std::thread> threads;
        std::vector<int> right(10);
        for (int &count : right)
            threads.emplace_back([this, &count] {
                for (int i = 0; i < 100; i++)
                    count += get("k").text == "v";
            });
        int sum = 0;
        for (size_t i = 0; i < threads.size(); i++) {
            threads[i].join();
            sum += right[i];
        }
        return sum == 1000;
    }

    int changes(int wanted)
    {
        grpc::ClientContext context;
        set_deadline(context, 20000);
        const auto stream = watch(context);
        ByteBuffer message;
        int seen = 0;
        for (bool first = true; seen < wanted && stream->Read(&message); first = false) {
            seen += read(message).changes;
            for (int i = 0; first && i < wanted; i++)
                set("w" + std::to_string(i), "v");
        }
        context.TryCancel();
        (void)stream->Finish();
        return seen;
    }

  private:
    std::shared_ptr<grpc::Channel> channel_;
};

// Reads until the stream ends, and returns how.
int drain(grpc::ClientReader<ByteBuffer> &stream)
{
    ByteBuffer message;
    while (stream.Read(&message)) {
    }
    return stream.Finish().error_code();
}

std::shared_ptr<grpc::Channel> connect(const char *address, const char *authority)
{
    grpc::ChannelArguments arguments;
    if (!authority)
        return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
    std::ostringstream text;
    text << std::ifstream(authority).rdbuf();
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = text.str();
    arguments.SetSslTargetNameOverride("localhost");
    return grpc::CreateCustomChannel(address, grpc::SslCredentials(options), arguments);
}

// Watches without a look at what comes, until it is told to make a call.
int wait(Client &client)
{
    std::string line;
    ByteBuffer first;
    grpc::ClientContext context;
    const auto stream = client.watch(context);
    if (!stream->Read(&first))
        fail("Watch", stream->Finish());
    std::cout << "watching" << std::endl;
    std::getline(std::cin, line);
    std::cout << "unary " << client.get("k").status << std::endl;
    context.TryCancel();
    (void)stream->Finish();
    return 0;
}

} // namespace

int main(int argc, char **argv)
{
    const bool waits = argc > 2 && std::string(argv[2]) == "wait";
    Client client(connect(argv[1], argc > 2 && !waits ? argv[2] : nullptr));
    if (waits)
        return wait(client);
    client.set("k", "v");
    const Reply reply = client.get("k");
    std::cout << "unary " << reply.status << ' ' << reply.text << std::endl;

    const std::string large(3000000, 'x');
    client.set("large", large);
    std::cout << "large " << std::boolalpha << (client.get("large").text == large) << std::endl;
    client.set("large", large, true);
    std::cout << "gzip " << (client.get("large", true).text == large) << std::endl;

    std::cout << "many " << client.many() << std::endl;
    std::cout << "watch " << client.changes(100) << std::endl;
    {
        grpc::ClientContext context;
        set_deadline(context, 300);
        std::cout << "deadline " << drain(*client.watch(context)) << std::endl;
    }
    {
        grpc::ClientContext context;
        ByteBuffer first;
        const auto stream = client.watch(context);
        if (!stream->Read(&first))
            fail("Watch", stream->Finish());
        context.TryCancel();
        std::cout << "cancel " << drain(*stream) << std::endl;
    }
    ByteBuffer none;
    std::cout << "unknown " << client.try_call("/no.Such/Method", "", &none).error_code()
              << std::endl;
}
