/** Addresses of ours within a page of another site, where browsers may keep no cookie of ours, have a pass behind them. */

const HOLDS = 4 * 60_000; // ms that one is used again; it is good for some more

let ask = null; // gives one; null where nobody needs any
const given = new Map(); // address of a picture -> the same with a pass, for now

/** @param {(purpose: string, object: string) => Promise<string>} give */
export function passBy(give) {
  ask = give;
}

/**
 * @param {string} purpose `upload`, or `file` for the one whose id is `object`
 * @throws {Error} there is no connection to get one by
 */
export async function passing(address, purpose, object = "") {
  if (!ask) return address;
  return `${address.split("?")[0]}?${await ask(purpose, object)}`;
}

/** Pictures in what was parsed get their pass before they are in the document: without it, nobody would give them out. */
export function admit(piece) {
  if (!ask) return piece;
  for (const image of piece.querySelectorAll("img[src^='/files/']:not([src*='?'])")) {
    const address = image.getAttribute("src");
    image.removeAttribute("src");
    if (given.has(address)) {
      image.src = given.get(address);
      continue;
    }
    passing(address, "file", address.split("/").at(-1)).then((passed) => {
      image.src = passed;
      given.set(address, passed);
      setTimeout(() => given.delete(address), HOLDS);
    }, console.error);
  }
  return piece;
}
