/** Rendered text back into what was written: formulas as LaTeX, tables as CSV or Markdown. */

const FORMULA_IN_A_SHEET = /^[=+\-@\t\r]/;
const NUMBER = /^[+-]?[\d.,'\u00a0\u202f ]*\d\s?[%‰€$£¥]?$/;

/** A table by RFC 4180. */
export function csv(table) {
  return [...table.rows].map((row) => [...row.cells].map((cell) => field(text(cell))).join(",") + "\r\n").join("");
}

/** A table as Markdown, with what its cells know: code, links, formulas, emphasis. */
export function markdown(table) {
  const [head, ...rows] = [...table.rows].map((row) => [...row.cells].map((cell) => inline(cell).replaceAll("|", "\\|")));
  const marks = [...table.rows[0].cells].map(({ align }) => ({ left: ":--", center: ":-:", right: "--:" })[align] ?? "---");
  return [head, marks, ...rows].map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}

/** A formula as it stands in Markdown. */
export function latex(math) {
  const source = math.getAttribute("alttext");
  return math.getAttribute("display") === "block" ? `$$${source}$$` : `$${source}$`;
}

/**
 * What is copied out of an answer has formulas as LaTeX: their letters one below the other are of no use.
 * @param {ClipboardEvent} event
 */
export function copyFormulas(event) {
  const selection = getSelection();
  if (selection.isCollapsed || event.defaultPrevented) return;
  const range = selection.getRangeAt(0);
  const around = range.commonAncestorContainer;
  const whole = (around.nodeType === Node.ELEMENT_NODE ? around : around.parentElement)?.closest("math[alttext]");
  const box = document.createElement("div");
  box.append(whole ? whole.cloneNode(true) : range.cloneContents());
  const formulas = box.querySelectorAll("math[alttext]");
  if (!formulas.length) return;
  event.clipboardData.setData("text/html", box.innerHTML);
  for (const math of formulas) math.replaceWith(latex(math));
  box.className = "visually-hidden";
  document.body.append(box); // text has line ends only where it is laid out
  event.clipboardData.setData("text/plain", box.innerText);
  box.remove();
  event.preventDefault();
}

/**
 * A sheet takes a pasted `=HYPERLINK(...)` for a formula, and who wrote the table is a model that may have read anything.
 * So such words get an apostrophe, as sheets themselves do it; numbers stay numbers.
 */
function field(value) {
  const safe = FORMULA_IN_A_SHEET.test(value) && !NUMBER.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function text(node) {
  return [...node.childNodes].map((child) => words(child) ?? text(child)).join("");
}

function inline(node) {
  return [...node.childNodes].map((child) => (MARKS[child.localName]?.(child) ?? words(child, "<br>") ?? inline(child))).join("");
}

/** Of a node that is no mere wrapping of others. */
function words(node, newline = "\n") {
  if (node.nodeType === Node.TEXT_NODE) return node.data;
  return { math: latex, br: () => newline, input: (box) => (box.checked ? "[x]" : "[ ]") }[node.localName]?.(node);
}

const MARKS = {
  code: (node) => `\`${node.textContent}\``,
  strong: (node) => `**${inline(node)}**`,
  em: (node) => `*${inline(node)}*`,
  del: (node) => `~~${inline(node)}~~`,
  a: (node) => (node.hash && node.origin === location.origin ? inline(node) : `[${inline(node)}](<${node.href}>)`),
};
