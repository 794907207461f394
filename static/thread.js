/** The conversation on screen: takes server-rendered messages and patches, gives back what was clicked. */
import { Answer } from "answer";
import { Follow } from "follow";
import { newKey } from "keys";
import { Messages, parse } from "messages";

const IN_DOCUMENT = 60; // messages
const STEP = 20; // messages that come into the document at once while scrolling
const SPOKEN = 4000; // characters of a finished answer that are read out

export default {
  props: { words: Object, content: Object },
  template: `
    <section class="thread" :aria-label="words.thread">
      <div ref="loading" class="thread-loading" hidden>{{ words.earlier }}</div>
      <div ref="scroller" class="thread-scroll" tabindex="0" @click="clicked" @pointerover="hovered">
        <div class="thread-column">
          <div ref="greeting"></div>
          <div ref="list"></div>
        </div>
      </div>
      <button v-show="away" type="button" class="jump icon-button" data-testid="jump-to-latest" @click="toEnd"
        :aria-label="words.latest" :title="words.latest"><i class="icon icon-down"></i></button>
      <div ref="live" class="visually-hidden" aria-live="polite"></div>
    </section>`,
  data: () => ({ away: false }),
  emits: ["ready", "action", "copy", "ask", "earlier", "lost"],

  mounted() {
    // not reactive: the nodes below are ours, not Vue's
    this.messages = new Messages(this.$refs.list, IN_DOCUMENT);
    this.follow = new Follow(this.$refs.scroller, this.$refs.list, (following) => (this.away = !following));
    this.answers = new WeakMap(); // node of a reply -> Answer that patches its text
    this.copies = new Map(); // ticket -> function that takes the text
    this.lost = new Set(); // ids of messages that wait for everything anew
    this.more = this.asked = false;
    this.$refs.scroller.addEventListener("scroll", () => this.nearEdge(), { passive: true });
    if (this.content) this.show(this.content);
    this.$emit("ready", []);
  },
  unmounted() {
    this.follow.stop();
  },

  methods: {
    // called by the server, see `components/thread.py`

    show({ items, more, greeting }) {
      this.more = more;
      this.asked = false;
      this.$refs.loading.hidden = true;
      this.$refs.greeting.innerHTML = items.length ? "" : greeting;
      this.messages.reset(items);
      this.dress(this.$refs.list);
      this.follow.toEnd();
      this.fill();
    },
    earlier(items, more) {
      this.more = more;
      this.asked = false;
      this.messages.prepend(items);
      this.keepPlace(() => {
        this.$refs.loading.hidden = true;
        this.messages.growUp(STEP);
      });
      this.fill();
    },
    append(item) {
      this.$refs.greeting.replaceChildren();
      const known = this.messages.node(item.id);
      if (known) return this.change(item);
      this.messages.append(item);
      const node = this.messages.node(item.id);
      this.dress(node);
      if (reply(node).dataset.status === "running") this.say(this.words.answering);
      this.follow.toEnd();
    },
    change(item) {
      const old = this.messages.node(item.id);
      if (!old) return;
      const fresh = parse(item.html);
      const ended = isRunning(old) && !isRunning(fresh);
      copyState(reply(fresh), reply(old));
      for (const part of fresh.querySelectorAll("[data-part]")) {
        const held = old.querySelector(`[data-part=${part.dataset.part}]`);
        part.querySelector("details")?.toggleAttribute("open", held.querySelector("details[open]") !== null);
        if (!held.isEqualNode(part)) held.replaceWith(part);
      }
      const reasoning = fresh.querySelector(".reasoning").textContent;
      if (reasoning) setReasoning(old, reasoning);
      if (item.text) {
        this.answers.delete(reply(old));
        prose(old).replaceChildren(...prose(fresh).childNodes);
      }
      if (!isRunning(old)) this.dress(old);
      if (ended) this.speak(old);
    },
    patch(id, patch) {
      const node = this.messages.node(id);
      if (!node) return;
      const held = reply(node);
      let answer = this.answers.get(held);
      if (!answer) this.answers.set(held, (answer = new Answer(prose(node))));
      if (fits(answer, patch)) this.lost.delete(id);
      else this.lose(id);
    },
    reason(id, offset, added) {
      const node = this.messages.node(id);
      if (!node) return;
      const held = node.querySelector(".reasoning");
      if (offset === 0) held.textContent = "";
      if (held.textContent.length !== offset) return this.lose(id);
      held.parentElement.hidden = false;
      held.append(added);
    },
    discard(id) {
      this.messages.remove(id);
    },
    give(ticket, markdown) {
      this.copies.get(ticket)?.(markdown);
      this.copies.delete(ticket);
    },

    /** Ask once, not for each patch that comes before the answer. */
    lose(id) {
      if (!this.lost.has(id)) this.$emit("lost", [id]);
      this.lost.add(id);
    },

    // reading

    toEnd() {
      this.messages.showEnd();
      this.dress(this.$refs.list);
      this.follow.toEnd();
      this.$refs.scroller.focus({ preventScroll: true });
    },
    /** Few short messages don't fill the page, and what can't be scrolled asks for nothing. */
    fill() {
      if (this.$refs.scroller.scrollHeight <= this.$refs.scroller.clientHeight) this.older();
    },
    nearEdge() {
      const { scrollTop, scrollHeight, clientHeight } = this.$refs.scroller;
      if (scrollTop < clientHeight) this.older();
      else if (this.messages.hidesNewer && scrollHeight - scrollTop - clientHeight < clientHeight) {
        this.keepPlace(() => this.messages.growDown(STEP));
      }
    },
    older() {
      if (this.messages.hidesOlder) this.keepPlace(() => this.messages.growUp(STEP));
      else if (this.more && !this.asked) {
        this.asked = true;
        this.$refs.loading.hidden = false;
        this.$emit("earlier", [this.messages.oldest?.number ?? 0]);
      }
    },
    keepPlace(change) {
      this.follow.keep(() => {
        change();
        this.dress(this.$refs.list);
      });
    },

    // what a finished answer gets besides: times in the reader's own zone, names, and buttons at its code

    dress(root) {
      for (const time of root.querySelectorAll("time:empty")) time.textContent = clock(time.dateTime);
      for (const box of root.querySelectorAll(".prose input")) box.ariaLabel = this.words[box.checked ? "done" : "open"];
      for (const block of root.querySelectorAll(".code")) this.addCopy(block);
    },
    addCopy(block) {
      if (block.querySelector("button")) return;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "icon-button";
      button.dataset.testid = "code-copy";
      button.dataset.action = "copy-code";
      button.title = button.ariaLabel = this.words.copy_code;
      button.innerHTML = '<i class="icon icon-copy"></i>';
      block.prepend(button); // not last: that is where an answer grows
    },
    hovered(event) {
      const block = event.target.closest?.(".code");
      if (block) this.addCopy(block); // while the answer is still being written
    },

    // clicks

    clicked(event) {
      const note = event.target.closest("a[href^='#']");
      if (note) {
        event.preventDefault(); // a footnote is no place in the browser's history
        document.getElementById(note.hash.slice(1))?.scrollIntoView({ block: "center" });
      }
      const button = event.target.closest("[data-action]");
      if (!button) return;
      const id = button.closest("[data-id]")?.dataset.id;
      const act = {
        copy: () => this.copy(button, this.source(id)),
        "copy-code": () => this.copy(button, button.closest(".code").querySelector("pre").textContent),
        citation: () => toggle(button),
        ask: () => this.$emit("ask", [button.textContent, (button.dataset.key ??= newKey())]),
      }[button.dataset.action];
      if (act) act();
      else this.$emit("action", [button.dataset.action, id, (button.dataset.key ??= newKey())]);
    },
    /** The Markdown of an answer: a promise, because only the server has it. */
    source(id) {
      this.ticket = (this.ticket ?? 0) + 1;
      return new Promise((resolve, reject) => {
        this.copies.set(this.ticket, resolve);
        setTimeout(reject, 5000, new Error("no answer"));
        this.$emit("copy", [this.ticket, id]);
      });
    },
    async copy(button, words) {
      let done = true;
      try {
        await toClipboard(words);
      } catch {
        done = false;
      }
      this.say(done ? this.words.copied : this.words.copy_failed);
      button.title = done ? this.words.copied : this.words.copy_failed;
      button.dataset.done = done;
      setTimeout(() => {
        delete button.dataset.done;
        button.title = button.ariaLabel;
      }, 2000);
    },

    // for those who listen

    say(words) {
      this.$refs.live.textContent = words;
    },
    speak(node) {
      const failure = node.querySelector("[data-testid=message-error]")?.textContent ?? "";
      const spoken = prose(node).textContent;
      const end = spoken.length > SPOKEN ? "…" : "";
      this.say(`${spoken.slice(0, SPOKEN)}${end} ${failure}`.trim() || this.words.failed);
    },
  },
};

