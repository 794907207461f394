/** Files that go along with a message: how they come, what may be said against them, their upload, their tiles. */
import { MEGABYTE, size } from "numbers";
import { passing } from "passes";
import { reactive } from "vue";

const AT_ONCE = 2; // the server takes no more uploads of one person at a time
const TRANSIENT = new Set([0, 401, 408, 429]); // statuses after which the same file may well be taken

/** One tile for each file; what happens to them is the composer's. */
export default {
  props: { files: Array, words: Object },
  emits: ["remove", "retry"],
  template: `
    <ul v-if="files.length" class="attachments" :aria-label="words.attachments">
      <li v-for="file in files" :key="file.number" class="attachment" :class="'is-' + file.state" tabindex="0" data-testid="attachment"
        :data-state="file.state" :aria-label="label(file)" @keydown.delete.prevent="remove(file, $event)">
        <img v-if="file.preview" :src="file.preview" alt="" decoding="async" @error="file.preview = ''">
        <span v-else class="attachment-kind" aria-hidden="true"><i v-if="file.link" class="icon icon-link"></i>
          <template v-else>{{ extension(file) }}</template></span>
        <span class="attachment-name" :title="file.name" dir="auto">{{ file.name }}</span>
        <progress v-if="file.state === 'uploading'" :value="file.progress" max="1" :aria-label="words.uploading"></progress>
        <span v-else-if="file.state === 'ready'" class="attachment-size">{{ file.link ? hostOf(file.link) : size(file.size) }}</span>
        <span v-else class="attachment-error" data-testid="attachment-error">{{ file.problem }}
          <button v-if="file.mayRetry" type="button" data-testid="attachment-retry" @click="$emit('retry', file)">{{ words.retry }}</button></span>
        <button type="button" class="icon-button" data-testid="attachment-remove" @click="remove(file, $event)"
          :aria-label="fill(words.remove, file)" :title="fill(words.remove, file)"><i class="icon icon-close"></i></button>
      </li>
    </ul>`,
  watch: {
    "files.length"(count, before) {
      if (count > before) this.$nextTick(() => this.$el.lastElementChild?.scrollIntoView({ block: "nearest" }));
    },
  },
  methods: {
    size,
    fill,
    hostOf: (link) => URL.parse?.(link)?.host ?? link,
    extension: (file) => file.name.match(/\.([^.\s]{1,4})$/)?.[1].toUpperCase() ?? "",
    label(file) {
      const state = { uploading: this.words.uploading, failed: file.problem }[file.state];
      return [file.name, file.link || size(file.size), state].filter(Boolean).join(", ");
    },
    /** The focus goes to the tile that takes the place of this one, or to the text. */
    remove(file, event) {
      const tile = event.currentTarget.closest("li");
      const heir = tile.nextElementSibling ?? tile.previousElementSibling;
      heir?.focus();
      this.$emit("remove", file, !heir);
    },
  },
};

let numbers = 0;

/** What a tile shows: a file that was just chosen, or `{ id, name, kind, size, url, link }` as a draft keeps it. */
export function attachment(from, place) {
  const shown = from.kind === "image" || /^image\/(png|jpeg|gif|webp|avif|svg\+xml)$/.test(from.type);
  return reactive({
    number: ++numbers,
    place,
    id: from.id ?? "",
    name: from.name,
    kind: from.kind ?? "",
    size: from.size,
    url: from.url ?? "",
    link: from.link ?? "",
    preview: shown && !from.link ? from.url ?? URL.createObjectURL(from) : "",
    state: from.id ? "ready" : "uploading", // or 'failed'
    progress: 0,
    problem: "",
    mayRetry: false,
  });
}

/** What a draft keeps of those that have arrived. */
export function kept(files) {
  return files.filter((file) => file.state === "ready").map(({ id, name, kind, size, url, link }) => ({ id, name, kind, size, url, link }));
}

