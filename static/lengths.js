/** How long a text may be, and how it travels. */

const MAX_FRAME = 900_000; // bytes of one socket message; the server takes 1 MB
const MAX_TEXT = 2_000_000; // characters

/** Whether a text would not fit into one socket message, where it stands as JSON within JSON. */
export function isLong(text) {
  if (text.length < MAX_FRAME / 12) return false;
  return new Blob([JSON.stringify(JSON.stringify(text))]).size > MAX_FRAME;
}

/** The server counts characters, and two units may make one. */
export function isTooLong(text) {
  if (text.length <= MAX_TEXT) return false;
  if (text.length > 2 * MAX_TEXT) return true;
  let characters = 0;
  for (const _ of text) characters += 1;
  return characters > MAX_TEXT;
}
