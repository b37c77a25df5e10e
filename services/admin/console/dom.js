// What the views use to write the page. Text becomes nodes and never markup, so that no key or address of a client
// is read as HTML.
const $ = (id) => document.getElementById(id);

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== false && value !== null) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

// Fills a table. A column is [heading, cell of a row, "number" if it is right-aligned].
function fillTable(table, columns, rows, empty) {
  const cell = (name, [heading, , kind], content) =>
    element(name, { class: kind ?? null, scope: name === "th" ? "col" : null }, content ?? heading);
  const head = element("tr", {}, ...columns.map((column) => cell("th", column)));
  const lines = rows.map((row) => element("tr", {}, ...columns.map((column) => cell("td", column, column[1](row) ?? ""))));
  if (!lines.length) lines.push(element("tr", {}, element("td", { colspan: columns.length, class: "empty" }, empty)));
  table.replaceChildren(element("thead", {}, head), element("tbody", {}, ...lines));
}

// 1234567 becomes 1.23 M; bytes take powers of 1024.
function short(value, unit = "") {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  const step = unit === "B" ? 1024 : 1000;
  const names = unit === "B" ? ["", "Ki", "Mi", "Gi", "Ti"] : ["", "k", "M", "G", "T"];
  let size = value, at = 0;
  while (Math.abs(size) >= step && at < names.length - 1) {
    size /= step;
    at++;
  }
  const digits = at === 0 && Number.isInteger(size) ? 0 : size < 10 ? 2 : size < 100 ? 1 : 0;
  return `${size.toFixed(digits)} ${names[at]}${unit}`.trim();
}

function duration(seconds) {
  if (seconds === null || seconds === undefined || Number.isNaN(seconds)) return "–";
  if (seconds >= 86400) return `${Math.floor(seconds / 86400)} d ${Math.floor((seconds % 86400) / 3600)} h`;
  if (seconds >= 3600) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  if (seconds >= 60) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  if (seconds >= 1) return `${seconds.toFixed(1)} s`;
  if (seconds >= 1e-3) return `${(seconds * 1e3).toPrecision(3)} ms`;
  return `${(seconds * 1e6).toPrecision(3)} µs`;
}

function notify(text) {
  $("notice").hidden = !text;
  $("notice").textContent = text;
}
