// SPDX-License-Identifier: MIT
//
// The console of kvs --admin in Chromium: an operator's walk through its views, under load.
// Run: node test_console.mjs KVS MODULES ROOT CHROMIUM KVC [FOLDER for screenshots]
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { assert, kvs, require, run, until } from "../websocket/server.mjs";

const { chromium } = require("playwright-core");
const [executablePath, kvc, pictures] = process.argv.slice(5);
const browser = await chromium.launch({
  executablePath,
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
});

// Starts kvs with its admin service: the address of its data, and that of the console.
async function serve(...options) {
  const words = ["--log-level", "error", "--listen", "tcp://127.0.0.1:0", "--admin", "tcp://127.0.0.1:0", ...options];
  const child = spawn(kvs, words, { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  while (!/^admin .*\n/m.test(text)) text += (await once(child.stdout, "data"))[0];
  const [, data] = text.match(/^listening (\S+)/m), [, admin] = text.match(/^admin (\S+)/m);
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    assert.equal((await ended)[0], 0, "kvs ends well");
  };
  return { child, data, console: admin.replace(/^tcp/, "http").replace(/\?.*/, "") + "/", stop };
}

async function call(server, ...words) {
  const child = spawn(kvc, ["--server", server.data, ...words], { stdio: ["ignore", "ignore", "inherit"] });
  assert.equal((await once(child, "exit"))[0], 0, `kvc ${words.join(" ")}`);
}

async function visit(server, view = "overview", context = {}) {
  const page = await browser.newPage({ viewport: { width: 1200, height: 900 }, ...context });
  const complaints = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  await page.goto(`${server.console}#${view}`);
  await until(async () => (await page.getAttribute("#state", "data-state")) === "ready", "the server is ready");
  return { page, complaints, rows: (id) => page.locator(`#${id} tbody tr:not(:has(.empty))`) };
}

const shoot = (page, name) => pictures && page.screenshot({ path: `${pictures}/${name}.png` });

async function withServer(test, ...options) {
  const server = await serve(...options);
  try {
    await test(server);
  } finally {
    await server.stop();
  }
}

await run({
  "the overview shows rates, latencies and commands": () => withServer(async (server) => {
    const load = spawn(kvc, ["--server", server.data, "bench", "--requests", "100000000", "--clients", "8"], { stdio: "ignore" });
    const { page, complaints, rows } = await visit(server);
    await until(async () => (await page.locator("#commands").innerText()).includes("hget"), "hget is among the commands");
    await until(async () => /^[\d.]+ [kM]/.test(await page.locator(".tile b").first().innerText()), "there is a rate");
    await until(async () => (await page.locator("#chart-requests canvas").count()) === 1, "requests are drawn");
    assert.match(await page.locator(".tile b").nth(2).innerText(), /s$/, "there is a latency");
    if (pictures) await page.waitForTimeout(45000);
    await shoot(page, "console");
    await page.emulateMedia({ colorScheme: "dark" });
    if (pictures) await page.waitForTimeout(1500);
    await shoot(page, "console-dark");
    await page.setViewportSize({ width: 320, height: 900 });
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= 320), "it fits 320 pixels");
    await shoot(page, "console-narrow");
    await page.setViewportSize({ width: 1200, height: 900 });
    await page.click("#tab-loops");
    await until(async () => (await rows("loop-rows").count()) > 0 && (await rows("endpoint-rows").count()) > 0, "loops and endpoints");
    await shoot(page, "console-loops");
    load.kill();
    await once(load, "exit");
    assert.deepEqual(complaints, []);
    await page.close();
  }),

  "tables are browsed, read and changed, and a newer value is not overwritten": () => withServer(async (server) => {
    await call(server, "hset", "fruit", "apple", "red");
    await call(server, "hset", "fruit", "count", "int:7");
    const { page, complaints } = await visit(server, "tables");
    const note = (pattern) => until(async () => pattern.test(await page.textContent("#value-note")), `${pattern}`);
    await page.click("#table-list button:has-text('fruit')");
    await page.click("#key-list button:has-text('apple')");
    await note(/^string, version/);
    assert.equal(await page.inputValue("#value-text"), "red");
    await page.fill("#value-text", "green <b>");
    await page.click("#value-set");
    await note(/^stored/);
    await page.click("#key-list button:has-text('count')");
    await note(/^integer, version/);
    await page.fill("#value-text", "9007199254740993");
    await page.click("#value-set");
    await note(/^stored/);
    assert.equal(await page.inputValue("#value-text"), "9007199254740993");
    await shoot(page, "console-tables");
    assert.deepEqual(complaints, []);
    await call(server, "hset", "fruit", "count", "int:8");
    await page.click("#value-set");
    await until(async () => /another value/.test(await page.textContent("#notice")), "it says that there is another value");
    await page.click("#value-get");
    await until(async () => (await page.inputValue("#value-text")) === "8", "the other value is there");
    await page.click("#value-delete");
    await note(/deleted/);
    await page.close();
  }),

  "no name of a client is taken for markup": () => withServer(async (server) => {
    await call(server, "hset", "t", "<img src=x onerror=alert(1)>", "<script>alert(2)</script>");
    const { page, complaints } = await visit(server, "tables");
    await page.click("#table-list button:has-text('t')");
    await until(async () => (await page.textContent("#key-list")).includes("<img"), "the name is shown as it is");
    assert.equal(await page.locator("#key-list img").count(), 0);
    assert.deepEqual(complaints, []);
    await page.close();
  }),

  "a connection is ended": () => withServer(async (server) => {
    const { hostname, port } = new URL(server.data.replace(/^tcp/, "http"));
    const client = connect(Number(port), hostname);
    const closed = once(client, "close");
    client.on("error", () => {});
    await once(client, "connect");
    const { page, rows } = await visit(server, "connections");
    await until(async () => (await rows("connection-rows").count()) === 1, "the client is listed");
    await page.click("#connection-rows button");
    await closed;
    await until(async () => (await rows("connection-rows").count()) === 0, "nobody is listed");
    await page.close();
  }),

  "views are reached by keys, and settings change": () => withServer(async (server) => {
    const { page, complaints, rows } = await visit(server);
    await page.focus("#tab-overview");
    for (const id of ["loops", "connections", "slowlog", "tables", "settings"]) {
      await page.keyboard.press("ArrowRight");
      assert.ok(await page.isVisible(`#${id}`), `${id} is shown`);
    }
    await until(async () => (await rows("limit-rows").count()) > 10, "limits are listed");
    await page.selectOption("#log-level", "warn");
    await until(async () => (await (await fetch(`${server.console}info`)).json()).log_level === "warn", "the level is set");
    await page.click("#do-reload");
    await until(async () => !(await page.isHidden("#notice")), "the reload is answered");
    assert.deepEqual(complaints.filter((text) => !/status of/.test(text)), []);
    await page.close();
  }),

  "a server that has gone is said to be offline": () => withServer(async (server) => {
    const { page } = await visit(server);
    await server.stop();
    await until(async () => (await page.getAttribute("#state", "data-state")) === "offline", "it is offline");
    await page.close();
  }),
}, () => browser.close());
