// What both pages need: making elements, telling numbers and times, asking again and again.

export const $ = (id) => document.getElementById(id);

/** An element with attributes and children; texts stay texts, whatever is in them. */
export function make(name, attributes = {}, ...children) {
  const it = name.includes(":")
    ? document.createElementNS("http://www.w3.org/2000/svg", name.slice(4))
    : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) it.setAttribute(key, value);
  it.append(...children.map((child) => (child instanceof Node ? child : String(child))));
  return it;
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

/** Ask, show, wait; through restarts of whoever answers. What is shown stays, dimmed, while nobody does. */
export async function poll(address, show, seconds = 2) {
  let silentSince = null;
  for (;;) {
    try {
      const answer = await fetch(address(), { cache: "no-store", signal: AbortSignal.timeout(5000) });
      if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
      show(await answer.json());
      silentSince = null;
      $("live").textContent = `live, ${clock(Date.now() / 1000)}`;
    } catch {
      silentSince ??= Date.now() / 1000;
      $("live").textContent = `no answer since ${clock(silentSince)}, asking again`;
    }
    document.body.classList.toggle("stale", silentSince !== null);
    $("live").className = silentSince ? "bad" : "dim";
    await new Promise((done) => setTimeout(done, seconds * 1000));
  }
}
