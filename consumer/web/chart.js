// A line over time with its axis, and the value under the pointer.

import { $, clock, make } from "./common.js";

const HEIGHT = 30;
const charts = new Map();

class Chart {
  constructor(id, label, format) {
    Object.assign(this, { label, format, times: [], values: [], hovered: null });
    this.area = make("svg:path", { class: "area" });
    this.line = make("svg:path");
    this.cursor = make("svg:line", { class: "cursor", y1: 0, y2: HEIGHT });
    this.svg = make("svg:svg", { class: "spark", viewBox: `0 0 100 ${HEIGHT}`, preserveAspectRatio: "none", role: "img" },
      this.area, this.line, this.cursor);
    this.most = make("span");
    this.readout = make("span", { class: "readout" });
    this.axis = make("p", { class: "axis" });
    this.svg.addEventListener("pointermove", (event) => this.hover(event));
    this.svg.addEventListener("pointerdown", (event) => this.hover(event));
    this.svg.addEventListener("pointerleave", () => this.hover(null));
    $(id).replaceChildren(make("p", { class: "axis" }, this.most, this.readout), this.svg, this.axis);
  }

  hover(event) {
    const box = this.svg.getBoundingClientRect();
    this.hovered = event && Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    this.showValue();
  }

  /** The share of the width at which a point is. */
  place(index) {
    const [first, last] = [this.times[0], this.times.at(-1)];
    return (this.times[index] - first) / (last - first);
  }

  showValue() {
    const isShown = this.hovered !== null && this.times.length > 1;
    this.cursor.classList.toggle("shown", isShown);
    this.readout.textContent = "";
    if (!isShown) return;
    const distances = this.times.map((_, index) => Math.abs(this.place(index) - this.hovered));
    const nearest = distances.indexOf(Math.min(...distances));
    const x = this.place(nearest) * 100;
    this.cursor.setAttribute("x1", x);
    this.cursor.setAttribute("x2", x);
    this.readout.textContent = `${clock(this.times[nearest])}: ${this.format(this.values[nearest])}`;
  }

  draw(times, values) {
    Object.assign(this, { times, values });
    if (times.length < 2) {
      this.most.textContent = "The line begins after ten seconds.";
      return;
    }
    const largest = Math.max(...values);
    const points = values.map((value, index) =>
      `${this.place(index) * 100},${HEIGHT - 1 - (value / (largest || 1)) * (HEIGHT - 2)}`);
    this.line.setAttribute("d", `M${points.join(" L")}`);
    this.area.setAttribute("d", `M0,${HEIGHT} L${points.join(" L")} L100,${HEIGHT} Z`);
    this.most.textContent = `at most ${this.format(largest)}`;
    const middle = (times[0] + times.at(-1)) / 2;
    this.axis.replaceChildren(...[times[0], middle, times.at(-1)].map((time) => make("span", {}, clock(time))));
    this.svg.setAttribute("aria-label", `${this.label}, from ${clock(times[0])} UTC, at most ${this.format(largest)}`);
    this.showValue();
  }
}

/** Draw the line in the element; a line requires two points. `format` shows one value with its unit. */
export function renderChart(id, label, times, values, format) {
  if (!charts.has(id)) charts.set(id, new Chart(id, label, format));
  charts.get(id).draw(times, values);
}
