// The status page: fetches status.json every two seconds and renders it.

import { $, clock, count, make, poll, span } from "./common.js";

const STATE_CLASSES = { running: "good", blocked: "bad", stuck: "bad", starting: "warn", draining: "warn" };
const RECORD_COUNTS = ["consumed", "delivered", "skipped", "dead_lettered", "released", "waiting", "in_flight"];

function note(text) {
  return make("tr", {}, make("td", { class: "dim" }, text));
}

function renderCounts(id, pairs) {
  const rows = pairs.map(([name, value]) => make("tr", {}, make("td", {}, name), make("td", {}, count(value))));
  $(id).replaceChildren(...(rows.length ? rows : [note("none since the start")]));
}

const largestFirst = (counts) => Object.entries(counts).sort(([, a], [, b]) => b - a);

/** A line over time, from the oldest point on the left to the present; a line requires two points. */
function renderSparkline(id, values, label) {
  const largest = Math.max(...values, 0);
  const points = values.map((value, i) => `${(i / (values.length - 1)) * 100},${30 - (value / (largest || 1)) * 28}`);
  const svg = make("svg:svg", { class: "spark", viewBox: "0 0 100 31", preserveAspectRatio: "none", role: "img" });
  svg.setAttribute("aria-label", `${label}, at most ${largest.toFixed(1)}`);
  let caption = "drawn once there are two points, in some seconds";
  if (values.length > 1) {
    svg.append(make("svg:path", { class: "area", d: `M0,30 L${points.join(" L")} L100,30 Z` }));
    svg.append(make("svg:path", { d: `M${points.join(" L")}` }));
    caption = `at most ${largest.toFixed(1)}`;
  }
  $(id).replaceChildren(svg, make("p", { class: "dim" }, caption));
}

function bar(fraction) {
  const svg = make("svg:svg", { class: "bar", viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" });
  svg.append(make("svg:rect", { width: 100, height: 10 }));
  const width = Math.max(fraction * 100, fraction > 0 ? 1 : 0);
  svg.append(make("svg:rect", { class: "filled", width, height: 10 }));
  return svg;
}

/** A row for one partition. Its lag is -1 until the end of the partition is known. */
function partitionRow({ partition, lag, records, age, paused }, largestLag) {
  return make("tr", {},
    make("td", {}, partition), make("td", { class: "text" }, bar(Math.max(lag, 0) / largestLag)),
    make("td", {}, lag < 0 ? "?" : count(lag)), make("td", {}, count(records)),
    make("td", {}, age ? span(age) : "–"), make("td", { class: "text dim" }, paused ? "paused: its buffer is full" : ""));
}

/** Why records were rejected, and the settings to check; nothing if rejected records are not the cause. */
function rejectionCause({ reject_reason, detail, settings }) {
  if (!reject_reason) return [];
  const why = detail ? `: ${detail}` : "";
  return [make("p", {}, "Rejected as ", make("code", {}, reject_reason), `${why}. Check ${settings || "the records"}.`)];
}

function blockBanner(block, now) {
  const { target, reason, since, meaning } = block;
  return make("section", { class: "card block" },
    make("p", {}, make("b", { class: "bad" }, `${target} is blocked`), `: ${meaning}`),
    ...rejectionCause(block),
    ...(block.records ? [make("p", {}, "Records (partition:offset): ", make("code", {}, block.records))] : []),
    make("p", {}, `since ${clock(since)}, for ${span(Math.max(0, now - since))}: `, make("code", {}, reason)),
    make("p", { class: "dim" }, "Nothing is lost. Delivery resumes when the cause is fixed."));
}

function logRow({ at, level, event, times, fields }) {
  const nonEmpty = Object.entries(fields).filter(([, value]) => value !== "");
  const details = nonEmpty.map(([name, value]) => `${name}=${value}`).join("  ");
  return make("tr", {}, make("td", { class: "dim" }, clock(at)),
    make("td", { class: `narrow ${level === "warning" ? "warn" : "bad"}` }, level),
    make("td", { class: "text" }, event, make("br"), make("span", { class: "dim" }, details)),
    make("td", { class: "narrow dim" }, times > 1 ? `${count(times)} times` : ""));
}

function renderHeader({ state, topic, to, group, version, now, started_at }) {
  $("state").textContent = state;
  $("state").className = `pill ${STATE_CLASSES[state]}`;
  $("service").textContent = `${topic} → ${to}, group ${group}, version ${version}, up ${span(now - started_at)}`;
  document.title = `${state} · sprig-to-segment`;
}

function renderHistory({ rate, delay }, age) {
  $("rate").textContent = rate.length ? rate.at(-1).toFixed(1) : "–";
  $("delay").textContent = age ? span(age) : "none";
  renderSparkline("rates", rate, "records settled per second");
  renderSparkline("delays", delay, "seconds of delay");
}

function renderLag({ partitions, counts, settled_at, now, retry_waits }) {
  const lags = partitions.filter(({ lag }) => lag >= 0).map(({ lag }) => lag);
  $("lag").textContent = count(lags.reduce((sum, lag) => sum + lag, 0));
  $("in_flight").textContent = count(counts.in_flight);
  $("waiting").textContent = count(counts.waiting);
  $("settled").textContent = settled_at
    ? `last settled ${clock(settled_at)}, ${span(now - settled_at)} ago` : "nothing settled yet";
  const waits = Object.entries(retry_waits).filter(([, seconds]) => seconds > 0);
  $("retry_waits").textContent = waits.map(([environment, seconds]) =>
    `next request ${environment && `of ${environment} `}in ${span(seconds)}`).join(", ");
  $("partitions").replaceChildren(...partitions.map((partition) => partitionRow(partition, Math.max(...lags, 1))));
}

function renderBalance(unaccounted) {
  $("balance").textContent = unaccounted
    ? `${count(unaccounted)} unaccounted for: a defect` : "Every record is accounted for.";
  $("balance").className = unaccounted ? "bad" : "good";
}

function render(status) {
  const { counts, errors } = status;
  renderHeader(status);
  $("blocks").replaceChildren(...status.blocks.map((block) => blockBanner(block, status.now)));
  renderHistory(status.history, status.age);
  renderLag(status);
  renderCounts("records", RECORD_COUNTS.map((name) => [name.replace("_", " "), counts[name]]));
  renderBalance(counts.unaccounted);
  renderCounts("dead_lettered", largestFirst(status.dead_lettered));
  renderCounts("skipped", largestFirst(status.skipped));
  renderCounts("requests", largestFirst(status.requests));
  $("errors").replaceChildren(...(errors.length ? errors.map(logRow) : [note("none since the start")]));
}

poll(() => "status.json", render);
