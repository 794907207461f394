/** Names for what is sent: the same draft, or the same button, is asked once however often it arrives. */

export function newKey() {
  if (crypto.randomUUID) return crypto.randomUUID(); // missing over plain http from another machine
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Half a surrogate pair is no text that a server could keep. */
export function wellFormed(text) {
  return text.toWellFormed?.() ?? text.replace(/\p{Surrogate}/gu, "\ufffd");
}
