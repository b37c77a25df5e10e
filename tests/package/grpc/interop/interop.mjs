// SPDX-License-Identifier: MIT
//
// The cases of gRPC's interoperability tests with @grpc/grpc-js. Usage: interop.mjs MODULES PROTO-FOLDER PORT. It prints a
// line for each case.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const [modules, protos, port] = process.argv.slice(2);
const require = createRequire(resolve(modules, "package.json"));
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

const definition = loader.loadSync("testing.proto", { includeDirs: [protos], keepCase: true, defaults: true });
const { TestService, UnimplementedService } = grpc.loadPackageDefinition(definition).grpc.testing;
const address = `127.0.0.1:${port}`;
const insecure = grpc.credentials.createInsecure();
const plain = new TestService(address, insecure);
// Its messages are compressed by gzip.
const gzip = new TestService(address, insecure, { "grpc.default_compression_algorithm": 2 });
const LONG = 60_000_000; // microseconds

const unary = (client, method, request) =>
  new Promise((done, fail) => {
    const deadline = Date.now() + 20000;
    client[method](request, { deadline }, (error, reply) => (error ? fail(error) : done(reply)));
  });

// Resolves to the sizes of all replies, or rejects with the error.
const sizes = (request, milliseconds = 20000, begun = () => {}) =>
  new Promise((done, fail) => {
    const seen = [];
    const call = plain.StreamingOutputCall(request, { deadline: Date.now() + milliseconds });
    call.on("data", (reply) => seen.push(reply.payload.body.length));
    call.on("end", () => done(seen));
    call.on("error", fail);
    begun(call);
  });

const large = async (client, more = {}) => {
  const request = { response_size: 314159, payload: { body: Buffer.alloc(271828) }, ...more };
  const reply = await unary(client, "UnaryCall", request);
  assert.ok(reply.payload.body.equals(Buffer.alloc(314159)));
};

// Resolves to what comes beside the replies.
const beside = (call) =>
  new Promise((done, fail) => {
    let header;
    call.on("metadata", (metadata) => (header = metadata));
    call.on("status", (status) => (status.code === 0 ? done([header, status.metadata]) : fail(status)));
    call.on("error", fail);
    call.resume?.();
  });

const custom = async () => {
  const metadata = new grpc.Metadata();
  metadata.set("x-grpc-test-echo-initial", "test_initial_metadata_value");
  metadata.set("x-grpc-test-echo-trailing-bin", Buffer.from("ababab", "hex"));
  const calls = [
    plain.UnaryCall({ response_size: 314159, payload: { body: Buffer.alloc(271828) } }, metadata, () => {}),
    plain.StreamingOutputCall(stream([314159]), metadata),
  ];
  for (const [header, trailer] of await Promise.all(calls.map(beside))) {
    assert.deepEqual(header.get("x-grpc-test-echo-initial"), ["test_initial_metadata_value"]);
    assert.deepEqual(trailer.get("x-grpc-test-echo-trailing-bin"), [Buffer.from("ababab", "hex")]);
  }
};

const fails = (promise, code, details) =>
  assert.rejects(promise, (error) => error.code === code && (details === undefined || error.details === details));

const ends = async (message) => {
  const response_status = { code: 2, message };
  await fails(unary(plain, "UnaryCall", { response_status }), 2, message);
  await fails(sizes({ response_status }), 2, message);
};

const sum = () =>
  new Promise((done, fail) => {
    const call = plain.StreamingInputCall({ deadline: Date.now() + 20000 }, (error, reply) => (error ? fail(error) : done(reply)));
    for (const size of [27182, 8, 1828, 45904]) call.write({ payload: { body: Buffer.alloc(size) } });
    call.end();
  }).then((reply) => assert.equal(reply.aggregated_payload_size, 74922));

// Asks for each size when the one before has come, and resolves to the sizes of all replies.
const talk = (wanted) =>
  new Promise((done, fail) => {
    const seen = [];
    const call = plain.FullDuplexCall({ deadline: Date.now() + 20000 });
    const go = () => (seen.length < wanted.length ? call.write(stream([wanted[seen.length]])) : call.end());
    call.on("data", (reply) => (seen.push(reply.payload.body.length), go()));
    call.on("end", () => done(seen));
    call.on("error", fail);
    go();
  });

const stream = (wanted, more = {}) => ({ response_parameters: wanted.map((size) => ({ size, ...more })) });

const cases = {
  empty_unary: () => unary(plain, "EmptyCall", {}),
  large_unary: () => large(plain),
  client_compressed_unary: () => large(gzip, { expect_compressed: { value: true } }),
  server_compressed_unary: () => large(plain, { response_compressed: { value: true } }),
  server_streaming: async () =>
    assert.deepEqual(await sizes(stream([31415, 9, 2653, 58979])), [31415, 9, 2653, 58979]),
  server_compressed_streaming: async () =>
    assert.deepEqual(await sizes(stream([31415, 92653], { compressed: { value: true } })), [31415, 92653]),
  client_streaming: sum,
  ping_pong: async () => assert.deepEqual(await talk([31415, 9, 2653, 58979]), [31415, 9, 2653, 58979]),
  empty_stream: async () => assert.deepEqual(await talk([]), []),
  custom_metadata: custom,
  cancel_after_begin: () => fails(sizes(stream([1], { interval_us: LONG }), 20000, (call) => call.cancel()), 1),
  timeout_on_sleeping_server: () => fails(sizes(stream([1], { interval_us: LONG }), 1), 4),
  status_code_and_message: () => ends("test status message"),
  special_status_message: () => ends("\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"),
  unimplemented_method: () => fails(unary(plain, "UnimplementedCall", {}), 12),
  unimplemented_service: () => fails(unary(new UnimplementedService(address, insecure), "UnimplementedCall", {}), 12),
};

for (const [name, run] of Object.entries(cases)) {
  await run();
  console.log(name, "passed");
}
process.exit(0);
