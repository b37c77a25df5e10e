// SPDX-License-Identifier: MIT
//
// examples/browser/weft.js in Node, whose package ws stands for a browser's WebSocket; and that package by
// itself. Run: node test_module.mjs KVS MODULES ROOT
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { assert, kvs, makeCertificates, require, root, run, serve, until } from "./server.mjs";
import { pathToFileURL } from "node:url";

const { WebSocket, WebSocketServer } = require("ws");
const { Client, StatusError, ConnectionError } = await import(pathToFileURL(`${root}/examples/browser/weft.js`));

// Runs body with a client of a fresh server.
async function withClient(body, options = {}) {
  const server = await serve("ws://127.0.0.1:0/kv");
  const kvs = new Client(server.urls[0], { WebSocket, minDelay: 20, maxDelay: 100, ...options });
  try {
    await body(kvs, server);
  } finally {
    kvs.close();
    await server.stop().catch(() => {});
  }
}

const noise = (size) => Uint8Array.from({ length: size }, (_, i) => (i * i * 31 + (i >> 8) * 7) & 255);

// Opens a WebSocket of the package and resolves with how it ended: a code, or the status of an answer of HTTP.
function ended(url, options, act, protocols = []) {
  return new Promise((resolve) => {
    const socket = new WebSocket(url, protocols, options);
    socket.on("open", () => act?.(socket));
    socket.on("unexpected-response", (_, response) => resolve(response.statusCode));
    socket.on("error", () => {});
    socket.on("close", (code) => resolve(code));
  });
}

