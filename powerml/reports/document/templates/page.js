"use strict";
(() => {
  const each = (list, act) => Array.prototype.forEach.call(list, act);

  // Tables: sort by a heading, filter, copy as CSV, show the rest.
  const raw = (cell) => cell.dataset.v ?? cell.textContent;
  const number = (text) => (text.trim() === "" ? NaN : Number(text));
  const sort = (table, head) => {
    const place = Array.prototype.indexOf.call(head.parentNode.children, head);
    const down = head.getAttribute("aria-sort") === "descending" || (!head.hasAttribute("aria-sort") && !head.classList.contains("n"));
    each(head.parentNode.children, (other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "ascending" : "descending");
    const numeric = head.classList.contains("n");
    const rows = [...table.tBodies[0].rows].map((row, i) => [row, raw(row.cells[place]), i]);
    const sign = down ? 1 : -1;
    rows.sort(([, a, i], [, b, k]) => {
      const empty = (a === "") - (b === "");
      if (empty) return empty;
      const order = numeric ? number(a) - number(b) : a.localeCompare(b, undefined, { numeric: true });
      return sign * order || i - k;
    });
    const first = Number(table.closest(".table").dataset.first);
    rows.forEach(([row], i) => { row.classList.toggle("rest", i >= first); table.tBodies[0].append(row); });
  };
  const quoted = (text) => {
    const formula = /^[=+\-@\t\r]/.test(text) && !Number.isFinite(number(text));
    const safe = formula ? `'${text}` : text;
    return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const csv = (table) => {
    const line = (cells) => cells.map(quoted).join(",");
    const rows = [...table.tBodies[0].rows].filter((row) => !row.classList.contains("out"));
    return [line([...table.tHead.rows[0].cells].map((c) => c.dataset.id)), ...rows.map((r) => line([...r.cells].map(raw)))].join("\n") + "\n";
  };
  const copy = async (text, button) => {
    const said = button.textContent;
    let done = false;
    try { await navigator.clipboard.writeText(text); done = true; } catch {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      done = document.execCommand("copy");
      area.remove();
    }
    button.textContent = done ? "Copied" : "The browser does not let it";
    setTimeout(() => { button.textContent = said; }, 1500);
  };
  each(document.querySelectorAll(".table"), (box) => {
    const table = box.querySelector("table");
    if (!table) return;
    each(table.tHead.rows[0].cells, (head) => head.firstElementChild.addEventListener("click", () => sort(table, head)));
    box.querySelector(".copy").addEventListener("click", (event) => copy(csv(table), event.currentTarget));
    box.querySelector(".more")?.addEventListener("click", (event) => { box.classList.add("all"); event.currentTarget.remove(); });
    box.querySelector("input")?.addEventListener("input", (event) => {
      const wanted = event.currentTarget.value.toLocaleLowerCase();
      box.classList.toggle("all", wanted !== "" || !box.querySelector(".more"));
      each(table.tBodies[0].rows, (row) => row.classList.toggle("out", !row.textContent.toLocaleLowerCase().includes(wanted)));
    });
  });
  window.powermlTable = (key) => csv(document.querySelector(`[data-table="${CSS.escape(key)}"] table`));

  // How a number was made, on hover and on focus.
  const tip = Object.assign(document.createElement("div"), { id: "tip", hidden: true });
  tip.setAttribute("role", "status");  // read aloud where it changes
  document.body.append(tip);
  const show = (event) => {
    const from = event.target.closest?.("[data-tip]");
    tip.hidden = !from;
    if (!from) { return; }
    place(from.dataset.tip, from.getBoundingClientRect());
  };
  const place = (text, at) => {
    tip.hidden = false;
    tip.textContent = text;
    const wide = tip.offsetWidth, high = tip.offsetHeight;
    const top = at.bottom + 6 + high > innerHeight ? at.top - high - 6 : at.bottom + 6;
    tip.style.transform = `translate(${Math.max(4, Math.min(at.left, innerWidth - wide - 8))}px,${Math.max(4, top)}px)`;
  };
  ["mouseover", "focusin"].forEach((name) => document.addEventListener(name, show));
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") tip.hidden = true; });
  document.addEventListener("scroll", () => { tip.hidden = true; }, { capture: true, passive: true });

  // Charts by keyboard: arrows go from mark to mark, as hovering does; Enter opens the table, Escape ends it.
  const marks = (chart) => [...chart.querySelectorAll("svg path, svg text, svg rect, svg line, svg circle")].filter((one) => {
    const told = one.__data__?.tooltip;
    return told !== null && typeof told === "object" && one.getBoundingClientRect().width + one.getBoundingClientRect().height > 0;
  });
  const words = (told) => Object.entries(told).map(([name, value]) => (name.trim() ? `${name}: ${value}` : value)).join(", ");
  document.addEventListener("keydown", (event) => {
    const chart = event.target.closest?.(".chart");
    if (!chart) return;
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.key === "Enter") {
      const table = chart.parentNode.querySelector("details");
      table.open = !table.open;
    } else if (step) {
      const all = marks(chart);
      if (!all.length) return;
      event.preventDefault();
      const last = chart.dataset.mark === undefined ? (step > 0 ? -1 : 0) : Number(chart.dataset.mark);
      const now = (last + step + all.length) % all.length;
      chart.dataset.mark = now;
      chart.querySelectorAll(".at").forEach((one) => one.classList.remove("at"));
      all[now].classList.add("at");
      place(words(all[now].__data__.tooltip), all[now].getBoundingClientRect());
    }
  });

  // Light or dark: as the system is, until one chooses.
  document.getElementById("theme").addEventListener("click", () => {
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    const now = document.documentElement.dataset.theme || (dark ? "dark" : "light");
    document.documentElement.dataset.theme = now === "dark" ? "light" : "dark";
  });

  // Charts: colours of the theme are the page's, the width is that of their place; Vega's interpreter needs no eval.
  const data = document.getElementById("charts");
  if (!data) return;
  const specs = JSON.parse(data.textContent);
  const colours = { "#2b3642": "var(--ink)", "#ffffff": "var(--paper)", "#dfe4ea": "var(--grid)" };
  const fitted = (value, narrow) => {
    if (typeof value === "string") return colours[value] ?? value;
    if (Array.isArray(value)) return value.map((inner) => fitted(inner, narrow));
    if (value === null || typeof value !== "object") return value;
    const made = {};
    for (const [key, inner] of Object.entries(value)) {
      if (key === "datasets") made[key] = inner;
      else if (key === "labelLimit" && narrow) made[key] = Math.min(inner, 150);
      else made[key] = fitted(inner, narrow);
    }
    return made;
  };
  const drawn = new Set();
  const draw = async (place) => {
    if (drawn.has(place)) return;
    drawn.add(place);
    const spec = fitted(specs[Number(place.dataset.chart)], place.clientWidth < 420);
    Object.assign(spec, { width: "container", autosize: { type: "fit-x", contains: "padding" } });
    Object.assign(spec.config, { background: "transparent", padding: 2 });
    const options = { actions: false, renderer: "svg", ast: true, defaultStyle: false, tooltip: { disableDefaultStyle: true } };
    try { await window.vegaEmbed(place, spec, options); } catch (error) { console.error(error); place.textContent = "This picture could not be drawn; its numbers are in the table below."; }
  };
  const places = [...document.querySelectorAll(".chart")];
  const watch = new IntersectionObserver((seen) => seen.forEach((one) => { if (one.isIntersecting) draw(one.target); }), { rootMargin: "300px" });
  places.forEach((place) => watch.observe(place));
  const idle = (act) => setTimeout(act, 10);  // one after another, so that the page answers between them
  const rest = () => { const next = places.find((place) => !drawn.has(place)); if (next) draw(next).then(() => idle(rest)); else document.documentElement.dataset.drawn = "all"; };
  addEventListener("load", () => idle(rest));
  addEventListener("beforeprint", () => places.forEach(draw));
})();
