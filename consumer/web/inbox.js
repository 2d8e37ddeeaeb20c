// The inbox: fetches new events every two seconds. Opened events stay open.

import { $, clock, count, make, poll } from "./common.js";

const MAX_SHOWN = 200;
let newest = 0;

function row({ number, at, source, event }) {
  const details = make("details", { "data-number": number },
    make("summary", {},
      make("span", { class: "when" }, clock(at)), make("b", {}, event.event ?? event.type ?? ""),
      make("span", {}, event.properties?.questionType ?? ""), make("span", { class: "dim" }, event.userId ?? ""),
      make("span", { class: "dim" }, source)));
  details.addEventListener("toggle", () => {
    if (details.open && !details.querySelector("pre")) details.append(make("pre", {}, JSON.stringify(event, null, 2)));
  });
  return details;
}

function render({ accepted, requests, dropped, events }) {
  if (accepted < newest) { // another stand-in responds: the list begins anew
    newest = 0;
    $("events").replaceChildren();
    return;
  }
  $("accepted").textContent = count(accepted);
  $("requests").textContent = count(requests);
  const reasons = Object.entries(dropped).map(([reason, number]) =>
    make("tr", {}, make("td", {}, reason), make("td", {}, count(number))));
  $("dropped").replaceChildren(...(reasons.length ? reasons : [make("tr", {}, make("td", { class: "dim" }, "nothing"))]));
  $("events").prepend(...events.map(row).reverse());
  while ($("events").children.length > MAX_SHOWN) $("events").lastElementChild.remove();
  newest = accepted;
}

poll(() => `inbox.json?after=${newest}`, render);
