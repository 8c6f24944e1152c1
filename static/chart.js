// Draws the figure of the page with plotly over the server's picture, with the colours of the theme in force.
(() => {
  "use strict";
  const HEIGHT = 264, LEFT = 44, RIGHT = 4, TOP = 12, FOOT = 24;
  // A click leads away only after the time in which a second one would make it a double-click.
  const SECOND_CLICK = 400;
  const POSTER = { width: 1200, height: 600 };
  const config = {
    displayModeBar: false, displaylogo: false, showSendToCloud: false, plotlyServerURL: "", doubleClick: "reset", doubleClickDelay: 350,
    scrollZoom: false, responsive: true, showTips: false, staticPlot: false,
  };
  const off = new Set();

  function colours(place) {
    const probe = document.createElement("i");
    probe.hidden = true;
    place.append(probe);
    const found = {};
    for (const name of ["s0", "s1", "s2", "s3", "s4", "s5", "s6", "ink", "ink-2", "ink-3", "surface", "grid", "axis", "band", "hatch"]) {
      probe.style.color = `var(--${name})`;
      found[name] = getComputedStyle(probe).color;
    }
    found.font = getComputedStyle(place).fontFamily;
    probe.remove();
    return found;
  }

  function bars(figure, ink) {
    const x = Array.from({ length: figure.bars }, (_, index) => index);
    const made = [];
    for (const source of ["reported", "since"]) {
      for (const trace of figure.traces) {
        if (!trace[source].some(Boolean)) continue;
        const colour = ink[`s${trace.slot}`];
        const marker = { color: colour, line: { color: ink.surface, width: 1 } };
        if (source === "since") marker.pattern = { shape: "/", size: 5, solidity: .5, fillmode: "overlay", bgcolor: colour, fgcolor: ink.hatch, fgopacity: 1 };
        made.push({
          type: "bar", x, y: trace[source], width: .72, name: trace.name, marker, hoverinfo: "none",
          visible: !off.has(trace.key), showlegend: source === "reported" || !trace.reported.some(Boolean),
        });
      }
    }
    return made;
  }

  function lines(figure, ink) {
    const made = [];
    const ahead = figure.ahead.map((one, index) => [index, one]).filter(([, one]) => one);
    if (ahead.length) {
      const at = ahead.map(([index]) => index);
      made.push({
        type: "scatter", mode: "lines", x: [...at, ...at.toReversed()], fill: "toself", fillcolor: ink.band, line: { width: 0 }, hoverinfo: "skip",
        y: [...ahead.map(([, one]) => one[2]), ...ahead.map(([, one]) => one[0]).toReversed()],
      });
      made.push({ type: "scatter", mode: "lines", x: at, y: ahead.map(([, one]) => one[1]), line: { color: ink.ink, width: 1.5, dash: "4px,3px" }, hoverinfo: "skip" });
    }
    const x = [], y = [];
    figure.previous.forEach((value, index) => { if (value !== null) { x.push(index - .44, index + .44, null); y.push(value, value, null); } });
    if (x.length) {
      made.push({ type: "scatter", mode: "lines", x, y, line: { color: ink.surface, width: 3.25 }, hoverinfo: "skip" });
      made.push({ type: "scatter", mode: "lines", x, y, line: { color: ink["ink-2"], width: 1.25 }, hoverinfo: "skip" });
    }
    return made;
  }

  function layout(figure, ink, narrow) {
    const values = figure.ticks.map((tick) => tick[0]);
    const labels = narrow ? figure.labels.filter((one, index) => index % 2 === 0 || one[2]) : figure.labels;
    // Today as an annotation: markup in a tick would need a style attribute, which the policy refuses.
    const today = labels.filter((one) => one[2]).map((one) => ({
      x: one[0], xref: "x", y: 0, yref: "paper", yanchor: "top", yshift: 2, text: one[1], showarrow: false, borderpad: 3,
      font: { color: ink.ink, size: 11, weight: 500 },
    }));
    return {
      annotations: today, height: HEIGHT, margin: { l: narrow ? 36 : LEFT, r: narrow ? 0 : RIGHT, t: TOP, b: FOOT, pad: 0 }, autosize: true,
      barmode: "relative", showlegend: false, hovermode: "x", dragmode: "zoom", selectdirection: "h",
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { family: ink.font, size: 11, color: ink["ink-3"] },
      xaxis: {
        range: [-.5, figure.bars - .5], tickvals: labels.map((one) => one[0]), ticktext: labels.map((one) => one[2] ? "" : one[1]),
        tickangle: 0, showgrid: false, zeroline: false, ticks: "", automargin: false, tickfont: { color: ink["ink-3"], size: 11 },
      },
      yaxis: {
        range: [figure.lowest, values.at(-1)], tickvals: values, ticktext: figure.ticks.map((tick) => tick[1]), fixedrange: true, gridcolor: ink.grid,
        zeroline: true, zerolinecolor: ink.axis, zerolinewidth: 1, ticks: "", automargin: false, ticklabelstandoff: 6,
      },
    };
  }

  function cell(tag, text, name) {
    const made = document.createElement(tag);
    made.textContent = text;
    if (name) made.className = name;
    return made;
  }

  function showTip(panel, figure, index, at) {
    const tip = panel.querySelector("[data-tip]"), told = figure.tips[index], words = panel.dataset;
    const list = document.createElement("dl");
    for (const [name, slot, amount, share, key] of told.rows) {
      if (off.has(key)) continue;
      list.append(cell("span", "", `key f${slot}`), cell("dt", name), cell("dd", amount), cell("dd", share, "muted"));
    }
    const sums = [[words.reported, told.reported], [words.since, told.since], [words.previous, told.previous], [words.ahead, told.ahead]];
    const totals = cell("dl", "", "sums");
    for (const [name, amount] of sums) if (amount) totals.append(cell("dt", name), cell("dd", amount));
    const head = cell("p", `${told.weekday} ${told.day}`.trim());
    head.append(cell("span", told.state));
    tip.replaceChildren(head, list, totals);
    tip.hidden = false;
    const room = panel.querySelector(".plot").clientWidth, wide = tip.offsetWidth;
    tip.style.insetInlineStart = `${Math.max(0, at + 16 + wide > room ? at - 16 - wide : at + 16)}px`;
    tip.style.insetBlockStart = "8px";
  }

  function draw(panel) {
    const source = panel.querySelector("#spend-figure"), live = panel.querySelector("[data-live]");
    if (!source || !live || !window.Plotly) return;
    const figure = JSON.parse(source.textContent), ink = colours(panel), narrow = window.innerWidth <= 680;
    const first = !live.classList.contains("js-plotly-plot");
    window.Plotly.react(live, [...bars(figure, ink), ...lines(figure, ink)], layout(figure, ink, narrow), config).then(() => {
      panel.querySelector(".plot").classList.add("is-live");
      const png = panel.querySelector("[data-png]");
      if (png) png.hidden = false;
      if (first) listen(panel, live, figure);
    });
  }

  function listen(panel, live, figure) {
    live.on("plotly_hover", (event) => {
      const point = event.points[0];
      showTip(panel, figure, Math.round(point.x), point.xaxis.d2p(point.x) + point.xaxis._offset);
    });
    live.on("plotly_unhover", () => { panel.querySelector("[data-tip]").hidden = true; });
    let leaving = 0, doubled = 0;
    const stay = () => { clearTimeout(leaving); leaving = 0; };
    live.on("plotly_doubleclick", () => { stay(); doubled = Date.now(); });
    live.on("plotly_relayout", stay);
    live.on("plotly_click", (event) => {
      if (leaving || Date.now() - doubled < SECOND_CLICK) { stay(); return; }
      const point = event.points[0], top = live.getBoundingClientRect().top;
      const value = point.yaxis.p2d(event.event.clientY - top - point.yaxis._offset);
      const href = hit(figure, Math.round(point.x), value);
      if (href) leaving = setTimeout(() => { leaving = 0; window.location.assign(href); }, SECOND_CLICK);
    });
  }

  // Which series lies under a height of a bar, in the order in which the bar is stacked.
  function hit(figure, index, value) {
    const edge = { up: 0, down: 0 };
    for (const source of ["reported", "since"]) {
      for (const trace of figure.traces) {
        const amount = trace[source][index], side = amount < 0 ? "down" : "up";
        if (!amount || off.has(trace.key)) continue;
        const from = edge[side];
        edge[side] += amount;
        if (value >= Math.min(from, edge[side]) && value < Math.max(from, edge[side])) return trace.href;
      }
    }
    return "";
  }

  // What plotly would read as markup is spelled out; the names of the figure come that way already.
  const plain = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

  // The figure by itself, as it leaves the page: what it shows in words, a legend, the ground of the theme.
  function poster(panel) {
    const figure = JSON.parse(panel.querySelector("#spend-figure").textContent), ink = colours(panel), words = panel.dataset;
    const page = document.getElementById("main").dataset, group = panel.querySelector(".seg [aria-current]");
    const what = [panel.querySelector("h2").textContent, group?.textContent].filter(Boolean).join(", ");
    const named = new Map([["4px,3px", words.ahead], [ink["ink-2"], words.previous]]);
    const data = [
      ...bars(figure, ink),
      ...lines(figure, ink).map((one) => {
        const name = named.get(one.line.dash) ?? (one.line.dash ? undefined : named.get(one.line.color));
        return { ...one, name: plain(name ?? ""), showlegend: Boolean(name) };
      }),
    ];
    const hatched = data.find((one) => one.marker?.pattern);
    if (hatched) data.push({ type: "bar", x: [null], y: [null], name: plain(words.since), showlegend: true, marker: { ...hatched.marker, color: ink.s0, pattern: { ...hatched.marker.pattern, bgcolor: ink.s0 } } });
    return {
      data,
      layout: {
        ...layout(figure, ink, false), ...POSTER, autosize: false, showlegend: true, paper_bgcolor: ink.surface, plot_bgcolor: ink.surface,
        margin: { l: 60, r: 24, t: 104, b: 88, pad: 0 },
        title: {
          text: plain(page.of ?? ""), font: { size: 18, color: ink.ink }, x: 24 / POSTER.width, xanchor: "left", y: 1 - 24 / POSTER.height, yanchor: "top",
          subtitle: { text: plain([what, page.range, page.unit].filter(Boolean).join(" · ")), font: { size: 13, color: ink["ink-2"] } },
        },
        legend: { orientation: "h", x: 0, y: -.12, yanchor: "top", font: { size: 12, color: ink["ink-2"] }, traceorder: "normal", itemclick: false, itemdoubleclick: false },
      },
      config: { staticPlot: true, displaylogo: false },
    };
  }

  function toggle(button) {
    const key = button.dataset.toggle, shown = button.getAttribute("aria-pressed") === "true";
    button.setAttribute("aria-pressed", String(!shown));
    if (shown) off.add(key); else off.delete(key);
    draw(button.closest("[data-chart]"));
  }

  function drawAll() {
    for (const panel of document.querySelectorAll("[data-chart]")) draw(panel);
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-toggle]"), png = event.target.closest("[data-png]");
    if (button) toggle(button);
    if (png) {
      const panel = png.closest("[data-chart]");
      window.Plotly.downloadImage(poster(panel), { format: "png", scale: 2, ...POSTER, filename: panel.dataset.name });
    }
  });
  document.addEventListener("costwatch:theme", drawAll);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  document.addEventListener("htmx:afterSettle", ({ target }) => {
    // A search or a poll leaves the chart as it is; a new panel comes with every series shown.
    if (!target.matches?.("[data-chart]") && !target.querySelector?.("[data-chart]")) return;
    off.clear();
    drawAll();
  });
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", drawAll); else drawAll();
})();
