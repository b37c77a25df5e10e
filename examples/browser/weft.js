// SPDX-License-Identifier: MIT
//
// A client of kvs for browsers, over WebSocket: one module, nothing to build, nothing to install. It speaks
// the messages of proto/abi.proto in frames of length-delimited-gzip; docs/wire.md has both.
//
//     import { Client } from "./weft.js";
//     const kvs = new Client("ws://127.0.0.1:9527/");
//     await kvs.set("table", "key", 42n);
//     console.log(await kvs.get("table", "key"));
//
// Values: a string is a string, a bigint an integer of 64 bits, a number a float, a boolean a bool, a
// Uint8Array binary, and null the empty value. What is stored as an integer comes back as a bigint.
//
// Calls may overlap as they like: requests leave at once, and the replies come in their order. When the
// connection is lost, the calls under way fail, since nobody knows if they took effect; the client connects
// anew by itself, and calls made meanwhile wait for that.

const MAX_FRAME = 8 * 1024 * 1024; // of one payload on the wire, as kvs has it by default
const MAX_MESSAGE = 32 * 1024 * 1024; // of one payload, inflated
const MAX_WAITING = 1024; // calls under way
const COMPRESS_FROM = 1436; // bytes of a payload: less does not gain a packet
const GZIP = 2 ** 31; // the bit of the header that says that the payload is compressed

// An answer of the server that is not 200. The connection lives on.
export class StatusError extends Error {
  constructor(status, message) {
    super(`${status}: ${message || "no words"}`);
    this.name = "StatusError";
    this.status = status;
  }
}

// The connection is not there, or is no longer. `uncertain` is true if the request may have taken effect.
export class ConnectionError extends Error {
  constructor(message, uncertain = false) {
    super(message);
    this.name = "ConnectionError";
    this.uncertain = uncertain;
  }
}

// --- protobuf: as much of it as the messages need ---------------------------------------------------

const VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5;
const encoder = new TextEncoder();
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

class Writer {
  parts = [];
  size = 0;

  add(bytes) {
    this.parts.push(bytes);
    this.size += bytes.length;
    return this;
  }

  number(value) {
    let rest = BigInt.asUintN(64, BigInt(value));
    const bytes = [];
    do {
      bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
      rest >>= 7n;
    } while (rest > 0n);
    return this.add(Uint8Array.from(bytes));
  }

  varint(field, value) {
    return this.number((field << 3) | VARINT).number(value);
  }

  bytes(field, bytes) {
    return this.number((field << 3) | BYTES).number(bytes.length).add(bytes);
  }

  string(field, text) {
    if (typeof text !== "string") throw new TypeError("tables and keys are strings");
    if (/\p{Surrogate}/u.test(text)) throw new TypeError("half a surrogate pair in a string");
    return this.bytes(field, encoder.encode(text));
  }

  double(field, value) {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setFloat64(0, value, true);
    return this.number((field << 3) | FIXED64).add(bytes);
  }

  message(field, fill) {
    const inner = new Writer();
    fill(inner);
    return this.bytes(field, inner.finish());
  }

  finish() {
    const all = new Uint8Array(this.size);
    let at = 0;
    for (const part of this.parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }
}

class Reader {
  constructor(bytes) {
    this.data = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = 0;
  }

  // Calls member(field, value) for each field. A varint is a bigint, a float a number, the rest are bytes.
  each(member) {
    while (this.at < this.data.length) {
      const key = Number(this.varint());
      member(key >>> 3, this.value(key & 7));
    }
  }

  value(type) {
    switch (type) {
      case VARINT:
        return this.varint();
      case FIXED64:
        return this.view.getFloat64(this.skip(8), true);
      case BYTES: {
        const size = Number(this.varint());
        const begin = this.skip(size);
        return this.data.subarray(begin, begin + size);
      }
      case FIXED32:
        return this.view.getUint32(this.skip(4), true);
      default:
        throw new Error("the reply is not protobuf");
    }
  }

  varint() {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.data[this.skip(1)];
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new Error("the reply is not protobuf");
  }

