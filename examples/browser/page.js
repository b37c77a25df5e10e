// SPDX-License-Identifier: MIT
//
// The page: sets, gets, deletes and lists. It talks to the server that it came from, or to the one in
// ?server=wss://HOST:PORT/PATH.
import { Client } from "./weft.js";

const SHOWN = 200; // pairs of a list
const CUT = 300; // characters of a value in it

const at = (id) => document.getElementById(id);
const own = new URL("./", location.href.replace(/^http/, "ws"));
const server = new URLSearchParams(location.search).get("server") ?? own.origin + own.pathname;
const kvs = new Client(server, { timeout: 15000 });

kvs.addEventListener("state", () => {
  at("state").dataset.state = kvs.state;
  at("state-text").textContent = kvs.state === "open" ? `open: ${server}` : `${kvs.state}: ${kvs.trouble || server}`;
});

const typeOf = (value) =>
  value === null ? "empty" : value instanceof Uint8Array ? "binary"
    : { string: "string", bigint: "integer", number: "float", boolean: "bool" }[typeof value];

const textOf = (value) =>
  value === null ? "" : value instanceof Uint8Array ? [...value].map((byte) => byte.toString(16).padStart(2, "0")).join("")
    : String(value);

function parse(type, text) {
  const wrong = (what) => { throw new TypeError(`not ${what}: ${text.slice(0, 40)}`); };
  switch (type) {
    case "string":
      return text;
    case "integer":
      return /^[-+]?\d+$/.test(text.trim()) ? BigInt(text.trim().replace(/^\+/, "")) : wrong("an integer");
    case "float":
      return text.trim() !== "" && !Number.isNaN(Number(text)) ? Number(text) : wrong("a number");
    case "bool":
      return /^(true|false)$/.test(text.trim()) ? text.trim() === "true" : wrong("true or false");
    default:
      if (!/^([\da-f]{2}\s*)*$/i.test(text)) wrong("hexadecimal digits in pairs");
      return Uint8Array.from(text.match(/[\da-f]{2}/gi) ?? [], (pair) => parseInt(pair, 16));
  }
}

function answer(text, bad = false) {
  at("answer").dataset.kind = bad ? "bad" : "good";
  at("answer").textContent = text;
}

let refused; // the action that needs a login

function askWho(action) {
  refused = action;
  at("login").hidden = false;
  at("user").focus();
}

async function logIn() {
  try {
    await kvs.login(at("user").value, at("password").value);
  } catch (error) {
    answer(error.message, true);
    at("password").select();
    return;
  }
  at("login").hidden = true;
  at("password").value = "";
  answer(`logged in as ${at("user").value}`);
  if (refused) run(refused);
}

// Runs one action, and shows what went wrong.
async function run(action) {
  const began = performance.now();
  try {
    const text = await action(at("table").value, at("key").value);
    answer(`${text} (${Math.round(performance.now() - began)} ms)`);
  } catch (error) {
    answer(error.message + (error.uncertain ? "; it may have taken effect" : ""), true);
    if (error.status === 401) askWho(action);
  }
}

async function set(table, key) {
  await kvs.set(table, key, parse(at("type").value, at("value").value));
  return `set ${key}`;
}

async function get(table, key) {
  const value = await kvs.get(table, key);
  if (value === undefined) return `there is no ${key} in ${table}`;
  at("type").value = value === null ? "string" : typeOf(value);
  at("value").value = textOf(value);
  return `${key} is ${typeOf(value)} of ${textOf(value).length} characters`;
}

async function remove(table, key) {
  return (await kvs.delete(table, key)) !== null ? `deleted ${key}` : `there was no value at ${key}`;
}

async function list(table) {
  const rows = [];
  for await (const { key, value } of kvs.pairs(table, { limit: SHOWN })) {
    if (rows.length === SHOWN) break;
    const text = textOf(value);
    const row = document.createElement("tr");
    for (const cell of [key, typeOf(value), text.length > CUT ? `${text.slice(0, CUT)}… (${text.length})` : text])
      row.insertCell().textContent = cell;
    rows.push(row);
  }
  if (rows.length === 0) {
    const row = document.createElement("tr");
    row.className = "empty";
    row.insertCell().textContent = `${table} has no keys.`;
    row.cells[0].colSpan = 3;
    at("rows").replaceChildren(row);
    return `${table} is empty`;
  }
  rows.sort((a, b) => (a.cells[0].textContent < b.cells[0].textContent ? -1 : 1));
  at("rows").replaceChildren(...rows);
  return rows.length === SHOWN ? `the first ${SHOWN} pairs of ${table}` : `${rows.length} pairs of ${table}`;
}

at("login").addEventListener("submit", (event) => {
  event.preventDefault();
  logIn();
});
at("form").addEventListener("submit", (event) => {
  event.preventDefault();
  run(set);
});
at("get").addEventListener("click", () => at("form").reportValidity() && run(get));
at("delete").addEventListener("click", () => at("form").reportValidity() && run(remove));
at("list").addEventListener("click", () => run(list));
at("form").addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  if (event.ctrlKey) {
    event.preventDefault();
    run(list);
  } else if (event.target === at("value") && !event.shiftKey) {
    event.preventDefault();
    at("form").requestSubmit();
  }
});
