/** The list of conversations: grouped by day in the reader's own time zone, newest first. */
import { wellFormed } from "keys";
import { language } from "language";

const PAUSE = 150; // ms after the last key until a search begins
const DAY = 86_400_000; // ms

export default {
  props: { words: Object, content: Object, newHref: String, selected: String },
  template: `
    <nav class="conversations" :aria-label="words.label">
      <a class="button new-conversation" data-testid="new-conversation" :href="newHref" @click="plain($event, 'new')">
        <i class="icon icon-new"></i>{{ words.new }}</a>
      <div class="search">
        <i class="icon icon-search"></i>
        <input ref="search" type="search" data-testid="conversation-search" v-model="query" @input="typed" @keydown.esc="clear"
          @keydown.down.prevent="focusRow(0)" :aria-label="words.search" :placeholder="words.search" maxlength="200">
        <button v-if="query" type="button" class="icon-button" @click="clear($event), $refs.search.focus()"
          :aria-label="words.clear" :title="words.clear"><i class="icon icon-close"></i></button>
      </div>
      <div ref="list" class="conversation-list" data-testid="conversation-list" @scroll.passive="scrolled"
        @keydown="key" tabindex="-1">
        <p v-if="loaded && !rows.length" class="quiet" role="status">{{ query.trim() ? nothing : words.empty }}</p>
        <section v-for="group in groups" :key="group.name" :aria-label="group.name">
          <h2>{{ group.name }}</h2>
          <ul>
            <li v-for="row in group.rows" :key="row.id" class="conversation" data-testid="conversation-item"
              :data-conversation-id="row.id" :data-title-state="row.title_state">
              <form v-if="editing === row.id" class="rename" @submit.prevent="rename(row)">
                <input ref="title" v-model="title" :aria-label="words.title" maxlength="255" dir="auto"
                  @keydown.esc.stop="stopEditing(row.id)" @keydown.stop @blur="rename(row)">
                <button type="submit" class="icon-button" data-testid="confirm" @mousedown.prevent
                  :aria-label="words.save" :title="words.save"><i class="icon icon-check"></i></button>
              </form>
              <template v-else>
                <a :href="row.href" :aria-current="row.id === current ? 'page' : null" :title="name(row)"
                  @click="plain($event, 'open', row.id)">
                  <span class="conversation-title" dir="auto">{{ name(row) }}</span>
                  <span v-if="row.running" class="mark is-running"><span class="visually-hidden">, {{ words.running }}</span></span>
                  <span v-else-if="row.unread" class="mark is-unread"><span class="visually-hidden">, {{ words.unread }}</span></span>
                </a>
                <button type="button" class="icon-button" data-testid="conversation-menu" @click="toggleMenu(row, $event)"
                  aria-haspopup="menu" :aria-expanded="menu?.id === row.id" :aria-label="fill(words.menu, { title: name(row) })">
                  <i class="icon icon-more"></i></button>
              </template>
            </li>
          </ul>
        </section>
        <p v-if="asked" class="quiet" role="status">{{ words.more }}</p>
      </div>
      <div ref="menu" popover class="menu" role="menu" @toggle="toggled" @keydown="menuKey">
        <button type="button" role="menuitem" data-testid="conversation-rename" @click="edit(menu)">
          <i class="icon icon-edit"></i>{{ words.rename }}</button>
        <button type="button" role="menuitem" class="is-danger" data-testid="conversation-delete" @click="ask(menu)">
          <i class="icon icon-delete"></i>{{ words.delete }}</button>
      </div>
      <dialog ref="dialog" class="dialog" aria-labelledby="delete-title" aria-describedby="delete-body" @close="doomed = null">
        <template v-if="doomed">
          <h2 id="delete-title">{{ words.delete_title }}</h2>
          <p id="delete-body" dir="auto">{{ fill(words.delete_body, { title: name(doomed) }) }}</p>
          <div class="dialog-actions">
            <button type="button" class="button" @click="$refs.dialog.close()">{{ words.cancel }}</button>
            <button type="button" class="button is-danger" data-testid="confirm" @click="drop">{{ words.confirm }}</button>
          </div>
        </template>
      </dialog>
    </nav>`,
  emits: ["ready", "open", "new", "rename", "delete", "search", "more"],
  data() {
    return {
      rows: [],
      loaded: false,
      more: false, // the server has older ones
      asked: false, // for older ones
      query: "",
      current: this.selected ?? "",
      menu: null, // row whose menu is open
      editing: null, // id of the row whose title is being changed
      title: "",
      doomed: null, // row that may be deleted
    };
  },
  computed: {
    groups() {
      const groups = [];
      for (const row of this.rows) {
        const name = this.day(row.updated * 1000);
        if (groups.at(-1)?.name !== name) groups.push({ name, rows: [] });
        groups.at(-1).rows.push(row);
      }
      return groups;
    },
    nothing() {
      return this.fill(this.words.nothing, { search: this.query.trim() });
    },
  },
  mounted() {
    if (this.content) this.show(this.content);
    this.$emit("ready", []);
  },

  methods: {
    // called by the server, see `components/conversations.py`

    show({ rows, more, search }) {
      if (search !== this.query.trim()) return; // results of a search that is over
      Object.assign(this, { rows: sorted(rows), more, asked: false, loaded: true });
      this.$nextTick(this.scrolled);
    },
    extend({ rows, more, search }) {
      if (search !== this.query.trim()) return;
      const known = new Set(this.rows.map((row) => row.id));
      this.rows = sorted([...this.rows, ...rows.filter((row) => !known.has(row.id))]);
      Object.assign(this, { more, asked: false });
      this.$nextTick(this.scrolled);
    },
    upsert(row) {
      const isKnown = this.rows.some((each) => each.id === row.id);
      if (!isKnown && this.query.trim()) return; // whether it matches is the server's to say
      this.rows = sorted([...this.rows.filter((each) => each.id !== row.id), row]);
    },
    discard(id) {
      this.rows = this.rows.filter((row) => row.id !== id);
    },
    select(id) {
      this.current = id;
    },

    // words

    name(row) {
      return row.title || this.words.untitled;
    },
    fill(sentence, values) {
      return sentence.replace(/\{(\w+)\}/g, (_, key) => values[key]);
    },
    day(time) {
      const days = Math.round((midnight(Date.now()) - midnight(time)) / DAY);
      if (days <= 0) return this.words.today;
      if (days === 1) return this.words.yesterday;
      if (days <= 7) return this.words.week;
      if (days <= 30) return this.words.month;
      return new Intl.DateTimeFormat(language(), { month: "long", year: "numeric" }).format(time);
    },

    // opening; a click with a modifier key is the browser's, as with every link

    plain(event, name, ...values) {
      if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
      event.preventDefault();
      if (name === "open") this.current = values[0];
      this.$emit(name, values);
      this.$el.dispatchEvent(new CustomEvent("chosen", { bubbles: true })); // the drawer closes
    },

    // searching and loading

    typed() {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.$emit("search", [wellFormed(this.query.trim())]), PAUSE);
    },
    clear(event) {
      if (!this.query) return;
      event.stopPropagation();
      this.query = "";
      this.typed();
    },
    scrolled() {
      const { scrollTop, scrollHeight, clientHeight } = this.$refs.list;
      const isNearEnd = scrollHeight - scrollTop < 2 * clientHeight;
      if (!this.more || this.asked || !isNearEnd || !this.rows.length) return;
      this.asked = true;
      this.$emit("more", [this.rows.at(-1).id, this.query.trim()]);
    },

    // keyboard

    key(event) {
      const links = this.links();
      const at = links.indexOf(event.target);
      const row = this.rows.find((each) => each.id === event.target.closest("[data-conversation-id]")?.dataset.conversationId);
      const act = {
        ArrowDown: () => this.focusRow(at + 1),
        ArrowUp: () => (at ? this.focusRow(at - 1) : this.$refs.search.focus()),
        Home: () => this.focusRow(0),
        End: () => this.focusRow(links.length - 1),
        F2: () => this.edit(row),
        Delete: () => this.ask(row),
      }[event.key];
      if (!act || at < 0) return;
      event.preventDefault();
      act();
    },
    links() {
      return [...this.$refs.list.querySelectorAll("a")];
    },
    focusRow(index) {
      this.links().at(index)?.focus();
    },

    // the menu of a row

    toggleMenu(row, event) {
      const box = this.$refs.menu;
      const was = this.menu?.id;
      if (was) box.hidePopover();
      if (was === row.id) return;
      this.menu = row;
      this.opener = event.currentTarget;
      box.showPopover();
      const at = this.opener.getBoundingClientRect();
      const below = at.bottom + box.offsetHeight < innerHeight;
      box.style.top = `${below ? at.bottom : at.top - box.offsetHeight}px`;
      box.style.left = `${Math.max(8, Math.min(at.left, innerWidth - box.offsetWidth - 8))}px`;
      box.firstElementChild.focus();
    },
    toggled(event) {
      if (event.newState === "closed") this.menu = null;
    },
    menuKey(event) {
      if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
      event.preventDefault();
      const items = [...this.$refs.menu.children];
      items[(items.indexOf(document.activeElement) + 1) % items.length].focus();
    },

    // renaming

    edit(row) {
      this.$refs.menu.hidePopover();
      this.title = this.name(row);
      this.editing = row.id;
      this.$nextTick(() => this.$refs.title[0].select());
    },
    rename(row) {
      if (this.editing !== row.id) return; // the field loses focus as it goes
      const title = this.title.trim();
      this.stopEditing(row.id);
      if (!title || title === this.name(row)) return;
      this.upsert({ ...row, title, title_state: "manual" });
      this.$emit("rename", [row.id, wellFormed(title)]);
    },
    stopEditing(id) {
      this.editing = null;
      this.$nextTick(() => this.$refs.list.querySelector(`[data-conversation-id="${CSS.escape(id)}"] a`)?.focus());
    },

    // deleting

    ask(row) {
      this.$refs.menu.hidePopover();
      this.doomed = row;
      this.$nextTick(() => this.$refs.dialog.showModal());
    },
    drop() {
      const { id } = this.doomed;
      this.$refs.dialog.close();
      this.$emit("delete", [id]);
    },
  },
};

function sorted(rows) {
  return rows.sort((a, b) => b.updated - a.updated || (a.id < b.id ? 1 : -1));
}

function midnight(time) {
  return new Date(time).setHours(0, 0, 0, 0);
}
