// The status page: fetches status.json every two seconds and renders it.

import { renderChart } from "./chart.js";
import { $, clock, commandLine, count, isKnown, make, moment, orUnknown, poll, replaceIfChanged, span } from "./common.js";
import { renderConditions, renderSilence } from "./conditions.js";
import { renderGroup } from "./group.js";

const RECORD_COUNTS = [
  ["consumed", "read", "from Kafka, since the start of this member"],
  ["delivered", "delivered", "Segment accepted the event"],
  ["skipped", "skipped", "nothing to send, by a counted rule"],
  ["dead_lettered", "dead-lettered", "rejected, and kept in the dead-letter topic"],
  ["released", "released", "given back unsettled with a partition; its next owner reads them again"],
  ["waiting", "waiting", "in memory, not sent yet"],
  ["in_flight", "in flight", "sent, not answered yet"],
];
const OUTCOMES = {
  accepted: "Segment has the events",
  retried: "failed; the events are sent again",
  throttled: "Segment asked to send later",
  refused: "Segment refused an event; the service searches for it",
  misconfigured: "the write key, the address or the path is wrong",
};

const note = (text) => make("p", { class: "dim" }, text);

/** A count with its name, its explanation, and a command behind it. */
function countRow(name, number, explanation, command) {
  return make("div", { class: "count" },
    make("p", {}, make("span", {}, name), make("b", {}, count(number))),
    ...(explanation ? [make("p", { class: "help" }, explanation)] : []),
    ...(command ? [commandLine(command)] : []));
}

/** One row for each of the entries, or a note that there are none. */
function fill(id, entries, row) {
  replaceIfChanged(id, entries, () => (entries.length ? entries.map(row) : [note("none since the start")]));
}

const largestFirst = (counts) => Object.entries(counts).sort(([, a], [, b]) => b - a);

function renderCounts({ counts, skipped, dead_lettered, requests, meanings }) {
  fill("records", RECORD_COUNTS.map(([key, name, explanation]) => [name, counts[key], explanation]),
    (entry) => countRow(...entry));
  fill("skipped", largestFirst(skipped), ([reason, number]) =>
    countRow(reason, number, meanings[reason] || "a rule of the contract"));
  fill("dead_lettered", largestFirst(dead_lettered), ([reason, number]) =>
    countRow(reason, number, meanings[reason], `sprig-to-segment dead-letters list --reason ${reason}`));
  fill("requests", largestFirst(requests), ([outcome, number]) => countRow(outcome, number, OUTCOMES[outcome]));
  $("balance").textContent = counts.unaccounted
    ? `${count(counts.unaccounted)} unaccounted for: a defect` : "Every record is accounted for: the first count is the sum of the others.";
  $("balance").className = counts.unaccounted ? "bad" : "good";
}

function logItem({ at, level, event, times, fields, anchor }, now) {
  const details = Object.entries(fields).map(([name, value]) => make("span", {}, `${name}=${value}`));
  return make("li", {},
    make("p", {}, make("span", { class: "dim" }, moment(at, now)), " ",
      make("b", { class: level === "warning" ? "warn" : "bad" }, level), " ", event,
      times > 1 ? make("span", { class: "dim" }, ` (${count(times)} times)`) : "", " ",
      make("a", { href: `docs/runbook#${anchor}` }, "explained")),
    make("p", { class: "fields" }, ...details));
}

function renderHeader({ topic, to, group, version, now, started_at }) {
  $("service").textContent = `${topic} → ${to}, group ${group}, version ${version}, up ${span(Math.max(0, now - started_at))}`;
}

function renderFigures({ history, oldest_at, settled_at, now, partitions, retry_waits }) {
  const perSecond = (rate) => `${rate.toFixed(1)} / s`;
  $("rate").textContent = orUnknown(history.rate.at(-1), (rate) => rate.toFixed(1));
  $("delay").textContent = isKnown(oldest_at) ? span(Math.max(0, now - oldest_at)) : "none";
  renderChart("rates", "Records settled per second", history.at, history.rate, perSecond);
  renderChart("delays", "Delay", history.at, history.delay, span);
  const lags = partitions.map(({ lag }) => lag);
  const isWhole = lags.length && lags.every(isKnown);
  $("lag").textContent = isWhole ? count(lags.reduce((sum, lag) => sum + lag, 0)) : lags.length ? "unknown" : "no partitions";
  $("settled").textContent = settled_at
    ? `Last record settled at ${clock(settled_at)} UTC, ${span(Math.max(0, now - settled_at))} ago.`
    : "No record settled since the start.";
  const waits = Object.entries(retry_waits).filter(([, seconds]) => seconds > 0);
  $("retry_waits").textContent = waits.map(([environment, seconds]) =>
    `Next request ${environment && `of ${environment} `}in ${span(seconds)}.`).join(" ");
}

function render(status) {
  renderHeader(status);
  renderConditions(status);
  renderFigures(status);
  renderCounts(status);
  renderGroup(status);
  fill("errors", status.errors, (line) => logItem(line, status.now));
}

poll(() => "status.json", render, { onSilence: renderSilence });
