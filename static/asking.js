/** What the app asks in the middle of an answer: what is written and not sent yet, the time left, and the sending. */
import { kept, Uploader } from "attachments";
import { forget, placeOf, read, write } from "drafts";
import FileField, { idsOf, restored, stateOf } from "file_field";
import { newKey } from "keys";
import { language } from "language";
import { createApp, h, reactive } from "vue";

const SECOND = 1000; // ms
const UNITS = [["day", 86_400], ["hour", 3600], ["minute", 60], ["second", 1]]; // in seconds
const PATIENCE = 20_000; // ms for the server's word on what was answered

export class Asking {
  /** @param {object} words of the thread, and with them those of fields, and of the composer for its files */
  constructor(words, inputsWords, composerWords) {
    this.words = words;
    this.inputsWords = inputsWords;
    this.composerWords = composerWords;
    this.trays = new Map(); // place of a field's files -> { form, files, app }
    this.clock = null;
  }

  /** Complete all forms in `root`; may be called as often as one likes. */
  dress(root) {
    for (const form of root.querySelectorAll("form.ask:not([data-dressed])")) {
      form.dataset.dressed = "";
      this.recall(form);
      form.addEventListener("input", () => this.keep(form));
    }
    for (const over of root.querySelectorAll(".ask.is-over")) forget(draftOf(over));
    for (const [node, { app }] of this.trays) {
      if (node.isConnected) continue;
      app.unmount();
      this.trays.delete(node);
    }
    this.tick();
  }

  /** What somebody began to write, and has attached, stays, whatever becomes of the page. */
  recall(form) {
    const draft = read(draftOf(form));
    for (const [name, value] of Object.entries(draft?.values ?? {})) {
      const field = form.elements.namedItem(name);
      if (field && "value" in field) field.value = value;
    }
    for (const node of form.querySelectorAll(".ask-files")) this.attach(form, node, draft?.files?.[node.dataset.name]);
  }

  keep(form) {
    const files = Object.fromEntries(this.traysOf(form).map(([node, { files }]) => [node.dataset.name, kept(files)]));
    write(draftOf(form), { values: textsOf(form), files });
  }

  /** Let a field show its files, and take more. */
  attach(form, node, draft) {
    const { of, name, most, rules } = node.dataset;
    const message = form.closest("[data-id]").dataset.id;
    const tray = reactive({ form, files: restored(draft, this.composerWords) });
    const changed = () => {
      if (!form.isConnected) return;
      document.getElementById(`${of}-problem`).textContent = "";
      this.keep(form);
    };
    const uploader = new Uploader(this.composerWords, changed);
    const shown = () =>
      h(FileField, {
        id: of,
        labelledby: `${of}-label`,
        describedby: `${of}-problem`,
        files: tray.files,
        most: Number(most),
        rules: JSON.parse(rules),
        place: { app: form.dataset.app, message, form: form.dataset.form, field: name },
        uploader,
        words: this.inputsWords,
        composerWords: this.composerWords,
        "onUpdate:files": (files) => {
          tray.files = files;
          changed();
        },
      });
    tray.app = createApp({ render: shown });
    this.trays.set(node, tray);
    tray.app.mount(node);
  }

  traysOf(form) {
    return [...this.trays].filter(([, tray]) => tray.form === form);
  }

  /** @param {(form: string, action: string, values: string, key: string) => void} tell */
  answer(form, submitter, tell) {
    if (!submitter || form.inert || form.ariaBusy === "true" || !this.isFilled(form)) return;
    form.ariaBusy = "true";
    setTimeout(() => (form.ariaBusy = "false"), PATIENCE);
    form.dataset.key ??= newKey();
    tell(form.dataset.form, submitter.value, JSON.stringify(this.valuesOf(form)), form.dataset.key);
  }

  /** Whether all files are there that are needed. If not, it is said why, where it is. */
  isFilled(form) {
    const wrong = this.traysOf(form).map(([node, { files }]) => [node, this.problemOf(node, files)]).filter(([, words]) => words);
    for (const [node, words] of wrong) document.getElementById(`${node.dataset.of}-problem`).textContent = words;
    if (wrong.length) document.getElementById(wrong[0][0].dataset.of)?.focus();
    return !wrong.length;
  }

  problemOf({ dataset }, files) {
    const state = stateOf(files);
    if (state) return this.inputsWords["problem_" + state];
    if (!("needed" in dataset) || idsOf(files).length) return "";
    const { files: takesFiles, links } = JSON.parse(dataset.rules);
    return takesFiles || links ? this.words.form_needs_file : this.inputsWords.problem_closed;
  }

  valuesOf(form) {
    const files = this.traysOf(form).map(([node, { files }]) => [node.dataset.name, idsOf(files)]);
    return { ...textsOf(form), ...Object.fromEntries(files) };
  }

  reopen(turn) {
    const form = turn?.querySelector("form.ask[data-standing=open]");
    if (!form) return;
    delete form.dataset.key;
    form.ariaBusy = "false";
    this.tick();
  }

  /** Write how much time is left, again and again while there is any. */
  tick() {
    clearTimeout(this.clock);
    const shown = [...document.querySelectorAll(".ask-until")];
    if (!shown.length) return;
    const left = shown.map((line) => this.show(line)).filter((seconds) => seconds > 0);
    if (!left.length) return;
    const pause = Math.min(...left) < 120 ? SECOND : 20 * SECOND;
    this.clock = setTimeout(() => this.tick(), pause);
  }

  stop() {
    clearTimeout(this.clock);
    for (const { app } of this.trays.values()) app.unmount();
  }

  /** Seconds left. */
  show(line) {
    const when = new Date(line.dataset.expires);
    const left = Math.ceil((when - Date.now()) / SECOND);
    const words = left > 0 ? this.words.form_until.replace("{when}", until(left)) : this.words.form_expired;
    if (line.textContent !== words) line.textContent = words;
    line.title ||= new Intl.DateTimeFormat(language(), { dateStyle: "full", timeStyle: "short" }).format(when);
    const form = line.closest("form");
    if (form) form.inert = left <= 0;
    return left;
  }
}

const draftOf = (form) => placeOf(`form:${form.dataset.form}`);

/** "in 3 hours" */
function until(seconds) {
  const [unit, length] = UNITS.find(([, length]) => seconds >= length);
  return new Intl.RelativeTimeFormat(language()).format(Math.round(seconds / length), unit);
}

function textsOf(form) {
  const fields = [...form.elements].filter((field) => field.name && field.localName !== "button");
  return Object.fromEntries(fields.map((field) => [field.name, field.value]));
}
