/** A picture in the text of an answer that did not come: it is a file of another kind, or comes later, or never. */

const LATER = [3_000, 10_000, 30_000]; // ms before it is asked for again
const tries = new WeakMap(); // link -> how often that was
const hrefs = new WeakMap(); // link -> where it leads when there is something

/** @param {HTMLAnchorElement} link around the picture */
export async function mend(link, words) {
  const image = link.querySelector("img");
  const address = image.getAttribute("src");
  const name = image.alt || words.viewer;
  show(link, image, name, words.broken_picture);
  const status = await look(address);
  if (status === 200 || status === 206) return offer(link, name);
  const tried = tries.get(link) ?? 0;
  if (status === 404 || tried === LATER.length) return;
  tries.set(link, tried + 1);
  setTimeout(() => {
    image.addEventListener("load", () => restore(link, image), { once: true });
    image.loading = "eager"; // it is not to be seen, and would wait for that
    image.removeAttribute("src");
    image.src = address;
  }, LATER[tried]);
}

/** What stands behind an address: the first byte tells, if there is one. 0 without a reply. */
async function look(address) {
  try {
    return (await fetch(address, { headers: { Range: "bytes=0-0" } })).status;
  } catch {
    return 0;
  }
}

function show(link, image, name, why) {
  if (link.matches(".is-missing")) return;
  link.classList.add("is-missing");
  link.removeAttribute("aria-label");
  hrefs.set(link, link.getAttribute("href"));
  link.removeAttribute("href"); // it leads nowhere
  image.hidden = true;
  const note = document.createElement("span");
  const called = document.createElement("bdi");
  called.textContent = name;
  note.append(called, ` ${why}`);
  link.append(note);
}

function restore(link, image) {
  link.querySelector("span")?.remove();
  link.classList.remove("is-missing");
  link.href = hrefs.get(link);
  image.hidden = false;
}

/** It is there, but browsers don't show it, or are not given it to be shown. */
function offer(link, name) {
  link.className = "download";
  link.href = hrefs.get(link);
  link.search += `${link.search ? "&" : "?"}download=1`;
  link.textContent = name;
}
