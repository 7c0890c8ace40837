// Sorting and filtering of tables, in the page of a pack and in JupyterLab. A table is whole without it.
function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function counted(words, shown, rows) {
  return (shown === rows ? words.rows : words.some_rows).replace("{shown}", shown).replace("{rows}", rows);
}

// Lets readers sort and filter the tables below an element; returns what searches them together.
function liven(root, WORDS, everywhere) {
  const ORDERED = { status: WORDS.status, severity: WORDS.severity };
  const FEW = 8;
  const finders = [];

  function text(cell) {
    const mark = cell.querySelector(".mark, .evidence-mark");
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
      own.show(counted(WORDS, shown, rows.length));
      return shown;
    };
    own.tools?.addEventListener("input", apply);
    own.show(counted(WORDS, rows.length, rows.length));
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

  for (const table of root.querySelectorAll("table.data")) {
    const rows = [...table.tBodies[0].rows];
    if (rows.length > 1) sortable(table, rows);
    findable(table, rows);
  }
  return finders;
}