export function release(file) {
  if (file.preview.startsWith("blob:")) URL.revokeObjectURL(file.preview);
}

/** Sends files one after the other, and writes into their tiles how it goes. */
export class Uploader {
  /** @param {(file) => void} ended is called when a file has arrived or failed */
  constructor(words, ended) {
    this.words = words;
    this.ended = ended;
    this.sources = new Map(); // number of the tile -> { file, place }
    this.waiting = [];
    this.running = new Map(); // number of the tile -> request
  }

  /** @param {object} place what the file is for: `{ app }` for a message, with more names for a field */
  add(tile, file, place) {
    this.sources.set(tile.number, { file, place });
    this.retry(tile);
  }

  retry(tile) {
    Object.assign(tile, { state: "uploading", progress: 0, problem: "", mayRetry: false });
    this.waiting.push(tile);
    this.next();
  }

  cancel(tile) {
    this.waiting = this.waiting.filter((other) => other !== tile);
    this.running.get(tile.number)?.abort();
    this.sources.delete(tile.number);
  }

  next() {
    while (this.waiting.length && this.running.size < AT_ONCE) this.send(this.waiting.shift());
  }

  /** `fetch` tells nothing of how far an upload has come. */
  async send(tile) {
    const { file, place } = this.sources.get(tile.number);
    const request = new XMLHttpRequest();
    const form = formOf(place);
    form.append("file", file, tile.name);
    request.upload.onprogress = ({ loaded, total }) => (tile.progress = loaded / total);
    request.onloadend = () => {
      this.running.delete(tile.number);
      if (this.sources.has(tile.number)) this.conclude(tile, request); // else somebody took it away
      this.next();
    };
    this.running.set(tile.number, request);
    try {
      request.open("POST", await passing("/uploads", "upload"));
      if (this.sources.has(tile.number)) request.send(form);
      else request.onloadend();
    } catch {
      request.onloadend(); // no pass: no connection
    }
  }

  conclude(tile, { status, responseText }) {
    const answer = parsed(responseText);
    if (status === 201 && answer.id) {
      this.sources.delete(tile.number);
      Object.assign(tile, { state: "ready", id: answer.id, name: answer.name, kind: answer.kind, size: answer.size, url: answer.url });
    } else {
      const mayRetry = TRANSIENT.has(status) || status >= 500;
      const problem = answer.message || (status === 413 ? this.words.too_large : this.words.upload_failed);
      Object.assign(tile, { state: "failed", problem, mayRetry });
    }
    this.ended(tile);
  }
}

/** Have the server attach the address of a file elsewhere: what it says of it, or `{ problem }` in words. */
export async function linkTo(url, place, words) {
  const body = formOf({ ...place, url });
  const post = async () => fetch(await passing("/uploads/link", "upload"), { method: "POST", body });
  const response = await post().catch(() => null); // no network
  const answer = parsed(await response?.text());
  return response?.status === 201 && answer.id ? answer : { problem: answer.message || words.link_no_answer };
}

/**
 * Keep a text at the server until it is sent: one that is too long for a message of the socket.
 * @returns {Promise<string>} an id for it
 * @throws {Error} with words for the person
 */
export async function hold(text, words) {
  const post = async () => fetch(await passing("/uploads/text", "upload"), { method: "POST", body: text });
  const response = await post().catch(() => null); // no network
  const answer = parsed(await response?.text());
  if (response?.status !== 201 || !answer.id) throw new Error(answer.message || words.no_reply);
  return answer.id;
}

/** Whether the server still has a file; without an answer it may. Of a link nobody can say. */
export async function isThere(file) {
  if (file.link) return true;
  const look = async () => fetch(await passing(file.url, "file", file.id), { method: "HEAD" });
  const response = await look().catch(() => null);
  return response?.status !== 404;
}

