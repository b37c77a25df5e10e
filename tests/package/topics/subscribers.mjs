// SPDX-License-Identifier: MIT
//
// ioredis, and EventSource in Chromium, at one topic of a kvs: node subscribers.mjs PORT CLIENTS WEBSOCKET CHROMIUM,
// where CLIENTS and WEBSOCKET are the folders with ioredis and playwright-core. Says "ready" when both have subscribed.
// A line {"publish": TEXT} of standard input is published by ioredis; the number of receivers comes back. A line N
// makes it wait for N messages, and print those that each has got.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { resolve } from "node:path";

const [port, clients, websocket, executablePath] = process.argv.slice(2);
const from = (folder, name) => createRequire(`${resolve(folder)}/package.json`)(name);
const Redis = from(clients, "ioredis");
const { chromium } = from(websocket, "playwright-core");

const redis = new Redis({ host: "127.0.0.1", port: Number(port) });
const subscriber = redis.duplicate();
const heard = [];
subscriber.on("message", (topic, value) => heard.push({ topic, value }));

const browser = await chromium.launch({
  executablePath,
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
});
const page = await browser.newPage();
await page.goto(`http://127.0.0.1:${port}/healthz`);
await page.evaluate(() => new Promise((resolve, reject) => {
  window.told = [];
  const events = new EventSource("/v1/topics/news");
  events.onmessage = ({ data }) => told.push(JSON.parse(data));
  events.onopen = resolve;
  events.onerror = reject;
}));
await subscriber.subscribe("news");
console.log("ready");

async function allOf(count) {
  while (heard.length < count) await new Promise((resolve) => subscriber.once("message", resolve));
  await page.waitForFunction((count) => told.length >= count, count);
  return { ioredis: heard, EventSource: await page.evaluate(() => told) };
}

for await (const line of createInterface({ input: process.stdin })) {
  const said = JSON.parse(line);
  const answer = said.publish ? await redis.publish("news", said.publish) : await allOf(said);
  console.log(JSON.stringify(answer));
}
await browser.close();
redis.disconnect();
subscriber.disconnect();
