const root = document.currentScript.parentElement;
liven(root, /* words */, { value: "" });
// Keys that JupyterLab takes as commands of its notebook.
root.querySelectorAll(".tools").forEach((tools) => { tools.dataset.lmSuppressShortcuts = "true"; });
// JupyterLab shows several notebooks in a page: a link leads within its own.
root.addEventListener("click", (event) => {
  const link = event.target.closest('a[href^="#"]');
  const page = link?.closest(".jp-Notebook");
  const at = (id) => page?.querySelector(`[id="${CSS.escape(id)}"]`);
  const target = link && (at(link.getAttribute("href").slice(1)) || at("trace"));
  if (!target) return;
  event.preventDefault();
  target.open = true;
  target.scrollIntoView();
});
