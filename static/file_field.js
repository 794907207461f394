/** A field that takes files, or addresses of files: their tiles, and the buttons by which they come. */
import Attachments, { attachment, fill, isThere, linkTo, objection, release } from "attachments";
import Links from "links";

export default {
  components: { Attachments, Links },
  props: {
    id: String, // of its main button
    labelledby: String,
    describedby: String,
    files: Array, // attachments; whoever owns them replaces them at `update:files`
    most: Number,
    rules: Object, // see `UploadRules`
    place: Object, // which field it is, in the server's words: `{ app, field, ... }`
    uploader: Object,
    words: Object,
    composerWords: Object,
  },
  emits: ["update:files", "changed"],
  template: `
    <Attachments :files="files" :words="composerWords" @remove="remove" @retry="retry"></Attachments>
    <p v-if="!rules.files && !rules.links" class="field-help field-closed" :id="id" tabindex="-1" data-testid="inputs-closed">{{ words.closed }}</p>
    <div v-show="files.length < most" class="field-ways">
      <template v-if="rules.files">
        <input ref="chooser" type="file" hidden tabindex="-1" data-testid="inputs-file" :accept="rules.accept" :multiple="most > 1"
          :aria-labelledby="labelledby" @change.stop="chosen">
        <button :id="id" type="button" class="button field-choose" @click="$refs.chooser.click()" :aria-describedby="describedby"
          :aria-labelledby="labelledby + ' ' + id"><i class="icon icon-attach"></i>{{ most > 1 ? words.choose_files : words.choose_file }}</button>
      </template>
      <template v-if="rules.links">
        <button :id="linkId" type="button" class="button field-choose" data-testid="inputs-link" aria-haspopup="dialog"
          @click="$refs.links.open()" :aria-describedby="describedby" :aria-labelledby="labelledby + ' ' + linkId">
          <i class="icon icon-link"></i>{{ composerWords.link }}</button>
        <Links ref="links" :words="composerWords" @link="link"></Links>
      </template>
    </div>`,
  computed: {
    tooMany() {
      return fill(this.words.problem_too_many_files, { most: this.most });
    },
    linkId() {
      return this.rules.files ? `${this.id}-link` : this.id;
    },
  },
  methods: {
    chosen({ target }) {
      this.upload([...target.files]);
      target.value = ""; // so that the same file can be chosen again
    },
    upload(files) {
      const tiles = files.map((file) => attachment(file, ""));
      let left = this.most - this.files.length;
      this.$emit("update:files", [...this.files, ...tiles]);
      for (const [at, file] of files.entries()) {
        const problem = left-- > 0 ? objection(file, this.rules, this.composerWords) : this.tooMany;
        if (problem) Object.assign(tiles[at], { state: "failed", problem });
        else this.uploader.add(tiles[at], file, this.place);
      }
    },
    async link(ticket, url) {
      const { problem, ...file } = await linkTo(url, this.place, this.composerWords);
      if (!this.$refs.links.answered(ticket, problem ?? "") || problem) return;
      this.$emit("update:files", [...this.files, attachment(file, "")]);
      this.$emit("changed");
    },
    /** Attach the same address once more. */
    async linkAgain(url) {
      const { problem, ...file } = await linkTo(url, this.place, this.composerWords);
      if (!problem) this.$emit("update:files", [...this.files, attachment(file, "")]);
    },
    retry(file) {
      this.uploader.retry(file);
    },
    remove(file, isLast) {
      this.uploader.cancel(file);
      release(file);
      this.$emit("update:files", this.files.filter((other) => other !== file));
      this.$emit("changed");
      if (isLast) this.$nextTick(() => document.getElementById(this.id)?.focus());
    },
  },
};

/** The tiles of what a draft has kept. */
export function restored(files, composerWords) {
  return (files ?? []).map((file) => {
    const tile = attachment(file, "");
    isThere(tile).then((is) => {
      if (!is) Object.assign(tile, { state: "failed", preview: "", problem: composerWords.gone });
    });
    return tile;
  });
}

/** The name of what is wrong with files, or "". */
export function stateOf(files) {
  const states = files.map(({ state }) => state);
  return states.includes("failed") ? "failed" : states.includes("uploading") ? "uploading" : "";
}

export const idsOf = (files) => files.filter(({ state }) => state === "ready").map(({ id }) => id);