/** What speaks against a file before a byte of it is sent: words, or "". */
export function objection(file, rules, words) {
  if (!isAccepted(file, rules.accept)) return fill(words.other_kind, { kinds: kindsOf(rules, words) });
  if (!file.size) return words.empty_file;
  const most = mostBytes(file, rules.megabytes);
  return file.size > most ? fill(words.larger_than, { size: size(most) }) : "";
}

/** `{name}`s in a sentence, replaced by values. */
export function fill(sentence, values) {
  return sentence.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** The files of a drop or a paste, and whether there are folders among them. */
export function filesIn(transfer) {
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const isFolder = (item) => item.webkitGetAsEntry?.()?.isDirectory;
  const files = items.filter((item) => !isFolder(item)).map((item) => item.getAsFile()).filter(Boolean);
  return { files, hasFolders: items.some(isFolder) };
}

/** Whether a paste means its files: office programs add a picture of a text, file managers the names of the files. */
export function meansFiles(transfer) {
  const names = [...transfer.files].map((file) => file.name);
  const lines = transfer.getData("text/plain").split(/[\r\n]+/).filter((line) => line.trim());
  return names.length > 0 && lines.every((line) => names.some((name) => line.endsWith(name)));
}

/**
 * Hear of files that are dragged over the page, or pasted where nothing else takes them. A file that is dropped beside
 * a page's own target makes the browser leave the page.
 * @returns {() => void} to hear no more
 */
export function watchPage({ over, take }) {
  let ownDrag = false; // a picture of the page counts as a file
  const hasFiles = (event) => !ownDrag && event.dataTransfer?.types.includes("Files");
  const listeners = {
    dragstart: () => (ownDrag = true),
    dragend: () => (ownDrag = false),
    dragover(event) {
      if (!hasFiles(event)) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = "copy";
      over(true);
    },
    dragleave(event) {
      if (!event.relatedTarget) over(false);
    },
    drop(event) {
      over(false);
      if (!hasFiles(event)) return;
      event.preventDefault();
      take(filesIn(event.dataTransfer));
    },
    paste(event) {
      if (event.defaultPrevented || !meansFiles(event.clipboardData)) return;
      event.preventDefault();
      take(filesIn(event.clipboardData));
    },
  };
  const all = Object.entries(listeners);
  for (const [name, listener] of all) addEventListener(name, listener);
  return () => all.forEach(([name, listener]) => removeEventListener(name, listener));
}

/** As a browser reads the `accept` of an input. */
function isAccepted(file, accept) {
  const patterns = accept.toLowerCase().split(",").map((each) => each.trim()).filter(Boolean);
  const [name, type] = [file.name.toLowerCase(), file.type.toLowerCase()];
  const fits = (pattern) => {
    if (pattern.startsWith(".")) return name.endsWith(pattern);
    return pattern.endsWith("/*") ? type.startsWith(pattern.slice(0, -1)) : type === pattern;
  };
  return !patterns.length || patterns.some(fits);
}

/** Limits stand by kind, and 'document' for whatever is no picture, sound or film. Of an unknown type we can't tell. */
function mostBytes({ type }, megabytes) {
  const kind = type.split("/")[0];
  const known = megabytes[kind] ?? megabytes.document;
  return (type ? known ?? Infinity : Math.max(...Object.values(megabytes), 0) || Infinity) * MEGABYTE;
}

function kindsOf(rules, words) {
  const kinds = rules.kinds.filter((kind) => kind !== "custom").map((kind) => words["kind_" + kind]);
  const all = [...kinds, ...(rules.kinds.includes("custom") ? rules.extensions : [])];
  return new Intl.ListFormat(document.documentElement.lang || "en", { type: "conjunction" }).format(all);
}

function formOf(values) {
  const form = new FormData();
  for (const [name, value] of Object.entries(values)) form.append(name, value);
  return form;
}

function parsed(text) {
  try {
    return Object(JSON.parse(text)); // whatever else it is has no words for us
  } catch {
    return {};
  }
}
