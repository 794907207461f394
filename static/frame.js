/** What stands around every page: the sidebar, the top line, notices, and the choice of colours. */
import { act, pressed, shortcuts } from "shortcuts";
import { signIn } from "sign_in";
import { hide } from "site";

const NARROW = "(max-width: 47.99rem)"; // the sidebar is a drawer
const LOST_AFTER = 1500; // ms without a socket until we say so
const EVERYWHERE = ["list", "theme"]; // shortcuts of pages without a conversation
const THEMES = ["auto", "light", "dark"];

export default {
  props: { words: Object, shortcutsWords: Object, pairingWords: Object, brand: Object, person: Object, initial: Object, hasSidebar: Boolean, home: String, placed: Object },
  template: `
    <div class="frame" :class="{ 'is-open': open, 'is-drawer': narrow, 'has-sidebar': hasSidebar }" @chosen="narrow && close()">
      <a class="skip-link" href="#main" @click.prevent="$refs.main.focus()">{{ hasSidebar ? words.skip : words.skip_page }}</a>
      <aside v-if="hasSidebar" ref="sidebar" id="sidebar" class="sidebar" :inert="!open" :aria-label="words.sidebar"
        @keydown.esc="narrow && close()">
        <div class="brand">
          <img v-if="brand.logo" :src="brand.logo" alt="" data-testid="logo">
          <p dir="auto">{{ brand.name }}</p>
          <button type="button" class="icon-button" @click="close" :aria-label="words.hide_sidebar" :title="words.hide_sidebar">
            <i :class="narrow ? 'icon icon-close' : 'icon icon-sidebar'"></i></button>
        </div>
        <slot name="sidebar"></slot>
      </aside>
      <div v-if="narrow && open" class="scrim" @click="close"></div>
      <div class="page" :inert="narrow && open">
        <header v-if="placed?.header ?? true" class="topline" :class="{ 'is-placed': placed }">
          <button v-if="hasSidebar" v-show="!open || narrow" ref="toggle" type="button" class="icon-button" aria-controls="sidebar"
            :aria-expanded="open" :aria-label="words.show_sidebar" :title="words.show_sidebar" @click="show">
            <i class="icon icon-sidebar"></i></button>
          <a v-if="home" class="icon-button" data-testid="home" :href="home" :aria-label="words.home" :title="words.home">
            <i class="icon icon-back"></i></a>
          <h1 v-if="apps.length < 2" class="app-name" dir="auto">{{ name }}</h1>
          <template v-else>
            <h1 class="app-name"><button type="button" class="button" data-testid="app-switcher" popovertarget="apps"
              aria-haspopup="true" dir="auto"><span>{{ name }}</span><i class="icon icon-chevron"></i></button></h1>
            <nav id="apps" popover class="menu at-start apps" :aria-label="words.apps" @toggle="$event.newState === 'open' && $emit('apps', [])">
              <a v-for="app in apps" :key="app.href" :href="app.href" :aria-current="app.current ? 'page' : null">
                <span class="app-icon" aria-hidden="true" :style="{ backgroundColor: app.emoji ? app.background : '' }">
                  <img v-if="app.picture" :src="app.picture" alt="" decoding="async">
                  <template v-else>{{ app.emoji || [...app.name][0] }}</template></span>
                <span class="app-words">
                  <span dir="auto">{{ app.name }}</span>
                  <small v-if="app.is_down" class="app-down" data-testid="app-down">{{ words.app_down }}</small>
                  <small v-if="app.description" dir="auto">{{ app.description }}</small></span>
              </a>
            </nav>
          </template>
          <span class="space"></span>
          <template v-if="placed">
            <button v-if="placed.sign_in" type="button" class="button" data-testid="site-sign-in" @click="signIn">{{ words.sign_in }}</button>
            <button v-if="narrow" type="button" class="icon-button" data-testid="site-new" @click="act('new')"
              :aria-label="words.new" :title="words.new"><i class="icon icon-new"></i></button>
            <template v-if="person">
              <button type="button" class="person" data-testid="user-menu" popovertarget="person" aria-haspopup="true"
                :aria-label="menuWords" :title="menuWords">{{ initials }}</button>
              <div id="person" popover class="menu at-end" role="region" :aria-label="words.account">
                <p class="quiet" dir="auto">{{ person.name }}</p>
                <button type="button" data-testid="site-sign-out" @click="$emit('leave', [])">{{ words.sign_out }}</button>
              </div>
            </template>
            <button v-if="placed.closable" type="button" class="icon-button" data-testid="site-close" @click="hide"
              :aria-label="words.close" :title="words.close"><i class="icon icon-close"></i></button>
          </template>
          <template v-else>
          <button type="button" class="icon-button" data-testid="theme-toggle" @click="nextTheme"
            :aria-label="words['theme_' + theme]" :title="words['theme_' + theme]"><i :class="'icon icon-' + theme"></i></button>
          <button type="button" :class="person?.name ? 'person' : 'icon-button'" data-testid="user-menu" popovertarget="person"
            aria-haspopup="true" :aria-label="menuWords" :title="menuWords">
            <template v-if="person?.name">{{ initials }}</template><i v-else class="icon icon-more"></i></button>
          <div id="person" ref="person" popover class="menu at-end" role="region" :aria-label="words.account">
            <p v-if="person?.name" class="quiet" dir="auto">{{ person.name }}</p>
            <a v-for="link in person?.links ?? []" :key="link.href" :href="link.href">{{ link.name }}</a>
            <button v-if="person?.reloads" type="button" data-testid="app-reload" @click="reload">{{ words.reload_app }}</button>
            <button type="button" data-testid="shortcuts" @click="list">{{ shortcutsWords.title }}</button>
            <form v-if="person?.logout" method="post" :action="person.logout">
              <button type="submit" data-testid="logout">{{ words.sign_out }}</button>
            </form>
          </div>
          </template>
        </header>
        <div class="banners" role="region" :aria-label="words.notices" aria-live="polite">
          <p v-if="signing" class="banner" data-testid="site-signing">
            <span>{{ signing.text }}
              <a v-if="signing.href" data-testid="site-sign-in-open" target="_blank" rel="opener" :href="signing.href">{{ signing.link }}</a></span>
          </p>
          <p v-for="banner in shownBanners" :key="banner.id" class="banner" data-testid="banner" :data-kind="banner.kind"
            :data-name="banner.name">
            <span dir="auto">{{ banner.text }}</span>
            <button v-if="banner.closable" type="button" class="icon-button" @click="dismiss(banner)"
              :aria-label="words.dismiss" :title="words.dismiss"><i class="icon icon-close"></i></button>
          </p>
        </div>
        <main id="main" ref="main" tabindex="-1">
          <h2 v-if="title" class="page-title visually-hidden" dir="auto">{{ title }}</h2>
          <slot></slot>
        </main>
      </div>
      <dialog ref="shortcuts" class="dialog shortcuts" data-testid="shortcuts-dialog" aria-labelledby="shortcuts-title"
        @click="$event.target === $refs.shortcuts && $refs.shortcuts.close()">
        <header>
          <h2 id="shortcuts-title">{{ shortcutsWords.title }}</h2>
          <button type="button" class="icon-button" @click="$refs.shortcuts.close()" :aria-label="shortcutsWords.close"
            :title="shortcutsWords.close"><i class="icon icon-close"></i></button>
        </header>
        <dl>
          <div v-for="each in keys" :key="each.name">
            <dt>{{ shortcutsWords[each.name] }}</dt>
            <dd><kbd v-for="key in each.keys" :key="key">{{ key }}</kbd></dd>
          </div>
        </dl>
      </dialog>
    </div>`,
  emits: ["travel", "apps", "reload", "leave"],
  data() {
    const narrow = isNarrow(this.placed);
    return {
      name: "",
      title: "",
      banners: [],
      apps: [],
      ...this.initial,
      narrow,
      open: !narrow && recall("sidebar") !== "closed",
      theme: THEMES.includes(recall("theme")) ? recall("theme") : "auto",
      lost: false,
      closed: [], // ids of notices
      signing: null, // what to show of it, see `sign_in.js`
    };
  },
  computed: {
    menuWords() {
      return this.person?.name ? `${this.words.account}: ${this.person.name}` : this.words.menu;
    },
    shownBanners() {
      const lost = { id: 0, kind: "warning", text: this.words.connection_lost };
      const shown = this.banners.filter((banner) => !this.closed.includes(banner.id) && !isKnown(banner));
      return this.lost ? [lost, ...shown] : shown;
    },
    initials() {
      const names = this.person.name.trim().split(/\s+/);
      return names.slice(0, 2).map((name) => [...name][0] ?? "").join("").toUpperCase();
    },
  },
  watch: {
    title(words) {
      document.title = words;
    },
  },

  created() {
    this.keys = shortcuts().filter(({ name }) => this.hasSidebar || EVERYWHERE.includes(name));
  },
  mounted() {
    addEventListener("keydown", this.key);
    this.paintBrowser();
    this.media = matchMedia(NARROW);
    this.media.addEventListener("change", this.resized);
    addEventListener("popstate", this.travelled);
    this.watchSocket();
  },
  unmounted() {
    removeEventListener("keydown", this.key);
    this.media.removeEventListener("change", this.resized);
    removeEventListener("popstate", this.travelled);
    clearTimeout(this.timer);
  },

  methods: {
    act,
    hide,

    // called by the server, see `theme.py`

    set(changes) {
      Object.assign(this, changes);
    },

    // the sidebar: a column beside the page, or a drawer over it that keeps the focus

    show() {
      this.open = true;
      if (!this.narrow) keep("sidebar", "open");
      this.$nextTick(() => this.$refs.sidebar.querySelector("button").focus());
    },
    close() {
      this.open = false;
      if (!this.narrow) keep("sidebar", "closed");
      this.$nextTick(() => this.$refs.toggle.focus());
    },
    resized() {
      this.narrow = isNarrow(this.placed);
      this.open = !this.narrow && recall("sidebar") !== "closed";
    },

    dismiss(banner) {
      this.closed.push(banner.id);
      storeOf(banner)?.keep(`closed:${banner.name}`, banner.text);
    },

    // the address: changed by the server without leaving the page, or by the reader's way back

    visit(href, replace) {
      if (location.pathname + (href.includes("?") ? location.search : "") === href) return;
      if (replace) history.replaceState(null, "", href);
      else history.pushState(null, "", href);
    },
    reload() {
      this.$refs.person.hidePopover();
      this.$emit("reload", []);
    },
    travelled() {
      this.$emit("travel", [location.pathname]);
    },

    signIn() {
      const { sign_in: way, origins } = this.placed;
      signIn({ ...way, origins }, this.pairingWords, (state) => (this.signing = state));
    },

    nextTheme() {
      this.theme = THEMES[(THEMES.indexOf(this.theme) + 1) % THEMES.length];
      keep("theme", this.theme);
      document.documentElement.dataset.theme = this.theme;
      this.paintBrowser();
    },
    /** The browser's own bars take the colour of the page. */
    paintBrowser() {
      const ground = this.theme === "auto" ? undefined : getComputedStyle(document.body).backgroundColor;
      for (const meta of document.querySelectorAll("meta[name=theme-color]")) {
        meta.dataset.own ??= meta.content; // the page came with one for light and one for dark
        meta.content = ground ?? meta.dataset.own;
      }
    },

    // keyboard

    key(event) {
      const name = pressed(event);
      if (!this.keys.some((each) => each.name === name) || document.querySelector("dialog:modal, :popover-open")) return;
      if (name === "stop" && (event.target.closest("dialog") || (this.narrow && this.open))) return; // it closes those
      if (name === "search" && !this.open) this.open = true;
      const own = { list: this.list, theme: this.nextTheme, sidebar: () => (this.open ? this.close() : this.show()) }[name];
      if (own) own();
      else if (name === "search") this.$nextTick(() => act(name));
      else if (!act(name)) return;
      event.preventDefault();
    },
    list() {
      this.$refs.person?.hidePopover();
      this.$refs.shortcuts.showModal();
    },

    /** NiceGUI makes its socket after our element is mounted. */
    watchSocket() {
      if (!window.socket) {
        this.timer = setTimeout(this.watchSocket, 20);
        return;
      }
      window.socket.on("disconnect", () => {
        this.timer = setTimeout(() => (this.lost = true), LOST_AFTER);
      });
      window.socket.on("connect", () => {
        clearTimeout(this.timer);
        this.lost = false;
      });
    },
  },
};

/** Whether the sidebar is a drawer: for want of room, or because it was wanted so. */
const isNarrow = (placed) => matchMedia(NARROW).matches || (placed && !placed.roomy) || false;

// Storage may be denied to a frame: then choices live as long as the page.

const memory = (storage) => ({
  recall(name) {
    try {
      return window[storage].getItem(name);
    } catch {
      return null;
    }
  },
  keep(name, value) {
    try {
      window[storage].setItem(name, value);
    } catch {}
  },
});
const ofTab = memory("sessionStorage");
const { recall, keep } = memory("localStorage");

/** What somebody has read and closed stays closed, until it says something else. */
const isKnown = (banner) => storeOf(banner)?.recall(`closed:${banner.name}`) === banner.text;
const storeOf = (banner) => (banner.is_news ? null : banner.is_for_tab ? ofTab : banner.kind === "info" ? { recall, keep } : null);
