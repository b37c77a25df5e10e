// The page itself: views, keys, the clock that asks, and what an operator may order.
const PERIOD = 1000;
const views = [
  ["overview", "Overview"], ["loops", "Loops"], ["connections", "Connections"], ["slowlog", "Slow log"],
  ["tables", "Tables"], ["settings", "Settings"],
];
let view = "overview";
let last = null;

function show(name) {
  view = name;
  for (const [id] of views) {
    $(id).hidden = id !== name;
    $(`tab-${id}`).setAttribute("aria-selected", String(id === name));
    $(`tab-${id}`).tabIndex = id === name ? 0 : -1;
  }
  history.replaceState(null, "", `#${name}`);
  attempt(showOnce);
}

// What is asked for when a view opens and not every second.
async function showOnce() {
  if (view === "settings") await showLimits();
  if (view === "tables") await listTables(false);
  await showEach();
}

async function showEach() {
  if (view === "connections") await showConnections();
  if (view === "slowlog") await showSlowLog();
  if (view === "loops") await showEndpoints();
}

function showFacts(info) {
  const { version, store, pid, state, log_level: level } = info;
  $("state").textContent = state;
  $("state").dataset.state = state;
  $("facts").textContent = [version && `version ${version}`, store && `store ${store}`, `process ${pid}`].filter(Boolean).join(" · ");
  if (level && document.activeElement !== $("log-level")) $("log-level").value = level;
}

async function ask() {
  try {
    const [info, answer] = await Promise.all([readJson("info"), readJson("metrics")]);
    const rates = new Rates(last, new Metrics(answer, Date.now()));
    last = rates.now;
    showFacts(info);
    showOverview(rates);
    showLoops(rates);
    await showEach();
  } catch (error) {
    const isAnswer = error instanceof Refused;
    $("state").textContent = isAnswer ? "refused" : "offline";
    $("state").dataset.state = "offline";
    if (isAnswer) notify(error.message);
    last = null;
  }
  setTimeout(ask, PERIOD);
}

function order(id, path, question) {
  $(id).addEventListener("click", () => {
    if (question && !confirm(question)) return;
    attempt(async () => (await request(path, { method: "POST" })).json(), ({ result }) => notify(result ? `done: ${result}` : "done"));
  });
}

const redraw = () => Object.values(charts).forEach((chart) => chart.redraw());

function beginThemes() {
  const themes = ["", "light", "dark"];
  const set = (theme) => {
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
    redraw();
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  set(localStorage.getItem("theme") ?? "");
  $("theme").addEventListener("click", () => {
    const next = themes[(themes.indexOf(document.documentElement.dataset.theme ?? "") + 1) % themes.length];
    localStorage.setItem("theme", next);
    set(next);
  });
}

function beginViews() {
  const names = views.map(([id]) => id);
  document.querySelector("nav").append(...views.map(([id, title]) => element("button", {
    id: `tab-${id}`, type: "button", role: "tab", "aria-controls": id, onclick: () => show(id),
  }, title)));
  document.querySelector("nav").addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    show(names[(names.indexOf(view) + step + names.length) % names.length]);
    $(`tab-${view}`).focus();
  });
  const wanted = location.hash.slice(1);
  show(names.includes(wanted) ? wanted : view);
}

beginThemes();
beginTables();
beginViews();
order("do-reload", "reload");
order("do-snapshot", "snapshot");
order("do-drain", "drain", "Clients will be told to go, and then the server ends. Drain it?");
$("slow-reset").addEventListener("click", () => attempt(() => request("slowlog", { method: "DELETE" }), () => attempt(showSlowLog)));
$("log-level").addEventListener("change", (event) =>
  attempt(() => request(`log-level?level=${event.target.value}`, { method: "POST" })));
addEventListener("resize", () => Object.values(charts).forEach((chart) => chart.draw()));
ask();
