// Keeps keys inside the widgets, and names pictures: the browser's half of live.py's `style`.
//
// JupyterLab and Notebook read keys for their shortcuts from anywhere on the page; with a slider
// focused, "d d" would delete its cell, and Notebook 7 would take the arrow keys. The attribute tells
// them not to, and must be on the focused element itself, so it is set as the focus comes.
//
// No other front end knows the attribute. VS Code listens above the output and spares text fields
// alone: on a slider Delete would delete the cell. So a key ends at the panel, after the widgets in
// it have had it. canvas.js, which also stands alone, does the same.
//
// An Image widget has no text of its own, so the caption below it becomes its name: by a reference,
// because the caption changes with every picture.

const PANEL = ".hw5-panel";

function keep(event) {
  const passes = event.ctrlKey || event.metaKey || event.altKey || ["Tab", "Escape"].includes(event.key);
  if (!passes) event.stopPropagation();
}

function guard(event) {
  const panel = event.target.closest?.(PANEL);
  if (!panel) return;
  event.target.dataset.lmSuppressShortcuts = "true";
  panel.addEventListener("keydown", keep); // the same function again adds nothing
}

function name() {
  for (const picture of document.querySelectorAll(".hw5-stage > img:not([aria-labelledby])")) {
    const text = picture.closest(".hw5-pane")?.querySelector(".hw5-caption");
    if (!text) continue; // it comes later; then this is called again
    const place = text.parentElement; // stays, while the text in it is replaced
    place.id ||= `hw5-${Math.random().toString(36).slice(2)}`;
    picture.setAttribute("aria-labelledby", place.id);
  }
}

function initialize() {
  document.addEventListener("focusin", guard);
  const watcher = new MutationObserver(name);
  watcher.observe(document.body, { childList: true, subtree: true });
  name();
  return () => watcher.disconnect();
}

export default { initialize, render: () => {} };
