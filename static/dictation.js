/** Speech in place of typing: a button, and while it records a line with the level, the time, cancel and stop. */
import { passing } from "passes";

const MOST = 120; // seconds; the server takes no more
const BARS = 24;

export default {
  props: { app: String, words: Object },
  emits: ["state", "heard", "problem"],
  template: `
    <button v-if="!state" ref="start" type="button" class="icon-button" data-testid="composer-dictate" @click="start"
      :aria-label="words.dictate" :title="words.dictate"><i class="icon icon-mic"></i></button>
    <div v-else class="dictation" role="group" :aria-label="words.dictation" :data-state="state" data-testid="dictation" @keydown.esc.stop="cancel">
      <button ref="cancel" type="button" class="icon-button" data-testid="dictation-cancel" @click="cancel"
        :aria-label="words.dictation_cancel" :title="words.dictation_cancel"><i class="icon icon-close"></i></button>
      <span v-if="state === 'recording'" class="dictation-levels" aria-hidden="true">
        <i v-for="(level, index) in levels" :key="index" :style="{ blockSize: 12 + 88 * level + '%' }"></i></span>
      <span v-if="state === 'recording'" class="dictation-time" role="timer" data-testid="dictation-time">{{ time }}</span>
      <span v-else class="dictation-words" role="status">{{ state === 'hearing' ? words.dictation_hearing : words.dictation_asking }}</span>
      <button v-if="state === 'recording'" ref="stop" type="button" class="round" data-testid="dictation-stop" @click="stop"
        :aria-label="words.dictation_stop" :title="words.dictation_stop"><i class="icon icon-check"></i></button>
    </div>`,
  data() {
    return { state: "", levels: Array(BARS).fill(0), seconds: 0 }; // state: '', 'asking', 'recording', 'hearing'
  },
  computed: {
    time() {
      const left = Math.max(0, MOST - Math.floor(this.seconds));
      const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
      return left <= 10 ? this.words.dictation_left.replace("{seconds}", left) : clock(Math.floor(this.seconds));
    },
  },
  watch: {
    state(state) {
      this.$emit("state", state);
    },
    app() {
      this.end();
    },
  },
  unmounted() {
    this.end();
  },

  methods: {
    async start() {
      const turn = (this.turn = {});
      Object.assign(this, { state: "asking", levels: Array(BARS).fill(0), seconds: 0 });
      this.$emit("problem", "");
      try {
        const { record } = await import("recorder");
        const recorder = await record(this.listen);
        if (this.turn !== turn) return recorder.close(); // cancelled while the browser asked
        this.recorder = recorder;
        this.state = "recording";
        this.$nextTick(() => this.$refs.stop?.focus());
      } catch (problem) {
        if (this.turn === turn) this.fail(this.refusal(problem));
      }
    },
    listen(level) {
      if (!this.recorder) return;
      this.levels = [...this.levels.slice(1), level];
      this.seconds = this.recorder.seconds;
      if (this.seconds >= MOST) this.stop();
    },
    async stop() {
      const { turn, recorder } = this;
      if (!recorder) return;
      this.recorder = null;
      this.state = "hearing";
      this.$nextTick(() => this.$refs.cancel?.focus());
      this.leaving = new AbortController();
      try {
        const text = await this.hear(recorder.finish());
        if (this.turn !== turn) return;
        if (!text) return this.fail(this.words.dictation_empty);
        this.end();
        this.$emit("heard", text);
      } catch (problem) {
        if (this.turn === turn) this.fail(problem.words ?? this.words.dictation_failed);
      }
    },
    async hear(recording) {
      const post = async () => {
        const address = await passing("/speech", "hear");
        const query = `${address.includes("?") ? "&" : "?"}app=${encodeURIComponent(this.app)}`;
        return fetch(address + query, { method: "POST", body: recording, signal: this.leaving.signal });
      };
      const response = await post();
      const answer = await response.json().catch(() => ({}));
      if (!response.ok) throw Object.assign(new Error(), { words: answer.message });
      return answer.text;
    },
    refusal(problem) {
      if (problem.name === "NotAllowedError" || problem.name === "SecurityError") return this.words.mic_refused;
      return problem.name === "NotFoundError" ? this.words.mic_missing : this.words.mic_failed;
    },
    fail(words) {
      this.end();
      this.$emit("problem", words);
      this.$nextTick(() => this.$refs.start?.focus());
    },
    cancel() {
      this.end();
      this.$nextTick(() => this.$refs.start?.focus());
    },
    end() {
      this.turn = null;
      this.recorder?.close();
      this.recorder = null;
      this.leaving?.abort();
      this.state = "";
    },
  },
};
