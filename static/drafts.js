/** What is written and not yet sent, kept in the browser for each conversation: `{ text, key, files }`. */

export const SENT = ":sent"; // beside a draft: what was handed over, until somebody says that it arrived

export const placeOf = (draftKey) => `draft:${draftKey}`;

/** A message that was not taken, put before what was written since. Only the very same message keeps its key. */
export function giveBack(sent, since) {
  const files = [...filesOf(sent), ...filesOf(since)];
  const text = [sent.text, since?.text].filter((each) => each?.trim()).join("\n\n");
  return since?.text?.trim() || filesOf(since).length ? { text, files } : { text: sent.text, key: sent.key, files };
}

export const filesOf = (draft) => (Array.isArray(draft?.files) ? draft.files : []);

// Storage may be full, or denied to a frame: then drafts live as long as the page.

export function read(place) {
  try {
    return JSON.parse(localStorage.getItem(place));
  } catch {
    return null;
  }
}

export function store(place, { text, key, files = [] }) {
  write(place, text || files.length ? { text, key, files } : null);
}

/** Whatever `read` is to give back; null for nothing. */
export function write(place, value) {
  try {
    if (value) localStorage.setItem(place, JSON.stringify(value));
    else localStorage.removeItem(place);
  } catch {}
}

export function forget(place) {
  store(place, { text: "" });
}

const PRACTISED = "composer:practised"; // whether somebody here has ever sent something

export function isPractised() {
  try {
    return localStorage.getItem(PRACTISED) !== null;
  } catch {
    return false;
  }
}

export function practise() {
  try {
    localStorage.setItem(PRACTISED, "yes");
  } catch {}
}
