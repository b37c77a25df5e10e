// SPDX-License-Identifier: MIT
//
// kvs as @grpc/grpc-js sees it. Usage: calls.mjs MODULES PROTO-FOLDER PORT. It prints a line for each thing that it tried.
import { createRequire } from "node:module";
import { resolve } from "node:path";

const [modules, protos, port] = process.argv.slice(2);
const require = createRequire(resolve(modules, "package.json"));
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

const definition = loader.loadSync("kv.proto", { includeDirs: [protos], keepCase: true, defaults: true });
const { Kv } = grpc.loadPackageDefinition(definition).weft.kv.v1;
const kv = new Kv(`127.0.0.1:${port}`, grpc.credentials.createInsecure());

const call = (method, request, options = {}) =>
  new Promise((done, fail) => {
    const deadline = Date.now() + 20000;
    kv[method](request, { deadline, ...options }, (error, reply) => (error ? fail(error) : done(reply)));
  });

const set = (key, string) => call("Hset", { table: "t", pair: { key, value: { string } } });

await set("k", "v");
const reply = await call("Hget", { table: "t", key: "k" });
console.log("unary", reply.status, reply.values[0].string);

const large = "x".repeat(3_000_000);
await set("large", large);
console.log("large", (await call("Hget", { table: "t", key: "large" })).values[0].string === large);

const many = await Promise.all(Array.from({ length: 1000 }, () => call("Hget", { table: "t", key: "k" })));
console.log("many", many.every((each) => each.values[0].string === "v"));

const seen = await new Promise((done, fail) => {
  const keys = [];
  const changes = kv.Watch({ table: "t" });
  changes.on("error", (error) => (error.code === grpc.status.CANCELLED ? done(keys) : fail(error)));
  changes.on("data", async (each) => {
    keys.push(...each.changes.map((change) => change.key));
    if (each.changes.length === 0) for (let i = 0; i < 100; i++) await set(`w${i}`, "v");
    if (keys.length >= 100) changes.cancel();
  });
});
console.log("watch", seen.length, seen[99]);

const late = kv.Watch({ table: "t" }, { deadline: Date.now() + 300 });
console.log("deadline", await new Promise((done) => late.on("error", (error) => done(error.code)).on("data", () => {})));

const unknown = await new Promise((done) =>
  kv.makeUnaryRequest("/no.Such/Method", (x) => x, (x) => x, Buffer.alloc(0), (error) => done(error.code)));
console.log("unknown", unknown);
kv.close();
