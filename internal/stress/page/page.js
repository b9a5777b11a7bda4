"use strict";

const report = JSON.parse(document.getElementById("data").textContent);
const main = document.getElementById("report");
const dark = matchMedia("(prefers-color-scheme: dark)");
const percentiles = [["p50", "p50"], ["p90", "p90"], ["p99", "p99"], ["p999", "p99.9"]];
const number = (value, digits) => value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const plots = [];

function add(parent, name, text) {
  const element = document.createElement(name);
  if (text !== undefined) element.textContent = text;
  parent.append(element);
  return element;
}

function section(title, explanation) {
  add(main, "h2", title);
  if (explanation) add(main, "p", explanation);
  return add(main, "div");
}

function fact(name, text, kind = "dd") {
  const facts = document.getElementById("facts");
  add(facts, "dt", name);
  const place = add(facts, "dd");
  if (kind === "code") add(place, "code", text);
  else place.textContent = text;
  return place;
}

function facts() {
  document.getElementById("title").textContent = `${report.method} ${report.url}`;
  fact("Started", new Date(report.startedAt).toUTCString() + (report.interrupted ? "; interrupted" : ""));
  fact("Load", report.rate ? `${number(report.rate, 0)} requests due each second` : "each connection sends its next request when the last is answered");
  if (report.command) fact("Command", report.command, "code");
  if (report.version) fact("Version", report.version);
  const host = report.host;
  fact("Made by", `${host.name}, ${host.cpus} CPUs, ${host.os}/${host.arch}, ${host.go}`);
  for (const v of report.conditions || [])
    fact(v.met ? "Failed" : "Passed", `fail if ${v.condition}: ${v.actual} with ${v.connections} connections`).className = v.met ? "warning" : "";
}

// plot draws series over x; a gap is where a value is null. Series of the scale "max"
// have the axis on the right.
function plot(where, label, x, series, options) {
  plots.push({ where, label, x, series, options });
}

function draw(p) {
  p.where.replaceChildren();
  const narrow = p.where.clientWidth < 480;
  const axis = { stroke: color("muted"), grid: { stroke: color("line"), width: 1 }, ticks: { stroke: color("line"), width: 1 } };
  const size = narrow ? 48 : 70;
  const own = p.series.some((s) => s.scale === "max");
  const fromZero = { range: (_, low, high) => [0, Math.max((high || 0) * 1.08, 1)] };
  p.drawn = new uPlot({
    width: p.where.clientWidth,
    height: narrow ? 220 : 280,
    scales: { x: { time: false }, y: fromZero, ...(own ? { max: fromZero } : {}) },
    axes: [
      { ...axis, label: p.label },
      { ...axis, label: narrow ? undefined : p.options.unit, size },
      ...(own ? [{ ...axis, scale: "max", side: 1, label: narrow ? undefined : `max, ${p.options.unit}`, size, stroke: color("max"), grid: { show: false } }] : []),
    ],
    series: [{ label: p.label }, ...p.series.map((s) => ({
      label: s.label, stroke: color(s.color), width: 2, scale: s.scale || "y", spanGaps: false,
      dash: s.scale === "max" ? [4, 4] : undefined,
      points: { show: p.x.length < 80 },
      value: (_, v) => (v == null ? "–" : number(v, s.digits)),
    }))],
    hooks: p.options.hooks || {},
  }, [p.x, ...p.series.map((s) => s.values)], p.where);
}

function drawAll() { plots.forEach(draw); }

function table() {
  const where = section("Figures", "Measured latency is from sending a request to its whole answer. Corrected latency is " +
    (report.rate ? "from when the request was due" : "what clients would see that do not wait for each other") + ". All in milliseconds.");
  where.className = "scroll";
  const figures = add(where, "table");
  const row = (parent, name, values) => {
    const cells = add(parent, "tr");
    add(cells, "th", name);
    values.forEach((text, i) => {
      const cell = add(cells, parent.localName === "thead" ? "th" : "td", text);
      if (report.steps[i].connections === report.kneeConnections) cell.className = "knee";
    });
  };
  const of = (figure) => report.steps.map(figure);
  row(add(figures, "thead"), "Connections", of((s) => number(s.connections, 0) + (s.connections === report.kneeConnections ? " (knee)" : "")));
  const body = add(figures, "tbody");
  row(body, "Seconds", of((s) => number(s.tookSeconds, 1)));
  row(body, "Requests", of((s) => number(s.requests, 0)));
  row(body, "Failed", of((s) => number(s.failed, 0)));
  row(body, "Requests/s", of((s) => number(s.throughput, 1)));
  for (const [kind, name] of [["latency", "Measured"], ["corrected", "Corrected"]])
    for (const [key, label] of [...percentiles, ["max", "max"], ["mean", "mean"]])
      row(body, `${name} ${label}`, of((s) => number(s[kind][key], 2)));
  for (const s of report.steps)
    for (const [text, count] of Object.entries(s.errors || {}))
      add(main, "p", `${s.connections} connections: ${number(count, 0)} × ${text}`).className = "warning";
}

