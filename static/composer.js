/** Where people write. A text is kept in the browser until the server says that it has it. */
import { newKey, wellFormed } from "keys";

const MAX_FRAME = 900_000; // bytes of one socket message; the server takes 1 MB

export default {
  props: { words: Object, initial: Object },
  template: `
    <form class="composer" @submit.prevent="send">
      <div class="composer-box">
        <textarea ref="input" rows="1" data-testid="composer-input" dir="auto" enterkeyhint="send" autocomplete="off"
          :aria-label="words.label" :placeholder="words.placeholder" aria-describedby="composer-note"
          @input="edited" @keydown="key"></textarea>
        <button v-show="state === 'running'" type="button" class="round" data-testid="composer-stop" @click="stop"
          :aria-label="words.stop" :title="words.stop"><i class="icon icon-stop"></i></button>
        <button v-show="state !== 'running'" type="submit" class="round" data-testid="composer-send"
          :aria-disabled="!canSend" :aria-label="words.send" :title="words.send"><i class="icon icon-send"></i></button>
      </div>
      <p id="composer-note" class="composer-note" role="status" :class="{ 'is-warning': problem }">{{ problem || hint || note || help }}</p>
    </form>`,
  data() {
    return { state: "ready", note: "", draftKey: "", ...this.initial, empty: true, problem: "", hint: "" };
  },
  emits: ["send", "stop"],
  computed: {
    help() {
      return hasMouse() ? this.words.hint : ""; // touch keyboards have a key for each
    },
    canSend() {
      return this.state === "ready" && !this.empty;
    },
  },
  watch: {
    draftKey(_, before) {
      this.load(this.lastFrom === before ? this.text() : "");
    },
    state() {
      this.hint = "";
    },
  },

  created() {
    this.sent = new Map(); // key -> { text, place }: handed to the server, which has not answered yet
  },
  mounted() {
    this.load();
    if (hasMouse()) this.focus(); // on a phone the keyboard would cover the page
  },

  methods: {
    // called by the server, see `components/composer.py`

    set(changes) {
      Object.assign(this, changes);
    },
    setText(text) {
      const written = this.text();
      if (!written.startsWith(text)) this.write(written.trim() ? `${text}\n\n${written}` : text);
      this.focus();
    },
    accepted(key) {
      const sent = this.sent.get(key);
      this.sent.delete(key);
      if (sent && read(sent.place + SENT)?.key === key) forget(sent.place + SENT);
    },
    refused(key) {
      const sent = this.sent.get(key);
      this.accepted(key);
      if (!sent) return;
      const here = sent.place === this.place();
      const draft = giveBack(sent, here ? this.text() : read(sent.place)?.text);
      if (here) this.write(draft.text, draft.key);
      else store(sent.place, draft);
      this.focus();
    },
    focus() {
      this.$refs.input.focus({ preventScroll: true });
    },

    // writing

    text() {
      return wellFormed(this.$refs.input.value);
    },
    place() {
      return placeOf(this.draftKey);
    },
    write(text, key) {
      this.$refs.input.value = text;
      this.again = key && { text, key };
      this.edited();
    },
    /** @param {string} [moving] written while a new conversation got its address: it goes there with the reader */
    load(moving = "") {
      let draft = read(this.place());
      const lost = read(this.place() + SENT);
      const waiting = [...this.sent.values()].some((sent) => sent.place === this.place());
      if (lost && !waiting) {
        // sent before a reload, and nobody said that it arrived
        forget(this.place() + SENT);
        draft = giveBack(lost, draft?.text);
      }
      if (moving) {
        forget(placeOf(this.lastFrom));
        draft = { text: moving };
      }
      this.lastFrom = undefined;
      this.write(draft?.text ?? "", draft?.key);
    },
    edited() {
      const text = this.text();
      this.empty = !text.trim();
      this.problem = isTooLong(text) ? this.words.too_long : "";
      if (text) store(this.place(), { text, key: this.sentBefore(text) });
      else forget(this.place());
      grow(this.$refs.input);
    },
    /** The key of a text that was handed over before: the server may have it, and must not take it twice. */
    sentBefore(text) {
      return this.again?.text === text ? this.again.key : undefined;
    },
    key(event) {
      const sends = event.key === "Enter" && !event.shiftKey && !event.altKey;
      if (!sends || event.isComposing || event.keyCode === 229) return; // 229: Safari's last key of a composition
      event.preventDefault();
      this.send();
    },
    send() {
      if (this.state === "running" && !this.empty) this.hint = this.words.running;
      if (!this.canSend || this.problem) return;
      const text = this.text();
      const sent = { text, key: this.sentBefore(text) ?? newKey(), place: this.place() };
      this.sent.set(sent.key, sent);
      store(sent.place + SENT, sent);
      this.lastFrom = this.draftKey;
      this.write("");
      if (hasMouse()) this.focus();
      this.$emit("send", [sent.text, sent.key]);
    },
    stop() {
      this.$emit("stop", []);
      this.focus();
    },
  },
};

const SENT = ":sent";

const hasMouse = () => matchMedia("(hover: hover)").matches;

const placeOf = (draftKey) => `draft:${draftKey}`;

/** A text that was not taken, put before what was written since. Only the very same text keeps its key. */
function giveBack(sent, since) {
  return since?.trim() ? { text: `${sent.text}\n\n${since}` } : { text: sent.text, key: sent.key };
}

/** Whether a text would not fit into one socket message, where it stands as JSON within JSON. */
function isTooLong(text) {
  if (text.length < MAX_FRAME / 12) return false;
  return new Blob([JSON.stringify(JSON.stringify(text))]).size > MAX_FRAME;
}

/** For browsers without `field-sizing`. */
function grow(area) {
  if (CSS.supports("field-sizing", "content")) return;
  area.style.height = "auto";
  area.style.height = `${area.scrollHeight}px`;
}

// Storage may be full, or denied to a frame: then drafts live as long as the page.

function read(place) {
  try {
    return JSON.parse(localStorage.getItem(place));
  } catch {
    return null;
  }
}

function store(place, value) {
  try {
    localStorage.setItem(place, JSON.stringify(value));
  } catch {}
}

function forget(place) {
  try {
    localStorage.removeItem(place);
  } catch {}
}
