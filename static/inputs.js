/** The app's form: asked before the first message of a conversation, folded into one line above it afterwards. */
import { fill, kept, release, Uploader } from "attachments";
import { read, write } from "drafts";
import FileField, { idsOf, restored, stateOf } from "file_field";
import { lengthOf, problemOf } from "input_rules";
import { passing } from "passes";
import { act } from "shortcuts";
import { openVariables, showVariables } from "variables";

const MAX_BYTES = 400_000; // of all values together, which go to the server in one message of the socket
const CUT = 40; // characters of a value in the folded line
const NEARLY = 0.8; // of the length that a text may have: from there on it is counted

export default {
  components: { FileField },
  props: { words: Object, composerWords: Object, initial: Object },
  emits: ["fill", "again"],
  template: `
    <div class="inputs" :class="{ 'is-folded': folded }">
      <form v-if="asked" class="inputs-form" novalidate data-testid="inputs-form" :aria-label="words.form" @submit.prevent @change="tell">
        <div v-for="field in asked.fields" :key="field.variable" class="field" :class="'is-' + field.control" :data-variable="field.variable">
          <label v-if="field.control === 'checkbox'" class="field-check">
            <input :id="idOf(field)" type="checkbox" v-model="values[field.variable]" :aria-describedby="notesOf(field)">
            <span dir="auto">{{ field.label }}</span></label>
          <template v-else>
            <label :id="idOf(field) + '-label'" :for="idOf(field)" dir="auto">{{ field.label }}
              <span v-if="field.unit" class="field-optional">({{ field.unit }})</span>
              <span v-if="!field.required" class="field-optional">{{ words.optional }}</span></label>
            <span v-if="field.control === 'select'" class="field-select">
              <select :id="idOf(field)" v-model="values[field.variable]" v-bind="marks(field)">
                <option v-if="!field.required || !values[field.variable]" value="">{{ words.choose }}</option>
                <option v-for="option in field.options" :key="option" :value="option">{{ option }}</option>
              </select><i class="icon icon-chevron"></i></span>
            <textarea v-else-if="isLong(field)" :id="idOf(field)" rows="3" dir="auto" v-model="values[field.variable]" v-bind="marks(field)"
              :spellcheck="field.control !== 'json_object'" :placeholder="field.placeholder || (field.control === 'json_object' ? '{}' : null)"></textarea>
            <FileField v-else-if="field.uploads" :ref="'files-' + field.variable" :id="idOf(field)" :labelledby="idOf(field) + '-label'"
              :describedby="notesOf(field)" v-model:files="trays[field.variable]" @changed="changed" :most="field.most" :rules="field.uploads"
              :place="{ app: field.uploads.app, field: field.variable }" :uploader="uploader" :words="words"
              :composerWords="composerWords"></FileField>
            <input v-else :id="idOf(field)" type="text" dir="auto" autocomplete="off" :inputmode="field.control === 'number' ? 'decimal' : null"
              v-model="values[field.variable]" v-bind="marks(field)" :placeholder="field.placeholder || null" @keydown.enter="entered">
          </template>
          <p v-if="field.description" :id="idOf(field) + '-help'" class="field-help" dir="auto">{{ field.description }}</p>
          <p v-if="count(field)" class="field-help">{{ count(field) }}</p>
          <p v-if="problem(field)" :id="idOf(field) + '-problem'" class="field-problem" data-testid="inputs-problem">{{ problem(field) }}</p>
        </div>
      </form>
      <section v-if="folded" class="inputs-folded" :aria-label="words.form" data-testid="inputs-folded">
        <div class="inputs-bar">
          <button type="button" class="inputs-line" data-testid="inputs-line" :aria-expanded="String(open)" aria-controls="inputs-all"
            :title="open ? words.fold : words.unfold" @click="open = !open">
            <i class="icon icon-chevron"></i><span v-if="!folded.length">{{ words.nothing }}</span>
            <span class="inputs-short"><template v-for="(value, at) in folded" :key="value.label">{{ at ? ", " : "" }}<bdi>{{ value.label }}</bdi>:
              <bdi>{{ cut(value.text) }}</bdi></template></span></button>
          <button type="button" class="button inputs-again" data-testid="inputs-again" :title="words.again" :aria-label="words.again" @click="$emit('again', [])">
            <i class="icon icon-edit"></i><span>{{ words.again }}</span></button>
        </div>
        <dl v-if="open" id="inputs-all" class="inputs-all">
          <div v-for="value in folded" :key="value.label"><dt dir="auto">{{ value.label }}</dt>
            <dd v-if="value.files.length"><a v-for="file in value.files" :key="file.url" :href="file.url" target="_blank"
              :rel="file.is_elsewhere ? 'noopener noreferrer nofollow' : null" dir="auto">{{ file.name }}</a></dd>
            <dd v-else dir="auto">{{ value.text }}</dd></div>
        </dl>
      </section>
    </div>`,
  data() {
    return {
      asked: null, // { app, fields }, see `components/inputs.py`
      folded: null, // what the conversation was begun with
      texts: {}, // what stands in the opening for variables that nobody is asked for
      ...this.initial,
      values: {}, // by variable: text, or whether a box is checked
      trays: {}, // by variable: attachments
      pressed: false, // somebody wants to send
      refused: {}, // by variable: what the server has against the value
      judged: {}, // the same, of values that have not been sent yet
      open: false,
    };
  },
  computed: {
    /** The first field that something is wrong with. */
    wrong() {
      return this.asked?.fields.find(this.problemIn);
    },
  },
  watch: {
    asked(now, before) {
      this.take(before);
    },
    folded() {
      this.open = false;
    },
    values: {
      deep: true,
      handler() {
        this.keep();
        this.showVariables();
      },
    },
    texts() {
      this.showVariables();
    },
    wrong(now) {
      if (!now) waiting = waiting?.();
    },
  },

  created() {
    this.uploader = new Uploader(this.composerWords, () => this.keep());
    this.take(null);
  },
  mounted() {
    current = this;
    this.greetings = this.$el.parentElement.querySelectorAll(":scope > [data-greeting]");
    this.greeted = new MutationObserver(() => this.showVariables());
    for (const node of this.greetings) this.greeted.observe(node, { childList: true });
    this.showVariables();
  },
  unmounted() {
    this.greeted.disconnect();
    if (current === this) current = null;
  },

  methods: {
    // called by the server, see `components/inputs.py`

    set(changes) {
      Object.assign(this, changes);
    },
    /** The values of another conversation, in the place of what is here. */
    async prefill(values, files) {
      await this.$nextTick();
      for (const field of this.asked?.fields ?? []) {
        if (field.variable in values) this.values[field.variable] = values[field.variable];
        if (field.uploads) this.clear(field);
      }
      this.focusOn(this.asked?.fields[0]);
      for (const field of this.asked?.fields ?? []) {
        for (const file of files[field.variable] ?? []) await this.takeAgain(field, file);
      }
    },
    async refuse(problems, words) {
      await this.$nextTick(); // the form may have changed
      this.pressed = true;
      const refusal = ([name, problem]) => [name, { problem, words: words[name], of: this.contentOf(name) }];
      this.refused = Object.fromEntries(Object.entries(problems).map(refusal));
      this.$nextTick(() => this.focusOn(this.wrong));
    },
    /** What only the server can tell: whether JSON objects fit their schemas. */
    judge(number, words) {
      if (number !== this.told) return; // newer values are on their way
      const verdict = ([name, each]) => [name, { problem: "schema", words: each, of: this.heard[name] }];
      this.judged = Object.fromEntries(Object.entries(words).map(verdict));
    },
    /** The server has the values: the next conversation begins with none. */
    accepted(app) {
      for (const tray of Object.values(this.trays)) tray.forEach(release);
      this.asked = null; // so that nothing is kept any more
      write(placeOf(app), null);
      this.values = {};
      this.trays = {};
    },

    // what stands in the fields

    /** @param before what was asked until now: what was written stays */
    take(before) {
      if (!this.asked) return;
      const isNew = before?.app !== this.asked.app;
      const draft = (isNew && read(placeOf(this.asked.app))) || {};
      this.pressed &&= !isNew;
      if (isNew) this.refused = this.judged = {};
      for (const { variable, value, host, uploads, options, control } of this.asked.fields) {
        const written = isNew ? draft.values?.[variable] : this.values[variable];
        const fits = typeof written === typeof value && (control !== "select" || !written || options.includes(written));
        if (!uploads) this.values[variable] = fits && !host ? written : value;
        else this.trays[variable] ??= restored(draft.files?.[variable], this.composerWords);
      }
      this.$nextTick(this.showVariables);
    },
    keep() {
      if (!this.asked) return;
      const files = Object.fromEntries(Object.entries(this.trays).map(([variable, tray]) => [variable, kept(tray)]));
      write(placeOf(this.asked.app), { values: this.values, files });
    },
    /** As the server takes it. */
    given({ variable, control }) {
      const ids = idsOf(this.trays[variable] ?? []).map((id) => ({ file_id: id }));
      if (control === "file") return ids[0] ?? null;
      return control === "file-list" ? ids : this.values[variable];
    },
    all() {
      return JSON.stringify(Object.fromEntries(this.asked.fields.map((field) => [field.variable, this.given(field)])));
    },
    tell() {
      const all = this.all();
      if (new Blob([all]).size >= MAX_BYTES) return;
      this.heard = Object.fromEntries(this.asked.fields.map(({ variable }) => [variable, this.contentOf(variable)]));
      this.$emit("fill", [all, (this.told = (this.told ?? 0) + 1)]);
    },

    // what is wrong with them

    problemIn(field) {
      const said = this.saidOf(field);
      if (said) return said.problem;
      return stateOf(this.trays[field.variable] ?? []) || problemOf(field, this.given(field));
    },
    /** What the server has against a value, if it is still the same one. */
    saidOf({ variable }) {
      const said = [this.refused[variable], this.judged[variable]];
      return said.find((each) => each?.of === this.contentOf(variable));
    },
    contentOf(variable) {
      return JSON.stringify(this.values[variable] ?? (this.trays[variable] ?? []).map(({ id }) => id));
    },
    problem(field) {
      const found = this.problemIn(field);
      const name = this.pressed || ["closed", "schema"].includes(found) ? found : "";
      if (name === "schema") return this.saidOf(field).words || this.words.problem_schema;
      return name && fill(this.words["problem_" + name] ?? this.words.problem_other, { most: field.most });
    },
    /** Whether a message may go. If not, it is said why, where it is. */
    admit() {
      if (!this.asked) return true;
      this.pressed = true;
      const wrong = this.wrong ?? this.tooMuch();
      if (wrong) this.$nextTick(() => this.focusOn(wrong));
      else this.tell();
      return !wrong;
    },
    /** The longest value, if all of them are too long together. */
    tooMuch() {
      if (new Blob([this.all()]).size < MAX_BYTES) return undefined;
      const longest = this.asked.fields.reduce((a, b) => (this.contentOf(a.variable).length < this.contentOf(b.variable).length ? b : a));
      this.refused = { [longest.variable]: { problem: "too_much", of: this.contentOf(longest.variable) } };
      return longest;
    },
    focusOn(field) {
      const node = field && document.getElementById(this.idOf(field));
      if (!node) return;
      const target = node.checkVisibility() ? node : node.closest(".field").querySelector(".attachment") ?? node;
      target?.focus({ preventScroll: true });
      node.closest(".field").scrollIntoView({ block: "nearest" });
    },
    entered(event) {
      if (event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      act("write");
    },

    // files

    /** A file belongs to one conversation: another one gets a copy. */
    async takeAgain(field, { id, name, url, is_elsewhere }) {
      const [there] = this.$refs["files-" + field.variable];
      if (is_elsewhere) return there.linkAgain(url);
      const get = async () => (await fetch(await passing(url, "file", id))).blob();
      const blob = await get().catch(() => null); // no network
      if (blob) there.upload([new File([blob], name, { type: blob.type })]);
    },
    changed() {
      this.$nextTick(() => {
        this.keep();
        this.tell();
      });
    },
    clear(field) {
      for (const file of this.trays[field.variable] ?? []) {
        this.uploader.cancel(file);
        release(file);
      }
      this.trays[field.variable] = [];
    },

    // how they look

    /** By number: variables may have any name. */
    idOf({ variable }) {
      return `input-${this.asked.fields.findIndex((field) => field.variable === variable)}`;
    },
    isLong: ({ control }) => control === "paragraph" || control === "json_object",
    notesOf(field) {
      const notes = [field.description && "-help", this.problem(field) && "-problem"].filter(Boolean);
      return notes.map((note) => this.idOf(field) + note).join(" ") || null;
    },
    marks(field) {
      return {
        "aria-required": field.required ? "true" : null,
        "aria-invalid": this.problem(field) ? "true" : null,
        "aria-describedby": this.notesOf(field),
      };
    },
    count({ variable, control, most }) {
      if (!["text-input", "paragraph"].includes(control)) return "";
      const count = lengthOf(this.values[variable]);
      return count > most * NEARLY ? fill(this.words.count, { count, most }) : "";
    },
    cut(text) {
      const line = text.replace(/\s+/g, " ").trim();
      const characters = [...line.slice(0, 4 * CUT)];
      return characters.length > CUT ? characters.slice(0, CUT - 1).join("").trimEnd() + "…" : line;
    },
    showVariables() {
      if (!this.greetings) return;
      const fields = this.asked?.fields ?? [];
      const names = new Map(Object.keys(this.texts).map((name) => [name, name]));
      for (const { variable, label, uploads } of fields) if (!uploads) names.set(variable, label);
      const values = { ...this.texts, ...(this.asked ? this.values : {}) };
      for (const node of this.greetings) {
        openVariables(node, names);
        showVariables(node, values);
      }
    },
  },
};

let current = null; // the one on the page
let waiting = undefined; // who is told when everything is filled in

/**
 * Whether the form lets a message go: there is none, or it is filled in. Else it shows what is missing.
 * @param {() => void} [filled] is called once it does
 */
export function admits(filled) {
  const is = current?.admit() ?? true;
  waiting = is ? undefined : filled;
  return is;
}

const placeOf = (app) => `inputs:${app}`;
