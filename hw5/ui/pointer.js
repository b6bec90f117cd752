// Where the pointer is over a picture: the browser's half of pointer.py. An empty layer that lies on
// the picture, so the picture itself stays a core widget and is there without this file, too.

function render({ model, el }) {
  const report = (event) => {
    if (!model.get("is_on")) return;
    const box = el.getBoundingClientRect();
    const at = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    model.set("at", at.map((v) => Math.min(Math.max(2 * v - 1, -1), 1)));
    model.save_changes();
  };
  el.addEventListener("pointermove", report);
  el.setAttribute("aria-hidden", "true"); // the sliders say and do the same
  return () => el.removeEventListener("pointermove", report);
}

export default { render };
