// SPDX-License-Identifier: MIT
//
// What the tests of examples/browser share: a kvs of their own, and checks.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { resolve } from "node:path";

export const [kvs, modules, root] = process.argv.slice(2).map((path) => resolve(path));
export const require = createRequire(`${modules}/package.json`);
export { assert };

// Starts kvs and returns the addresses that it says it listens on, and a function that reads its log.
export const serve = (...urls) => serveWith([], ...urls);

export async function serveWith(options, ...urls) {
  const child = spawn(kvs, ["--log-level", "error", ...options, ...urls.flatMap((url) => ["--listen", url])], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  child.stderr.on("data", (data) => {
    log += data;
    process.stderr.write(data);
  });
  let text = "";
  while ((text.match(/\n/g) ?? []).length < urls.length) text += (await once(child.stdout, "data"))[0];
  const stop = async () => {
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    const [code] = await ended;
    assert.equal(code, 0, "kvs ends well");
  };
  return { urls: text.trim().split("\n").map((line) => line.split(" ")[1]), stop, log: () => log };
}

// Makes an authority and a server's pair in a folder of its own, and says how a server and a client name them.
export function makeCertificates() {
  const folder = mkdtempSync(`${tmpdir()}/weft-`);
  execFileSync(kvs, ["--make-certificate", folder]);
  return {
    folder,
    ca: `${folder}/ca.pem`,
    options: `cert=${folder}/server.pem&key=${folder}/server.key`,
    remove: () => rmSync(folder, { recursive: true }),
  };
}

// Waits until check() is true, at most so many seconds.
export async function until(check, what, seconds = 20) {
  for (const end = Date.now() + 1000 * seconds; Date.now() < end; ) {
    if (await check()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.fail(`not within ${seconds} s: ${what}`);
}

// Runs the tests one after another and says which failed.
export async function run(tests, finish = () => {}) {
  let failed = 0;
  for (const [name, test] of Object.entries(tests)) {
    try {
      await test();
      console.log(`ok   ${name}`);
    } catch (error) {
      failed++;
      console.log(`FAIL ${name}\n${error.stack}`);
    }
  }
  await finish();
  process.exit(failed === 0 ? 0 : 1);
}
