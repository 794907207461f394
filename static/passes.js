/** Addresses of ours within a page of another site, where browsers may keep no cookie of ours, have a pass behind them. */

let ask = null; // gives one; null where nobody needs any

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
