/** Asks the page around us who is there, and goes on to the chat. */
import { candidates, fits, known } from "origins";
import { go, signIn } from "sign_in";

const VERSION = 1;
const ALONE = 2_000; // ms after which nobody around us will say anything
const PATIENCE = 20_000; // ms that a host may take that has said hello
const AT_ONCE = 6; // times that a frame comes by within a minute before somebody has to want it
const MINUTE = 60_000; // ms
const VISITS = "webapp-visits:"; // begins the name of a frame that its host has given none

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
    if (data.token === null && data.unknown === true) beUnsure();
    else enter(data.token);
  }
}

/** Go in; if nobody has said anything, as whoever comes by. */
async function enter(token) {
  if (busy) return void (late ??= token);
  busy = true;
  show(true);
  clearTimeout(timer);
  const origin = host || known(config.origins);
  const body = JSON.stringify({ token: token || null, origin });
  const headers = { "Content-Type": "application/json" };
  const response = await fetch(config.post, { method: "POST", headers, body }).catch(() => null); // no network
  const answer = await response?.json().catch(() => null); // a proxy's own page
  busy = false;
  const named = token ? null : late;
  late = null;
  if (named) enter(named);
  else if (answer?.ticket) go(config.chat, answer.ticket);
  else refuse(answer?.code ? answer : { code: "unreachable", message: config.words.unreachable });
}

/** Somebody may be there: to go in as nobody would end their session. */
function beUnsure() {
  if (busy) return;
  clearTimeout(timer);
  refuse({ code: "unknown", message: config.words.unknown });
}

const part = (name) => root.querySelector(`[data-part=${name}]`);

/** The visitor can do little about it; who has built the page around us finds the reason on the console. */
function refuse({ code, message }) {
  const maySignIn = config.sign_in && code === "identity_needed";
  const hasFocus = document.activeElement === part("again");
  root.firstElementChild.hidden = true;
  part("refused").hidden = false;
  part("title").textContent = maySignIn ? config.words.sign_in_title : config.words.title;
  part("words").textContent = maySignIn ? config.words.sign_in : config.words["visitor_" + code] ?? config.words.visitor;
  part("about").textContent = maySignIn ? "" : code;
  part("again").hidden = maySignIn || parent === window;
  part("sign-in").hidden = !maySignIn;
  show(false);
  if (hasFocus) part(maySignIn ? "sign-in" : "again").focus();
  console.warn(`chat ${config.embed}: ${code}: ${message}`);
  post("error", { code, message });
}

function beginSignIn() {
  const origins = host ? [host] : config.origins;
  signIn({ ...config.sign_in, origins }, config.sign_in.words, ({ text, href, link }) => {
    part("signing").textContent = text;
    part("open").hidden = !href;
    part("open").href = href ?? "";
    part("open").textContent = link ?? "";
  });
}

/** What was refused stays on the screen, and the focus with it. */
function show(isAsking) {
  part("refused").ariaBusy = isAsking;
  part("again").ariaDisabled = isAsking;
}

function ask() {
  if (part("again").ariaDisabled === "true") return;
  show(true);
  post("ready", { embed: config.embed, stage: "entry" });
  wait(ALONE);
}

/** Two tabs with two people would take the chat from each other for ever. A frame's name outlives its pages. */
function isChased() {
  if (window.name && !window.name.startsWith(VISITS)) return false;
  const earlier = window.name.slice(VISITS.length).split(" ").map(Number);
  const lately = [...earlier.filter((time) => Date.now() - time < MINUTE), Date.now()];
  const isMuch = lately.length > AT_ONCE;
  window.name = isMuch ? "" : VISITS + lately.join(" ");
  return isMuch;
}

function wait(patience) {
  clearTimeout(timer);
  timer = setTimeout(() => enter(null), patience);
}

addEventListener("message", hear);
part("again").addEventListener("click", ask);
part("sign-in").addEventListener("click", beginSignIn);
if (config.refusal) refuse(config.refusal);
else if (parent === window) refuse({ code: "alone", message: config.words.alone });
else if (isChased()) refuse({ code: "chased", message: config.words.chased });
else ask();
