"use strict";
// Sorting, filtering and searching of tables. Without it the page is whole, only still.
const WORDS = JSON.parse(document.body.dataset.words);
const ORDERED = { status: WORDS.status, severity: WORDS.severity };
const FEW = 8;

function text(cell) {
  const mark = cell.querySelector(".mark");
  return (mark ? mark.lastChild : cell).textContent.trim();
}

// What a cell offers to a filter: each of its ids, or all of its text.
function offered(cell, kind) {
  return kind === "control" ? text(cell).split(", ") : [text(cell)];
}

function key(cell, kind) {
  const shown = text(cell);
  if (kind === "number") return shown === "–" ? -Infinity : Number(shown.replaceAll(",", ""));
  if (kind in ORDERED) return ORDERED[kind].indexOf(shown) + 1 || 99;
  return shown;
}

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function sortable(table, rows) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, index) => {
    const button = element("button", { type: "button" }, ...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const keyed = rows.map((row, place) => [key(row.cells[index], head.dataset.kind), place, row]);
      const compare = new Intl.Collator(WORDS.language, { numeric: true }).compare;
      keyed.sort(([a, i], [b, j]) => (typeof a === "number" ? a - b || 0 : compare(a, b)) * (up ? 1 : -1) || i - j);
      table.tBodies[0].append(...keyed.map(([, , row]) => row));
    });
  });
}

function counted(shown, rows) {
  return (shown === rows ? WORDS.rows : WORDS.some_rows).replace("{shown}", shown).replace("{rows}", rows);
}

const everywhere = element("input", { type: "search" });
const finders = [];

// Shows the rows of a table that fit its own filters and the search over the page.
function findable(table, rows) {
  const own = rows.length > FEW ? filters(table, rows) : { fits: () => true, show() {}, clear() {} };
  const scroll = table.closest(".scroll");
  let words; // read from the page when somebody first searches
  const apply = () => {
    const wanted = everywhere.value.toLowerCase();
    const needed = [wanted, own.search?.value.toLowerCase()].filter(Boolean);
    if (needed.length) words ??= rows.map((row) => row.textContent.toLowerCase());
    let shown = 0;
    rows.forEach((row, place) => {
      const fits = needed.every((word) => words[place].includes(word)) && own.fits(row);
      if (row.hidden === fits) row.hidden = !fits;
      shown += fits;
    });
    scroll.classList.toggle("none", Boolean(wanted) && !shown);
    own.show(counted(shown, rows.length));
    return shown;
  };
  own.tools?.addEventListener("input", apply);
  own.show(counted(rows.length, rows.length));
  table.addEventListener("unhide", () => { own.clear(); apply(); });
  finders.push({ table, rows: rows.length, apply });
}

function filters(table, rows) {
  const heads = [...table.tHead.rows[0].cells];
  const search = element("input", { type: "search" });
  const choices = [];
  const tools = element("div", { className: "tools" }, element("label", {}, WORDS.search + " ", search));
  heads.forEach((head, index) => {
    const kind = head.dataset.kind;
    if (!(kind in ORDERED || kind === "control")) return;
    const values = [...new Set(rows.flatMap((row) => offered(row.cells[index], kind)))];
    if (values.length < 2) return;
    const order = (value) => (ORDERED[kind] || []).indexOf(value);
    values.sort((a, b) => order(a) - order(b) || a.localeCompare(b, WORDS.language, { numeric: true }));
    const select = element("select", {}, new Option(WORDS.all, ""), ...values.map((value) => new Option(value)));
    choices.push([index, kind, select]);
    tools.append(element("label", {}, head.textContent + " ", select));
  });
  const count = element("output", {});
  tools.append(count);
  tools.setAttribute("role", "group");
  tools.setAttribute("aria-label", WORDS.filter.replace("{caption}", table.caption.textContent));
  table.closest(".scroll").before(tools);
  return {
    tools,
    search,
    fits: (row) => choices.every(([index, kind, select]) => !select.value || offered(row.cells[index], kind).includes(select.value)),
    show: (words) => { count.textContent = words; },
    clear: () => {
      search.value = "";
      choices.forEach(([, , select]) => { select.value = ""; });
    },
  };
}

for (const table of document.querySelectorAll("table.data")) {
  const rows = [...table.tBodies[0].rows];
  if (rows.length > 1) sortable(table, rows);
  findable(table, rows);
}

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
    count.textContent = searched ? counted(sum(found.map(([, shown]) => shown)), sum(finders.map((finder) => finder.rows))) : "";
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
