"use strict";

const report = JSON.parse(document.getElementById("data").textContent);
const main = document.getElementById("report");
const colors = { p50: "#1a7f37", p90: "#9a6700", p99: "#bc4c00", max: "#a40e26", blue: "#0969da" };
const number = (value, digits) => value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });

function add(parent, name, text) {
  const element = document.createElement(name);
  if (text !== undefined) element.textContent = text;
  parent.append(element);
  return element;
}

function section(title, explanation) {
  add(main, "h2", title);
  add(main, "p", explanation);
  return add(main, "div");
}

// plot draws series over x; a gap is where a value is null.
function plot(where, label, x, series, options = {}) {
  return new uPlot({
    width: Math.min(940, where.clientWidth || 940),
    height: 280,
    scales: { x: { time: false }, y: { range: (_, low, high) => [0, Math.max(high * 1.08, 1)] } },
    axes: [{ label: label }, { label: options.unit, size: 70 }],
    series: [{ label: label }, ...series.map((s) => ({
      label: s.label, stroke: s.color, width: 2, spanGaps: false,
      points: { show: x.length < 80 },
      value: (_, v) => (v == null ? "–" : number(v, s.digits)),
    }))],
    hooks: options.hooks || {},
  }, [x, ...series.map((s) => s.values)], where);
}

function table() {
  const where = add(section("Figures", "Latency is from sending a request to its whole answer. Corrected is " +
    (report.rate ? "from when the request was due" : "what clients would have seen that don't wait for each other") + ". All in milliseconds."), "table");
  const head = add(add(where, "thead"), "tr");
  for (const name of ["Connections", "Seconds", "Requests", "Failed", "Requests/s", "p50", "p99", "max", "Corrected p50", "p99", "max"]) add(head, "th", name);
  const body = add(where, "tbody");
  for (const s of report.steps) {
    const row = add(body, "tr");
    if (s.connections === report.kneeConnections) row.className = "knee";
    for (const text of [s.connections, number(s.tookSeconds, 1), number(s.requests, 0), number(s.failed, 0), number(s.throughput, 1),
      number(s.latency.p50, 2), number(s.latency.p99, 2), number(s.latency.max, 2),
      number(s.corrected.p50, 2), number(s.corrected.p99, 2), number(s.corrected.max, 2)]) add(row, "td", text);
  }
  for (const s of report.steps)
    for (const [text, count] of Object.entries(s.errors || {}))
      add(main, "p", `${s.connections} connections: ${number(count, 0)} × ${text}`).className = "warning";
}

// timeline sets the seconds of all steps one behind the other, with a gap between.
function timeline() {
  const all = [];
  let before = 0;
  for (const s of report.steps) {
    if (all.length) all.push({ at: before + 0.01 });
    for (const [i, second] of s.seconds.entries()) {
      const lasted = second.at - (i ? s.seconds[i - 1].at : 0);
      all.push({ ...second, at: before + second.at, answered: (second.requests - second.failed) / lasted, failing: second.failed / lasted });
    }
    if (s.seconds.length) before = all[all.length - 1].at;
  }
  return all;
}

function latencies(seconds) {
  const series = ["p50", "p90", "p99", "max"].map((name) => ({ label: name, color: colors[name], digits: 2, values: seconds.map((s) => s.latency?.[name] ?? null) }));
  plot(section("Latency over time", "Percentiles of each second, in milliseconds."), "seconds", seconds.map((s) => s.at), series, { unit: "ms" });
}

function throughput(seconds) {
  plot(section("Requests over time", "Answered and failed requests a second."), "seconds", seconds.map((s) => s.at), [
    { label: "answered", color: colors.blue, digits: 0, values: seconds.map((s) => s.answered ?? null) },
    { label: "failed", color: colors.max, digits: 0, values: seconds.map((s) => s.failing ?? null) },
  ], { unit: "requests" });
}

function steps() {
  if (report.steps.length < 2) return;
  const sorted = [...report.steps].sort((a, b) => a.connections - b.connections);
  const mark = (u) => {
    if (!report.kneeConnections) return;
    const x = u.valToPos(report.kneeConnections, "x", true);
    u.ctx.save();
    u.ctx.strokeStyle = u.ctx.fillStyle = "#57606a";
    u.ctx.setLineDash([6, 4]);
    u.ctx.beginPath();
    u.ctx.moveTo(x, u.bbox.top);
    u.ctx.lineTo(x, u.bbox.top + u.bbox.height);
    u.ctx.stroke();
    const left = x < u.bbox.left + u.bbox.width / 2;
    u.ctx.textAlign = left ? "left" : "right";
    u.ctx.fillText(`knee: ${report.kneeConnections}`, left ? x + 6 : x - 6, u.bbox.top + u.bbox.height - 12);
    u.ctx.restore();
  };
  const knee = report.kneeConnections ? `The knee, ${report.kneeConnections}, is the fewest connections with at least 90 % of the highest throughput.` : "Three steps or more would show a knee.";
  plot(section("Throughput over connections", knee), "connections", sorted.map((s) => s.connections), [
    { label: "requests/s", color: colors.blue, digits: 1, values: sorted.map((s) => s.throughput) },
  ], { unit: "requests/s", hooks: { draw: [mark] } });
  plot(section("Latency over connections", "Corrected, in milliseconds."), "connections", sorted.map((s) => s.connections), [
    { label: "p50", color: colors.p50, digits: 2, values: sorted.map((s) => s.corrected.p50) },
    { label: "p99", color: colors.p99, digits: 2, values: sorted.map((s) => s.corrected.p99) },
  ], { unit: "ms" });
}

function surge(seconds) {
  if (!seconds.some((s) => s.waiting !== undefined)) {
    section("Surge queue", "Not known: no emulator and no CloudWatch told of it.");
    return;
  }
  plot(section("Surge queue", "The most requests that waited for a member, by the second, and how many were turned away in all."), "seconds", seconds.map((s) => s.at), [
    { label: "waiting", color: colors.p99, digits: 0, values: seconds.map((s) => s.waiting ?? null) },
    { label: "turned away", color: colors.max, digits: 0, values: seconds.map((s) => s.spillover ?? null) },
  ], { unit: "requests" });
}

document.getElementById("title").textContent = report.url;
document.getElementById("summary").textContent = `${new Date(report.startedAt).toUTCString()}: ` +
  (report.rate ? `${number(report.rate, 0)} requests due each second` : "each connection sends its next request when the last is answered") +
  (report.interrupted ? "; interrupted" : "");
const seconds = timeline();
table();
latencies(seconds);
throughput(seconds);
steps();
surge(seconds);
