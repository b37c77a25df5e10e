// SPDX-License-Identifier: MIT
//
// The page of examples/browser in Chromium: kvs serves it, and it talks to kvs.
// Run: node test_chromium.mjs KVS MODULES ROOT CHROMIUM [FOLDER for screenshots]
import { createServer } from "node:http";
import { connect, createServer as createProxy } from "node:net";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { files, launch, set, visit as visitIn } from "./page.mjs";
import { assert, run, serve, serveWith, until } from "./server.mjs";

const [executablePath, pictures] = process.argv.slice(5);
const browser = await launch(executablePath);
const options = `?page=${files}`;
const visit = (...args) => visitIn(browser, ...args);

await run({
  "the page sets, gets, deletes and lists": async () => {
    const server = await serve(`ws://127.0.0.1:0/${options}`);
    const it = await visit(server.urls[0]);
    await it.open();
    await set(it, "hello", "string", "world, ünï\u{1f600}");
    await set(it, "count", "integer", "9223372036854775807");
    await set(it, "ratio", "float", "0.5");
    await set(it, "ready", "bool", "true");
    await set(it, "raw", "binary (hex)", "00ff80");
    await it.page.fill("#key", "count");
    await it.page.fill("#value", "");
    await it.page.click("#get");
    await until(async () => (await it.page.inputValue("#value")) === "9223372036854775807", "the integer is there");
    assert.equal(await it.page.inputValue("#type"), "integer");
    await it.page.fill("#value", "no number");
    await it.page.click("#set");
    await until(async () => /not an integer/.test(await it.answer()), "a bad value is refused");
    await it.page.click("#list");
    await until(async () => (await it.page.locator("#rows tr").count()) === 5, "five pairs are listed");
    if (pictures) {
      await it.page.screenshot({ path: `${pictures}/light.png` });
      await it.page.emulateMedia({ colorScheme: "dark" });
      await it.page.screenshot({ path: `${pictures}/dark.png` });
    }
    await it.page.fill("#key", "raw");
    await it.page.click("#delete");
    await until(async () => /deleted raw/.test(await it.answer()), "it is deleted");
    assert.deepEqual(it.complaints, []);
    await it.page.close();
    await server.stop();
  },

  "the page asks who one is, and logs in anew after a restart": async () => {
    const home = mkdtempSync(`${tmpdir()}/weft-`);
    const hash = "$5$rounds=1000$salt$rloU6KpfKKm9G.NUT4Kh3.lZ3eQ67D/GrlYTTZlly7."; // of "sesame"
    writeFileSync(`${home}/users`, `ann ${hash} write\n`);
    const users = ["--users", `${home}/users`];
    let server = await serveWith(users, `ws://127.0.0.1:0/${options}`);
    const it = await visit(server.urls[0]);
    await it.open();
    assert.equal(await it.page.isVisible("#login"), false);
    await it.page.fill("#key", "k");
    await it.page.fill("#value", "v");
    await it.page.click("#set");
    await until(() => it.page.isVisible("#login"), "it asks");
    await it.page.fill("#user", "ann");
    await it.page.fill("#password", "wrong");
    await it.page.keyboard.press("Enter");
    await until(async () => /the user or the password is wrong/.test(await it.answer()), "a wrong password is refused");
    if (pictures) await it.page.screenshot({ path: `${pictures}/login.png` });
    await it.page.fill("#password", "sesame");
    await it.page.keyboard.press("Enter");
    await until(async () => /set k/.test(await it.answer()), "what was refused is done");
    assert.equal(await it.page.isVisible("#login"), false);
    await server.stop();
    await until(async () => (await it.state()) !== "open", "the end is shown");
    server = await serveWith(users, server.urls[0] + options);
    await it.open();
    await set(it, "again", "string", "here");
    await it.page.close();
    await server.stop();
    rmSync(home, { recursive: true });
  },

  "the keyboard is enough": async () => {
    const server = await serve(`ws://127.0.0.1:0/${options}`);
    const it = await visit(server.urls[0]);
    await it.open();
    assert.equal(await it.page.evaluate(() => document.activeElement.id), "key");
    await it.page.keyboard.type("typed");
    await it.page.keyboard.press("Tab");
    await it.page.keyboard.press("Tab");
    await it.page.keyboard.type("by hand");
    await it.page.keyboard.press("Enter");
    await until(async () => /set typed/.test(await it.answer()), "Enter sets");
    await it.page.keyboard.press("Control+Enter");
    await until(async () => /1 pairs/.test(await it.answer()), "Ctrl+Enter lists");
    await it.page.close();
    await server.stop();
  },

  "a large value goes both ways": async () => {
    const server = await serve(`ws://127.0.0.1:0/${options}`);
    const it = await visit(server.urls[0]);
    await it.open();
    const same = await it.page.evaluate(async () => {
      const { Client } = await import("./weft.js");
      const kvs = new Client(location.href.replace("http", "ws"));
      const bytes = new Uint8Array(4_000_000);
      for (let at = 0; at < bytes.length; at += 65536) crypto.getRandomValues(bytes.subarray(at, Math.min(at + 65536, bytes.length)));
      const text = "compressible ".repeat(500_000);
      await Promise.all([kvs.set("large", "bytes", bytes), kvs.set("large", "text", text)]);
      const back = await kvs.get("large", "bytes");
      const same = back.length === bytes.length && back.every((byte, i) => byte === bytes[i]);
      return same && (await kvs.get("large", "text")) === text;
    });
    assert.equal(same, true);
    await it.page.close();
    await server.stop();
  },

  "a restart of the server is shown and survived": async () => {
    let server = await serve(`ws://127.0.0.1:0/${options}`);
    const it = await visit(server.urls[0]);
    await it.open();
    await server.stop();
    await until(async () => (await it.state()) !== "open", "the end is shown");
    await until(async () => /going away|failed/.test(await it.page.textContent("#state-text")), "and why");
    if (pictures) await it.page.screenshot({ path: `${pictures}/waiting.png` });
    server = await serve(server.urls[0] + options);
    await it.open();
    await set(it, "again", "string", "here");
    await it.page.close();
    await server.stop();
  },

  "EventSource gets the changes of a table, also those that came while it had no connection": async () => {
    const other = createServer((_, response) => response.end("other"));
    await new Promise((resolve) => other.listen(0, "127.0.0.1", resolve));
    const origin = `http://127.0.0.1:${other.address().port}`;
    const server = await serve(`tcp://127.0.0.1:0?codec=http&cors=${origin}`);
    const base = server.urls[0].replace("tcp", "http");
    let between = [];
    const proxy = createProxy((near) => {
      const far = connect(new URL(base).port, "127.0.0.1");
      near.pipe(far).pipe(near);
      [near, far].forEach((socket) => socket.on("error", () => {}));
      between.push(near, far);
    });
    await new Promise((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    const page = await browser.newPage();
    await page.goto(origin);
    await page.evaluate((url) => {
      window.told = [];
      window.changes = new EventSource(url);
      changes.onmessage = (event) => told.push(JSON.parse(event.data));
      changes.addEventListener("end", (event) => (window.end = JSON.parse(event.data)));
    }, `http://127.0.0.1:${proxy.address().port}/v1/tables/t/changes`);
    await until(() => page.evaluate(() => changes.readyState === 1), "it is open");
    const put = (key) => fetch(`${base}/v1/tables/t/keys/${key}`, { method: "PUT", body: key });
    await put("a");
    await until(() => page.evaluate(() => told.length === 1), "a change has come");
    // Chromium comes back by itself, with Last-Event-ID.
    between.forEach((socket) => socket.destroy());
    await put("b");
    await until(() => page.evaluate(() => told.length === 2), "what was missed has come");
    await put("c");
    await until(() => page.evaluate(() => told.length === 3), "all changes have come");
    assert.deepEqual(await page.evaluate(() => told.map(({ change, key, value }) => [change, key, value])),
      [["set", "a", "a"], ["set", "b", "b"], ["set", "c", "c"]]);
    await server.stop();
    await until(() => page.evaluate(() => window.end?.status === 503), "the end is told");
    await page.close();
    proxy.close();
    other.close();
  },

  "a page of another origin is kept out, unless it is listed": async () => {
    const other = createServer((_, response) => response.end("other"));
    await new Promise((resolve) => other.listen(0, "127.0.0.1", resolve));
    const origin = `http://127.0.0.1:${other.address().port}`;
    const closed = await serve("ws://127.0.0.1:0/"), listed = await serve(`ws://127.0.0.1:0/?origin=${origin}`);
    const page = await browser.newPage();
    await page.goto(origin);
    const knock = (url) => page.evaluate((url) => new Promise((resolve) => {
      const socket = new WebSocket(url);
      socket.onopen = () => resolve("open");
      socket.onclose = ({ code }) => resolve(code);
    }), url);
    assert.equal(await knock(closed.urls[0]), 1006);
    assert.equal(await knock(listed.urls[0]), "open");
    await page.close();
    other.close();
    await Promise.all([closed, listed].map((server) => server.stop()));
  },
}, () => browser.close());
