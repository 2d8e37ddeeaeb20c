// The partitions and the members of the whole group, as Kafka describes them, with what this member knows of its own.

import { $, count, isKnown, make, moment, orUnknown, span } from "./common.js";

const HOST = /^[0-9A-Za-z.:_-]+$/;

/** The address of the page of a member on this host, if it can be one. */
function pageOf(host, port) {
  const address = host.replace(/^\//, "");
  if (!port || !HOST.test(address)) return null;
  return `http://${address.includes(":") ? `[${address}]` : address}:${port}/`;
}

function memberLink(member, port, isThis) {
  const host = member.host.replace(/^\//, "");
  const href = pageOf(member.host, port);
  const place = href && !isThis ? make("a", { href }, host) : make("span", {}, host || "unknown host");
  return make("span", {}, member.client_id || "unknown client", " at ", place, isThis ? " (this member)" : "");
}

/** The partition's state in words, and its class. The worst comes first. */
function partitionState({ partition, block: committed, ownerless, lag }, own, { notMoving, waiting }) {
  const block = own ? own.block : committed;
  if (block) return [`blocked: ${block}`, "bad"];
  if (ownerless) return ["no owner: nobody reads it", "bad"];
  const pending = lag || (own ? own.records : 0); // the group was read some seconds ago
  if (own && pending && waiting) return ["waiting: see above", "warn"];
  if (notMoving.has(partition)) return ["does not move", "bad"];
  if (own?.paused) return ["paused: its buffer is full", "warn"];
  if (!isKnown(lag)) return ["unknown", "dim"];
  return pending ? [`${count(pending)} waiting`, ""] : ["all delivered", "dim"];
}

function cell(label, content, className = "") {
  return make("td", { "data-label": label, class: className }, content);
}

function bar(fraction) {
  const svg = make("svg:svg", { class: "bar", viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" });
  svg.append(make("svg:rect", { width: 100, height: 10 }));
  svg.append(make("svg:rect", { class: "filled", width: Math.max(fraction * 100, fraction > 0 ? 1 : 0), height: 10 }));
  return svg;
}

function ago(milliseconds, now) {
  const seconds = milliseconds / 1000;
  return `${moment(seconds, now)}, ${span(Math.max(0, now - seconds))} ago`;
}

function partitionRow(partition, own, { now, http_port, notMoving, waiting, largestLag }) {
  const { owner, lag, moved_at, oldest_at } = partition;
  const [state, className] = partitionState(partition, own, { notMoving, waiting });
  const who = owner ? memberLink(owner, http_port, Boolean(own)) : partition.ownerless ? "none" : "unknown";
  const lagContent = make("span", { class: "lag" }, orUnknown(lag, count), isKnown(lag) ? bar(lag / largestLag) : "");
  return make("tr", {},
    cell("Partition", partition.partition), cell("State", state, className), cell("Lag", lagContent),
    cell("Offset last moved", orUnknown(moved_at, (at) => ago(at, now))),
    cell("Oldest waiting", lag === 0 ? "none" : orUnknown(oldest_at, (at) => `${span(Math.max(0, now - at / 1000))} old`)),
    cell("In memory", own ? count(own.records) : "–"), cell("Owner", who, "owner"));
}

/** The member's own partitions in the form of the group's, while the group is not known. */
function ownPartition({ partition, lag, oldest_at }) {
  const oldest = isKnown(oldest_at) ? oldest_at * 1000 : null;
  return { partition, lag, oldest_at: oldest, moved_at: null, owner: null, ownerless: false, block: "" };
}

function describeGroup({ group_view, now }) {
  if (group_view.is_old) return `Old: ${describeRead(group_view, now)} This table may be wrong by now.`;
  if (!group_view.read_at) return "The group is not known yet. Below are the partitions of this member, if it has any.";
  return describeRead(group_view, now);
}

function describeRead({ state, read_at, members }, now) {
  const number = `${count(members.length)} ${members.length === 1 ? "member" : "members"}`;
  return `Kafka's own data, read ${span(Math.max(0, now - read_at / 1000))} ago: the group is ${state}, `
    + `with ${state === "unknown" ? "its members unknown" : number}.`;
}

export function renderGroup(status) {
  const { group_view, partitions, conditions, http_port, now } = status;
  const own = new Map(partitions.map((partition) => [partition.partition, partition]));
  const ofGroup = group_view.partitions ?? [];
  const rows = ofGroup.length ? ofGroup : partitions.map(ownPartition);
  const largestLag = Math.max(...rows.map(({ lag }) => lag ?? 0), 1);
  const findings = (group_view.findings ?? []).filter(({ rule }) => rule === "not_moving");
  const notMoving = new Set(findings.flatMap((finding) => finding.partitions));
  const waiting = conditions.some(({ is_wait }) => is_wait);
  $("partitions").replaceChildren(
    ...rows.map((partition) => partitionRow(partition, own.get(partition.partition), { now, http_port, notMoving, waiting, largestLag })));
  $("partition_table").hidden = rows.length === 0;
  $("partition_table").classList.toggle("dim", Boolean(group_view.is_old));
  $("group_about").textContent = describeGroup(status);
  $("group_problems").replaceChildren(...(group_view.problems ?? []).map((problem) => make("p", { class: "warn" }, problem)));
  const idle = (group_view.members ?? []).filter((member) => !member.partitions.length);
  $("idle").replaceChildren(...idle.map((member) =>
    make("p", {}, "Without a partition: ", memberLink(member, http_port, false))));
}
