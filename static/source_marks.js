/** Numbers in the text of an answer that name its sources: `[2]` leads there, as the list below the answer does. */

const NUMBER = /\[(\d{1,3})\]/;
const ELSEWHERE = "a, button, code, pre, math"; // there it means something else

/** Make buttons of the numbers in `prose` for which there is one of `chips`, the sources below it. */
export function mark(prose, chips) {
  const sources = new Map(chips.map((chip) => [chip.dataset.number, chip]));
  if (!sources.size) return;
  for (const text of texts(prose)) {
    const pieces = text.data.split(NUMBER); // words, number, words, number, words
    if (!pieces.some((piece, at) => at % 2 && sources.has(piece))) continue;
    const parts = pieces.map((piece, at) => {
      if (at % 2 === 0) return piece;
      return sources.has(piece) ? button(piece, sources.get(piece)) : `[${piece}]`;
    });
    text.replaceWith(...parts.filter(Boolean));
  }
}

/** Make words of them again: the text is about to change. */
export function unmark(prose) {
  for (const each of prose.querySelectorAll(".cite-mark")) each.replaceWith(each.textContent);
  prose.normalize();
}

function texts(prose) {
  const walker = document.createTreeWalker(prose, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) {
    const text = walker.currentNode;
    if (NUMBER.test(text.data) && !text.parentElement.closest(ELSEWHERE)) found.push(text);
  }
  return found;
}

function button(number, chip) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "cite-mark";
  made.append(`[${number}]`);
  made.title = chip.title;
  made.ariaLabel = chip.ariaLabel;
  made.ariaHasPopup = "dialog";
  made.ariaExpanded = "false";
  Object.assign(made.dataset, { testid: "citation-mark", action: "citation", number });
  return made;
}