// timeline returns the seconds of all steps one after the other, with a gap between.
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
  const of = (key) => seconds.map((s) => s.latency?.[key] ?? null);
  plot(section("Latency over time", "Percentiles of each second, in milliseconds; the maximum has an axis of its own, on the right."), "seconds", seconds.map((s) => s.at), [
    ...percentiles.map(([key, label]) => ({ label, color: key, digits: 2, values: of(key) })),
    { label: "max", color: "max", scale: "max", digits: 2, values: of("max") },
  ], { unit: "ms" });
}

function throughput(seconds) {
  plot(section("Requests over time", "Answered and failed requests a second."), "seconds", seconds.map((s) => s.at), [
    { label: "answered", color: "count", digits: 0, values: seconds.map((s) => s.answered ?? null) },
    { label: "failed", color: "max", digits: 0, values: seconds.map((s) => s.failing ?? null) },
  ], { unit: "requests" });
}

function steps() {
  if (report.steps.length < 2) return;
  const sorted = [...report.steps].sort((a, b) => a.connections - b.connections);
  const mark = (u) => {
    if (!report.kneeConnections) return;
    const x = u.valToPos(report.kneeConnections, "x", true);
    u.ctx.save();
    u.ctx.strokeStyle = u.ctx.fillStyle = color("muted");
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
  const knee = report.kneeConnections ? `The knee, ${report.kneeConnections}, is the fewest connections with at least 90 % of the highest throughput.` : "";
  plot(section("Throughput over connections", knee), "connections", sorted.map((s) => s.connections), [
    { label: "requests/s", color: "count", digits: 1, values: sorted.map((s) => s.throughput) },
  ], { unit: "requests/s", hooks: { draw: [mark] } });
  plot(section("Latency over connections", "Corrected, in milliseconds."), "connections", sorted.map((s) => s.connections),
    percentiles.map(([key, label]) => ({ label, color: key, digits: 2, values: sorted.map((s) => s.corrected[key]) })), { unit: "ms" });
}

function surge(seconds) {
  if (!seconds.some((s) => s.waiting !== undefined)) return;
  plot(section("Surge queue", "The most requests that waited for a member, by the second, and how many were turned away in all."), "seconds", seconds.map((s) => s.at), [
    { label: "waiting", color: "p99", digits: 0, values: seconds.map((s) => s.waiting ?? null) },
    { label: "turned away", color: "max", digits: 0, values: seconds.map((s) => s.spillover ?? null) },
  ], { unit: "requests" });
}

function targetGroup() {
  const g = report.targetGroup;
  if (!g) return;
  const where = section(`Target group ${g.name}`, `What CloudWatch has of the group behind ${g.loadBalancer} by minute (UTC), other clients included. ` +
    "Errors of the load balancer itself are those of all its groups; the response time is in milliseconds.");
  where.className = "scroll";
  const figures = add(where, "table");
  const row = (parent, cell, values) => {
    const cells = add(parent, "tr");
    values.forEach((text, i) => add(cells, i ? cell : "th", text));
  };
  row(add(figures, "thead"), "th", ["Minute", "Requests", "Target 2XX", "Target 5XX", "ELB 5XX", "Mean", "Max", "Healthy", "Unhealthy"]);
  const body = add(figures, "tbody");
  const orDash = (value, factor, digits) => (value === undefined ? "–" : number(factor * value, digits));
  for (const m of g.minutes)
    row(body, "td", [
      new Date(m.at).toISOString().slice(11, 16), ...[m.requests, m.target2xx, m.target5xx, m.elb5xx].map((n) => number(n, 0)),
      orDash(m.responseMeanSeconds, 1000, 2), orDash(m.responseMaxSeconds, 1000, 2), orDash(m.healthyMin, 1, 0), orDash(m.unhealthyMax, 1, 0),
    ]);
}

facts();
table();
const seconds = timeline();
latencies(seconds);
throughput(seconds);
steps();
surge(seconds);
targetGroup();
drawAll();
dark.addEventListener("change", drawAll);
let width = innerWidth;
addEventListener("resize", () => {
  if (innerWidth === width) return;
  width = innerWidth;
  drawAll();
});
