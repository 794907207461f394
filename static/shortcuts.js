/** What keys do wherever the focus is. Each does what a hand would: it presses or enters what is on the page. */

const IS_APPLE = /Mac|iP(hone|ad|od)/.test(navigator.platform);

// name: the keys of `KeyboardEvent`, with `Mod` for Control, or Command on Apple's keyboards
const KEYS = {
  list: ["Mod", "/"],
  new: ["Mod", "Shift", "O"],
  search: ["Mod", "K"],
  write: ["Shift", "Escape"],
  stop: ["Escape"],
  copy: ["Mod", "Shift", "Y"],
  next: ["Alt", "ArrowDown"],
  previous: ["Alt", "ArrowUp"],
  sidebar: ["Mod", "Shift", "S"],
  theme: ["Mod", "Shift", "L"],
};
const WORDS = IS_APPLE
  ? { Mod: "⌘", Shift: "⇧", Alt: "⌥", Escape: "esc", ArrowUp: "↑", ArrowDown: "↓" }
  : { Mod: "Ctrl", Escape: "Esc", ArrowUp: "↑", ArrowDown: "↓" };

/** Every shortcut as `{ name, keys }`, the keys in the words of this keyboard. */
export function shortcuts() {
  return Object.entries(KEYS).map(([name, keys]) => ({ name, keys: keys.map((key) => WORDS[key] ?? key) }));
}

/** The name of the shortcut that was pressed, if any. A question mark asks for the list where nothing is being written. */
export function pressed(event) {
  if (event.isComposing || event.defaultPrevented) return undefined;
  if (event.key === "?" && !isWriting(event.target) && !event.ctrlKey && !event.metaKey && !event.altKey) return "list";
  return Object.keys(KEYS).find((name) => fits(event, KEYS[name]));
}

/** Do what the page itself offers; `false` if it does not at the moment. */
export function act(name) {
  const { press, enter, go } = acts;
  const done = {
    new: () => press("new-conversation"),
    search: () => enter("conversation-search"),
    write: () => enter("composer-input"),
    stop: () => press("composer-stop"),
    copy: () => press("message-copy"),
    next: () => go(1),
    previous: () => go(-1),
  }[name]();
  return done !== false;
}

const acts = {
  press(id) {
    const last = shown(id).at(-1);
    if (!last) return false;
    last.click();
  },
  enter(id) {
    const [field] = shown(id);
    if (!field) return false;
    field.focus();
    field.select();
  },
  go(step) {
    const links = [...document.querySelectorAll("[data-testid=conversation-item] a")];
    const at = links.findIndex((link) => link.ariaCurrent === "page");
    const next = links[at < 0 ? 0 : at + step];
    if (!next) return false;
    next.click();
    next.scrollIntoView({ block: "nearest" });
  },
};

function shown(id) {
  return [...document.querySelectorAll(`[data-testid="${id}"]`)].filter((node) => node.checkVisibility());
}

function fits(event, keys) {
  const key = event.key.length === 1 ? event.key.toUpperCase() : event.key;
  const mod = IS_APPLE ? event.metaKey : event.ctrlKey;
  const other = IS_APPLE ? event.ctrlKey : event.metaKey;
  // on some keyboards a slash is a shifted 7
  const shift = event.shiftKey === keys.includes("Shift") || keys.at(-1) === "/";
  return keys.at(-1) === key && mod === keys.includes("Mod") && event.altKey === keys.includes("Alt") && shift && !other;
}

function isWriting(node) {
  return node.isContentEditable || node.matches?.("input, textarea, select");
}
