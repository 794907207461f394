/** Asks the page around us who is there, and goes on to the chat. */
import { candidates, fits } from "origins";

const VERSION = 1;
const ALONE = 2_000; // ms after which nobody around us will say anything
const PATIENCE = 20_000; // ms that a host may take that has said hello

const root = document.getElementById("entry");
const config = JSON.parse(root.dataset.config);
let host = ""; // origin of the page around us, once it has spoken
let busy = false;
let late = null; // a token that came while we were on our way in without one
let timer;

function post(name, values) {
  if (parent === window) return;
  const targets = host ? [host] : candidates(config.origins);
  for (const target of targets) parent.postMessage({ type: `chat:${name}`, version: VERSION, ...values }, target);
}

function hear({ data, origin, source }) {
  if (source !== parent || data?.version !== VERSION || !config.origins.some((allowed) => fits(origin, allowed))) return;
  if (data.type === "chat:hello") {
    host = origin;
    wait(PATIENCE);
  } else if (data.type === "chat:identify" && (typeof data.token === "string" || data.token === null)) {
    host = origin;
    enter(data.token);
  }
}

/** Go in; if nobody has said anything, as whoever comes by. */
async function enter(token) {
  if (busy) return void (late ??= token);
  busy = true;
  clearTimeout(timer);
  const likely = candidates(config.origins);
  const origin = host || (likely.length === 1 ? likely[0] : null); // null: one of those that may be
  const body = JSON.stringify({ token: token || null, origin });
  const headers = { "Content-Type": "application/json" };
  const response = await fetch(config.post, { method: "POST", headers, body }).catch(() => null); // no network
  const answer = await response?.json().catch(() => null); // a proxy's own page
  busy = false;
  const named = token ? null : late;
  late = null;
  if (named) enter(named);
  else if (answer?.ticket) go(answer.ticket);
  else refuse(answer?.code ? answer : { code: "unreachable", message: config.words.unreachable });
}

function go(ticket) {
  const url = new URL(config.chat, location.href);
  url.searchParams.set("t", ticket);
  location.replace(url);
}

/** The visitor can do little about it; who has built the page around us finds the reason on the console. */
function refuse({ code, message }) {
  const part = (name) => root.querySelector(`[data-part=${name}]`);
  root.firstElementChild.hidden = true;
  part("refused").hidden = false;
  part("words").textContent = config.words["visitor_" + code] ?? config.words.visitor;
  part("about").textContent = code;
  part("again").hidden = parent === window;
  console.warn(`chat ${config.embed}: ${code}: ${message}`);
  post("error", { code, message });
}

function ask() {
  root.firstElementChild.hidden = false;
  root.querySelector("[data-part=refused]").hidden = true;
  post("ready", { embed: config.embed, stage: "entry" });
  wait(ALONE);
}

function wait(patience) {
  clearTimeout(timer);
  timer = setTimeout(() => enter(null), patience);
}

addEventListener("message", hear);
root.querySelector("[data-part=again]").addEventListener("click", ask);
if (config.refusal) refuse(config.refusal);
else if (parent === window) refuse({ code: "alone", message: config.words.alone });
else ask();
