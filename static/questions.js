/** Long questions: folded at first, and of very long ones the page has only the beginning until somebody asks. */

const BLOCK = 16_000; // characters: what is far off the screen is never laid out

/** @param {() => Promise<string>} whole gives all of the question */
export async function unfold(button, question, words, whole) {
  const folded = button.ariaExpanded === "false";
  if (folded && question.hasAttribute("data-cut")) {
    button.disabled = true;
    button.textContent = words.unfolding;
    try {
      question.replaceChildren(...blocks(await whole()));
      question.removeAttribute("data-cut");
    } catch {
      button.textContent = words.unfold_failed;
      return;
    } finally {
      button.disabled = false;
    }
  }
  button.ariaExpanded = String(folded);
  button.textContent = folded ? words.fold : words.unfold;
  question.toggleAttribute("data-folded", !folded);
  if (!folded) question.scrollIntoView({ block: "nearest" });
}

/** Cut at the ends of lines, so that the pieces look and copy as the whole does. */
function blocks(text) {
  const found = [];
  for (let from = 0; from < text.length; ) {
    const end = text.lastIndexOf("\n", from + BLOCK) + 1;
    let to = from + BLOCK >= text.length ? text.length : end > from ? end : from + BLOCK;
    if (isInsidePair(text, to)) to++;
    const block = document.createElement("div");
    block.className = "question-block";
    block.textContent = text.slice(from, to);
    block.style.containIntrinsicBlockSize = `auto ${lines(block.textContent)}lh`;
    found.push(block);
    from = to;
  }
  return found;
}

const isInsidePair = (text, at) => at < text.length && /[\uD800-\uDBFF]/.test(text[at - 1]);

const lines = (text) => text.split("\n").length;
