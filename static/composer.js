/** Where people write. What they wrote and attached is kept in the browser until the server says that it has it. */
import Attachments, {
  attachment, fill, hold, isThere, kept, objection, release, Uploader, watchPage,
} from "attachments";
import { filesOf, forget, giveBack, isPractised, placeOf, practise, read, SENT, store } from "drafts";
import Dictation from "dictation";
import { admits } from "inputs";
import { newKey, wellFormed } from "keys";
import Links from "links";
import { isLong, isTooLong } from "lengths";

const PATIENCE = 10_000; // ms without a word about what was sent
const SOON = 2_000; // ms after which to look again for a connection
const TRIES = 3;
const MUCH = 100_000; // characters that a browser takes long to paste, and ever longer
const TALL = 60; // px of text
const LINES = 5; // that a screen reader may still have to read

export default {
  components: { Attachments, Dictation, Links },
  props: { words: Object, initial: Object },
  template: `
    <form class="composer" @submit.prevent="send">
      <div v-if="dropping" class="drop-sign"><p><i class="icon icon-attach"></i>{{ uploads?.files ? words.drop : words.no_files }}</p></div>
      <p v-if="rejected" class="composer-rejected" data-testid="attachment-error">
        <span dir="auto">{{ rejected }}</span>
        <button type="button" class="icon-button" @click="rejected = ''; focus()" :aria-label="words.dismiss" :title="words.dismiss">
          <i class="icon icon-close"></i></button>
      </p>
      <div class="composer-box" :class="{ 'is-tall': tall, 'is-dictated': dictating }">
        <Attachments :files="files" :words="words" @remove="remove" @retry="retry"></Attachments>
        <template v-if="uploads?.files">
          <input ref="chooser" type="file" hidden data-testid="composer-file" :accept="uploads.accept"
            :multiple="uploads.per_message !== 1" :aria-label="words.attach" @change="chosen">
          <button type="button" class="icon-button" data-testid="composer-attach" @click="$refs.chooser.click()"
            :aria-label="words.attach" :title="words.attach"><i class="icon icon-attach"></i></button>
        </template>
        <template v-if="uploads?.links">
          <button type="button" class="icon-button" data-testid="composer-link" aria-haspopup="dialog" @click="$refs.links.open()"
            :aria-label="words.link" :title="words.link"><i class="icon icon-link"></i></button>
          <Links ref="links" :words="words" @link="(...values) => $emit('link', values)"></Links>
        </template>
        <textarea ref="input" rows="1" data-testid="composer-input" dir="auto" enterkeyhint="send" autocomplete="off"
          :aria-label="words.label" :placeholder="hinted || words.placeholder" aria-describedby="composer-note"
          @input="edited" @keydown="key" @paste="pasted"></textarea>
        <Dictation v-if="hears" :app="hears" :words="words" @state="dictating = $event" @heard="insert" @problem="troubled"></Dictation>
        <button v-show="state === 'running'" type="button" class="round" data-testid="composer-stop" @click="stop"
          :aria-label="words.stop" :title="words.stop"><i class="icon icon-stop"></i></button>
        <button v-show="state !== 'running'" type="submit" class="round" data-testid="composer-send"
          :aria-disabled="!canSend" :aria-label="words.send" :title="obstacle || words.send"><i class="icon icon-send"></i></button>
      </div>
      <p id="composer-note" class="composer-note" role="status" :class="{ 'is-warning': warning || (obstacle && pressed), 'is-help': !news }">
        {{ news || help }}</p>
      <p v-if="disclaimer" class="composer-fine" data-testid="disclaimer" dir="auto" v-html="disclaimer"></p>
      <div class="visually-hidden" role="log"><p v-for="line in said" :key="line.number">{{ line.words }}</p></div>
    </form>`,
  data() {
    return {
      state: "ready",
      note: "",
      draftKey: "",
      uploads: null, // what may be attached, see `UploadRules`
      hinted: "", // the app's own words in an empty box
      disclaimer: "", // as HTML of the server's
      hears: "", // the app, if it takes speech
      ...this.initial,
      trays: {}, // place -> attachments
      text: "", // as it stands in the box, or "" if it is blank
      warning: "",
      hint: "",
      rejected: "", // about files that were not even uploaded
      dropping: false,
      dictating: "", // see `dictation.js`
      practised: isPractised(), // has sent something before
      tall: false, // more than two lines
      pressed: false, // Enter, though something is in the way
      said: [],
    };
  },
  emits: ["send", "stop", "link"],
  computed: {
    news() {
      return this.warning || this.hint || this.obstacle || this.note;
    },
    help() {
      return hasMouse() && !this.practised ? this.words.hint : ""; // touch keyboards have a key for each
    },
    place() {
      return placeOf(this.draftKey);
    },
    files() {
      return this.trays[this.place] ?? [];
    },
    /** Why what is there can't be sent, in words. */
    obstacle() {
      if (isTooLong(this.text)) return this.words.too_long;
      if (this.files.some((file) => file.state === "failed")) return this.words.send_failed;
      if (this.files.some((file) => file.state === "uploading")) return this.words.send_uploading;
      if (this.uploads?.per_message && this.files.length > this.uploads.per_message) return this.tooMany;
      if (this.text || !this.files.length) return "";
      return this.files.every((file) => file.kind === "image") ? this.words.ask_image : this.words.ask_files;
    },
    tooMany() {
      return fill(this.words.too_many, { count: this.uploads.per_message });
    },
    canSend() {
      return this.state === "ready" && this.text && !this.obstacle;
    },
  },
  watch: {
    draftKey(_, before) {
      const moves = before.startsWith("new:") && this.lastFrom === before;
      const carries = this.carries && (this.text || this.trays[placeOf(before)]?.length) && !read(this.place)?.text;
      this.carries = false;
      if (moves || carries) this.move(placeOf(before));
      else this.load();
    },
    state() {
      this.hint = "";
    },
  },

  created() {
    this.sent = new Map(); // key -> what was handed to the server, which has not answered yet
    this.uploader = new Uploader(this.words, this.uploaded);
  },
  mounted() {
    this.load();
    this.heights = new ResizeObserver(([{ contentRect }]) => (this.tall = contentRect.height > TALL));
    this.heights.observe(this.$refs.input);
    this.unwatch = watchPage({ over: (is) => (this.dropping = is), take: this.attach });
    // on a phone the keyboard would cover the page, and within another page the focus is not ours to take
    if (hasMouse() && parent === window) this.focus();
  },
  unmounted() {
    this.unwatch();
    this.heights.disconnect();
    for (const sent of this.sent.values()) clearTimeout(sent.timer);
  },

  methods: {
    // called by the server, see `components/composer.py`

    set(changes) {
      Object.assign(this, changes);
    },
    setText(text) {
      const written = this.written();
      if (!written.startsWith(text)) this.write(written.trim() ? `${text}\n\n${written}` : text);
      this.focus();
    },
    accepted(key) {
      const sent = this.sent.get(key);
      practise();
      this.practised = true;
      if (sent) {
        this.settle(sent);
        sent.tray.forEach(release);
      } else if (this.again?.key === key && this.keyOf(this.written())) {
        this.files.forEach(release); // late: we had given it back
        this.trays[this.place] = [];
        this.write("");
      }
    },
    refused(key, spent) {
      const sent = this.sent.get(key);
      if (!sent) return;
      if (spent) {
        const gone = { state: "failed", preview: "", problem: this.words.gone };
        sent.tray.forEach((file) => Object.assign(file, gone));
        sent.files = [];
      }
      this.takeBack(sent);
    },
    linked(ticket, file, problem) {
      if (!this.$refs.links?.answered(ticket, problem) || !file) return;
      const tile = attachment(file, this.place);
      this.trays[this.place] = [...this.files, tile];
      this.uploaded(tile);
      this.focus();
    },
    focus() {
      this.$refs.input.focus({ preventScroll: true });
    },

    // writing

    written() {
      return wellFormed(this.$refs.input.value);
    },
    write(text, key) {
      this.ease(text);
      this.$refs.input.value = text;
      this.again = key && { text, key, ids: idsOf(this.files) };
      this.edited();
    },
    /** What was dictated stands where the text was being written, for the reader to mend and to send. */
    insert(words) {
      const area = this.$refs.input;
      const [before, after] = [area.value.slice(0, area.selectionStart), area.value.slice(area.selectionEnd)];
      const spaced = (/\S$/.test(before) ? " " : "") + words + (/^\S/.test(after) ? " " : "");
      area.setRangeText(spaced, area.selectionStart, area.selectionEnd, "end");
      this.edited();
      this.$nextTick(this.focus);
    },
    troubled(words) {
      this.warning = words;
    },
    edited() {
      const text = this.written();
      this.text = text.trim() && text;
      this.warning = this.hint = "";
      this.pressed = false;
      this.keep();
      this.ease(text);
      grow(this.$refs.input);
    },
    /**
     * To find the direction of much text takes the browser seconds, and so does breaking a long paragraph of it into
     * lines: `composer.css` has another way for the one, and such lines go on to the side.
     */
    ease(text) {
      const area = this.$refs.input;
      const [dir, wrap] = text.length < MUCH ? ["auto", "soft"] : ["", "off"];
      if (area.dir !== dir) area.dir = dir;
      if (area.wrap !== wrap) area.wrap = wrap;
    },
    /** Much text is put in by its value: the browser's own way takes several times as long, and more than linear. */
    pasted(event) {
      const text = event.clipboardData.getData("text/plain");
      if (text.length < MUCH || event.clipboardData.files.length) return;
      event.preventDefault();
      const area = this.$refs.input;
      this.ease(text);
      area.setRangeText(text, area.selectionStart, area.selectionEnd, "end");
      this.edited();
      if (area.selectionEnd === area.value.length) area.scrollTop = area.scrollHeight;
    },
    /** Into the browser's storage: what stands here, or of another place what has come to it. */
    keep(place = this.place) {
      const files = kept(this.trays[place] ?? []);
      if (place !== this.place) return store(place, { text: read(place)?.text ?? "", files });
      const text = this.written();
      store(place, { text, key: this.keyOf(text), files });
    },
    /** The key of a message that was handed over before: the server may have it, and must not take it twice. */
    keyOf(text) {
      return this.again?.text === text && this.again.ids === idsOf(this.files) ? this.again.key : undefined;
    },
    load() {
      const [place, lost] = [this.place, read(this.place + SENT)];
      let draft = read(place);
      this.trays[place] ??= filesOf(draft).map((file) => this.restored(file, place));
      if (lost && ![...this.sent.values()].some((sent) => sent.place === place)) {
        // sent before a reload, and nobody said that it arrived
        forget(place + SENT);
        draft = giveBack(lost, draft);
        this.trays[place].unshift(...filesOf(lost).map((file) => this.restored(file, place)));
      }
      this.lastFrom = undefined;
      this.rejected = "";
      this.write(draft?.text ?? "", draft?.key);
    },
    /** The conversation has gone: what is written goes along, unless something waits where the reader comes to. */
    carry() {
      this.carries = true;
    },
    /** A new conversation has got its address: what was written meanwhile goes there with the reader. */
    move(from) {
      const tray = this.trays[from] ?? [];
      tray.forEach((file) => (file.place = this.place));
      this.trays[this.place] = tray;
      delete this.trays[from];
      forget(from);
      this.lastFrom = undefined;
      this.edited();
    },

    // files

    chosen({ target }) {
      this.attach({ files: [...target.files], hasFolders: false });
      target.value = ""; // so that the same file can be chosen again
    },
    attach({ files, hasFolders }) {
      if (!this.uploads?.files) return this.reject([this.words.no_files]);
      const problems = new Map(); // words -> names
      let left = (this.uploads.per_message || Infinity) - this.files.length;
      for (const file of files) {
        const problem = objection(file, this.uploads, this.words) || (left-- > 0 ? "" : this.tooMany);
        if (problem) problems.set(problem, [...(problems.get(problem) ?? []), file.name]);
        else this.upload(file);
      }
      const sentences = [...problems].map(([problem, names]) => fill(this.words.rejected, { names: listed(names), problem }));
      this.reject(hasFolders ? [...sentences, this.words.folders] : sentences);
      this.pressed = false;
      this.focus();
    },
    upload(file) {
      const tile = attachment(file, this.place);
      this.trays[this.place] = [...this.files, tile];
      this.uploader.add(tile, file, { app: this.uploads.app });
    },
    reject(sentences) {
      this.rejected = sentences.join(" ");
      if (this.rejected) this.say(this.rejected);
    },
    uploaded(file) {
      this.keep(file.place);
      const has = file.state === "ready" ? this.words.attached : this.words.not_attached;
      this.say(fill(has, file));
    },
    restored(file, place) {
      const tile = attachment(file, place);
      isThere(tile).then((is) => {
        if (!is) Object.assign(tile, { state: "failed", preview: "", problem: this.words.gone });
      });
      return tile;
    },
    retry(file) {
      this.uploader.retry(file);
      this.focus();
    },
    remove(file, isLast) {
      this.uploader.cancel(file);
      release(file);
      this.trays[file.place] = this.trays[file.place].filter((other) => other !== file);
      this.keep(file.place);
      this.say(fill(this.words.removed, file));
      if (isLast) this.focus();
    },
    say(words) {
      this.said = [...this.said.slice(1 - LINES), { words, number: (this.said.at(-1)?.number ?? 0) + 1 }];
    },

    // sending

    key(event) {
      const sends = event.key === "Enter" && !event.shiftKey && !event.altKey;
      if (!sends || event.isComposing || event.keyCode === 229) return; // 229: Safari's last key of a composition
      event.preventDefault();
      this.send();
    },
    send() {
      this.pressed = Boolean(this.obstacle);
      if (this.state === "running" && this.text) this.hint = this.words.running;
      if (!this.canSend) return;
      if (!admits(() => void (this.hint = ""))) {
        this.hint = this.words.form_first;
        return;
      }
      const text = this.written();
      const sent = { text, key: this.keyOf(text) ?? newKey(), place: this.place, tray: this.files, files: kept(this.files), tries: 0 };
      this.sent.set(sent.key, sent);
      forget(sent.place); // storage may not have room for both
      store(sent.place + SENT, sent);
      this.lastFrom = this.draftKey;
      this.trays[sent.place] = [];
      this.rejected = "";
      this.write("");
      if (hasMouse()) this.focus();
      this.hand(sent);
    },
    /** To the server. What it does not answer goes again: by its key it knows what it has taken. */
    async hand(sent) {
      let [text, held] = [sent.text, ""];
      if (isLong(text)) {
        this.hint = this.words.holding;
        try {
          [text, held] = ["", await hold(text, this.words)];
        } catch (problem) {
          this.takeBack(sent, problem.message);
          return;
        }
      }
      if (!this.sent.has(sent.key)) return;
      sent.timer = setTimeout(this.miss, PATIENCE, sent);
      this.$emit("send", [text, sent.key, sent.files.map((file) => file.id), held]);
    },
    miss(sent) {
      if (!window.socket?.connected) sent.timer = setTimeout(this.miss, SOON, sent);
      else if (++sent.tries < TRIES) this.hand(sent);
      else this.takeBack(sent, this.words.no_reply);
    },
    takeBack(sent, warning = "") {
      this.settle(sent);
      const [place, here] = [sent.place, sent.place === this.place];
      const since = here ? { text: this.written(), files: this.files } : read(place);
      const draft = giveBack(sent, since);
      this.trays[place] = [...sent.tray, ...(this.trays[place] ?? filesOf(since).map((file) => this.restored(file, place)))];
      if (here) this.write(draft.text, draft.key);
      else store(place, draft);
      this.warning = warning;
      this.focus();
    },
    settle(sent) {
      clearTimeout(sent.timer);
      this.sent.delete(sent.key);
      this.hint = "";
      if (read(sent.place + SENT)?.key === sent.key) forget(sent.place + SENT);
    },
    stop() {
      this.$emit("stop", []);
      this.focus();
    },
  },
};

const hasMouse = () => matchMedia("(hover: hover)").matches;

const idsOf = (files) => files.map((file) => file.id || file.number).join();

/** At most three names: nobody reads more. */
const listed = (names) => names.slice(0, 3).join(", ") + (names.length > 3 ? " …" : "");

/** For browsers without `field-sizing`. */
function grow(area) {
  if (CSS.supports("field-sizing", "content")) return;
  area.style.height = "auto";
  area.style.height = `${area.scrollHeight}px`;
}