  skip(size) {
    const begin = this.at;
    if (size > this.data.length - begin) throw new Error("the reply is cut off");
    this.at += size;
    return begin;
  }
}

function writeValue(writer, value) {
  if (typeof value === "string") return writer.string(1, value);
  if (value instanceof Uint8Array) return writer.bytes(2, value);
  if (typeof value === "bigint") {
    if (BigInt.asIntN(64, value) !== value) throw new RangeError("an integer has 64 bits");
    return writer.varint(3, value);
  }
  if (typeof value === "number") return writer.double(4, value);
  if (typeof value === "boolean") return writer.varint(5, value ? 1 : 0);
  if (value === null) return writer;
  throw new TypeError("a value is a string, bigint, number, boolean, Uint8Array or null");
}

function readValue(bytes) {
  let value = null;
  new Reader(bytes).each((field, member) => {
    if (field === 1) value = strict.decode(member);
    else if (field === 2) value = member.slice();
    else if (field === 3) value = BigInt.asIntN(64, member);
    else if (field === 4) value = member;
    else if (field === 5) value = member !== 0n;
  });
  return value;
}

function readPair(bytes) {
  const pair = { key: "", value: null };
  new Reader(bytes).each((field, member) => {
    if (field === 1) pair.key = strict.decode(member);
    else if (field === 2) pair.value = readValue(member);
  });
  return pair;
}

function readTable(bytes) {
  const table = { name: "", count: 0n };
  new Reader(bytes).each((field, member) => {
    if (field === 1) table.name = strict.decode(member);
    else if (field === 2) table.count = member;
  });
  return table;
}

// A CommandResponse.
export function readReply(bytes) {
  const reply = { status: 0, message: "", values: [], pairs: [], cursor: new Uint8Array(), tables: [] };
  new Reader(bytes).each((field, member) => {
    if (field === 1) reply.status = Number(member);
    else if (field === 2) reply.message = strict.decode(member);
    else if (field === 3) reply.values.push(readValue(member));
    else if (field === 4) reply.pairs.push(readPair(member));
    else if (field === 5) reply.cursor = member.slice();
    else if (field === 8) reply.tables.push(readTable(member));
  });
  return reply;
}

const writePair = (key, value) => (pair) => pair.string(1, key).message(2, (inner) => writeValue(inner, value));

// The commands by name: each returns a CommandRequest.
export const requests = {
  login: (user, password) => request(40, (m) => m.string(1, user).string(2, password)),
  hget: (table, key) => request(1, (m) => m.string(1, table).string(2, key)),
  hgetall: (table) => request(2, (m) => m.string(1, table)),
  hmget: (table, keys) => request(3, (m) => keys.reduce((to, key) => to.string(2, key), m.string(1, table))),
  hset: (table, key, value) => request(4, (m) => m.string(1, table).message(2, writePair(key, value))),
  hmset: (table, pairs) =>
    request(5, (m) => pairs.reduce((to, [key, value]) => to.message(2, writePair(key, value)), m.string(1, table))),
  hdel: (table, key) => request(6, (m) => m.string(1, table).string(2, key)),
  hexist: (table, key) => request(8, (m) => m.string(1, table).string(2, key)),
  hscan: (table, { cursor, limit = 0, prefix = "", match = "" } = {}) =>
    request(16, (m) => {
      m.string(1, table);
      if (cursor) m.bytes(2, cursor);
      if (limit) m.varint(3, limit);
      if (prefix) m.string(4, prefix);
      if (match) m.string(5, match);
    }),
  hincr: (table, key, by = 1n) =>
    request(18, (m) => {
      m.string(1, table).string(2, key);
      if (typeof by === "bigint") m.varint(3, by);
      else m.double(4, by);
    }),
  tables: ({ prefix = "", cursor, limit = 0 } = {}) =>
    request(20, (m) => {
      if (prefix) m.string(1, prefix);
      if (cursor) m.bytes(2, cursor);
      if (limit) m.varint(3, limit);
    }),
  drop: (table) => request(21, (m) => m.string(1, table)),
  count: (table) => request(22, (m) => m.string(1, table)),
};

function request(field, fill) {
  return new Writer().message(field, fill).finish();
}

// --- frames -----------------------------------------------------------------------------------------

async function transform(bytes, stream, limit) {
  const reader = new Blob([bytes]).stream().pipeThrough(stream).getReader();
  const parts = [];
  let size = 0;
  for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
    parts.push(value);
    size += value.length;
    if (size > limit) {
      await reader.cancel();
      throw new Error(`the message has more than ${limit} bytes`);
    }
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

async function writeFrame(payload) {
  let flag = 0;
  if (payload.length > COMPRESS_FROM && globalThis.CompressionStream) {
    const packed = await transform(payload, new CompressionStream("gzip"), Infinity);
    if (packed.length < payload.length) {
      payload = packed;
      flag = GZIP;
    }
  }
  if (payload.length > MAX_FRAME) throw new RangeError(`the request has more than ${MAX_FRAME} bytes`);
  const frame = new Uint8Array(4 + payload.length);
  new DataView(frame.buffer).setUint32(0, flag + payload.length);
  frame.set(payload, 4);
  return frame;
}

// Cuts a stream of bytes into payloads. A frame that comes in many pieces is copied once.
class Frames {
  pieces = [];
  size = 0;

  // Adds bytes and returns the frames that are whole now: [{ packed, payload }, ...].
  take(bytes) {
    const whole = [];
    this.pieces.push(bytes);
    this.size += bytes.length;
    while (this.size >= 4) {
      const header = new DataView(this.join(4).buffer).getUint32(0);
      const size = header % GZIP;
      if (size > MAX_FRAME) throw new Error("the server sent a frame over the limit; does it speak length-delimited-gzip?");
      if (this.size < 4 + size) break;
      whole.push({ packed: header >= GZIP, payload: this.join(4 + size, true).subarray(4) });
    }
    return whole;
  }

  // A copy of the first size bytes, which are dropped if drop is true.
  join(size, drop = false) {
    const all = new Uint8Array(size);
    let at = 0, i = 0;
    while (at < size) {
      const piece = this.pieces[i].subarray(0, size - at);
      all.set(piece, at);
      at += piece.length;
      if (drop && piece.length < this.pieces[i].length) this.pieces[i] = this.pieces[i].subarray(piece.length);
      else i++;
    }
    if (drop) {
      this.pieces.splice(0, i);
      this.size -= size;
    }
    return all;
  }
}

// --- the connection ---------------------------------------------------------------------------------

const CLOSED = {
  1000: "the server closed the connection",
  1001: "the server is going away",
  1002: "the server says that the protocol was broken",
  1003: "the server takes no such message",
  1006: "the connection failed: no server there, its certificate is not trusted, or it does not let this page in",
  1008: "the server refuses what this client does",
};

// An EventTarget: "state" events say when the property state has changed.
export class Client extends EventTarget {
  state = "connecting"; // then "open", "waiting" (for the next try) or "closed"
  trouble = ""; // why it is not open, in words

  // Options: timeout and minDelay, maxDelay of reconnecting, all in milliseconds; WebSocket, a class to use
  // instead of the global one.
  constructor(url, { timeout = 30000, minDelay = 250, maxDelay = 15000, WebSocket = globalThis.WebSocket } = {}) {
    super();
    Object.assign(this, { url, timeout, minDelay, maxDelay, WebSocket });
    this.delay = minDelay;
    this.queue = []; // calls that wait for a connection
    this.waiting = []; // calls that wait for their replies
    this.sending = Promise.resolve(); // keeps the order of requests, some of which are compressed
    this.#connect();
  }

  // Says who the client is, on this connection and on each that follows. Calls that wait for a connection are sent
  // behind it. Rejects with a StatusError if the user or the password is wrong; then nobody is logged in anew.
  async login(user, password) {
    const account = { user, password };
    this.account = account;
    try {
      await this.call(requests.login(user, password), [200], true);
    } catch (error) {
      if (error instanceof StatusError && this.account === account) this.account = undefined;
      throw error;
    }
  }

  // The table of a client's calls.
  async get(table, key) {
    const reply = await this.call(requests.hget(table, key), [200, 404]);
    return reply.status === 404 ? undefined : reply.values[0];
  }
  async set(table, key, value) {
    await this.call(requests.hset(table, key, value));
  }
  // Resolves with the value that was there; null also stands for none.
  async delete(table, key) {
    return (await this.call(requests.hdel(table, key), [200, 404])).values[0] ?? null;
  }
  async add(table, key, by = 1n) {
    return (await this.call(requests.hincr(table, key, by))).values[0];
  }
  async *pairs(table, options = {}) {
    let cursor;
    do {
      const reply = await this.call(requests.hscan(table, { ...options, cursor }), [200, 404]);
      yield* reply.pairs;
      cursor = reply.cursor;
    } while (cursor.length > 0);
  }
  async tables(options = {}) {
    const all = [];
    let cursor;
    do {
      const reply = await this.call(requests.tables({ ...options, cursor }));
      all.push(...reply.tables);
      cursor = reply.cursor;
    } while (cursor.length > 0);
    return all;
  }

  // Sends a request and resolves with its reply. A status that is not in `good` is a StatusError. A login goes before
  // all that waits for a connection.
  call(payload, good = [200], isLogin = false) {
    if (this.state === "closed") return Promise.reject(new ConnectionError("the client is closed"));
    if (this.queue.length + this.waiting.length >= MAX_WAITING)
      return Promise.reject(new ConnectionError(`${MAX_WAITING} calls are under way already`));
    return new Promise((resolve, reject) => {
      const call = { payload, good, resolve, reject, isLogin, sent: false };
      call.timer = setTimeout(() => this.#late(call), this.timeout);
      if (this.state === "open") this.#send(call);
      else this.queue.push(call);
    });
  }

  // Ends the connection for good. Calls under way fail.
  close() {
    clearTimeout(this.retry);
    this.#change("closed", "the client was closed");
    this.#fail(new ConnectionError("the client was closed"));
    this.socket?.close(1000);
  }

  #change(state, trouble = "") {
    if (this.state === "closed") return;
    this.state = state;
    this.trouble = trouble;
    this.dispatchEvent(new Event("state"));
  }

  #connect() {
    this.frames = new Frames();
    this.receiving = Promise.resolve();
    const socket = new this.WebSocket(this.url, ["weft.length-delimited-gzip"]);
    this.socket = socket;
    socket.binaryType = "arraybuffer";
    const mine = (act) => (event) => socket === this.socket && act(event);
    socket.onopen = mine(() => {
      const queue = this.queue.splice(0);
      this.state = "open";
      for (const call of queue.filter(({ isLogin }) => isLogin)) this.#send(call);
      if (this.account && this.waiting.length === 0)
        this.login(this.account.user, this.account.password).catch(() => {}); // the calls behind it say why
      this.#change("open");
      for (const call of queue.filter(({ isLogin }) => !isLogin)) this.#send(call);
    });
    socket.onmessage = mine(({ data }) => this.#receive(socket, new Uint8Array(data)));
    socket.onerror = () => {}; // close follows, and has more to say
    socket.onclose = mine(({ code, reason }) => this.#lost(reason || CLOSED[code] || `the connection ended with code ${code}`));
  }

  #send(call) {
    const socket = this.socket;
    this.waiting.push(call);
    // Frames leave in the order of `waiting`, however long compressing takes.
    this.sending = this.sending
      .then(() => writeFrame(call.payload))
      .then((frame) => {
        if (socket !== this.socket || call.done) return;
        call.sent = true;
        socket.send(frame);
      })
      .catch((error) => {
        if (!call.sent) this.waiting = this.waiting.filter((other) => other !== call);
        this.#settle(call, () => call.reject(error));
      });
  }

  #receive(socket, bytes) {
    // Inflating takes turns, so what follows waits for it.
    const { frames } = this;
    this.receiving = this.receiving.then(async () => {
      for (const { packed, payload } of frames.take(bytes)) {
        const message = packed ? await transform(payload, new DecompressionStream("gzip"), MAX_MESSAGE) : payload;
        if (socket !== this.socket) return;
        this.#answer(readReply(message));
      }
    }).catch((error) => {
      if (socket !== this.socket) return;
      socket.close(3000, "bad reply");
      this.#lost(`what the server sent is not understood: ${error.message}`);
    });
  }

  #answer(reply) {
    const call = this.waiting.shift();
    if (!call) throw new Error("a reply that nobody asked for");
    this.delay = this.minDelay; // it serves
    this.#settle(call, () => {
      if (call.good.includes(reply.status)) call.resolve(reply);
      else call.reject(new StatusError(reply.status, reply.message));
    });
  }

  #settle(call, how) {
    if (call.done) return;
    call.done = true;
    clearTimeout(call.timer);
    how();
  }

  // A call that waits for a connection goes. One that was sent keeps its place, or replies would be mixed up.
  #late(call) {
    this.queue = this.queue.filter((other) => other !== call);
    const why = this.state === "open" ? "no reply" : `no connection (${this.trouble || "still connecting"})`;
    this.#settle(call, () => call.reject(new ConnectionError(`${why} within ${this.timeout / 1000} s`, call.sent)));
    if (!call.sent) this.waiting = this.waiting.filter((other) => other !== call);
  }

  #fail(error) {
    const calls = [...this.waiting.splice(0), ...(this.state === "closed" ? this.queue.splice(0) : [])];
    for (const call of calls)
      this.#settle(call, () => call.reject(new ConnectionError(error.message, call.sent)));
  }

  #lost(why) {
    this.socket = undefined;
    this.#fail(new ConnectionError(why));
    if (this.state === "closed") return;
    this.#change("waiting", why);
    // Many clients of a server that comes back should not all come at once.
    this.retry = setTimeout(() => {
      this.#change("connecting", why);
      this.#connect();
    }, this.delay * (0.5 + Math.random() / 2));
    this.delay = Math.min(2 * this.delay, this.maxDelay);
  }
}
