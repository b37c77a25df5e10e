// SPDX-License-Identifier: MIT
//
// The page of examples/browser in a Chromium that trusts the authority of kvs --make-certificate, over TLS.
// Run: node test_chromium_tls.mjs KVS MODULES ROOT CHROMIUM CERTUTIL [FOLDER for screenshots]
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { files, launch, set, visit } from "./page.mjs";
import { assert, makeCertificates, run, serveWith, until } from "./server.mjs";

const [executablePath, certutil, pictures] = process.argv.slice(5);
const { folder, ca, options, remove } = makeCertificates();
const serve = (url) => serveWith(["--log-level", "debug"], `${url}?page=${files}&${options}`);

// Chromium trusts what stands in the database of its user: here of one who has a folder of the test as home.
function trusting() {
  const database = `${folder}/.pki/nssdb`;
  mkdirSync(database, { recursive: true });
  execFileSync(certutil, ["-N", "--empty-password", "-d", `sql:${database}`]);
  execFileSync(certutil, ["-A", "-d", `sql:${database}`, "-t", "C,,", "-n", "weft", "-i", ca]);
  return { ...process.env, HOME: folder };
}

// Replaces the server's certificate by one of the same authority that has expired.
function expire() {
  writeFileSync(`${folder}/index`, "");
  writeFileSync(`${folder}/names`, "subjectAltName=DNS:localhost,IP:127.0.0.1\n");
  writeFileSync(`${folder}/config`, `[ca]\ndefault_ca=d\n[d]\ndatabase=${folder}/index\nnew_certs_dir=${folder}\n` +
    "rand_serial=yes\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n");
  const openssl = (...words) => execFileSync("openssl", words, { stdio: "pipe" });
  openssl("req", "-new", "-key", `${folder}/server.key`, "-subj", "/CN=late", "-out", `${folder}/request`);
  openssl("ca", "-batch", "-notext", "-config", `${folder}/config`, "-cert", ca, "-keyfile", `${folder}/ca.key`,
    "-extfile", `${folder}/names`, "-in", `${folder}/request`, "-startdate", "20200101000000Z",
    "-enddate", "20200201000000Z", "-out", `${folder}/server.pem`);
}

const browser = await launch(executablePath, { env: trusting() });
const shoot = async ({ page }, name) => pictures && page.screenshot({ path: `${pictures}/${name}.png` });

// Opens the page of a fresh server.
async function begin() {
  const server = await serve("wss://127.0.0.1:0/");
  const it = await visit(browser, server.urls[0]);
  await it.open();
  return { server, it, url: server.urls[0] };
}

async function get({ page }, key, value) {
  await page.fill("#key", key);
  await page.fill("#value", "");
  await page.click("#get");
  await until(async () => (await page.inputValue("#value")) === value, `the value of ${key} comes back`);
}

await run({
  "the page sets, gets and lists": async () => {
    const { server, it } = await begin();
    assert.match(await it.page.textContent("#state-text"), /^open: wss:/);
    await set(it, "hello", "string", "world, ünï\u{1f600}");
    await set(it, "count", "integer", "9223372036854775807");
    await get(it, "hello", "world, ünï\u{1f600}");
    await it.page.click("#list");
    await until(async () => (await it.page.locator("#rows tr").count()) === 2, "two pairs are listed");
    await shoot(it, "tls-open");
    assert.deepEqual(it.complaints, []);
    await it.page.close();
    await server.stop();
  },

  "a value of 1 MiB goes both ways, and one that no compression makes smaller": async () => {
    const { server, it } = await begin();
    const text = "a long text, ünï. ".repeat(1 << 16).slice(0, 1 << 20);
    await set(it, "large", "string", text);
    await get(it, "large", text);
    assert.equal(await it.page.evaluate(async () => {
      const { Client } = await import("./weft.js");
      const kvs = new Client(location.href.replace("http", "ws"));
      const bytes = new Uint8Array(1 << 20);
      for (let at = 0; at < bytes.length; at += 65536) crypto.getRandomValues(bytes.subarray(at, at + 65536));
      await kvs.set("table1", "noise", bytes);
      const back = await kvs.get("table1", "noise");
      kvs.close();
      return back.length === bytes.length && back.every((byte, i) => byte === bytes[i]);
    }), true);
    await it.page.close();
    await server.stop();
  },

  "a restart is survived, and a certificate that has expired keeps the page out": async () => {
    let { server, it, url } = await begin();
    await server.stop();
    await until(async () => (await it.state()) !== "open", "the end is shown");
    server = await serve(url);
    await it.open();
    await set(it, "again", "string", "here");
    await get(it, "again", "here");

    await server.stop();
    await until(async () => (await it.state()) !== "open", "the end is shown again");
    expire();
    server = await serve(url);
    await until(() => /reason=protocol detail="the client refuses: certificate/.test(server.log()), "the log says why the handshake failed");
    await until(async () => /^waiting: .*fail/.test(await it.page.textContent("#state-text")), "the page says that it cannot");
    await shoot(it, "tls-expired");
    const page = await browser.newPage();
    await assert.rejects(page.goto(url.replace("wss", "https")), /ERR_CERT_DATE_INVALID/);
    await page.close();
    await it.page.close();
    await server.stop();
  },
}, async () => {
  await browser.close();
  remove();
});
