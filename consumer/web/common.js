// What both pages use: making elements, formatting numbers and times, polling.

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

export const count = (number) => number.toLocaleString("en");

const HOURS = { hourCycle: "h23" };

export const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString([], HOURS);

export function span(seconds) {
  if (seconds < 1) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86400)} d`;
}

/**
 * Fetch the JSON at address() and render it, every few seconds, through restarts of the server. While the server does not
 * respond, the page keeps its last content, dimmed.
 */
export async function poll(address, render, seconds = 2) {
  let silentSince = null;
  for (;;) {
    try {
      const response = await fetch(address(), { cache: "no-store", signal: AbortSignal.timeout(5000) });
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
      render(await response.json());
      silentSince = null;
      $("live").textContent = `live, ${clock(Date.now() / 1000)}`;
    } catch {
      silentSince ??= Date.now() / 1000;
      $("live").textContent = `no response since ${clock(silentSince)}, retrying`;
    }
    document.body.classList.toggle("stale", silentSince !== null);
    $("live").className = silentSince ? "bad" : "dim";
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  }
}
