/** `{{variables}}` in texts of an app: places that hold what somebody writes into its form. It is plain text there. */

const VARIABLE = /\{\{\s*([^{}]+?)\s*\}\}/g;

/**
 * Make places of the variables in the text of `root`. May be called as often as one likes.
 * @param {Map<string, string>} names of variables, with what stands in the place while it is empty
 */
export function openVariables(root, names) {
  const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const found = [];
  while (texts.nextNode()) if (!texts.currentNode.parentElement.dataset.place) found.push(texts.currentNode);
  for (const text of found) {
    for (const match of [...text.data.matchAll(VARIABLE)].reverse()) {
      if (!names.has(match[1])) continue;
      const rest = text.splitText(match.index);
      rest.deleteData(0, match[0].length);
      const place = document.createElement("bdi");
      Object.assign(place.dataset, { place: match[1], label: names.get(match[1]) });
      rest.before(place);
    }
  }
}

export function showVariables(root, values) {
  for (const place of root.querySelectorAll("[data-place]")) {
    const value = values[place.dataset.place];
    const text = typeof value === "string" ? value : value === true ? "✓" : "";
    if (place.textContent !== text) place.textContent = text;
  }
}