const reply = (node) => node.querySelector(".reply");
const prose = (node) => node.querySelector("[data-testid=message-text]");
const isRunning = (node) => reply(node).dataset.status === "running";

/** Whether a patch could be applied. One that breaks on the way heals like one that is missing. */
function fits(answer, patch) {
  try {
    return answer.apply(patch);
  } catch (error) {
    console.error(error);
    return false;
  }
}

function copyState(from, to) {
  for (const name of ["data-status", "data-phase", "aria-busy"]) {
    const value = from.getAttribute(name);
    if (value === null) to.removeAttribute(name);
    else if (to.getAttribute(name) !== value) to.setAttribute(name, value);
  }
}

function setReasoning(node, words) {
  const held = node.querySelector(".reasoning");
  held.parentElement.hidden = false;
  if (held.textContent !== words) held.textContent = words;
}

function toggle(button) {
  const panel = document.getElementById(button.getAttribute("aria-controls"));
  panel.hidden = !panel.hidden;
  button.ariaExpanded = String(!panel.hidden);
}

function clock(stamp) {
  const when = new Date(stamp);
  const today = when.toDateString() === new Date().toDateString();
  const format = today ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" };
  return new Intl.DateTimeFormat(undefined, format).format(when);
}

/** @param {string | Promise<string>} words a promise is waited for within the click's own permission to copy */
async function toClipboard(words) {
  if (navigator.clipboard?.write) {
    const type = "text/plain";
    const blob = Promise.resolve(words).then((text) => new Blob([text], { type }));
    return navigator.clipboard.write([new ClipboardItem({ [type]: blob })]);
  }
  // no clipboard over plain http from another machine: the old way still works
  const area = document.createElement("textarea");
  area.value = await words;
  area.className = "visually-hidden";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("refused");
}
