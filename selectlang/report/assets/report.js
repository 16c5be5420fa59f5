"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const root = document.documentElement;
  const night = matchMedia("(prefers-color-scheme: dark)");
  const narrow = matchMedia("(max-width: 640px)");
  const drawn = new Map(); // the element of each chart, and what draws it again in the colours of now
  const colour = (name) => getComputedStyle(root).getPropertyValue(`--${name}`).trim();
  const PALETTE = ["#4e79a7", "#f28e2b", "#59a14f", "#e15759", "#76b7b2", "#b07aa1", "#edc948", "#9c755f", "#ff9da7", "#7f8fa6",
    "#2b8cbe", "#d95f0e", "#31a354", "#c51b8a", "#1b9e9e", "#756bb1", "#b8860b", "#8c510a", "#e7298a", "#636363"];
  const RAMP = [[0, "#440154"], [0.25, "#3b528b"], [0.5, "#21918c"], [0.75, "#5ec962"], [1, "#fde725"]];

  const text = (tag, value, name) => {
    const made = document.createElement(tag);
    made.textContent = value;
    if (name) made.className = name;
    return made;
  };
  // Text from data goes into the page by way of textContent alone, and its direction stays its own.
  const words = (tag, value, name) => {
    const made = text(tag, value, name);
    made.dir = "auto";
    return made;
  };

  async function inflate(id) {
    const bytes = Uint8Array.from(atob(byId(id).textContent), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).text();
  }

  function themes() {
    const button = byId("theme");
    const show = (theme) => {
      const other = theme === "dark" ? "light" : "dark";
      root.dataset.theme = theme;
      button.textContent = other === "dark" ? "Dark" : "Light";
      button.setAttribute("aria-label", `Switch to ${other} colours`);
      for (const draw of drawn.values()) draw();
    };
    const preferred = () => show(night.matches ? "dark" : "light");
    button.hidden = false;
    button.addEventListener("click", () => show(root.dataset.theme === "dark" ? "light" : "dark"));
    night.addEventListener("change", preferred);
    narrow.addEventListener("change", () => {
      for (const draw of drawn.values()) draw();
    });
    preferred();
  }

  // Names of colours in figures begin with the character 1, which no text of data holds.
  const painted = (value) => {
    if (typeof value === "string") return value.startsWith("\u0001") ? colour(value.slice(1)) : value;
    if (Array.isArray(value)) return value.map(painted);
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, painted(part)]));
  };

  function layout(given) {
    const axis = { gridcolor: colour("rule"), zerolinecolor: colour("rule"), linecolor: colour("rule"), automargin: true };
    const paint = painted(given);
    // Names of groups are cut, and marks of numbers are few: turned, or as wide as they are, they would leave no room.
    const short = narrow.matches && given.meta ? { tickvals: given.meta.names, ticktext: given.meta.short } : {};
    const few = narrow.matches ? { tickangle: 0, nticks: 5 } : {};
    return {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", autosize: true,
      font: { color: colour("ink"), family: "system-ui, sans-serif", size: 12.5 },
      hoverlabel: { bgcolor: colour("panel"), bordercolor: colour("rule"), font: { color: colour("ink") } },
      margin: { l: 52, r: 14, t: 8, b: 44 },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: colour("faint"), activecolor: colour("link") },
      ...paint,
      legend: { orientation: "h", y: 1, yanchor: "bottom", x: 0, ...paint.legend },
      xaxis: { ...axis, ...few, ...paint.xaxis },
      yaxis: { ...axis, ...paint.yaxis, ...short },
    };
  }
  const CONFIG = { displaylogo: false, responsive: true, displayModeBar: false };

  function charts(figures) {
    const draw = (element) => {
      const figure = figures[element.id.slice("plot-".length)];
      const again = () => Plotly.react(element, painted(figure.data), layout(figure.layout), CONFIG);
      drawn.set(element, again);
      again();
    };
    const waiting = new Set(document.querySelectorAll("figure .plot"));
    const watch = new IntersectionObserver((entries) => {
      for (const { isIntersecting, target } of entries) if (isIntersecting && waiting.delete(target)) draw(target);
    }, { rootMargin: "400px" });
    for (const element of waiting) watch.observe(element);
    addEventListener("beforeprint", () => {
      for (const element of waiting) draw(element);
      waiting.clear();
    });
  }

  function cloud(map) {
    const area = byId("cloud");
    const count = map.x.length;
    const gl = document.createElement("canvas").getContext("webgl") !== null;
    const kind = gl ? "scattergl" : "scatter";
    const step = gl ? 1 : Math.ceil(count / 4000); // SVG takes no more
    const lower = map.text.map((line, i) => `${map.id[i]} ${line}`.toLowerCase());
    const names = Object.keys(map.chosen);
    const state = { which: names[0], colour: null, found: [], mark: null, only: false };
    let chosen = new Set();
    let order = []; // the rows of each trace, by their number in the map

    const label = (each, i) => (each.names ? each.names[each.codes[i]] : each.values[i] === null ? "missing" : String(each.values[i]));
    function describe(i, into) {
      into.replaceChildren();
      const head = text("p", "");
      head.append(words("b", map.id[i]), chosen.has(i) ? text("span", " chosen", "is-chosen") : text("span", " not chosen"));
      into.append(head, words("p", map.text[i]));
      for (const each of map.colours) into.append(words("p", `${each.name}: ${label(each, i)}`, "small"));
      into.hidden = false;
    }

    function marker(rows, big) {
      const each = state.colour;
      const few = chosen.size < 1500; // more of them, as large, would hide each other and all else
      const made = { size: big ? (few ? 7 : 4.5) : count > 20000 ? 3 : 4.5, opacity: big ? 0.9 : 0.5 };
      made.line = { width: big && few ? 1 : 0, color: colour(big ? "ink" : "page") };
      if (!each) return { ...made, color: colour(big ? "chosen" : "pool") };
      if (each.names) {
        const top = PALETTE.length - 1;
        const scale = PALETTE.flatMap((shade, i) => [[i / (top + 1), shade], [(i + 1) / (top + 1), shade]]);
        return { ...made, color: rows.map((i) => each.codes[i] % PALETTE.length), colorscale: scale, cmin: -0.5, cmax: top + 0.5, showscale: false };
      }
      return { ...made, color: rows.map((i) => each.values[i]), colorscale: RAMP, cmin: each.low, cmax: each.high, showscale: false };
    }

    function trace(rows, name, style) {
      return {
        type: kind, mode: "markers", name, hoverinfo: "none",
        x: rows.map((i) => map.x[i]), y: rows.map((i) => map.y[i]), marker: style,
      };
    }

    function draw() {
      chosen = new Set(map.chosen[state.which]);
      const others = [];
      for (let i = 0; i < count; i += 1) if (!chosen.has(i) && (i % step === 0)) others.push(i);
      order = [state.only ? [] : others, [...chosen], state.found, state.mark === null ? [] : [state.mark]];
      const ring = (size, width) => ({ size, symbol: "circle-open", color: colour("found"), line: { width, color: colour("found") } });
      const traces = [
        trace(order[0], "pool", marker(order[0], false)), trace(order[1], "chosen", marker(order[1], true)),
        trace(order[2], "found", ring(11, 2)), trace(order[3], "marked", ring(20, 3)),
      ];
      const axis = { visible: false, zeroline: false, showgrid: false };
      const shape = { showlegend: false, dragmode: "pan", hovermode: "closest", hoverdistance: 8, uirevision: "map" };
      const plain = layout({ ...shape, margin: { l: 0, r: 0, t: 0, b: 0 } });
      plain.xaxis = { ...axis };
      plain.yaxis = { ...axis, scaleanchor: "x" };
      // Named one by one: among those that plotly.js has by itself is one that sends the chart away.
      const buttons = [["pan2d", "zoom2d", "zoomIn2d", "zoomOut2d", "resetScale2d"]];
      const config = { ...CONFIG, displayModeBar: true, scrollZoom: true, modeBarButtons: buttons };
      legend();
      return Plotly.react(area, traces, plain, config);
    }

    function legend() {
      const box = byId("legend");
      box.replaceChildren();
      const item = (shade, name) => {
        const made = text("span", "");
        const dot = text("i", "");
        dot.style.background = shade;
        made.append(dot, words("bdi", name));
        box.append(made);
      };
      const each = state.colour;
      if (!each) {
        item(colour("chosen"), "chosen");
        item(colour("pool"), "not chosen");
      } else if (each.names) {
        each.names.slice(0, PALETTE.length).forEach((name, i) => item(PALETTE[i], name));
        const more = each.names.length - PALETTE.length;
        if (more > 0) box.append(text("span", `and ${more.toLocaleString("en")} more, in the same colours again`));
      } else {
        const ramp = text("i", "", "ramp");
        ramp.style.background = `linear-gradient(to right, ${RAMP.map(([, shade]) => shade).join(",")})`;
        const made = text("span", "");
        made.append(text("span", each.low.toPrecision(3)), ramp, text("span", each.high.toPrecision(3)));
        box.append(made);
      }
      if (each) box.append(text("span", "large points are the chosen ones"));
    }

    function search() {
      const wanted = byId("search").value.trim().toLowerCase();
      const hits = byId("hits");
      hits.replaceChildren();
      state.found = [];
      state.mark = null;
      byId("point").hidden = true;
      if (wanted) for (let i = 0; i < count; i += 1) if (lower[i].includes(wanted)) state.found.push(i);
      const some = state.found.length;
      byId("matches").textContent = wanted ? `${some.toLocaleString("en")} ${some === 1 ? "point" : "points"} found` : "";
      for (const i of state.found.slice(0, 10)) {
        const button = text("button", "");
        button.type = "button";
        button.append(words("b", map.id[i]), words("bdi", map.text[i]));
        button.addEventListener("click", () => pick(i));
        const row = text("li", "");
        row.append(button);
        hits.append(row);
      }
      draw();
    }

    function pick(i) {
      state.mark = i;
      draw();
      describe(i, byId("point"));
    }

    function pointed(event) {
      const { curveNumber, pointIndex, pointNumber } = event.points[0];
      return order[curveNumber][pointIndex ?? pointNumber];
    }

    for (const each of map.colours) {
      if (each.names) continue;
      const known = each.values.filter((value) => value !== null).sort((a, b) => a - b);
      each.low = known[Math.floor(known.length * 0.01)] ?? 0; // a few far out would take all colours
      each.high = known[Math.ceil(known.length * 0.99) - 1] ?? 1;
    }
    const chooser = byId("colour");
    chooser.append(new Option("chosen or not", ""));
    map.colours.forEach((each, i) => chooser.append(new Option(each.name, i)));
    const grouped = map.colours.findIndex((each) => each.names && each.names.length <= PALETTE.length);
    if (grouped >= 0) {
      state.colour = map.colours[grouped];
      chooser.value = String(grouped);
    }
    chooser.addEventListener("change", () => {
      state.colour = chooser.value === "" ? null : map.colours[Number(chooser.value)];
      draw();
    });
    const which = byId("which");
    names.forEach((name) => which.append(new Option(name, name)));
    byId("which-label").hidden = names.length < 2;
    which.addEventListener("change", () => {
      state.which = which.value;
      draw();
    });
    byId("only").addEventListener("change", (event) => {
      state.only = event.target.checked;
      draw();
    });
    let wait = 0;
    byId("search").addEventListener("input", () => {
      clearTimeout(wait);
      wait = setTimeout(search, 120);
    });

    const tip = byId("tip");
    drawn.set(area, draw);
    draw().then(() => {
      area.on("plotly_hover", (event) => {
        describe(pointed(event), tip);
        const { clientX, clientY } = event.event;
        const { width, height } = tip.getBoundingClientRect();
        tip.style.left = `${Math.max(6, Math.min(clientX + 16, innerWidth - width - 8))}px`;
        tip.style.top = `${clientY + 18 + height > innerHeight ? Math.max(4, clientY - height - 12) : clientY + 18}px`;
      });
      area.on("plotly_unhover", () => {
        tip.hidden = true;
      });
      area.on("plotly_click", (event) => pick(pointed(event)));
      root.dataset.map = "ready";
    });
  }

  async function start() {
    themes();
    if (!byId("plotly")) return;
    const library = document.createElement("script");
    library.textContent = await inflate("plotly");
    document.head.append(library);
    if (byId("figures")) charts(JSON.parse(await inflate("figures")));
    if (byId("map-data")) cloud(JSON.parse(await inflate("map-data")));
    root.dataset.charts = "ready";
  }

  start().catch((error) => {
    const box = byId("failed");
    box.textContent = `The charts cannot be drawn in this browser (${error}). One of 2023 or later is needed.`;
    box.hidden = false;
  });
})();
