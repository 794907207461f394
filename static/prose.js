/** What the text of an answer gets besides: names for its boxes, buttons at its code and tables, diagrams. */
import { copy } from "clipboard";
import { put, reserve } from "diagram_room";
import { copyFormulas, csv, markdown } from "plain";

/** Complete everything in `root`, an element that may be one of them itself. May be called as often as one likes. */
export function dress(root, words) {
  for (const box of all(root, ".prose input")) box.ariaLabel = box.checked ? words.done : words.open;
  for (const link of all(root, "a.picture")) {
    link.title = words.picture.replace("{host}", link.querySelector(".host").textContent);
  }
  for (const link of all(root, "a.image:not(.is-missing)")) link.ariaLabel = words.enlarge.replace("{name}", link.firstChild.alt || words.image);
  for (const block of all(root, ".code")) dressCode(block, words);
  for (const block of all(root, ".table")) dressTable(block, words);
}

/** Act on a click within prose. Whether it was ours. */
export function clicked(event, words) {
  const note = event.target.closest(".prose a[href^='#']");
  if (note) {
    event.preventDefault(); // a footnote is no place in the browser's history
    document.getElementById(note.hash.slice(1))?.scrollIntoView({ block: "center" });
    return true;
  }
  const button = event.target.closest("[data-action]");
  const act = ACTIONS[button?.dataset.action];
  act?.(button, words);
  return act !== undefined;
}

const ACTIONS = {
  "copy-code": (button, words) => copy(button, codeOf(button), words),
  "wrap-code": (button) => press(button, button.closest(".code").toggleAttribute("data-wrapped")),
  "copy-csv": (button, words) => copy(button, csv(tableOf(button)), words),
  "copy-table": (button, words) => copy(button, markdown(tableOf(button)), words),
  "show-source": (button) => press(button, button.closest(".code").toggleAttribute("data-source")),
  "view-diagram": async (button, words) => {
    const { view } = await import("diagram_view");
    view(button.closest(".code").querySelector(".diagram img"), words);
  },
};

addEventListener("copy", copyFormulas);

function dressCode(block, words) {
  const drawn = block.querySelector("code.language-mermaid");
  addTools(block, () => [
    ...(drawn ? [button("show-source", words.show_source, "icon-code"), button("view-diagram", words.view_diagram, "icon-expand")] : []),
    button("wrap-code", words.wrap_code, "icon-wrap"),
    button("copy-code", words.copy_code, "icon-copy", "code-copy"),
  ]);
  widths.observe(block.querySelector("pre"));
  if (!drawn || block.closest("[aria-busy]")) return;
  reserve(block, words);
  import("diagrams").then(({ watch }) => watch(block, words, put));
}

function dressTable(block, words) {
  addTools(block, () => [
    button("copy-csv", words.copy_csv, "icon-copy", "table-csv", words.csv),
    button("copy-table", words.copy_table, "icon-copy", "table-markdown", words.markdown),
  ]);
  block.role = "group";
  block.ariaLabel = words.table;
  widths.observe(block);
}

/** First in its block, because last is where an answer grows. */
function addTools(block, buttons) {
  if (block.querySelector(":scope > .tools")) return;
  const tools = document.createElement("div");
  tools.className = "tools";
  tools.append(...buttons());
  block.prepend(tools);
}

function button(action, label, icon, testid = action, text = "") {
  const made = document.createElement("button");
  made.type = "button";
  made.className = text ? "button" : "icon-button";
  made.dataset.action = action;
  made.dataset.testid = testid;
  made.title = made.ariaLabel = label;
  const sign = document.createElement("i");
  sign.className = `icon ${icon}`;
  made.append(sign, text);
  return made;
}

function press(button, pressed) {
  button.ariaPressed = String(pressed);
}

/** What is wider than its place can be scrolled, so the keyboard must reach it. */
const widths = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const wide = target.scrollWidth > target.clientWidth;
    if (wide) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
    target.closest(".code, .table")?.toggleAttribute("data-wide", wide);
  }
});

const codeOf = (button) => button.closest(".code").querySelector("pre").textContent;
const tableOf = (button) => button.closest(".table").querySelector("table");

function all(root, selector) {
  return [...(root.matches(selector) ? [root] : []), ...root.querySelectorAll(selector)];
}
