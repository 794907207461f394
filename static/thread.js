/** The conversation on screen: takes server-rendered messages and patches, gives back what was clicked. */
import { Answer } from "answer";
import { Asking } from "asking";
import { fill, hold } from "attachments";
import { copy } from "clipboard";
import { fillTimes, prepareDates, separateDays } from "dates";
import { Follow } from "follow";
import { admits } from "inputs";
import { newKey, wellFormed } from "keys";
import { isLong } from "lengths";
import { Messages, parse, parseAll } from "messages";
import { fillNumbers } from "numbers";
import { admit, passing } from "passes";
import { clicked as clickedProse, dress as dressProse } from "prose";
import { mark, unmark } from "source_marks";

const IN_DOCUMENT = 60; // messages
const STEP = 20; // messages that come into the document at once while scrolling
const SPOKEN = 4000; // characters of a finished answer that are read out
const PATIENCE = 10_000; // ms for what the server is asked for

export default {
  props: { words: Object, feedbackWords: Object, proseWords: Object, inputsWords: Object, composerWords: Object, content: Object, initial: Object },
  template: `
    <section class="thread" :class="{ 'can-speak': speaks }" :aria-label="words.thread">
      <div ref="loading" class="thread-loading" hidden>{{ words.earlier }}</div>
      <div ref="scroller" class="thread-scroll" tabindex="0" @click="clicked" @keydown="key"
        @pointerover="hovered" @submit.prevent="submitted">
        <div class="thread-column">
          <div ref="greeting" data-greeting></div>
          <slot></slot>
          <div ref="starters" class="starters" data-greeting></div>
          <div ref="list"></div>
          <div v-if="suggested.length" class="questions is-next" role="group" :aria-label="words.next_questions">
            <button v-for="each in suggested" :key="each.key" type="button" data-testid="suggested-question" data-action="ask"
              dir="auto">{{ each.text }}</button>
          </div>
          <p v-show="sum" ref="sum" class="sum" data-testid="conversation-usage" v-html="sum"></p>
        </div>
      </div>
      <button v-show="away" type="button" class="jump icon-button" data-testid="jump-to-latest" @click="toEnd"
        :aria-label="words.latest" :title="words.latest"><i class="icon icon-down"></i></button>
      <div ref="live" class="visually-hidden" aria-live="polite"></div>
      <div ref="above"></div>
    </section>`,
  data() {
    return { away: false, ...this.initial };
  },
  emits: ["ready", "action", "edit", "choose", "feedback", "copy", "question", "sources", "pieces", "ask", "answer", "earlier", "lost"],

  mounted() {
    // not reactive: the nodes below are ours, not Vue's
    this.messages = new Messages(this.$refs.list, IN_DOCUMENT);
    this.follow = new Follow(this.$refs.scroller, this.$refs.list, (following) => (this.away = !following));
    this.answers = new WeakMap(); // node of a reply -> Answer that patches its text
    this.given = new Map(); // ticket -> function that takes what the server was asked for
    this.expected = new Set(); // ids of own messages whose end nobody was told of: one may be over before it is here
    this.lost = new Set(); // ids of messages that wait for everything anew
    this.asking = new Asking(this.words, this.inputsWords, this.composerWords);
    this.chosen = null; // version that the reader goes to: `{ id, action }`
    this.tools = {}; // what few readers need, loaded with the first click
    this.more = this.asked = false;
    this.$refs.scroller.addEventListener("scroll", () => this.nearEdge(), { passive: true });
    this.$refs.scroller.addEventListener("error", (event) => this.broken(event.target), { capture: true });
    fillNumbers(this.$refs.sum);
    if (this.content) this.show(this.content);
    prepareDates();
    this.$emit("ready", []);
  },
  updated() {
    fillNumbers(this.$refs.sum);
  },
  unmounted() {
    this.follow.stop();
    this.asking.stop();
    this.tools.sources?.then((sources) => sources.remove());
    this.tools.speaker?.then((speaker) => speaker.close());
  },

  methods: {
    // called by the server, see `components/thread.py`

    set(changes) {
      Object.assign(this, changes);
    },
    show({ items, more, greeting, starters }) {
      for (const tool of Object.values(this.tools)) tool.then((each) => each.close?.());
      this.more = more;
      this.asked = false;
      this.$refs.loading.hidden = true;
      this.$refs.greeting.innerHTML = items.length ? "" : greeting;
      this.$refs.starters.innerHTML = items.length ? "" : starters;
      this.messages.reset(items);
      this.follow.closeUp();
      this.dressAll();
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
    append(item, own) {
      this.$refs.greeting.replaceChildren();
      this.$refs.starters.replaceChildren();
      const known = this.messages.node(item.id);
      this.follow.closeUp();
      if (!known) this.messages.append(item, own || this.follow.following);
      this.dressAll();
      if (isRunning(this.messages.node(item.id))) this.say(this.words.answering);
      if (own) this.follow.toEnd();
      if (own) this.expect(item.id);
    },
    /** Other messages stand behind one from now on: another version of what was there. */
    turnTo(after, items, own) {
      const isChosen = items.some((item) => item.id === this.chosen?.id);
      const change = () => {
        this.messages.cut(after);
        this.messages.extend(items);
        if (own || (this.follow.following && !isChosen)) this.messages.showEnd();
        this.dressAll();
      };
      if (own) {
        const hadFocus = this.$refs.list.contains(document.activeElement);
        this.follow.closeUp();
        change();
        this.follow.toEnd();
        this.expect(items.at(-1).id);
        this.say(this.words.answering);
        if (hadFocus) this.messages.node(items.at(-1).id).querySelector("[data-action=edit]").focus({ preventScroll: true });
      } else if (isChosen) this.arrive(change);
      else if (this.follow.following) {
        change();
        this.follow.toEnd();
      } else this.follow.keep(change);
    },
    /** Where the reader is, what they went to stands now, with the button that they used under their hands. */
    arrive(change) {
      const { id, action } = this.chosen;
      const [list, focused] = [this.$refs.list, document.activeElement];
      const hadFocus = focused?.closest(".switcher") && list.contains(focused);
      this.chosen = null;
      this.follow.stay(() => {
        change();
        // a height that is only guessed at first would move what stands below, and browsers hold on to that
        this.messages.node(id).style.contentVisibility = "visible";
      });
      const switcher = this.messages.node(id).querySelector(".switcher");
      if (hadFocus) switcher?.querySelector(`[data-action=${action}]`).focus({ preventScroll: true });
      if (switcher) this.say(fill(this.words.version_shown, switcher.dataset));
    },
    change(item) {
      const old = this.messages.node(item.id);
      if (!old) return;
      const ended = item.status !== "running" && (this.expected.delete(item.id) || isRunning(old));
      setState(reply(old), item);
      for (const [name, html] of Object.entries(item.parts)) {
        const fresh = parse(html);
        fillNumbers(fresh); // steps come while nothing else is dressed yet
        replacePart(old.querySelector(`[data-part=${name}]`), fresh);
      }
      if (item.reasoning) setReasoning(old, item.reasoning);
      if (item.html) {
        this.answers.delete(reply(old));
        prose(old).replaceChildren(parseAll(item.html));
      }
      if (!isRunning(old)) this.dress(old);
      if (ended) this.speak(old);
      if (ended && item.status === "complete") this.readUnasked(item.id);
    },
    patch(id, patch) {
      const node = this.messages.node(id);
      if (!node) return;
      const held = reply(node);
      let answer = this.answers.get(held);
      if (!answer) this.answers.set(held, (answer = new Answer(prose(node), admit)));
      if (!isRunning(node)) unmark(prose(node));
      if (!fits(answer, patch)) return this.lose(id);
      this.lost.delete(id);
      if (!isRunning(node)) this.dress(node); // the last words may come after the news of the end
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
    /** What is here with its words has come to its end long ago. */
    expect(id) {
      if (isRunning(this.messages.node(id)) || !prose(this.messages.node(id)).hasChildNodes()) this.expected.add(id);
    },
    reopen(id) {
      this.asking.reopen(this.messages.node(id));
    },
    give(ticket, text) {
      this.given.get(ticket)?.(text);
      this.given.delete(ticket);
    },

    /** Ask once, not for each patch that comes before the answer. */
    lose(id) {
      if (!this.lost.has(id)) this.$emit("lost", [id]);
      this.lost.add(id);
    },
    /** What only the server has: a promise. */
    request(event, id) {
      const ticket = (this.ticket = (this.ticket ?? 0) + 1);
      return new Promise((resolve, reject) => {
        this.given.set(ticket, resolve);
        setTimeout(() => this.given.delete(ticket) && reject(new Error("no answer")), PATIENCE);
        this.$emit(event, [ticket, id]);
      });
    },

    // reading

    toEnd() {
      this.messages.showEnd();
      this.dressAll();
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
        this.dressAll();
      });
    },

    // what messages get besides

    dressAll() {
      this.dress(this.$refs.list);
      separateDays(this.messages.entries, this.words);
    },
    dress(root) {
      fillTimes(root);
      fillNumbers(root);
      dressProse(root, this.proseWords);
      this.asking.dress(root);
      this.tools.speaker?.then((speaker) => speaker.show());
      for (const chips of root.querySelectorAll(".reply:not([aria-busy]) > [data-part=citations] > .citations")) {
        mark(prose(chips.closest(".reply")), [...chips.querySelectorAll(".cite[aria-label]")]);
      }
    },
    /** While an answer is written, its code and tables get their buttons when they are pointed at. */
    hovered(event) {
      const block = event.target.closest?.(".prose .code, .prose .table");
      if (block) dressProse(block, this.proseWords);
    },
    async broken(image) {
      const inText = image.closest?.("a.image");
      if (inText) return (await import("mending")).mend(inText, this.words);
      const picture = image.closest?.(".thumb");
      if (!picture) return;
      picture.disabled = true;
      picture.classList.add("is-broken");
      picture.textContent = this.words.broken_picture;
    },

    // clicks

    clicked(event) {
      if (clickedProse(event, this.proseWords)) return;
      const image = event.target.closest("a.image");
      if (image && !(event.ctrlKey || event.metaKey || event.shiftKey)) {
        event.preventDefault();
        return image.matches(".is-missing") ? undefined : this.view(image);
      }
      const button = event.target.closest("[data-action]");
      if (!button) return;
      const turn = button.closest("[data-id]");
      const id = turn?.dataset.id;
      const act = {
        copy: () => copy(button, this.request("copy", id), this.proseWords),
        "copy-question": () => copy(button, this.question(turn), this.proseWords),
        unfold: () => this.unfold(turn, button),
        view: () => this.view(button),
        citation: () => this.cite(button, id),
        usage: () => this.explain(turn, button),
        like: () => this.rate(turn, "like"),
        dislike: () => this.rate(turn, "dislike"),
        speak: async () => (await this.tool("speaker")).toggle(id),
        hush: async () => (await this.tool("speaker")).stop(),
        edit: () => this.edit(turn, button),
        "version-before": () => this.choose(button),
        "version-after": () => this.choose(button),
        comment: async () => (await this.tool("feedback")).comment(turn),
        ask: () => admits() && this.$emit("ask", [button.textContent, (button.dataset.key ??= newKey())]),
      }[button.dataset.action];
      if (act) act();
      else this.$emit("action", [button.dataset.action, id, (button.dataset.key ??= newKey())]);
    },
    submitted({ target, submitter }) {
      const { id } = target.closest("[data-id]").dataset;
      this.asking.answer(target, submitter, (...values) => this.$emit("answer", [id, ...values]));
    },
    /** Arrows go from version to version, as they do through tabs. */
    key(event) {
      const action = { ArrowLeft: "version-before", ArrowRight: "version-after" }[event.key];
      const switcher = action && event.target.closest(".switcher");
      if (!switcher) return;
      event.preventDefault();
      const button = switcher.querySelector(`[data-action=${action}]`);
      button.focus({ preventScroll: true });
      this.choose(button);
    },
    choose(button) {
      const { version: id, action } = button.dataset;
      if (!id) return;
      this.chosen = { id, action };
      this.$emit("choose", [id]);
    },
    async edit(turn, button) {
      const { id } = turn.dataset;
      const hasFiles = turn.querySelector("[data-part=files]").childElementCount > 0;
      const keys = new Map(); // text -> the key that it is sent with
      const send = async (written) => {
        const text = wellFormed(written);
        if (!keys.has(text)) keys.set(text, newKey());
        const held = isLong(text) ? await hold(text, { no_reply: this.words.edit_unsent }) : "";
        this.$emit("edit", [id, held ? "" : text, keys.get(text), held]);
      };
      try {
        const text = await this.question(turn);
        const { edit } = await import("editing");
        edit(turn, text, this.words, hasFiles, send);
      } catch {
        button.title = this.words.edit_unread;
        this.say(this.words.edit_unread);
      }
    },
    /** All of a question: the page may have but the beginning of it. */
    question(turn) {
      const node = turn.querySelector(".question");
      return node.hasAttribute("data-cut") ? this.request("question", turn.dataset.id) : node.textContent;
    },
    async unfold(turn, button) {
      const { unfold } = await import("questions");
      await unfold(button, turn.querySelector(".question"), this.words, () => this.question(turn));
    },
    async view(button) {
      const pictures = [...this.$refs.list.querySelectorAll("[data-action=view]:not(:disabled), a.image:not(.is-missing)")];
      (await this.tool("lightbox")).open(pictures, button);
    },
    async cite(button, id) {
      (await this.tool("sources")).toggle(button, () => this.request("sources", id));
    },
    async rate(turn, rating) {
      (await this.tool("feedback")).rate(turn, rating);
    },
    async explain(turn, button) {
      const facts = button.nextElementSibling.content.cloneNode(true);
      fillNumbers(facts);
      const popover = await this.tool("popover");
      popover.open(() => turn.querySelector("[data-action=usage]"), facts, button.title);
    },
    /** If the app says so, and only where somebody has used the page and sees it: nobody is to be startled. */
    async readUnasked(id) {
      if (this.speaks !== "always" || !navigator.userActivation?.hasBeenActive || document.hidden) return;
      (await this.tool("speaker")).start(id, true);
    },
    tool(name) {
      const { above, scroller } = this.$refs;
      return (this.tools[name] ??= {
        popover: async () => new (await import("popover")).Popover(above, scroller),
        lightbox: async () => new (await import("lightbox")).Lightbox(above, this.words),
        sources: async () => new (await import("sources")).Sources(this.$el, this.words, fillNumbers),
        speaker: async () => {
          const { Speaker } = await import("speaker");
          return new Speaker(this.$refs.list, this.words, { pieces: (id) => this.request("pieces", id), passing, say: this.say });
        },
        feedback: async () => {
          const [{ Feedback }, popover] = await Promise.all([import("feedback"), this.tool("popover")]);
          return new Feedback(popover, this.feedbackWords, (...values) => this.$emit("feedback", values), this.say);
        },
      }[name]());
    },

    // for those who listen

    say(words) {
      this.$refs.live.textContent = words;
    },
    speak(node) {
      if (reply(node).dataset.status === "waiting") return this.say(this.words.asked);
      const failure = node.querySelector("[data-testid=message-error] p")?.textContent ?? "";
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

/** What is unfolded stays so, and the keyboard stays where it is. */
function replacePart(held, fresh) {
  const open = new Set([...held.querySelectorAll("details[open]")].map(keyOf));
  for (const details of fresh.querySelectorAll("details")) details.open = open.has(keyOf(details));
  if (held.isEqualNode(fresh)) return;
  const focused = held.contains(document.activeElement) && document.activeElement;
  const form = focused && focused.closest(".ask")?.id;
  held.replaceWith(fresh);
  if (form) document.getElementById(form)?.focus({ preventScroll: true });
  else if (focused) (focused === held ? fresh : sameIn(fresh, focused))?.focus({ preventScroll: true });
}

const keyOf = (details) => details.dataset.key;

/** What stands in the place of a button, or of the line that unfolds something. */
function sameIn(fresh, { dataset, parentElement }) {
  if (dataset.action) return fresh.querySelector(`[data-action=${dataset.action}]`);
  const details = [...fresh.querySelectorAll("details")].find((each) => keyOf(each) === keyOf(parentElement));
  return details?.querySelector("summary");
}

function setState(held, { status, phase }) {
  held.dataset.status = status;
  if (phase) held.dataset.phase = phase;
  else delete held.dataset.phase;
  if (status === "running") held.ariaBusy = "true";
  else held.removeAttribute("aria-busy");
}

function setReasoning(node, words) {
  const held = node.querySelector(".reasoning");
  held.parentElement.hidden = false;
  if (held.textContent !== words) held.textContent = words;
}
