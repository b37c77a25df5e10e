// The views that are a list: loops and endpoints, connections, the slow log, limits.
const time = (seconds) => new Date(seconds * 1000).toLocaleTimeString();

function showLoops(rates) {
  const { now } = rates;
  const busy = (name) => {
    const sum = (metrics) => metrics.of("weft_loop_turn_duration_seconds")
      .filter(({ labels }) => labels.loop === name).reduce((all, sample) => all + sample.sum, 0);
    return rates.before && rates.difference(sum(now), sum(rates.before));
  };
  const values = (name) => now.by(name, "loop");
  const turns = rates.by("weft_loop_turns", "loop"), posts = rates.by("weft_loop_posts", "loop");
  fillTable($("loop-rows"), [
    ["loop", (name) => name],
    ["connections", (name) => short(values("weft_loop_connections").get(name)), "number"],
    ["busy", (name) => (busy(name) === null || !rates.before ? "–" : `${(100 * busy(name)).toFixed(0)} %`), "number"],
    ["turns a second", (name) => (rates.before ? short(turns.get(name)) : "–"), "number"],
    ["posts a second", (name) => (rates.before ? short(posts.get(name)) : "–"), "number"],
    ["longest turn lately", (name) => duration(values("weft_loop_turn_longest_seconds").get(name)), "number"],
  ], [...values("weft_loop_turns").keys()], "none");
}

async function showEndpoints() {
  const { endpoints } = await readJson("endpoints");
  fillTable($("endpoint-rows"), [
    ["address", (row) => row.endpoint],
    ["codec", (row) => row.codec],
    ["service", (row) => row.service],
    ["open", (row) => short(row.open), "number"],
    ["accepted", (row) => short(row.accepted), "number"],
    ["requests", (row) => short(row.requests), "number"],
    ["rejected", (row) => short(row.rejected), "number"],
    ["received", (row) => short(row.received_bytes, "B"), "number"],
    ["sent", (row) => short(row.sent_bytes, "B"), "number"],
  ], endpoints, "none");
}

const CONNECTIONS_SHOWN = 500;
const isSession = (row) => row.streams !== undefined; // of yamux: its streams have rows of their own

async function showConnections() {
  const { connections, more } = await readJson(`connections?limit=${CONNECTIONS_SHOWN}`);
  const end = (id) => attempt(() => request(`connections/${id}`, { method: "DELETE" }), () => attempt(showConnections));
  $("connections-note").textContent = more ? `the first ${connections.length}; there are more` : `${connections.length} connections`;
  fillTable($("connection-rows"), [
    ["id", (row) => String(row.id)],
    ["peer", (row) => row.address],
    ["user", (row) => row.user ?? ""],
    ["name", (row) => row.name ?? ""],
    ["codec", (row) => row.codec ?? (isSession(row) ? `${row.streams} streams` : "")],
    ["state", (row) => row.state],
    ["age", (row) => duration(row.age), "number"],
    ["idle", (row) => isSession(row) ? "" : duration(row.idle), "number"],
    ["requests", (row) => isSession(row) ? "" : short(row.requests), "number"],
    ["received", (row) => isSession(row) ? "" : short(row.received_bytes, "B"), "number"],
    ["sent", (row) => isSession(row) ? "" : short(row.sent_bytes, "B"), "number"],
    ["waiting", (row) => isSession(row) ? "" : short(row.pending + row.detached), "number"],
    ["", (row) => element("button", { type: "button", "aria-label": `end connection ${row.id}`, onclick: () => end(row.id) }, "end")],
  ], connections, "nobody is connected");
}

async function showSlowLog() {
  const log = await readJson("slowlog?limit=200");
  $("slow-note").textContent = log.on
    ? `requests that took ${duration(log.threshold)} or more: ${log.total} in all, the latest ${log.entries.length} here`
    : "off; kvs --slowlog TIME turns it on";
  $("slow-reset").hidden = !log.on;
  fillTable($("slow-rows"), [
    ["at", (row) => time(row.at)],
    ["took", (row) => duration(row.duration), "number"],
    ["command", (row) => row.command],
    ["of", (row) => row.object],
    ["status", (row) => String(row.status), "number"],
    ["request", (row) => short(row.request_bytes, "B"), "number"],
    ["reply", (row) => short(row.reply_bytes, "B"), "number"],
    ["peer", (row) => row.address],
    ["user", (row) => row.user ?? ""],
  ], log.entries, "none");
}

function limitText(value, unit) {
  return unit === "seconds" ? duration(value) : unit === "bytes" ? short(value, "B") : String(value);
}

async function showLimits() {
  const { limits } = await readJson("limits");
  fillTable($("limit-rows"), [
    ["limit", (row) => row.name],
    ["value", (row) => limitText(row.value, row.unit), "number"],
    ["default", (row) => limitText(row.default, row.unit), "number"],
    ["changes", (row) => (row.live ? "by a reload" : "at a restart")],
    ["", (row) => row.help],
  ], limits, "none");
}
