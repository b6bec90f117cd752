// Keeps keys inside the widgets: the browser's half of live.py's `Style`. JupyterLab and Notebook read
// keys for their shortcuts from anywhere on the page; with a slider focused, "d d" would delete its
// cell, and Notebook 7 would take the arrow keys. The attribute tells them not to, and must be on the
// focused element itself, so it is set as the focus comes.

const PANEL = ".hw5-panel";

function guard(event) {
  if (event.target.closest?.(PANEL)) event.target.dataset.lmSuppressShortcuts = "true";
}

function initialize() {
  document.addEventListener("focusin", guard); // the same function again adds nothing
}

export default { initialize, render: () => {} };
