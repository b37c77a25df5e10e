// SPDX-License-Identifier: MIT
//
// A service of protobuf-c as @grpc/grpc-js sees it. Usage: calls.mjs MODULES PROTO-FOLDER PORT. It prints a line for each thing
// that it tried.
import { createRequire } from "node:module";
import { resolve } from "node:path";

const [modules, protos, port] = process.argv.slice(2);
const require = createRequire(resolve(modules, "package.json"));
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

const definition = loader.loadSync("sample.proto", { includeDirs: [protos], keepCase: true, defaults: true });
const { Sample } = grpc.loadPackageDefinition(definition).sample;
const sample = new Sample(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
const deadline = () => ({ deadline: Date.now() + 20000 });

const beside = new grpc.Metadata();
beside.set("x-colour", "green");
beside.set("x-raw-bin", Buffer.from([0, 255, 1]));

await new Promise((done, fail) => {
  let header, reply;
  const call = sample.Say({ text: "beside" }, beside, deadline(), (error, said) => (error ? fail(error) : (reply = said)));
  call.on("metadata", (fields) => (header = fields));
  call.on("status", (status) => {
    const raw = status.metadata.get("x-raw-bin")[0].toString("hex");
    console.log("beside", reply.text === "beside" ? "x" : reply.text, header.get("x-colour")[0], raw);
    done();
  });
});

await new Promise((done) =>
  sample.Say({ text: "beside", count: 5 }, beside, deadline(), (error) => {
    const details = error.metadata.get("grpc-status-details-bin")[0].toString("latin1");
    console.log("details", error.code, error.details, details.match(/type[./a-z]+com.sample.Text/)[0]);
    done();
  }));

const counts = await new Promise((done, fail) => {
  const seen = [];
  const answers = sample.Stream({ text: "x", count: 1000 }, deadline());
  answers.on("data", (answer) => seen.push(answer.count)).on("error", fail).on("end", () => done(seen));
});
console.log("stream", counts.length, counts[999]);

const failure = (method, request, options) =>
  new Promise((done) => sample[method](request, options, (error) => done(error.code)));
console.log("deadline", await failure("Say", { text: "wait" }, { deadline: Date.now() + 100 }));
console.log("unimplemented", await failure("Missing", { text: "" }, deadline()));

const chat = sample.Chat(deadline());
console.log("chat", ...await new Promise((done, fail) => {
  const seen = [];
  chat.on("error", fail).on("end", () => done([seen.length, seen.at(-1)]));
  chat.on("data", (answer) => {
    seen.push(answer.count);
    if (seen.length < 100) chat.write({ text: "ping", count: seen.length });
    else chat.end();
  });
  chat.write({ text: "ping", count: 0 });
}));

console.log("sum", await new Promise((done, fail) => {
  const sum = sample.Sum(deadline(), (error, reply) => (error ? fail(error) : done(reply.count)));
  for (let i = 0; i < 100; i++) sum.write({ text: "", count: i });
  sum.end();
}));
sample.close();
