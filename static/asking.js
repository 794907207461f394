/** What the app asks in the middle of an answer: what is written and not sent yet, the time left, and the sending. */
import { fill } from "attachments";
import { forget, placeOf, read, store } from "drafts";
import { newKey } from "keys";
import { language } from "language";
import { passing } from "passes";

const SECOND = 1000; // ms
const UNITS = [["day", 86_400], ["hour", 3600], ["minute", 60], ["second", 1]]; // in seconds
const PATIENCE = 20_000; // ms for the server's word on what was answered

export class Asking {
  constructor(words) {
    this.words = words;
    this.clock = null;
  }

  /** Complete all forms in `root`; may be called as often as one likes. */
  dress(root) {
    for (const form of root.querySelectorAll("form.ask:not([data-dressed])")) {
      form.dataset.dressed = "";
      this.recall(form);
      const text = () => JSON.stringify(valuesOf(form));
      form.addEventListener("change", ({ target }) => target.type === "file" && this.attach(form, target));
      form.addEventListener("input", () => store(draftOf(form), { text: text() }));
    }
    for (const over of root.querySelectorAll(".ask.is-over")) forget(draftOf(over));
    this.tick();
  }

  /** What somebody began to write stays, whatever becomes of the page. */
  recall(form) {
    const draft = read(draftOf(form));
    if (!draft) return;
    for (const [name, value] of Object.entries(JSON.parse(draft.text))) {
      const field = form.elements.namedItem(name);
      if (field && "value" in field && field.type !== "file") field.value = value;
    }
  }

  /** Hand files over as soon as they are chosen; those that came before give way where there is no room for more. */
  async attach(form, input) {
    const list = listOf(form, input);
    const most = Number(input.dataset.most);
    input.setCustomValidity("");
    form.ariaBusy = "true";
    for (const file of [...input.files].slice(0, most)) {
      const line = document.createElement("li");
      line.textContent = fill(this.words.form_uploading, file);
      list.append(line);
      try {
        const { id, name } = await upload(file, form.dataset.app);
        Object.assign(line.dataset, { id, testid: "form-file-name" });
        line.replaceChildren(named(name), this.remover(line, name));
      } catch ({ message }) {
        line.textContent = fill(this.words.form_upload_failed, { name: file.name, problem: message });
      }
      while (filesOf(list).length > most) filesOf(list)[0].remove();
    }
    input.value = "";
    form.ariaBusy = "false";
  }

  remover(line, name) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "icon-button";
    button.ariaLabel = button.title = fill(this.words.form_remove, { name });
    button.innerHTML = '<i class="icon icon-close"></i>';
    button.onclick = () => line.remove();
    return button;
  }

  /** @param {(form: string, action: string, values: string, key: string) => void} tell */
  answer(form, submitter, tell) {
    if (!submitter || form.inert || form.ariaBusy === "true") return;
    const empty = [...form.querySelectorAll("input[data-needed]")].find((input) => !filesOf(listOf(form, input)).length);
    if (empty) {
      empty.setCustomValidity(this.words.form_needs_file);
      empty.reportValidity();
      return;
    }
    form.ariaBusy = "true";
    setTimeout(() => (form.ariaBusy = "false"), PATIENCE);
    form.dataset.key ??= newKey();
    tell(form.dataset.form, submitter.value, JSON.stringify(valuesOf(form)), form.dataset.key);
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

function valuesOf(form) {
  const fields = [...form.elements].filter((field) => field.name && field.localName !== "button");
  const value = (field) => (field.type === "file" ? filesOf(listOf(form, field)).map((line) => line.dataset.id) : field.value);
  return Object.fromEntries(fields.map((field) => [field.name, value(field)]));
}

const listOf = (form, input) => form.querySelector(`.ask-files[data-of="${input.id}"]`);
const filesOf = (list) => [...list.querySelectorAll("[data-id]")];

function named(name) {
  const node = document.createElement("span");
  node.dir = "auto";
  node.textContent = name;
  return node;
}

/** @throws {Error} with words for the person, if there are any */
async function upload(file, app) {
  const body = new FormData();
  body.append("app", app);
  body.append("file", file, file.name);
  const response = await fetch(await passing("/uploads", "upload"), { method: "POST", body }).catch(() => null);
  const answer = (await response?.json().catch(() => null)) ?? {};
  if (response?.status !== 201 || !answer.id) throw new Error(answer.message ?? "");
  return answer;
}
