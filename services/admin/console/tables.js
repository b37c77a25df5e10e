// Browsing and editing the data, by the resources of kv over HTTP (docs/http.md) at the same address. A change names the
// version that was shown, so that nobody's newer value is overwritten unseen.
const PAGE = 100;
const browsed = { table: null, tables: {}, keys: {}, etag: null };

// A name or value that is not UTF-8 comes as {"base64": ...}.
const binaryText = (base64) => Array.from(atob(base64), (char) => char.charCodeAt(0));
const nameText = (name) => (typeof name === "string" ? name : `base64:${name.base64}`);
const nameQuery = (name) => (typeof name === "string"
  ? encodeURIComponent(name)
  : binaryText(name.base64).map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join(""));
const typedName = (text) => (text.startsWith("base64:") ? { base64: text.slice(7) } : text);
const keyPath = (table, key) => `v1/tables/${nameQuery(table)}/keys/${nameQuery(key)}`;

function valueText(value) {
  if (value === null) return "";
  if (typeof value === "object") return value.base64 ?? value.integer ?? value.float;
  return String(value);
}

// A value and its type out of its JSON. 2.0 is a float there, which JSON.parse would not tell from 2.
function parseValue(json) {
  const value = JSON.parse(json);
  if (value === null) return ["string", ""];
  if (typeof value === "object") return [{ base64: "binary" }[Object.keys(value)[0]] ?? Object.keys(value)[0], valueText(value)];
  if (typeof value === "boolean") return ["bool", String(value)];
  if (typeof value === "string") return ["string", value];
  return [/[.eE]/.test(json) ? "float" : "integer", json.trim()];
}

function listButton(name, detail, action) {
  return element("li", {}, element("button", { type: "button", onclick: action }, element("span", {}, nameText(name)), element("span", {}, detail)));
}

async function listTables(more) {
  const query = new URLSearchParams({ limit: PAGE, prefix: $("table-prefix").value });
  if (more) query.set("cursor", browsed.tables.cursor);
  const page = await readJson(`v1/tables?${query}`);
  const items = page.tables.map(({ name, keys }) => listButton(name, `${keys}`, () => openTable(name)));
  if (more) $("table-list").append(...items);
  else $("table-list").replaceChildren(...(items.length ? items : [element("li", { class: "empty" }, "there are no tables")]));
  browsed.tables.cursor = page.cursor;
  $("table-more").hidden = !page.cursor;
}

function openTable(name) {
  browsed.table = name;
  $("value-table").value = nameText(name);
  $("key-prefix").value = "";
  attempt(() => listKeys(false));
}

async function listKeys(more) {
  if (browsed.table === null) throw new Error("choose a table first");
  const query = new URLSearchParams({ limit: PAGE, prefix: $("key-prefix").value });
  if (more) query.set("cursor", browsed.keys.cursor);
  const page = await readJson(`v1/tables/${nameQuery(browsed.table)}?${query}`);
  const items = page.pairs.map(({ key, value }) => listButton(key, valueText(value).slice(0, 40), () => openKey(browsed.table, key)));
  if (more) $("key-list").append(...items);
  else $("key-list").replaceChildren(...(items.length ? items : [element("li", { class: "empty" }, "there are no keys")]));
  browsed.keys.cursor = page.cursor;
  $("key-more").hidden = !page.cursor;
}

function openKey(table, key) {
  $("value-table").value = nameText(table);
  $("value-key").value = nameText(key);
  attempt(getValue);
}

function shownPath() {
  return keyPath(typedName($("value-table").value), typedName($("value-key").value));
}

async function getValue() {
  const path = shownPath();
  const answer = await request(path);
  const [type, text] = parseValue(await answer.text());
  $("value-type").value = type;
  $("value-text").value = text;
  $("value-expires").value = answer.headers.get("Weft-Expires-In") ?? "";
  $("value-note").textContent = `${type}, version ${(answer.headers.get("ETag") ?? "").slice(1, 9)}`;
  browsed.etag = { path, tag: answer.headers.get("ETag") };
}

// The condition of a change: what was shown is still there, or, if nothing was, the key is new.
function condition(path) {
  return browsed.etag?.path === path ? { "If-Match": browsed.etag.tag } : { "If-None-Match": "*" };
}

function typedValue(type, text) {
  switch (type) {
    case "integer":
      if (!/^[+-]?\d+$/.test(text)) throw new Error(`"${text}" is not an integer`);
      return { integer: text };
    case "float":
      if (text.trim() === "" || Number.isNaN(Number(text))) throw new Error(`"${text}" is not a number`);
      return { float: text };
    case "bool":
      if (text !== "true" && text !== "false") throw new Error("a bool is true or false");
      return text === "true";
    case "binary":
      return { base64: text.trim() };
    default:
      return text;
  }
}

function explain(error) {
  if (error.status !== 412) return error;
  return new Error("there is another value by now: get it first");
}

async function storeValue() {
  const path = shownPath();
  const headers = { "Content-Type": "application/json", ...condition(path) };
  const expires = $("value-expires").value.trim();
  if (expires) headers["Weft-Expires-In"] = expires;
  const body = JSON.stringify(typedValue($("value-type").value, $("value-text").value));
  try {
    await request(path, { method: "PUT", headers, body });
  } catch (error) {
    throw explain(error);
  }
  await getValue();
  $("value-note").textContent = `stored: ${$("value-note").textContent}`;
}

async function deleteValue() {
  const path = shownPath();
  try {
    await request(path, { method: "DELETE", headers: condition(path) });
  } catch (error) {
    throw explain(error);
  }
  browsed.etag = null;
  $("value-text").value = "";
  $("value-note").textContent = "deleted";
}

function beginTables() {
  const submit = (id, work) => $(id).addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(work);
  });
  submit("table-form", () => listTables(false));
  submit("key-form", () => listKeys(false));
  submit("value-form", storeValue);
  $("table-more").addEventListener("click", () => attempt(() => listTables(true)));
  $("key-more").addEventListener("click", () => attempt(() => listKeys(true)));
  $("value-get").addEventListener("click", () => attempt(getValue));
  $("value-delete").addEventListener("click", () => attempt(deleteValue));
}
