/** The window in which somebody signs in for a frame: asks it for the pairing, and goes on to the login; closes at last. */

const PATIENCE = 20_000; // ms for the frame to answer

const node = document.getElementById("words");
const { claim, close: isDone, words } = JSON.parse(node.dataset.config);
const timer = isDone ? 0 : setTimeout(() => say(words.alone), PATIENCE);

// What a pairing is worth, and why it is taken from nobody else, see `pairings.py`.
async function hear({ data, origin, source }) {
  if (source !== window.opener || origin !== location.origin || data?.type !== "sign-in:pairing") return;
  removeEventListener("message", hear);
  clearTimeout(timer);
  const body = JSON.stringify({ pairing: data.pairing });
  const headers = { "Content-Type": "application/json" };
  const response = await fetch(claim, { method: "POST", headers, body }).catch(() => null); // no network
  const answer = await response?.json().catch(() => null); // a proxy's own page
  if (response?.ok && answer?.next) location.replace(answer.next);
  else say(answer?.message ?? words.unreachable);
}

function say(text) {
  node.textContent = text;
}

if (isDone) {
  window.close();
} else if (window.opener) {
  addEventListener("message", hear);
  window.opener.postMessage({ type: "sign-in:hello" }, location.origin);
} else {
  clearTimeout(timer);
  say(words.alone);
}
