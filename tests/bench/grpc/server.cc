// SPDX-License-Identifier: MIT
//
// The least that a server of libgrpc++ can be: Hget of weft.kv.v1.Kv with a value that is always the same, and a stream of
// messages. Usage: grpc_server sync|callback. It prints its port.
#include <grpcpp/grpcpp.h>

#include <cstdio>
#include <cstring>
#include <string>

#include "bench.grpc.pb.h"
#include "kv.grpc.pb.h"

static void fill(abi::CommandResponse *reply)
{
    reply->set_status(200);
    reply->add_values()->set_string(std::string(64, 'v'));
}

class SyncKv final : public weft::kv::v1::Kv::Service {
    grpc::Status Hget(grpc::ServerContext *, const abi::Hget *, abi::CommandResponse *reply) override
    {
        fill(reply);
        return grpc::Status::OK;
    }
};

class SyncBench final : public weft::bench::Bench::Service {
    grpc::Status Stream(grpc::ServerContext *, const weft::bench::Ask *ask,
                        grpc::ServerWriter<weft::bench::Item> *writer) override
    {
        weft::bench::Item item;
        item.set_data(std::string(64, 'd'));
        for (uint32_t i = 0; i < ask->count(); i++)
            if (!writer->Write(item))
                break;
        return grpc::Status::OK;
    }
};

class CallbackKv final : public weft::kv::v1::Kv::CallbackService {
    grpc::ServerUnaryReactor *Hget(grpc::CallbackServerContext *context, const abi::Hget *,
                                   abi::CommandResponse *reply) override
    {
        fill(reply);
        auto *reactor = context->DefaultReactor();
        reactor->Finish(grpc::Status::OK);
        return reactor;
    }
};

class Writer final : public grpc::ServerWriteReactor<weft::bench::Item> {
  public:
    explicit Writer(uint32_t count) : left_(count)
    {
        item_.set_data(std::string(64, 'd'));
        Next();
    }
    void OnWriteDone(bool ok) override
    {
        if (ok)
            Next();
        else
            Finish(grpc::Status::CANCELLED);
    }
    void OnDone() override { delete this; }

  private:
    void Next()
    {
        if (left_ == 0) {
            Finish(grpc::Status::OK);
            return;
        }
        left_--;
        StartWrite(&item_);
    }
    uint32_t left_;
    weft::bench::Item item_;
};

class CallbackBench final : public weft::bench::Bench::CallbackService {
    grpc::ServerWriteReactor<weft::bench::Item> *Stream(grpc::CallbackServerContext *,
                                                        const weft::bench::Ask *ask) override
    {
        return new Writer(ask->count());
    }
};

int main(int argc, char **argv)
{
    SyncKv sync_kv;
    SyncBench sync_bench;
    CallbackKv callback_kv;
    CallbackBench callback_bench;
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    if (argc > 1 && std::strcmp(argv[1], "callback") == 0) {
        builder.RegisterService(&callback_kv);
        builder.RegisterService(&callback_bench);
    } else {
        builder.RegisterService(&sync_kv);
        builder.RegisterService(&sync_bench);
    }
    auto server = builder.BuildAndStart();
    std::printf("listening 127.0.0.1:%d\n", port);
    std::fflush(stdout);
    server->Wait();
}
