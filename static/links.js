/** The dialog for the address of a file elsewhere. It asks the server, which says whether it will be passed on. */
const PATIENCE = 20_000; // ms; the server looks where the address leads

export default {
  props: { words: Object },
  emits: ["link"],
  template: `
    <Teleport v-if="isOpen" to="body">
      <dialog ref="dialog" class="dialog" aria-labelledby="link-title" data-testid="link-dialog" @close="forget">
        <form novalidate @submit.prevent="ask">
          <h2 id="link-title">{{ words.link }}</h2>
          <p id="link-hint">{{ words.link_hint }}</p>
          <label class="dialog-field">{{ words.link_label }}
            <input ref="address" v-model="url" type="url" inputmode="url" dir="ltr" autocomplete="off" spellcheck="false"
              data-testid="link-address" aria-describedby="link-hint link-problem" :aria-invalid="Boolean(problem)" @input="problem = ''">
          </label>
          <p id="link-problem" class="dialog-problem" role="alert" data-testid="link-problem">{{ problem }}</p>
          <div class="dialog-actions">
            <button type="button" class="button" @click="close">{{ words.link_cancel }}</button>
            <button type="submit" class="button is-main" data-testid="link-add" :aria-disabled="ticket > 0 || !url.trim()">
              {{ ticket ? words.link_checking : words.link_add }}</button>
          </div>
        </form>
      </dialog>
    </Teleport>`,
  data: () => ({ isOpen: false, url: "", problem: "", ticket: 0 }),
  created() {
    this.tickets = 0;
  },
  methods: {
    async open() {
      this.isOpen = true;
      await this.$nextTick();
      this.$refs.dialog.showModal();
      this.$refs.address.focus();
    },
    close() {
      this.$refs.dialog.close();
    },
    forget() {
      clearTimeout(this.timer);
      Object.assign(this, { isOpen: false, url: "", problem: "", ticket: 0 });
    },
    ask() {
      if (this.ticket || !this.url.trim()) return;
      this.problem = "";
      this.ticket = ++this.tickets;
      this.timer = setTimeout(() => this.answered(this.ticket, this.words.link_no_answer), PATIENCE);
      this.$emit("link", this.ticket, this.url.trim());
    },
    /** @returns {boolean} whether it was still waited for */
    answered(ticket, problem) {
      if (ticket !== this.ticket) return false;
      clearTimeout(this.timer);
      this.ticket = 0;
      this.problem = problem;
      if (problem) this.$refs.address.focus();
      else this.close();
      return true;
    },
  },
};
