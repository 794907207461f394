// Shows an answer that is being written. The server sends patches (webapp/markdown/patches.py tells what they say):
// HTML that is already safe, and which of it is settled. Settled elements are never touched again while it is written.

export class Answer {
  // root: an element without children, ours alone
  // admit: given each piece before it comes into the document; returns it
  constructor(root, admit = (piece) => piece) {
    this.root = root;
    this.parse = (html) => admit(parse(html));
    this.version = 0;
    this.#clear();
  }

  // Returns false if a patch before this one is missing: then ask for all of it anew.
  apply(patch) {
    if (patch.to === undefined) return true;
    if (patch.from === 0) this.#clear();
    else if (patch.to <= this.version) return true;
    else if (patch.from !== this.version) return false;
    for (const [name, ...values] of patch.ops) this.#ops[name](...values);
    this.version = patch.to;
    return true;
  }

  #ops = {
    tail: (keep, suffix, nodes, length) => {
      this.#draw(this.tail.slice(0, keep), suffix);
      this.#settle(nodes, length);
    },
    enter: (head, foot, nodes, length) => {
      this.slot = lastWithin(this.slot, this.tail.slice(-foot));
      this.tail = this.tail.slice(head, this.tail.length - foot);
      this.settled = 0;
      this.#settle(nodes, length);
    },
    leave: () => this.#leave(),
    swap: (html) => {
      this.#leave();
      this.root.lastElementChild.replaceWith(this.parse(html));
    },
    fix: (first, count, html) => {
      const old = [...this.root.children].slice(first, first + count);
      this.root.insertBefore(this.parse(html), this.root.children[first + count] ?? null);
      for (const element of old) element.remove();
    },
  };

  #clear() {
    this.root.replaceChildren();
    this.slot = this.root; // the element whose last children are the tail
    this.settled = 0; // children of the slot before the tail
    this.tail = ''; // its HTML
  }

  #leave() {
    this.slot = this.root;
    this.settled = this.root.childElementCount;
    this.tail = '';
  }

  #settle(nodes, length) {
    this.settled += nodes;
    this.tail = this.tail.slice(length);
  }

  #draw(kept, suffix) {
    const dropped = this.tail.slice(kept.length);
    const rest = this.#append(kept, dropped, suffix);
    this.tail = kept + suffix;
    if (rest === undefined) {
      for (const element of [...this.slot.children].slice(this.settled)) element.remove();
      this.slot.append(this.parse(this.tail));
    } else if (rest) {
      this.slot.append(this.parse(rest));
    }
  }

  // Mostly the tail has grown by some words at its end: `kept` words `dropped`, where that is end tags only.
  // Then the words are added in place, and what follows is returned, to be appended.
  #append(kept, dropped, suffix) {
    if (!dropped) return kept ? suffix : undefined;
    const end = suffix.indexOf(dropped);
    const words = suffix.slice(0, end);
    if (end < 0 || !END_TAGS.test(dropped) || words.includes('<')) return undefined;
    const element = lastWithin(this.slot, dropped);
    if (words) addText(element, words);
    return suffix.slice(end + dropped.length);
  }
}

const END_TAGS = /^(<\/[a-z0-9]+>)+$/;

function parse(html) {
  const template = document.createElement('template');
  template.innerHTML = html;
  return template.content;
}

// The last element within `slot` that the first of these end tags closes.
function lastWithin(slot, endTags) {
  for (let depth = endTags.match(/<\//g).length; depth; depth--) slot = slot.lastElementChild;
  return slot;
}

function addText(element, html) {
  const text = html.includes('&') ? parse(html).textContent : html;
  if (element.lastChild instanceof Text) element.lastChild.appendData(text);
  else element.append(text);
}
