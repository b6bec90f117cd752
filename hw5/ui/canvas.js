// Scribble canvas: the browser's half of scribble.py. A plain module, nothing to build or download.
//
// The drawing follows hw5/kit/raster.py operation by operation, in the same 64-bit numbers, so what
// is seen here is what Python rasterises, to the pixel. Read that file first; `Raster` is its twin,
// `render` is the widget.

const UNDRAWN = -1;
const MIN_RADIUS = 0.71; // pixels; as in raster.py
const STEP = 8; // pixels that an arrow key moves with Shift
const DIGITS = 1e4; // of a stored coordinate: 1/10000 of the side

class Raster {
  constructor(size) {
    this.size = size;
    this.ink = new Int32Array(size * size).fill(UNDRAWN); // 0xRRGGBB or UNDRAWN
  }

  draw(strokes) {
    this.ink.fill(UNDRAWN);
    for (const stroke of strokes) this.stroke(stroke);
  }

  stroke({ kind, points, colour, width, erase }) {
    const ink = erase ? UNDRAWN : (colour[0] << 16) | (colour[1] << 8) | colour[2];
    if (kind === "fill") for (const point of points) this.fill(point, ink);
    else for (let i = 0; i < Math.max(points.length - 1, 1); i++)
      this.segment(points[i], points[i + 1] ?? points[i], width, ink);
  }

  segment(start, end, width, ink) {
    const size = this.size, radius = Math.max((width * size) / 2, MIN_RADIUS);
    const [x0, y0] = start.map((v) => v * size), [x1, y1] = end.map((v) => v * size);
    const dx = x1 - x0, dy = y1 - y0, lengthSquared = dx * dx + dy * dy;
    const [top, bottom] = this.span(y0, y1, radius), [left, right] = this.span(x0, x1, radius);
    for (let row = top; row < bottom; row++) {
      const y = row + 0.5 - y0;
      for (let column = left; column < right; column++) {
        const x = column + 0.5 - x0;
        let along = lengthSquared > 0 ? (x * dx + y * dy) / lengthSquared : 0;
        along = Math.min(Math.max(along, 0), 1);
        const offX = x - along * dx, offY = y - along * dy;
        if (offX * offX + offY * offY <= radius * radius) this.ink[row * size + column] = ink;
      }
    }
  }

  span(a, b, radius) {
    const low = Math.trunc(Math.min(a, b) - radius - 1), high = Math.trunc(Math.max(a, b) + radius + 2);
    return [Math.max(low, 0), Math.min(high, this.size)];
  }

  fill([px, py], ink) {
    const size = this.size;
    const [column, row] = [px, py].map((v) => Math.min(Math.trunc(v * size), size - 1));
    const old = this.ink[row * size + column];
    if (old === ink) return;
    const waiting = [row * size + column];
    while (waiting.length) {
      const place = waiting.pop();
      if (this.ink[place] !== old) continue;
      this.ink[place] = ink;
      if (place % size > 0) waiting.push(place - 1);
      if (place % size < size - 1) waiting.push(place + 1);
      if (place >= size) waiting.push(place - size);
      if (place < size * (size - 1)) waiting.push(place + size);
    }
  }

  // The pixels as ImageData: undrawn ones are transparent.
  image() {
    const image = new ImageData(this.size, this.size);
    this.ink.forEach((ink, i) => {
      if (ink !== UNDRAWN) image.data.set([ink >> 16, (ink >> 8) & 255, ink & 255, 255], 4 * i);
    });
    return image;
  }

  share() {
    return this.ink.reduce((count, ink) => count + (ink !== UNDRAWN), 0) / this.ink.length;
  }
}

// An element with properties and children.
function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("aria") || name === "role") element.setAttribute(name.replace("aria_", "aria-"), value);
    else element[name] = value;
  }
  element.append(...children);
  // JupyterLab reads keys for its shortcuts from anywhere on the page: "d d" would delete the cell.
  if (["BUTTON", "INPUT", "CANVAS"].includes(element.tagName)) element.dataset.lmSuppressShortcuts = "true";
  return element;
}

// Outlines on a grid of 16 x 16.
const ICONS = {
  brush: "M13.5 2.5 7 9M7 9c-2 0-2.5 1.5-2.7 3-.1 1-.8 1.5-1.8 1.5 4 .8 6.5-.5 6.5-2.5 0-1.2-.8-2-2-2z",
  eraser: "M2.5 10.5 9 4l4.5 4.5-5 5h-3zM6 7l4.5 4.5M5 13.5h8",
  fill: "M3 8.5 8 3.5l5 5-5 5zM8 3.5 6.5 2M3 8.5h10M14 11c.8 1.2.8 2.5 0 2.5s-.8-1.3 0-2.5z",
  undo: "M5.5 3 2.5 6l3 3M2.5 6h7a4 3.5 0 0 1 0 7H6",
  redo: "M10.5 3l3 3-3 3M13.5 6h-7a4 3.5 0 0 0 0 7H10",
  clear: "M3 4.5h10M6 4.5v-2h4v2M4.5 4.5l.7 9h5.6l.7-9",
  open: "M2 13V3.5h4l1.5 2H13V7.5M2 13l2-5.5h10.5L12.5 13z",
  save: "M8 2.5v7M5 7l3 3 3-3M2.5 11v2.5h11V11",
};

