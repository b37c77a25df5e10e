// The first view: what the server does now.
const charts = {
  requests: new LineChart("chart-requests", ""),
  bytes: new LineChart("chart-bytes", "B"),
  memory: new LineChart("chart-memory", "B"),
  heat: new HeatChart("heat"),
};
const TOP_COMMANDS = 5;
const isEmpty = (map) => [...map.values()].every((value) => !value);

// The commands that came most since the page was opened have a line each, so that lines do not jump.
const commandTotals = new Map();

function topCommands(rates) {
  const now = rates.by("weft_requests", "command");
  for (const [name, rate] of now) commandTotals.set(name, (commandTotals.get(name) ?? 0) + rate);
  const names = [...commandTotals].filter(([, sum]) => sum > 0).sort(([, a], [, b]) => b - a).map(([name]) => name);
  const lines = new Map(names.slice(0, TOP_COMMANDS).map((name) => [name, now.get(name) ?? 0]));
  const others = names.slice(TOP_COMMANDS).reduce((sum, name) => sum + (now.get(name) ?? 0), 0);
  if (names.length > TOP_COMMANDS) lines.set("others", others);
  return lines;
}

function showTiles(rates, latencies) {
  const { now } = rates;
  const perSecond = (name, unit = "") => {
    const rate = rates.of(name);
    return rate === null ? "–" : short(rate, unit);
  };
  const limit = now.sum("weft_store_limit_bytes");
  const tiles = [
    ["requests a second", perSecond(now.samples.has("weft_requests") ? "weft_requests" : "weft_frames_decoded")],
    ["half are done within", duration(quantile(latencies, 0.5))],
    ["99 of 100 within", duration(quantile(latencies, 0.99))],
    ["connections", short(now.sum("weft_connections_open"))],
    ["received a second", perSecond("weft_received_bytes", "B")],
    ["sent a second", perSecond("weft_sent_bytes", "B")],
    [limit ? `of ${short(limit, "B")} for values` : "values in memory", short(now.sum("weft_store_memory_bytes"), "B")],
    ["memory of the process", short(now.sum("process_resident_memory_bytes"), "B")],
  ];
  $("tiles").replaceChildren(...tiles.map(([name, value]) => element("div", { class: "tile" }, element("b", {}, value), element("span", {}, name))));
}

function showCommands(rates) {
  const totals = rates.now.by("weft_requests", "command");
  const now = rates.by("weft_requests", "command");
  const failed = new Map();
  for (const { labels, value } of rates.now.of("weft_requests"))
    if (Number(labels.status) >= 400) failed.set(labels.command, (failed.get(labels.command) ?? 0) + value);
  const latency = (name) => rates.now.buckets("weft_request_duration_seconds", ({ labels }) => labels.command === name);
  fillTable($("commands"), [
    ["command", ([name]) => name],
    ["a second", ([name]) => short(now.get(name)), "number"],
    ["in all", ([, count]) => short(count), "number"],
    ["refused", ([name]) => short(failed.get(name) ?? 0), "number"],
    ["99 % within", ([name]) => duration(quantile(latency(name), 0.99)), "number"],
  ], [...totals].filter(([, count]) => count > 0).sort(([, a], [, b]) => b - a), "none yet; the layer metrics counts them");
}

function showReasons(rates) {
  const totals = rates.now.by("weft_connections_closed", "reason");
  fillTable($("reasons"), [
    ["reason", ([name]) => name],
    ["connections", ([, count]) => short(count), "number"],
  ], [...totals].filter(([, count]) => count > 0).sort(([, a], [, b]) => b - a), "none yet");
}

function showOverview(rates) {
  const latencies = rates.buckets("weft_request_duration_seconds");
  const { now } = rates;
  showTiles(rates, latencies);
  showCommands(rates);
  showReasons(rates);
  if (!rates.before) return;
  const requests = topCommands(rates);
  charts.requests.add(now.at, isEmpty(requests) && !requests.size ? new Map([["frames", rates.of("weft_frames_decoded")]]) : requests);
  charts.bytes.add(now.at, new Map([["received", rates.of("weft_received_bytes")], ["sent", rates.of("weft_sent_bytes")]]));
  const memory = new Map([["process", now.sum("process_resident_memory_bytes")]]);
  if (now.samples.has("weft_store_memory_bytes")) memory.set("values", now.sum("weft_store_memory_bytes"));
  charts.memory.add(now.at, memory);
  charts.heat.add(latencies);
}
