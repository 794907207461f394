import { admit } from "passes";

/**
 * All messages of a thread, in order. At most `limit` of them stand in the document; the others wait as text,
 * so that a conversation of thousands of messages stays quick.
 */
export class Messages {
  constructor(list, limit) {
    this.list = list;
    this.limit = limit;
    this.entries = []; // { id, number, when, html, node }; `node` is null while it waits as text
    this.first = 0; // those in the document: from `first` up to, not including, `last`
    this.last = 0;
  }

  reset(items) {
    this.list.replaceChildren();
    this.entries = items.map(entry);
    this.first = this.last = this.entries.length;
    this.growUp(this.limit);
  }

  /** @param {boolean} seen it must come into the document, even if what stands there now has to go */
  append(item, seen) {
    if (seen) this.showEnd();
    const wasAtEnd = !this.hidesNewer;
    this.entries.push(entry(item));
    if (wasAtEnd) this.growDown(1);
  }

  /** As many of these as there is room for come into the document at once. */
  extend(items) {
    const wasAtEnd = !this.hidesNewer;
    this.entries.push(...items.map(entry));
    if (wasAtEnd) this.growDown(Math.max(0, this.limit - (this.last - this.first)));
  }

  prepend(items) {
    const known = new Set(this.entries.map((each) => each.id));
    const older = items.filter((item) => !known.has(item.id)).map(entry);
    this.entries.unshift(...older);
    this.first += older.length;
    this.last += older.length;
  }

  /** Take away all behind a message; all there are, if `id` is "". */
  cut(id) {
    const index = id ? this.entries.findIndex((each) => each.id === id) + 1 : 0;
    for (const each of this.entries.splice(index)) each.node?.remove();
    this.first = Math.min(this.first, index);
    this.last = Math.min(this.last, index);
    if (this.first === this.last) this.growUp(this.limit);
  }

  /** The element of a message, wherever it waits, or undefined. */
  node(id) {
    // most calls are about the newest message
    for (let i = this.entries.length - 1; i >= 0; i--) {
      if (this.entries[i].id === id) return (this.entries[i].node ??= parse(this.entries[i].html));
    }
  }

  get newest() {
    return this.entries.at(-1);
  }

  get oldest() {
    return this.entries[0];
  }

  get hidesOlder() {
    return this.first > 0;
  }

  get hidesNewer() {
    return this.last < this.entries.length;
  }

  growUp(count) {
    const from = Math.max(0, this.first - count);
    this.list.prepend(...this.entries.slice(from, this.first).map(revive));
    this.first = from;
    while (this.last - this.first > this.limit) park(this.entries[--this.last]);
  }

  growDown(count) {
    const to = Math.min(this.entries.length, this.last + count);
    this.list.append(...this.entries.slice(this.last, to).map(revive));
    this.last = to;
    while (this.last - this.first > this.limit) park(this.entries[this.first++]);
  }

  /** Bring the newest messages into the document. */
  showEnd() {
    if (!this.hidesNewer) return;
    this.entries.slice(this.first, this.last).forEach(park);
    this.first = this.last = this.entries.length;
    this.growUp(this.limit);
  }
}

/** Turn server-made HTML of one element into that element. */
export function parse(html) {
  return parseAll(html).firstElementChild;
}

/** Turn server-made HTML into what may come into the document. */
export function parseAll(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return admit(template.content);
}

function entry(item) {
  return { id: item.id, number: item.number, when: item.when, html: item.html, node: null };
}

function revive(each) {
  return (each.node ??= parse(each.html));
}

function park(each) {
  each.node.remove();
  if (each.node.querySelector("[aria-busy], [data-editing], form.ask")) return; // still being written: it needs the very same nodes
  each.html = each.node.outerHTML;
  each.node = null;
}
