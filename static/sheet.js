/** A page that the server writes as HTML: lists with filters, facts, and buttons that say what they do. */
import { fillCharts } from "charts";
import { fillFields, fillTimes, momentOf } from "dates";
import { wellFormed } from "keys";
import { fillNumbers } from "numbers";
import { clicked as clickedProse, dress } from "prose";

const PAUSE = 250; // ms after the last key until the server is asked

export default {
  props: { words: Object, proseWords: Object, content: String },
  template: `
    <div class="desk" @click="clicked" @input="typed" @change="changed" @submit="submitted">
      <div ref="content" class="desk-content" tabindex="-1"></div>
      <p class="visually-hidden" role="status">{{ said }}</p>
      <dialog ref="dialog" class="dialog" aria-labelledby="sheet-question" aria-describedby="sheet-effect" @close="asked = null">
        <template v-if="asked">
          <h2 id="sheet-question" dir="auto">{{ asked.confirm }}</h2>
          <p id="sheet-effect">{{ asked.effect }}</p>
          <label v-if="asked.typed" class="dialog-field" dir="auto">{{ asked.asks }}
            <input v-model.trim="asked.given" data-testid="typed" dir="auto" autocomplete="off" spellcheck="false" @keydown.enter="confirm">
          </label>
          <div class="dialog-actions">
            <button type="button" class="button" @click="$refs.dialog.close()">{{ words.cancel }}</button>
            <button type="button" class="button is-danger" data-testid="confirm" :disabled="!isConfirmed" @click="confirm">{{ asked.label }}</button>
          </div>
        </template>
      </dialog>
    </div>`,
  emits: ["act", "filter"],
  data() {
    return { said: "", asked: null };
  },
  computed: {
    isConfirmed() {
      return !this.asked?.typed || this.asked.given === this.asked.typed;
    },
  },
  mounted() {
    this.fill(this.$refs.content, this.content);
  },
  unmounted() {
    clearTimeout(this.timer);
  },

  methods: {
    // called by the server, see `components/sheet.py`

    show(html, said) {
      this.fill(this.$refs.content, html);
      this.said = said;
    },
    leave(href) {
      location.assign(href);
    },
    /** Replace what a filter has found, if nothing else is being looked for by now. */
    found(html, query) {
      const form = this.$el.querySelector("form[data-live]");
      if (form && asQuery(form) !== query) return;
      this.fill(this.$el.querySelector("[data-found]"), html);
    },

    /** The focus stays where it was, if that place is still there. */
    fill(node, html) {
      const active = document.activeElement;
      const held = node.contains(active) && active !== node ? active.id : null;
      node.innerHTML = html;
      fillTimes(node, "moment");
      fillFields(node);
      fillNumbers(node);
      fillCharts(node);
      for (const prose of node.querySelectorAll(".prose")) dress(prose, this.proseWords);
      const wanted = node.querySelector("[autofocus]");
      if (wanted) wanted.focus();
      else if (held !== null) (document.getElementById(held) ?? this.$refs.content).focus({ preventScroll: true });
    },

    // what a button does, at once or when it has been confirmed

    clicked(event) {
      if (clickedProse(event, this.proseWords)) return;
      const button = event.target.closest("button[data-act]");
      if (!button) return;
      const { confirm, effect, act, of, label, typed, asks } = button.dataset;
      if (!confirm) return this.$emit("act", [act, of]);
      this.asked = { confirm, effect, act, of, label, typed, asks, given: "" };
      this.$nextTick(() => this.$refs.dialog.showModal());
    },
    confirm() {
      if (!this.isConfirmed) return;
      const { act, of, typed } = this.asked;
      this.$refs.dialog.close();
      this.$emit("act", [act, typed ?? of]);
    },

    // filters: the address says what is shown, so that it can be kept and passed on

    typed(event) {
      if (event.target.type !== "search" || !event.target.form?.matches("[data-live]")) return;
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.filter(event.target.form), PAUSE);
    },
    changed(event) {
      if (event.target.type !== "search" && event.target.form?.matches("[data-live]")) this.filter(event.target.form);
    },
    submitted(event) {
      const form = event.target;
      if (!form.matches("[data-live], [data-act]")) return;
      event.preventDefault();
      if (form.dataset.act) this.$emit("act", [form.dataset.act, asQuery(form)]);
      else this.filter(form);
    },
    filter(form) {
      clearTimeout(this.timer);
      const query = asQuery(form);
      history.replaceState(history.state, "", query ? `?${query}` : location.pathname);
      this.$emit("filter", [query]);
    },
  },
};

function asQuery(form) {
  const isMoment = (name) => form.elements[name].type === "datetime-local";
  const sent = ([name, value]) => [name, isMoment(name) ? momentOf(value) : wellFormed(value.trim())];
  const given = [...new FormData(form)].map(sent);
  return String(new URLSearchParams(given.filter(([, value]) => value)));
}
