// Plots of the latest minutes. uPlot draws the lines; the heat of latencies is a canvas of its own.
const CHART_POINTS = 240;
const COLORS = ["#3b82c4", "#d97706", "#3f9c63", "#b0508f", "#7a6fd0", "#8a8f98"];
const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const POWERS = Array.from({ length: 51 }, (none, i) => 2 ** i);
const clock = (seconds) => new Date(seconds * 1000).toTimeString().slice(0, 8);

class LineChart {
  constructor(id, unit) {
    this.holder = $(id);
    this.unit = unit;
    this.names = [];
    this.times = [];
    this.lines = new Map();
  }

  // values: a Map of names and numbers.
  add(at, values) {
    this.times.push(at / 1000);
    for (const name of values.keys())
      if (!this.lines.has(name)) this.lines.set(name, new Array(this.times.length - 1).fill(null));
    for (const [name, line] of this.lines) line.push(values.get(name) ?? null);
    if (this.times.length > CHART_POINTS) {
      this.times.shift();
      for (const line of this.lines.values()) line.shift();
    }
    this.draw();
  }

  draw() {
    const names = [...this.lines.keys()];
    const width = this.holder.clientWidth;
    if (!width) return;
    if (!this.plot || names.join("\n") !== this.names.join("\n")) this.make(names, width);
    if (this.plot.width !== width) this.plot.setSize({ width, height: this.plot.height });
    this.plot.setData([this.times, ...this.lines.values()]);
  }

  make(names, width) {
    const format = (value) => short(value, this.unit);
    const axis = { stroke: style("--weak"), grid: { stroke: style("--line"), width: 1 }, ticks: { stroke: style("--line") } };
    this.plot?.destroy();
    this.names = names;
    this.plot = new uPlot({
      width,
      height: this.holder.clientHeight - 30,
      cursor: { y: false },
      legend: { live: false },
      scales: { y: { range: (plot, low, high) => [0, Math.max(high ?? 0, 1) * 1.1] } },
      axes: [
        { ...axis, space: 80, size: 32, values: (plot, values) => values.map(clock) },
        { ...axis, size: 70, values: (plot, values) => values.map(format), ...(this.unit === "B" ? { incrs: POWERS } : {}) },
      ],
      series: [{}, ...names.map((label, i) => ({
        label, stroke: COLORS[i % COLORS.length], width: 1.5, value: (plot, value) => format(value),
      }))],
    }, [[], ...names.map(() => [])], this.holder);
  }

  // After a change of theme, since the colours are those of the plot's making.
  redraw() {
    this.names = [];
    this.draw();
  }
}

// A column a sample and a row a bucket; the more requests, the stronger the colour.
class HeatChart {
  constructor(id) {
    this.canvas = $(id);
    this.columns = [];
  }

  add(buckets) {
    this.columns.push(buckets.filter(([upper]) => Number.isFinite(upper)));
    if (this.columns.length > CHART_POINTS) this.columns.shift();
    this.draw();
  }

  draw() {
    const scale = window.devicePixelRatio || 1;
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width) return;
    this.canvas.width = width * scale;
    this.canvas.height = height * scale;
    const context = this.canvas.getContext("2d");
    context.scale(scale, scale);
    const used = this.columns.flat().filter(([, count]) => count > 0);
    if (!used.length) return;
    const low = Math.log10(Math.min(...used.map(([upper]) => upper))) - 0.1;
    const high = Math.max(Math.log10(Math.max(...used.map(([upper]) => upper))), low + 1) + 0.1;
    const most = Math.max(...used.map(([, count]) => count));
    const left = 62;
    const y = (seconds) => height - 6 - ((Math.log10(seconds) - low) / (high - low)) * (height - 12);
    this.drawAxis(context, { low, high, left, width, y });
    const step = (width - left) / CHART_POINTS;
    context.fillStyle = style("--accent");
    this.columns.forEach((column, i) => {
      const x = width - (this.columns.length - i) * step;
      column.forEach(([upper, count], k) => {
        const lower = k > 0 ? column[k - 1][0] : upper / 2;
        if (count <= 0) return;
        context.globalAlpha = 0.12 + 0.88 * Math.sqrt(count / most);
        context.fillRect(x, y(upper), Math.ceil(step), Math.max(1, y(Math.max(lower, upper / 2)) - y(upper)));
      });
    });
  }

  redraw() {
    this.draw();
  }

  drawAxis(context, { low, high, left, width, y }) {
    context.font = "12px system-ui, sans-serif";
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (let power = Math.ceil(low); power <= Math.floor(high); power++) {
      context.fillStyle = style("--line");
      context.fillRect(left, y(10 ** power), width - left, 1);
      context.fillStyle = style("--weak");
      context.fillText(duration(10 ** power), left - 6, y(10 ** power));
    }
  }
}
