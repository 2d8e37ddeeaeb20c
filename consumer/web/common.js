// What both pages use: making elements, formatting numbers and times, polling. All times are in UTC.

export const $ = (id) => document.getElementById(id);

/** An element with attributes and children. A text is never read as HTML, whatever it contains. */
export function make(name, attributes = {}, ...children) {
  const element = name.includes(":")
    ? document.createElementNS("http://www.w3.org/2000/svg", name.slice(4))
    : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children.map((child) => (child instanceof Node ? child : String(child))));
  return element;
}

/** What is not known is null in JSON, and is never shown as a number. */
export const isKnown = (value) => value !== null && value !== undefined;

export const orUnknown = (value, format) => (isKnown(value) ? format(value) : "unknown");

export const count = (number) => number.toLocaleString("en");

const iso = (seconds) => new Date(seconds * 1000).toISOString();

/** The time of day, in UTC. */
export const clock = (seconds) => iso(seconds).slice(11, 19);

/** The time, with its date if that is another day than now. */
export function moment(seconds, now) {
  const day = iso(seconds).slice(0, 10);
  return day === iso(now).slice(0, 10) ? `${clock(seconds)} UTC` : `${day} ${clock(seconds)} UTC`;
}

/** A duration; the blank before its unit does not break. */
export function span(seconds) {
  if (seconds < 1) return `${seconds.toFixed(1)}\u00a0s`;
  if (seconds < 120) return `${Math.round(seconds)}\u00a0s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)}\u00a0min`;
  return seconds < 172800 ? `${Math.round(seconds / 3600)}\u00a0h` : `${Math.round(seconds / 86400)}\u00a0d`;
}

/** A command, and a button that copies it, or selects it where a page over plain HTTP may not use the clipboard. */
export function commandLine(command) {
  const words = command.split(" ").flatMap((word) => [make("span", { class: "nowrap" }, word), " "]).slice(0, -1);
  const code = make("code", { class: "command" }, ...words);
  const button = make("button", { type: "button" }, "Copy");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(command);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(code);
      button.textContent = "Selected";
    }
  });
  return make("span", { class: "copy" }, code, button);
}

const shown = new Map();

/** Replace the content of an element if its source changed, so that a selection and what is opened stay. */
export function replaceIfChanged(id, source, build) {
  const key = JSON.stringify(source, (_, value) => (typeof value === "number" ? Math.round(value) : value));
  if (shown.get(id) === key) return;
  shown.set(id, key);
  $(id).replaceChildren(...build());
}

/** A time that says how long ago it is, or how long until then. `updateTimes` keeps the text right. */
export const relative = (kind, seconds) => make("span", { [`data-${kind}`]: seconds });

/** Write the texts of all elements of `relative` anew. */
export function updateTimes(now) {
  for (const element of document.querySelectorAll("[data-since]")) {
    element.textContent = span(Math.max(0, now - Number(element.dataset.since)));
  }
  for (const element of document.querySelectorAll("[data-until]")) {
    const rest = Number(element.dataset.until) - now;
    element.textContent = rest > 0 ? `in ${span(rest)}` : "now";
  }
}

function showLive(text, isLive) {
  document.body.classList.toggle("stale", !isLive);
  $("live").className = isLive ? "dim" : "bad";
  $("live").textContent = text;
}

/** The JSON as `content`; or as `error` the refusal of a server that is there, null if nobody answers. */
async function ask(address) {
  try {
    const response = await fetch(address, { cache: "no-store", signal: AbortSignal.timeout(5000) });
    return response.ok ? { content: await response.json() } : { error: `HTTP status ${response.status}` };
  } catch {
    return { error: null };
  }
}

const DEFAULTS = { seconds: 2, onSilence: () => {} };

/**
 * Fetch the JSON at address() and render it, every few seconds, through restarts of the server. While the server does not
 * answer, the page keeps its last content, dimmed. The clock is the server's if the JSON has its time as `now`.
 */
export async function poll(address, render, options = {}) {
  const { seconds, onSilence } = { ...DEFAULTS, ...options };
  let answeredAt = Date.now() / 1000;
  let tick = performance.now();
  for (;;) {
    const { content, error } = await ask(address());
    if (content === undefined) {
      showLive(`no answer since ${clock(answeredAt)} UTC, retrying`, false);
      onSilence(answeredAt, error);
    } else {
      [answeredAt, tick] = [content.now ?? Date.now() / 1000, performance.now()];
      showLive(`live, ${clock(answeredAt)} UTC`, true);
      render(content);
    }
    updateTimes(answeredAt + (performance.now() - tick) / 1000);
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  }
}
