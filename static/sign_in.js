/** Signing in from a frame, in a window of its own, for providers refuse to be framed; see `pairings.py`. */
import { known } from "origins";

const SIZE = "popup,width=480,height=640";
const EAGER = 1_500; // ms between two questions whether somebody has signed in
const PATIENT = 5_000; // the same, after a while
const A_WHILE = 60_000; // ms
const TOO_LONG = 600_000; // ms for which a pairing holds
const GONE = 5_000; // ms after which a closed window will not say hello any more

let latest = null; // attempt; it takes the place of an earlier one

/**
 * Call it on a click, or the browser opens no window. Goes on to the chat in the end.
 *
 * @param {{window: string, path: string, chat: string, origins: string[]}} place addresses of ours, and the origins that
 *   the page around may have
 * @param {(state: {text: string, href?: string, link?: string}) => void} tell hears what to show: a text, and perhaps a
 *   link, which has to open a tab that knows its opener
 */
export async function signIn(place, words, tell) {
  latest?.opened?.close();
  const opened = open(place.window, "_blank", SIZE);
  const mine = (latest = { opened });
  let met = false; // the window has said hello

  const begun = post(`${place.path}/pairings`, { origin: known(place.origins) });
  const hear = async ({ data, origin, source }) => {
    // a window of our own pages that this very frame has opened; no other may have the pairing
    if (mine !== latest || origin !== location.origin || source?.opener !== window || data?.type !== "sign-in:hello") return;
    met = true;
    tell({ text: words.waiting });
    const { pairing } = (await begun).answer;
    if (pairing) source.postMessage({ type: "sign-in:pairing", pairing }, location.origin);
  };
  addEventListener("message", hear);
  tell(opened ? { text: words.waiting } : { text: words.blocked, href: place.window, link: words.open });

  const { answer } = await begun;
  let end = answer.pairing ? null : answer.message ?? words.unreachable;
  const beginning = Date.now();
  let closed = 0; // since when it has been; a window that has gone on to the login seems to be closed
  while (end === null) {
    const time = Date.now() - beginning;
    await sleep(time < A_WHILE ? EAGER : PATIENT);
    if (mine !== latest) break;
    const { status, answer: said } = await post(`${place.path}/pairings/poll`, { pairing: answer.pairing });
    closed = opened?.closed && !met ? closed || Date.now() : 0;
    if (said.state === "done") return go(place.chat, said.ticket);
    if (isFinal(status)) end = said.message ?? words.over;
    else if (time > TOO_LONG || (closed && Date.now() - closed > GONE)) end = words.over;
  }
  removeEventListener("message", hear);
  if (mine !== latest) return;
  if (!met || !answer.pairing) opened?.close();
  tell({ text: end });
}

export function go(chat, ticket) {
  const url = new URL(chat, location.href);
  url.searchParams.set("t", ticket);
  location.replace(url);
}

/** Whether to ask again would change nothing: a server that is busy, or away, may be back. */
const isFinal = (status) => status >= 400 && status < 500 && status !== 429;

const sleep = (time) => new Promise((then) => setTimeout(then, time));

/** @returns {Promise<{status: number, answer: object}>} without a network, or with a page of a proxy's, an empty one */
async function post(address, values) {
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify(values);
  const response = await fetch(address, { method: "POST", headers, body }).catch(() => null);
  const answer = await response?.json().catch(() => null);
  return { status: response?.status ?? 0, answer: answer ?? {} };
}
