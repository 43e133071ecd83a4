"use strict";
(() => {
  const TEXTS = {
    en: {
      skip: "Skip the map", search: "Search", theme: "Light / dark", map: "Map", all: "Show all", none: "Hide all",
      regions: "Regions", about: "How good is this map?", other: "Other", language: "中文",
      in: "Zoom in", out: "Zoom out", whole: "Whole map", near: "Nearest on the map", close: "Close",
      items: "items", documents: "documents", words: "words", category: "Categories", region: "Regions by color",
      keys: "Arrows move, + and − zoom, 0 shows the whole map, Enter chooses the point in the middle, / searches.",
      found: (n) => (n === 1 ? "1 found" : `${n.toLocaleString("en")} found`),
      used: (n) => `Used ${n.toLocaleString("en")} times`, counted: (n) => `Occurs ${n.toLocaleString("en")} times`,
      aria: (n, kind) => `Map of ${n.toLocaleString("en")} ${kind}`,
      method: "Method", kept: "Neighbors kept", trust: "Trustworthiness",
      note: (f) => `Share of the ${f.neighbors} nearest points that are among the ${f.neighbors} nearest on the map, and trustworthiness; 1 is best. Distances between far points say little. Seed ${f.seed}${f.perplexity ? `, perplexity ${f.perplexity}` : ""}.`,
    },
    zh: {
      skip: "跳过地图", search: "搜索", theme: "浅色 / 深色", map: "地图", all: "全部显示", none: "全部隐藏",
      regions: "区域", about: "这张地图有多可靠？", other: "其他", language: "English",
      in: "放大", out: "缩小", whole: "整张地图", near: "地图上最近的", close: "关闭",
      items: "个条目", documents: "篇文档", words: "个词", category: "类别", region: "按颜色区分的区域",
      keys: "方向键移动，+ 和 − 缩放，0 显示整张地图，回车选择中间的点，/ 搜索。",
      found: (n) => `找到 ${n.toLocaleString("zh")} 个`,
      used: (n) => `使用 ${n.toLocaleString("zh")} 次`, counted: (n) => `出现 ${n.toLocaleString("zh")} 次`,
      aria: (n, kind) => `${n.toLocaleString("zh")} ${kind}的地图`,
      method: "方法", kept: "保留的近邻", trust: "可信度",
      note: (f) => `最近的 ${f.neighbors} 个点中，在地图上仍是最近 ${f.neighbors} 个点的比例，以及可信度；1 为最好。相距很远的点之间的距离意义不大。种子 ${f.seed}${f.perplexity ? `，困惑度 ${f.perplexity}` : ""}。`,
    },
  };
  const OTHER = 255, FOUND_SHOWN = 30, NEAR_SHOWN = 10, SIZES = 8, LEVEL_PIXELS = [0, 330, 1300], NAMES_PIXELS = 1200, NARROW = 600;
  const MIN_ZOOM = 0.7, MAX_ZOOM = 400, HIT_PIXELS = 14, MOVE_MS = 250;
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("data").textContent);
  const bytes = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
  const canvas = byId("map"), pen = canvas.getContext("2d", { alpha: false }), tip = byId("tip");
  const total = data.names.length, places = new Uint16Array(bytes(data.places).buffer);
  const sizes = bytes(data.sizes), groups = bytes(data.groups);
  const categories = data.categories && new Uint16Array(bytes(data.categories).buffer);
  const xs = new Float32Array(total), ys = new Float32Array(total);
  for (let i = 0; i < total; i += 1) {
    xs[i] = places[2 * i] / 32767.5 - 1;
    ys[i] = 1 - places[2 * i + 1] / 32767.5;
  }
  const hidden = new Set();
  const view = { x: 0, y: 0, zoom: 1 };
  let language = navigator.language.startsWith("zh") ? "zh" : "en";
  let width = 1, height = 1, ratio = 1, over = -1, chosen = -1, matches = null, colors = {}, frame = null;
  let asked = false, moving = 0, lowered = null;
  const text = () => TEXTS[language];

  // ---- places on the screen

  const extent = (values) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0.05);
  const wide = extent(xs), high = extent(ys);
  const pixels = () => Math.min(width / (2.3 * wide), height / (2.3 * high)) * view.zoom;
  const screenX = (x) => (x - view.x) * pixels() + width / 2;
  const screenY = (y) => (y - view.y) * pixels() + height / 2;

  function keepInside() {
    view.zoom = Math.min(Math.max(view.zoom, MIN_ZOOM), MAX_ZOOM);
    view.x = Math.min(Math.max(view.x, -1), 1);
    view.y = Math.min(Math.max(view.y, -1), 1);
  }

  function zoomAt(factor, x = width / 2, y = height / 2) {
    const before = pixels(), mapX = (x - width / 2) / before + view.x, mapY = (y - height / 2) / before + view.y;
    view.zoom = Math.min(Math.max(view.zoom * factor, MIN_ZOOM), MAX_ZOOM);
    const after = pixels();
    view.x = mapX - (x - width / 2) / after;
    view.y = mapY - (y - height / 2) / after;
    keepInside();
    redraw();
  }

  function moveTo(x, y, zoom) {
    const from = { ...view }, start = performance.now(), mine = (moving += 1);
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
      Object.assign(view, { x, y, zoom });
      keepInside();
      redraw();
      return;
    }
    const step = (now) => {
      if (mine !== moving) return;
      const share = Math.min(Math.max((now - start) / MOVE_MS, 0), 1), eased = share * (2 - share);
      view.x = from.x + (x - from.x) * eased;
      view.y = from.y + (y - from.y) * eased;
      view.zoom = from.zoom * (zoom / from.zoom) ** eased;
      keepInside();
      draw();
      if (share < 1) requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  function nearest(x, y, limit) {
    const scale = pixels();
    let best = -1, least = (limit / scale) ** 2;
    const mapX = (x - width / 2) / scale + view.x, mapY = (y - height / 2) / scale + view.y;
    for (let i = 0; i < total; i += 1) {
      const dx = xs[i] - mapX, dy = ys[i] - mapY, square = dx * dx + dy * dy;
      if (square < least && !hidden.has(groups[i])) {
        least = square;
        best = i;
      }
    }
    return best;
  }

  function around(point) {
    const order = [];
    for (let i = 0; i < total; i += 1) {
      if (i === point || hidden.has(groups[i])) continue;
      const square = (xs[i] - xs[point]) ** 2 + (ys[i] - ys[point]) ** 2;
      if (order.length < NEAR_SHOWN || square < order[order.length - 1][0]) {
        order.push([square, i]);
        order.sort((one, other) => one[0] - other[0]);
        if (order.length > NEAR_SHOWN) order.pop();
      }
    }
    return order.map((one) => one[1]);
  }

  // ---- drawing

  function readColors() {
    const style = getComputedStyle(document.documentElement), value = (name) => style.getPropertyValue(name).trim();
    colors = { back: value("--back"), front: value("--front"), quiet: value("--quiet"), accent: value("--accent"), other: value("--other") };
    colors.groups = data.groupNames.map((_, number) => value(`--group-${number}`));
  }

  const radius = (size) => {
    const base = Math.min(Math.max(110 / Math.sqrt(total), 1.3), 4.5);
    return base * (0.8 + size / SIZES) * Math.min(Math.max(view.zoom, 1) ** 0.4, 2.6);
  };

  // Points are blended into an array of pixels: twenty thousand of them take a few milliseconds in any browser.

  const parts = (color) => [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));

  function maskOf(size, alpha) {
    const r = radius(size) * ratio, reach = Math.ceil(r + 0.5), edge = 2 * reach + 1, cover = new Float32Array(edge * edge);
    for (let row = 0; row < edge; row += 1) {
      for (let column = 0; column < edge; column += 1) {
        const far = Math.hypot(row - reach, column - reach);
        cover[row * edge + column] = Math.min(Math.max(r + 0.5 - far, 0), 1) * alpha;
      }
    }
    return { reach, edge, cover };
  }

  function drawPoints(isShown, alpha) {
    const { data: bits, width: across, height: down } = frame, scale = pixels() * ratio;
    const masks = Array.from({ length: SIZES }, (_, size) => maskOf(size, alpha));
    const paints = [...colors.groups, colors.other].map(parts), last = paints.length - 1;
    const left = (width / 2) * ratio - view.x * scale, top = (height / 2) * ratio - view.y * scale;
    for (let i = total - 1; i >= 0; i -= 1) {
      const { reach, edge, cover } = masks[sizes[i]];
      const x = Math.round(xs[i] * scale + left) - reach, y = Math.round(ys[i] * scale + top) - reach;
      if (x + edge < 0 || y + edge < 0 || x >= across || y >= down || hidden.has(groups[i]) || !isShown(i)) continue;
      const [red, green, blue] = paints[groups[i] === OTHER ? last : groups[i]];
      const firstRow = Math.max(-y, 0), rows = Math.min(edge, down - y);
      const firstColumn = Math.max(-x, 0), columns = Math.min(edge, across - x);
      for (let row = firstRow; row < rows; row += 1) {
        for (let column = firstColumn; column < columns; column += 1) {
          const share = cover[row * edge + column];
          if (share === 0) continue;
          const at = 4 * ((y + row) * across + x + column);
          bits[at] += (red - bits[at]) * share;
          bits[at + 1] += (green - bits[at + 1]) * share;
          bits[at + 2] += (blue - bits[at + 2]) * share;
        }
      }
    }
  }

  function clear() {
    const [red, green, blue] = parts(colors.back);
    new Uint32Array(frame.data.buffer).fill((255 << 24) | (blue << 16) | (green << 8) | red);
  }

  function ring(point, color, thick) {
    pen.strokeStyle = color;
    pen.lineWidth = thick;
    pen.beginPath();
    pen.arc(screenX(xs[point]), screenY(ys[point]), radius(sizes[point]) + 3, 0, 2 * Math.PI);
    pen.stroke();
  }

  function placed(label, x, y, taken, align) {
    const long = pen.measureText(label).width, left = align === "center" ? x - long / 2 : x;
    const box = [left - 4, y - 9, left + long + 4, y + 9];
    if (box[2] < 0 || box[0] > width || box[3] < 0 || box[1] > height) return false;
    if (taken.some((one) => one[0] < box[2] && box[0] < one[2] && one[1] < box[3] && box[1] < one[3])) return false;
    taken.push(box);
    pen.textAlign = align;
    pen.strokeText(label, x, y);
    pen.fillText(label, x, y);
    return true;
  }

  function drawLabels() {
    const taken = [], labels = new Set(), scale = pixels(), family = getComputedStyle(document.documentElement).fontFamily;
    pen.textBaseline = "middle";
    pen.lineJoin = "round";
    pen.strokeStyle = colors.back;
    pen.fillStyle = colors.front;
    pen.lineWidth = 4;
    if (chosen >= 0) {
      pen.font = `700 14px ${family}`;
      placed(shortened(data.names[chosen]), screenX(xs[chosen]) + radius(sizes[chosen]) + 6, screenY(ys[chosen]), taken, "left");
    }
    for (const [level, x, y, label] of data.regions) {
      if (scale < LEVEL_PIXELS[level] || labels.has(label)) continue;
      pen.font = `${level ? 500 : 650} ${level ? 12 : 14}px ${family}`;
      const line = width < NARROW ? label.split(" · ")[0] : label;
      if (placed(shortened(line), screenX(x), screenY(-y), taken, "center")) labels.add(label);
    }
    pen.fillStyle = colors.quiet;
    pen.font = `400 12px ${family}`;
    if (matches) {
      for (const i of matches.slice(0, 40)) nameOf(i, taken);
    } else if (scale >= NAMES_PIXELS) {
      let left = 120;
      for (let i = 0; i < total && left > 0; i += 1) {
        const x = screenX(xs[i]), y = screenY(ys[i]);
        if (x < 0 || y < 0 || x > width || y > height || i === chosen || hidden.has(groups[i])) continue;
        nameOf(i, taken);
        left -= 1;
      }
    }
  }

  const nameOf = (i, taken) => placed(shortened(data.names[i]), screenX(xs[i]) + radius(sizes[i]) + 3, screenY(ys[i]), taken, "left");
  const shortened = (label) => (label.length > 40 ? `${label.slice(0, 39)}…` : label);

  function draw() {
    asked = false;
    clear();
    if (matches) {
      const found = new Set(matches);
      drawPoints((i) => !found.has(i), 0.12);
      drawPoints((i) => found.has(i), 1);
    } else {
      drawPoints(() => true, 0.82);
    }
    pen.putImageData(frame, 0, 0);
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    drawLabels();
    if (over >= 0) ring(over, colors.front, 2);
    if (chosen >= 0) ring(chosen, colors.accent, 3);
    if (canvas.matches(":focus-visible")) {
      pen.strokeStyle = colors.accent;
      pen.lineWidth = 1.5;
      pen.beginPath();
      pen.moveTo(width / 2 - 8, height / 2);
      pen.lineTo(width / 2 + 8, height / 2);
      pen.moveTo(width / 2, height / 2 - 8);
      pen.lineTo(width / 2, height / 2 + 8);
      pen.stroke();
    }
    document.body.dataset.drawn = String(Number(document.body.dataset.drawn || 0) + 1);
  }

  function redraw() {
    if (asked) return;
    asked = true;
    requestAnimationFrame(draw);
  }

  function resize() {
    const box = canvas.getBoundingClientRect();
    ratio = Math.min(window.devicePixelRatio || 1, 2);
    width = Math.max(box.width, 1);
    height = Math.max(box.height, 1);
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    frame = pen.createImageData(canvas.width, canvas.height);
    redraw();
  }

  // ---- the panel

  function element(name, properties = {}, ...children) {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  }

  const dot = (group) => element("span", { className: `dot ${group === OTHER ? "other" : `group-${group}`}` });
  const groupName = (group) => (group === OTHER ? text().other : data.groupNames[group]);
  const number = (value) => value.toLocaleString(language);

  function categoryOf(point) {
    if (!categories) return groupName(groups[point]);
    return data.categoryNames[categories[point]] || "";
  }

  function choose(point, isFar = false) {
    chosen = point;
    const place = byId("chosen");
    place.hidden = point < 0;
    if (point >= 0) {
      if (isFar) moveTo(xs[point], ys[point], Math.max(view.zoom, 6));
      const facts = [data.details ? data.details[point] : "", factOf(point)].filter(Boolean);
      place.replaceChildren(
        element("h2", {}, data.names[point]),
        ...(categoryOf(point) ? [element("p", {}, dot(groups[point]), ` ${categoryOf(point)}`)] : []),
        ...facts.map((fact) => element("p", { className: "hint" }, fact)),
        element("h3", { className: "hint" }, text().near),
        element("ol", {}, ...around(point).map((one) => element("li", {}, chooser(one)))),
        element("button", { type: "button", className: "quiet", onclick: () => choose(-1) }, text().close),
      );
      byId("status").textContent = `${data.names[point]}. ${categoryOf(point)}`;
    }
    redraw();
  }

  const chooser = (point) => element("button", { type: "button", onclick: () => choose(point, true) }, dot(groups[point]), ` ${data.names[point]}`);

  function factOf(point) {
    if (!data.weights) return "";
    return data.of === "words" ? text().counted(data.weights[point]) : text().used(data.weights[point]);
  }

  function fillLegend() {
    const counts = new Map();
    for (const group of groups) counts.set(group, (counts.get(group) || 0) + 1);
    const order = [...data.groupNames.keys(), OTHER].filter((group) => counts.has(group));
    byId("legend").replaceChildren(...order.map((group) => {
      const box = element("input", { type: "checkbox", checked: !hidden.has(group) });
      box.addEventListener("change", () => {
        if (box.checked) hidden.delete(group);
        else hidden.add(group);
        redraw();
      });
      return element("li", {}, element("label", {}, box, dot(group), element("span", {}, groupName(group)),
        element("span", { className: "count" }, number(counts.get(group)))));
    }));
    byId("all").onclick = () => { hidden.clear(); fillLegend(); redraw(); };
    byId("none").onclick = () => { order.forEach((group) => hidden.add(group)); fillLegend(); redraw(); };
  }

  function fillRegions() {
    const large = data.regions.filter((region) => region[0] === 0 && region[3]);
    byId("regions").replaceChildren(...large.map(([, x, y, label, size]) => element("li", {},
      element("button", { type: "button", onclick: () => moveTo(x, -y, 3) }, label, " ",
        element("span", { className: "count" }, number(size))))));
  }

  function fillFacts() {
    const head = [text().method, text().kept, text().trust].map((name) => element("th", { scope: "col" }, name));
    const rows = Object.entries(data.quality).map(([method, [kept, trust]]) => element("tr", {},
      element("th", { scope: "row" }, method), element("td", {}, kept.toFixed(3)), element("td", {}, trust.toFixed(3))));
    byId("facts").replaceChildren(
      element("table", {}, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...rows)),
      element("p", { className: "hint" }, text().note(data.facts)));
  }

  function translate() {
    document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
    for (const one of document.querySelectorAll("[data-text]")) one.textContent = text()[one.dataset.text];
    if (data.title === null) {
      byId("title").textContent = text().aria(total, text()[data.of]);
      document.title = byId("title").textContent;
    }
    for (const id of ["in", "out", "whole", "theme"]) {
      byId(id).setAttribute("aria-label", text()[id]);
      byId(id).title = text()[id];
    }
    byId("query").placeholder = text().search;
    byId("language").textContent = text().language;
    byId("language").lang = language === "zh" ? "en" : "zh-CN";
    byId("legend-name").textContent = text()[data.coloredBy];
    canvas.setAttribute("aria-label", text().aria(total, text()[data.of]));
    fillLegend();
    fillRegions();
    fillFacts();
    choose(chosen);
  }

  // ---- search

  const folded = (value) => value.normalize("NFKC").toLowerCase();

  function search() {
    const wanted = folded(byId("query").value.trim()), list = byId("found");
    lowered = lowered || data.names.map((name, i) => folded(data.details ? `${name}\n${data.details[i]}` : name));
    matches = null;
    if (wanted) {
      matches = [];
      for (let i = 0; i < total; i += 1) if (lowered[i].includes(wanted)) matches.push(i);
      const whole = (i) => (lowered[i].split("\n").includes(wanted) ? 0 : lowered[i].startsWith(wanted) ? 1 : 2);
      matches.sort((one, other) => whole(one) - whole(other) || one - other);
      byId("status").textContent = text().found(matches.length);
    }
    list.hidden = !matches;
    list.replaceChildren(...(matches || []).slice(0, FOUND_SHOWN).map((point) => element("li", {},
      element("button", { type: "button", onclick: () => pick(point) }, dot(groups[point]), ` ${data.names[point]}`))),
    element("li", { className: "count" }, matches ? text().found(matches.length) : ""));
    redraw();
  }

  function pick(point) {
    byId("found").hidden = true;
    matches = null;
    hidden.delete(groups[point]);
    fillLegend();
    choose(point, true);
  }

  function clearSearch() {
    byId("query").value = "";
    search();
  }

  // ---- what people do

  const held = new Map();
  let travelled = 0;

  canvas.addEventListener("pointerdown", (event) => {
    moving += 1;
    canvas.setPointerCapture(event.pointerId);
    held.set(event.pointerId, [event.offsetX, event.offsetY]);
    travelled = held.size > 1 ? Infinity : 0;
    canvas.classList.add("held");
    tip.hidden = true;
  });

  canvas.addEventListener("pointermove", (event) => {
    const x = event.offsetX, y = event.offsetY, before = held.get(event.pointerId);
    if (!before) {
      hover(x, y);
      return;
    }
    const others = [...held].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
    if (others.length) {
      const [[ox, oy]] = others;
      const far = Math.hypot(x - ox, y - oy), was = Math.hypot(before[0] - ox, before[1] - oy);
      zoomAt(far / Math.max(was, 1), (x + ox) / 2, (y + oy) / 2);
    }
    const share = others.length ? 0.5 : 1;
    view.x -= ((x - before[0]) * share) / pixels();
    view.y -= ((y - before[1]) * share) / pixels();
    travelled += Math.abs(x - before[0]) + Math.abs(y - before[1]);
    held.set(event.pointerId, [x, y]);
    keepInside();
    redraw();
  });

  function release(event) {
    const wasHeld = held.delete(event.pointerId);
    if (!held.size) canvas.classList.remove("held");
    if (wasHeld && event.type === "pointerup" && !held.size && travelled < 6) {
      choose(nearest(event.offsetX, event.offsetY, HIT_PIXELS * (event.pointerType === "touch" ? 2 : 1)));
    }
  }
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", release);
  canvas.addEventListener("pointerleave", () => hover(-1e9, -1e9));
  canvas.addEventListener("dblclick", (event) => zoomAt(2, event.offsetX, event.offsetY));
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    moving += 1;
    const lines = event.deltaMode === 1 ? 30 : 1;
    zoomAt(Math.exp(-Math.max(Math.min(event.deltaY * lines, 300), -300) / 400), event.offsetX, event.offsetY);
  }, { passive: false });

  function hover(x, y) {
    const found = nearest(x, y, HIT_PIXELS);
    tip.hidden = found < 0;
    canvas.classList.toggle("over", found >= 0);
    if (found >= 0) {
      const more = [data.categoryNames || data.coloredBy === "category" ? categoryOf(found) : "", factOf(found)];
      tip.replaceChildren(element("strong", {}, data.names[found]),
        ...more.filter(Boolean).map((one) => element("span", {}, ` · ${one}`)));
      const left = Math.max(Math.min(x + 14, width - tip.offsetWidth - 4), 4);
      const top = y + 18 + tip.offsetHeight > height ? y - tip.offsetHeight - 10 : y + 18;
      tip.style.transform = `translate(${left}px, ${top}px)`;
    }
    if (found !== over) {
      over = found;
      redraw();
    }
  }

  const whole = () => moveTo(0, 0, 1);
  const pan = (dx, dy) => {
    moving += 1;
    view.x += (dx * 60) / pixels();
    view.y += (dy * 60) / pixels();
    keepInside();
    redraw();
  };
  const KEYS = {
    ArrowLeft: () => pan(-1, 0), ArrowRight: () => pan(1, 0), ArrowUp: () => pan(0, -1), ArrowDown: () => pan(0, 1),
    "+": () => zoomAt(1.4), "=": () => zoomAt(1.4), "-": () => zoomAt(1 / 1.4), 0: whole,
    Enter: () => choose(nearest(width / 2, height / 2, Infinity)),
    " ": () => choose(nearest(width / 2, height / 2, Infinity)), Escape: () => choose(-1),
  };
  canvas.addEventListener("keydown", (event) => {
    if (!KEYS[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    KEYS[event.key]();
  });
  canvas.addEventListener("focus", redraw);
  canvas.addEventListener("blur", redraw);
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.target.matches("input")) {
      event.preventDefault();
      byId("query").focus();
    }
    if (event.key === "Escape" && byId("search").contains(event.target)) {
      clearSearch();
      byId("query").focus();
    }
  });
  document.addEventListener("pointerdown", (event) => {
    if (!byId("search").contains(event.target)) byId("found").hidden = true;
  });
  byId("query").addEventListener("input", search);
  byId("query").addEventListener("focus", () => { if (matches) byId("found").hidden = false; });
  byId("search").addEventListener("submit", (event) => {
    event.preventDefault();
    if (matches && matches.length) pick(matches[0]);
  });
  byId("in").onclick = () => zoomAt(1.6);
  byId("out").onclick = () => zoomAt(1 / 1.6);
  byId("whole").onclick = whole;
  byId("language").onclick = () => { language = language === "zh" ? "en" : "zh"; translate(); };
  byId("theme").onclick = () => {
    const root = document.documentElement, dark = matchMedia("(prefers-color-scheme: dark)").matches;
    const now = root.dataset.theme || (dark ? "dark" : "light");
    root.dataset.theme = now === "dark" ? "light" : "dark";
    readColors();
    redraw();
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { readColors(); redraw(); });
  new ResizeObserver(resize).observe(byId("stage"));
  readColors();
  translate();
  resize();
})();