await run({
  "values of every type come back as they were": () => withClient(async (kvs) => {
    const values = ["", "text", "ünï\u{1f600}\0", 0n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 0.5, -0, Infinity, 1e300, true, false, null,
      new Uint8Array(), Uint8Array.of(0, 255, 128)];
    for (const [i, value] of values.entries()) {
      await kvs.set("types", `k${i}`, value);
      assert.deepEqual(await kvs.get("types", `k${i}`), value);
    }
    await kvs.set("types", "nan", NaN);
    assert.ok(Number.isNaN(await kvs.get("types", "nan")));
  }),

  "a large value goes compressed and plain, both ways": () => withClient(async (kvs) => {
    const text = "a long text ".repeat(200000), bytes = noise(3_000_000);
    await Promise.all([kvs.set("large", "text", text), kvs.set("large", "bytes", bytes)]);
    assert.equal(await kvs.get("large", "text"), text);
    assert.deepEqual(await kvs.get("large", "bytes"), bytes);
  }),

  "a thousand calls overlap and each gets its own reply": () => withClient(async (kvs) => {
    await Promise.all(Array.from({ length: 500 }, (_, i) => kvs.set("many", `k${i}`, i % 3 ? `v${i}` : "x".repeat(3000) + i)));
    const all = await Promise.all(Array.from({ length: 500 }, (_, i) => kvs.get("many", `k${i}`)));
    all.forEach((value, i) => assert.equal(value, i % 3 ? `v${i}` : "x".repeat(3000) + i));
    const pairs = [];
    for await (const pair of kvs.pairs("many", { limit: 64 })) pairs.push(pair.key);
    assert.equal(new Set(pairs).size, 500);
  }),

  "counters, deletes, tables and what is not there": () => withClient(async (kvs) => {
    assert.equal(await kvs.add("c", "n"), 1n);
    assert.equal(await kvs.add("c", "n", 41n), 42n);
    assert.equal(await kvs.get("c", "none"), undefined);
    assert.equal(await kvs.delete("c", "n"), 42n);
    assert.equal(await kvs.delete("c", "n"), null);
    await kvs.set("d", "k", "v");
    assert.deepEqual((await kvs.tables()).map(({ name }) => name).sort(), ["d"]);
  }),

  "an error of the server is a StatusError, and the connection lives on": () => withClient(async (kvs) => {
    await kvs.set("e", "k", "text");
    await assert.rejects(kvs.add("e", "k"), (error) => error instanceof StatusError && error.status === 409);
    assert.equal(await kvs.get("e", "k"), "text");
  }),

  "what is no value or no key is refused before it is sent": () => withClient(async (kvs) => {
    await assert.rejects(async () => kvs.set("t", "k", { a: 1 }), TypeError);
    await assert.rejects(async () => kvs.set("t", "k", 2n ** 63n), RangeError);
    await assert.rejects(async () => kvs.set("t", 1, "v"), TypeError);
    await assert.rejects(async () => kvs.set("t", "\ud800", "v"), TypeError);
    await assert.rejects(kvs.set("t", "k", noiseOf(9_000_000)), RangeError);
    assert.equal(await kvs.get("t", "k"), undefined);
  }),

  "the client connects anew when the server restarts": async () => {
    let server = await serve("ws://127.0.0.1:0/kv");
    const [url] = server.urls;
    const kvs = new Client(url, { WebSocket, minDelay: 20, maxDelay: 100 });
    const states = [];
    kvs.addEventListener("state", () => states.push(kvs.state));
    await kvs.set("t", "k", "before");
    await server.stop();
    await until(() => kvs.state !== "open", "the client sees the end");
    const waiting = kvs.set("t", "k", "after");
    server = await serve(url);
    await waiting;
    assert.equal(await kvs.get("t", "k"), "after");
    assert.ok(states.includes("waiting") && states.at(-1) === "open");
    kvs.close();
    await assert.rejects(kvs.get("t", "k"), ConnectionError);
    await server.stop();
  },

  "over TLS, to a server whose authority is trusted and to no other": async () => {
    const made = makeCertificates();
    const server = await serve(`wss://127.0.0.1:0/kv?${made.options}`);
    const trusting = class extends WebSocket {
      constructor(url, protocols) {
        super(url, protocols, { ca: readFileSync(made.ca) });
      }
    };
    const kvs = new Client(server.urls[0], { WebSocket: trusting });
    const large = noise(1 << 20);
    await kvs.set("t", "large", large);
    assert.deepEqual(await kvs.get("t", "large"), large);
    kvs.close();
    const stranger = new Client(server.urls[0], { WebSocket, timeout: 300, minDelay: 20 });
    await assert.rejects(stranger.get("t", "large"), ConnectionError);
    stranger.close();
    await server.stop();
    made.remove();
  },

  "without a server a call fails in its time and says why": async () => {
    const kvs = new Client("ws://127.0.0.1:1/", { WebSocket, timeout: 300, minDelay: 20 });
    await assert.rejects(kvs.get("t", "k"), (error) => error instanceof ConnectionError && /no connection .* within 0.3 s/.test(error.message));
    kvs.close();
  },

  "calls that were under way when the connection broke fail and say that they are uncertain": async () => {
    const mute = new WebSocketServer({ host: "127.0.0.1", port: 0 });
    await new Promise((resolve) => mute.on("listening", resolve));
    mute.on("connection", (socket) => socket.on("message", () => socket.terminate()));
    const kvs = new Client(`ws://127.0.0.1:${mute.address().port}/`, { WebSocket });
    await assert.rejects(kvs.set("t", "k", "v"), (error) => error instanceof ConnectionError && error.uncertain);
    kvs.close();
    mute.close();
  },

  "kvc speaks to a server that others wrote": async () => {
    const server = await serve("tcp://127.0.0.1:0");
    const bridge = new WebSocketServer({ host: "127.0.0.1", port: 0 });
    await new Promise((resolve) => bridge.on("listening", resolve));
    bridge.on("connection", (socket) => {
      const tcp = connect(server.urls[0].match(/\d+$/)[0], "127.0.0.1");
      tcp.on("data", (data) => socket.send(data, { fin: false }));
      socket.on("message", (data, binary) => binary && tcp.write(data));
      socket.on("close", () => tcp.end());
    });
    const kvc = (...words) => new Promise((resolve) =>
      execFile(kvs.replace(/kvs$/, "kvc"), ["--server", `ws://127.0.0.1:${bridge.address().port}/x`, ...words],
        (error, out, complaint) => resolve(error ? complaint : out)));
    assert.equal(await kvc("hset", "t", "k", "v"), "\n");
    assert.equal(await kvc("hget", "t", "k"), "v\n");
    bridge.close();
    await server.stop();
  },

  "the package ws: close codes are those of the page": () => withClient(async (_, { urls: [url] }) => {
    assert.equal(await ended(url, {}, (socket) => socket.send("text")), 1003);
    assert.equal(await ended(url, {}, (socket) => socket.close(1000)), 1000);
    assert.equal(await ended(url, {}, (socket) => socket.close(4000, "mine")), 4000);
    assert.equal(await ended(url, {}, (socket) => socket._socket.write(Buffer.from([0x82, 0x00]))), 1002);
    assert.equal(await ended(url, {}, (socket) => socket._socket.write(Buffer.from([0xc2, 0x80, 0, 0, 0, 0]))), 1002);
  }),

  "the package ws: permessage-deflate is not agreed on, pings come back": () => withClient(async (_, { urls: [url] }) => {
    const socket = new WebSocket(url, ["weft.length-delimited-gzip"], { perMessageDeflate: true });
    await new Promise((resolve) => socket.on("open", resolve));
    assert.equal(socket.extensions, "");
    assert.equal(socket.protocol, "weft.length-delimited-gzip");
    const pong = new Promise((resolve) => socket.on("pong", (data) => resolve(data.toString())));
    socket.ping("are you there");
    assert.equal(await pong, "are you there");
    socket.close();
  }),

  "the package ws: pages of other origins, other paths and other subprotocols are kept out": () => withClient(async (_, { urls: [url] }) => {
    const close = (socket) => socket.close();
    assert.equal(await ended(url, { origin: "https://evil.example" }, close), 403);
    assert.equal(await ended(url, { origin: url.replace("ws:", "http:").replace("/kv", "") }, close), 1005);
    assert.equal(await ended(url.replace("/kv", "/other"), {}, close), 404);
    assert.equal(await ended(url, {}, close, ["mqtt"]), 400);
  }),
});

function noiseOf(size) {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += 65536) crypto.getRandomValues(bytes.subarray(at, at + 65536));
  return bytes;
}
