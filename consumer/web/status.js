// The status page: asks for status.json every two seconds and shows it.

import { $, clock, count, make, poll, span } from "./common.js";

const MOODS = { running: "good", holding: "bad", stuck: "bad", starting: "warn", "handing over": "warn" };

function rows(id, pairs, none) {
  const shown = pairs.map(([name, value]) => make("tr", {}, make("td", {}, name), make("td", {}, count(value))));
  $(id).replaceChildren(...(shown.length ? shown : [make("tr", {}, make("td", { class: "dim" }, none))]));
}

const byCount = (reasons) => Object.entries(reasons).sort(([, a], [, b]) => b - a);

/** A line over time, from the oldest point on the left to now; it needs two points. */
function spark(id, values, label) {
  const most = Math.max(...values, 0);
  const points = values.map((value, i) => `${(i / (values.length - 1)) * 100},${30 - (value / (most || 1)) * 28}`);
  const svg = make("svg:svg", { class: "spark", viewBox: "0 0 100 31", preserveAspectRatio: "none", role: "img" });
  svg.setAttribute("aria-label", `${label}, at most ${most.toFixed(1)}`);
  if (values.length > 1) {
    svg.append(make("svg:path", { class: "area", d: `M0,30 L${points.join(" L")} L100,30 Z` }));
    svg.append(make("svg:path", { d: `M${points.join(" L")}` }));
  }
  const note = values.length > 1 ? `at most ${most.toFixed(1)}` : "drawn when there is more than one point, in some seconds";
  $(id).replaceChildren(svg, make("p", { class: "dim" }, note));
}

function bar(part) {
  const svg = make("svg:svg", { class: "bar", viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" });
  svg.append(make("svg:rect", { width: 100, height: 10 }));
  svg.append(make("svg:rect", { class: "part", width: Math.max(part * 100, part > 0 ? 1 : 0), height: 10 }));
  return svg;
}

function partition(it, longest) {
  return make("tr", {},
    make("td", {}, it.partition), make("td", { class: "text" }, bar(longest ? Math.max(it.lag, 0) / longest : 0)),
    make("td", {}, it.lag < 0 ? "?" : count(it.lag)), make("td", {}, count(it.records)),
    make("td", {}, it.age ? span(it.age) : "–"), make("td", { class: "text dim" }, it.paused ? "full: not read for now" : ""));
}

function hold(it, now) {
  return make("section", { class: "card hold" },
    make("p", {}, make("b", { class: "bad" }, `${it.who} holds`),
      ` since ${clock(it.since)}, for ${span(Math.max(0, now - it.since))}: `, make("code", {}, it.reason)),
    make("p", {}, it.meaning), make("p", { class: "dim" }, "Nothing is lost. It goes on when this is mended."));
}

function line(it) {
  const told = Object.entries(it.fields).filter(([, value]) => value !== "").map(([name, value]) => `${name}=${value}`).join("  ");
  return make("tr", {}, make("td", { class: "dim" }, clock(it.at)),
    make("td", { class: `text ${it.level === "warning" ? "warn" : "bad"}` }, it.level),
    make("td", { class: "text" }, it.event, make("br"), make("span", { class: "dim" }, told)),
    make("td", { class: "dim" }, it.times > 1 ? `${count(it.times)} times` : ""));
}

function show(it) {
  const { counts, partitions, history } = it;
  const known = partitions.filter((one) => one.lag >= 0).map((one) => one.lag);
  $("state").textContent = it.state;
  $("state").className = `pill ${MOODS[it.state]}`;
  $("way").textContent = `${it.topic} → ${it.to}, group ${it.group}, version ${it.version}, up ${span(it.now - it.started_at)}`;
  document.title = `${it.state} · sprig-to-segment`;
  $("holds").replaceChildren(...it.holds.map((one) => hold(one, it.now)));
  $("rate").textContent = history.rate.length ? history.rate.at(-1).toFixed(1) : "–";
  $("delay").textContent = it.age ? span(it.age) : "none";
  spark("rates", history.rate, "records settled a second");
  spark("delays", history.delay, "seconds of delay");
  $("lag").textContent = count(known.reduce((sum, lag) => sum + lag, 0));
  $("in_flight").textContent = count(counts.in_flight);
  $("waiting").textContent = count(counts.waiting);
  $("settled").textContent = it.settled_at ? `last settled ${clock(it.settled_at)}, ${span(it.now - it.settled_at)} ago` : "nothing settled yet";
  const waits = Object.entries(it.waits).filter(([, seconds]) => seconds > 0);
  $("waits").textContent = waits.map(([name, seconds]) => `next request ${name && `of ${name} `}in ${span(seconds)}`).join(", ");
  rows("account", ["consumed", "delivered", "skipped", "dead_lettered", "handed_back", "waiting", "in_flight"].map(
    (name) => [name.replace("_", " "), counts[name]]), "");
  $("balance").textContent = counts.unaccounted ? `${count(counts.unaccounted)} are nowhere: a defect` : "It adds up: every record is accounted for.";
  $("balance").className = counts.unaccounted ? "bad" : "good";
  rows("dead_lettered", byCount(it.dead_lettered), "none since the start");
  rows("skipped", byCount(it.skipped), "none since the start");
  rows("requests", byCount(it.requests), "none since the start");
  $("partitions").replaceChildren(...partitions.map((one) => partition(one, Math.max(...known, 1))));
  $("errors").replaceChildren(...(it.errors.length ? it.errors.map(line) : [make("tr", {}, make("td", { class: "dim" }, "none since the start"))]));
}

poll(() => "status.json", show);
