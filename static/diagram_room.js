/** Where a diagram stands in its block. A page that shows it again gives it its room at once, so that nothing moves. */

const PLACE = "diagrams"; // in the browser's storage: [[hash of the source, width, height], …], the last used last
const KEPT = 100;

/** Show a picture of the size `width` times `height`, in pixels. */
export function put(block, { url, width, height }, words) {
  let frame = block.querySelector(".diagram");
  if (!frame) {
    frame = document.createElement("button");
    frame.type = "button";
    frame.className = "diagram";
    frame.dataset.testid = "mermaid";
    frame.dataset.action = "view-diagram";
    frame.append(new Image());
    frame.firstChild.alt = frame.title = words.view_diagram;
    block.querySelector("pre").before(frame);
  }
  Object.assign(frame.firstChild, { src: url, width, height });
  keep([hash(sourceOf(block)), width, height]);
}

/** Hold the room free that the diagram took when it was drawn before. */
export function reserve(block, words) {
  const known = !block.dataset.diagram && kept().find(([of]) => of === hash(sourceOf(block)));
  if (!known) return;
  const [, width, height] = known;
  const blank = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"/>`;
  put(block, { url: URL.createObjectURL(new Blob([blank], { type: "image/svg+xml" })), width, height }, words);
  block.dataset.diagram = "coming";
}

function keep(size) {
  const sizes = [...kept().filter(([of]) => of !== size[0]), size].slice(-KEPT);
  try {
    sessionStorage.setItem(PLACE, JSON.stringify(sizes));
  } catch {} // full, or denied to a frame: then pages move
}

function kept() {
  try {
    return JSON.parse(sessionStorage.getItem(PLACE)) ?? [];
  } catch {
    return [];
  }
}

const sourceOf = (block) => block.querySelector("pre").textContent;

/** FNV-1a: short, and good enough to tell diagrams apart. */
function hash(text) {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  return value >>> 0;
}
