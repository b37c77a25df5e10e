// SPDX-License-Identifier: MIT
//
// What the tests in Chromium share: a browser, and the page of examples/browser in it.
import { require, root, until } from "./server.mjs";

const folder = `${root}/examples/browser`;
export const files = ["index.html", "page.js", "page.css", "weft.js"].map((name) => `${folder}/${name}`).join(",");

export const launch = (executablePath, more = {}) => require("playwright-core").chromium.launch({
  executablePath,
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
  ...more,
});

// Opens the page of a server, and collects what Chromium complains about.
export async function visit(browser, url, context = {}) {
  const page = await browser.newPage({ viewport: { width: 900, height: 760 }, ...context });
  const complaints = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  await page.goto(url.replace(/^ws/, "http"));
  const state = () => page.getAttribute("#state", "data-state");
  const answer = () => page.textContent("#answer");
  return { page, complaints, state, answer, open: () => until(async () => (await state()) === "open", "it is open") };
}

export async function set({ page, answer }, key, type, value) {
  await page.fill("#key", key);
  await page.selectOption("#type", { label: type });
  await page.fill("#value", value);
  await page.click("#set");
  await until(async () => (await answer()).startsWith(`set ${key} `), `${key} is set, not: ${await answer()}`);
}
