// Metrics become rates by the difference of two samples. After a restart counters begin anew, so that a difference
// below zero is no rate.
class Metrics {
  constructor(answer, at) {
    this.at = at;
    this.samples = new Map(answer.metrics.map((metric) => [metric.name, metric.samples]));
  }

  of(name) {
    return this.samples.get(name) ?? [];
  }

  sum(name) {
    return this.samples.has(name) ? this.of(name).reduce((sum, sample) => sum + (sample.value ?? 0), 0) : null;
  }

  // The values of a metric by one of its labels.
  by(name, label) {
    const values = new Map();
    for (const sample of this.of(name)) {
      const key = sample.labels[label];
      values.set(key, (values.get(key) ?? 0) + (sample.value ?? 0));
    }
    return values;
  }

  // The buckets of a histogram, added over its samples that `wanted` lets pass: [upper, how many are in this bucket].
  buckets(name, wanted = () => true) {
    const cumulative = new Map();
    for (const sample of this.of(name).filter(wanted))
      for (const [upper, count] of sample.buckets)
        cumulative.set(upper ?? Infinity, (cumulative.get(upper ?? Infinity) ?? 0) + count);
    let before = 0;
    return [...cumulative].sort(([a], [b]) => a - b).map(([upper, count]) => {
      const here = count - before;
      before = count;
      return [upper, here];
    });
  }
}

class Rates {
  constructor(before, now) {
    this.before = before;
    this.now = now;
    this.seconds = before ? (now.at - before.at) / 1000 : 0;
  }

  difference(now, before) {
    return this.seconds > 0 && now !== null && before !== null && now >= before ? (now - before) / this.seconds : null;
  }

  of(name) {
    return this.before ? this.difference(this.now.sum(name), this.before.sum(name)) : null;
  }

  by(name, label) {
    const before = this.before?.by(name, label) ?? new Map();
    return new Map([...this.now.by(name, label)].map(([key, value]) => [key, this.difference(value, before.get(key) ?? 0) ?? 0]));
  }

  buckets(name, wanted) {
    if (!this.before) return [];
    const before = new Map(this.before.buckets(name, wanted));
    return this.now.buckets(name, wanted).map(([upper, count]) => [upper, Math.max(0, count - (before.get(upper) ?? 0))]);
  }
}

// The value that a share of all in these buckets does not exceed; null if there are none.
function quantile(buckets, share) {
  const total = buckets.reduce((sum, [, count]) => sum + count, 0);
  let seen = 0;
  for (const [upper, count] of buckets) {
    seen += count;
    if (total > 0 && seen >= share * total) return upper;
  }
  return null;
}
