/** The page of another site around ours: what it is told. What it says is heard by `host.js`. */
import { candidates } from "origins";

export const VERSION = 1;
let embed = "";
let targets = []; // its origin; several as long as only that is known

/** @param {string[]} origins that it may have */
export function begin(name, origins) {
  embed = name;
  targets = candidates(origins);
}

/** It has spoken, so its origin is known. */
export function isFrom(origin) {
  targets = [origin];
}

export function tell(name, values = {}) {
  if (parent === window) return;
  for (const target of targets) parent.postMessage({ type: `chat:${name}`, version: VERSION, ...values }, target);
}

let shown = true; // until we are told that it is not
let unread = 0;

export const isShown = () => shown;

export function show() {
  shown = true;
  tell("opened");
  count(0);
}

export function hide() {
  shown = false;
  tell("closed");
}

/** An answer has ended; while nobody sees it, it counts. */
export function ended() {
  if (!shown) count(unread + 1);
}

export function ready() {
  tell("ready", { embed, stage: "chat" });
}

function count(number) {
  if (number === unread) return;
  unread = number;
  tell("unread", { count: unread });
}