function icon(name) {
  const drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  drawing.setAttribute("viewBox", "0 0 16 16");
  drawing.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[name]);
  drawing.append(path);
  return drawing;
}

const hexToRgb = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
const rounded = (value) => Math.round(Math.min(Math.max(value, 0), 1) * DIGITS) / DIGITS;

function render({ model, el }) {
  const size = model.get("size");
  const raster = new Raster(size);
  let strokes = model.get("strokes");
  let past = [], future = [];
  let tool = "brush", colour = model.get("palette")[0][1], width = Math.max(1, Math.round(size / 14));
  let open = null; // the stroke that is being drawn
  let cursor = [0.5 / size + 0.5, 0.5 / size + 0.5]; // of the keyboard, a pixel's centre

  // ------------------------------------------------------------------ elements
  const canvas = make("canvas", {
    className: "hw5-canvas-ink", width: size, height: size, tabIndex: 0, role: "application",
    aria_label: `Scribble canvas, ${size} by ${size} pixels. Arrow keys move the cursor, with Shift by ${STEP}; ` +
      "space begins and ends a line, or fills; Escape drops it. Letters b, e, f choose the tool.",
  });
  const context = canvas.getContext("2d");
  const picture = make("img", { className: "hw5-canvas-background", alt: "picture under the sketch" });
  const ring = make("div", { className: "hw5-canvas-ring", hidden: true });
  const paper = make("div", { className: "hw5-canvas-paper" }, picture, canvas, ring);
  const status = make("div", { className: "hw5-canvas-status", role: "status" });

  const button = (text, title, onclick, sign) => make("button", { type: "button", title, onclick }, icon(sign), text);
  const tools = ["brush", "eraser", "fill"].map((name) =>
    Object.assign(button(name[0].toUpperCase() + name.slice(1), `${name} (key ${name[0]})`, () => choose(name), name), { name }));
  const swatches = model.get("palette").map(([name, hex]) =>
    Object.assign(make("button", {
      type: "button", className: "hw5-canvas-swatch", title: name, aria_label: name, onclick: () => paint(hex),
    }), { hex }));
  swatches.forEach((swatch) => (swatch.style.setProperty("--swatch", swatch.hex)));
  const picker = make("input", { type: "color", title: "any other colour", aria_label: "any other colour", value: colour,
    oninput: () => paint(picker.value) });
  const range = (label, min, max, value, unit, change) => {
    const words = make("output", { textContent: `${value} ${unit}` });
    const input = make("input", { type: "range", min, max, value, aria_label: label,
      oninput: () => { words.textContent = `${input.value} ${unit}`; change(Number(input.value)); } });
    return make("label", {}, make("span", { textContent: label }), input, words);
  };
  const brush = range("Size", 1, Math.round(size / 2), width, "px", (value) => { width = value; });
  const opacity = range("Opacity", 10, 100, 100, "%", (value) => { canvas.style.opacity = value / 100; });
  const undo = button("Undo", "undo (Ctrl+Z)", () => travel(past, future), "undo");
  const redo = button("Redo", "redo (Ctrl+Y)", () => travel(future, past), "redo");
  const clear = button("Clear", "erase everything", () => commit([]), "clear");
  const file = make("input", { type: "file", accept: ".json,.png", hidden: true, onchange: openFile });
  const load = button("Open", "a sketch (.json) or a PNG with transparency", () => file.click(), "open");
  const save = button("Save", "strokes as JSON", saveStrokes, "save");
  const png = button("PNG", "pixels with transparency", () => canvas.toBlob((blob) => download(blob, "sketch.png")), "save");
  const row = (label, ...children) => make("div", { className: "hw5-canvas-row", role: "group", aria_label: label }, ...children);
  const side = make("div", { className: "hw5-canvas-tools" },
    row("tools", ...tools), make("div", { className: "hw5-canvas-colours", role: "group", aria_label: "colours" }, ...swatches, picker),
    brush, opacity,
    row("history", undo, redo, clear), row("files", load, save, png, file), status);
  const root = make("div", { className: "hw5-canvas" }, paper, side);
  el.append(root);

  // ------------------------------------------------------------------ state
  function show() {
    raster.draw(strokes);
    paintPixels();
    undo.disabled = !past.length;
    redo.disabled = !future.length;
    clear.disabled = !strokes.length;
    const words = model.get("message") || `${strokes.length} ${strokes.length === 1 ? "stroke" : "strokes"}, ` +
      `${Math.round(100 * raster.share())} % of the picture drawn`;
    status.textContent = words;
    status.classList.toggle("hw5-error", Boolean(model.get("message")));
  }

  function paintPixels() {
    context.putImageData(raster.image(), 0, 0);
  }

  function set(next) {
    strokes = next;
    model.set("message", "");
    model.set("strokes", next);
    model.save_changes();
    show();
  }

  function commit(next) {
    past.push(strokes);
    future = [];
    set(next);
  }

  function travel(from, to) {
    if (!from.length) return;
    to.push(strokes);
    set(from.pop());
    if (document.activeElement === document.body || document.activeElement?.disabled) canvas.focus();
  }

  function choose(name) {
    tool = name;
    for (const each of tools) each.setAttribute("aria-pressed", each.name === name);
  }

  function paint(hex) {
    colour = hex;
    picker.value = hex;
    for (const swatch of swatches) swatch.setAttribute("aria-pressed", swatch.hex === hex);
    if (tool === "eraser") choose("brush");
  }

  // ------------------------------------------------------------------ strokes
  function begin(point) {
    const kind = tool === "fill" ? "fill" : "line";
    open = { kind, points: [point], colour: hexToRgb(colour), width: kind === "fill" ? 0 : width / size, erase: tool === "eraser" };
    raster.stroke(open);
    paintPixels();
    if (kind === "fill") end();
  }

  function extend(point) {
    const last = open.points.at(-1);
    if (Math.hypot(point[0] - last[0], point[1] - last[1]) * size < 0.25) return;
    open.points.push(point);
    raster.segment(last, point, open.width, open.erase ? UNDRAWN : (open.colour[0] << 16) | (open.colour[1] << 8) | open.colour[2]);
    paintPixels();
  }

  function end() {
    const done = open;
    open = null;
    if (done) commit([...strokes, done]);
  }

  function drop() {
    open = null;
    show();
  }

  // ------------------------------------------------------------------ pen, mouse, finger
  function place(event) {
    const box = canvas.getBoundingClientRect();
    return [rounded((event.clientX - box.left) / box.width), rounded((event.clientY - box.top) / box.height)];
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || open) return;
    event.preventDefault();
    canvas.focus({ preventScroll: true });
    canvas.setPointerCapture(event.pointerId);
    begin(place(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    moveRing(place(event));
    if (!open || !canvas.hasPointerCapture(event.pointerId)) return;
    for (const each of event.getCoalescedEvents?.() ?? [event]) extend(place(each));
  });
  canvas.addEventListener("pointerup", (event) => { if (canvas.hasPointerCapture(event.pointerId)) end(); });
  canvas.addEventListener("pointercancel", drop);
  canvas.addEventListener("pointerleave", () => { ring.hidden = true; });

  function moveRing([x, y]) {
    const across = tool === "fill" ? 1 : Math.max(width, 1);
    Object.assign(ring.style, { left: `${100 * x}%`, top: `${100 * y}%`, width: `${(100 * across) / size}%` });
    ring.hidden = false;
  }

  // ------------------------------------------------------------------ keys
  const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const TOOLS = { b: "brush", e: "eraser", f: "fill" };

  canvas.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.altKey) {
      const key = event.key.toLowerCase();
      if (key === "z" && !event.shiftKey) travel(past, future);
      else if (key === "y" || key === "z") travel(future, past);
      else return;
    } else if (MOVES[event.key]) {
      const by = (event.shiftKey ? STEP : 1) / size;
      cursor = cursor.map((v, axis) => rounded(Math.min(Math.max(v + MOVES[event.key][axis] * by, 0.5 / size), 1 - 0.5 / size)));
      if (open) extend(cursor);
      moveRing(cursor);
    } else if (event.key === " " || event.key === "Enter") open ? end() : begin(cursor);
    else if (event.key === "Escape" && open) drop();
    else if (TOOLS[event.key]) choose(TOOLS[event.key]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  // Other front ends do not know the attribute that `make` sets; see guard.js.
  root.addEventListener("keydown", (event) => {
    const passes = event.ctrlKey || event.metaKey || event.altKey || ["Tab", "Escape"].includes(event.key);
    if (!passes) event.stopPropagation();
  });
  canvas.addEventListener("blur", () => { if (open) end(); ring.hidden = true; });

  // ------------------------------------------------------------------ files
  async function openFile() {
    const chosen = file.files[0];
    if (chosen) model.send({ open: chosen.name }, undefined, [await chosen.arrayBuffer()]);
    file.value = "";
  }

  function saveStrokes() {
    const text = JSON.stringify({ format: "hw5-sketch", version: 1, strokes }, null, 1);
    download(new Blob([text], { type: "application/json" }), "sketch.json");
  }

  function download(blob, name) {
    const link = make("a", { href: URL.createObjectURL(blob), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  // ------------------------------------------------------------------ Python
  const onStrokes = () => {
    const next = model.get("strokes");
    if (next === strokes) return;
    past.push(strokes);
    future = [];
    strokes = next;
    show();
  };
  const onBackground = () => {
    picture.src = model.get("background");
    picture.hidden = !model.get("background");
  };
  model.on("change:strokes", onStrokes);
  model.on("change:message", show);
  model.on("change:background", onBackground);
  choose(tool);
  paint(colour);
  onBackground();
  show();
  return () => {
    model.off("change:strokes", onStrokes);
    model.off("change:message", show);
    model.off("change:background", onBackground);
  };
}

export default { render };
