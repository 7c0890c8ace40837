"use strict";
/* tables */
const WORDS = JSON.parse(document.body.dataset.words);
const everywhere = element("input", { type: "search" });
const finders = liven(document, WORDS, everywhere);

// One search over the rows of every table; it lists the tables that have some.
function searchable() {
  const count = element("output", {});
  const hits = element("ul", {});
  const search = element("div", { className: "everywhere" }, element("label", {}, WORDS.everywhere + " ", everywhere), count, hits);
  search.setAttribute("role", "search");
  const apply = () => {
    const found = finders.map((finder) => [finder, finder.apply()]);
    const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
    const searched = Boolean(everywhere.value);
    count.textContent = searched ? counted(WORDS, sum(found.map(([, shown]) => shown)), sum(finders.map((finder) => finder.rows))) : "";
    hits.replaceChildren(...found.filter(([, shown]) => searched && shown).map(([{ table }, shown]) =>
      element("li", {}, element("a", { href: "#" + table.id }, table.caption.textContent), " " + shown)));
  };
  let waiting;
  everywhere.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(apply, 150); // as somebody types
  });
  document.querySelector("nav").prepend(search);
}
if (finders.length) searchable();

// A link into a filtered table shows its row again.
function reveal() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  if (target.hidden) {
    if (everywhere.value) {
      everywhere.value = "";
      everywhere.dispatchEvent(new Event("input"));
    }
    target.closest("table").dispatchEvent(new Event("unhide"));
  }
  target.scrollIntoView();
}
addEventListener("hashchange", reveal);
reveal();
