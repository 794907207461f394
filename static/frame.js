/** What stands around every page: the sidebar, the top line, notices, and the choice of colours. */

const NARROW = "(max-width: 47.99rem)"; // the sidebar is a drawer
const LOST_AFTER = 1500; // ms without a socket until we say so
const THEMES = ["auto", "light", "dark"];

export default {
  props: { words: Object, apps: Array, person: Object, initial: Object, hasSidebar: Boolean },
  template: `
    <div class="frame" :class="{ 'is-open': open, 'is-drawer': narrow, 'has-sidebar': hasSidebar }" @chosen="narrow && close()">
      <a class="skip-link" href="#main" @click.prevent="$refs.main.focus()">{{ words.skip }}</a>
      <aside v-if="hasSidebar" ref="sidebar" id="sidebar" class="sidebar" :inert="!open" :aria-label="words.sidebar"
        @keydown.esc="narrow && close()">
        <div v-if="narrow" class="drawer-top">{{ words.sidebar }}
          <button type="button" class="icon-button" @click="close" :aria-label="words.hide_sidebar" :title="words.hide_sidebar">
            <i class="icon icon-close"></i></button>
        </div>
        <slot name="sidebar"></slot>
      </aside>
      <div v-if="narrow && open" class="scrim" @click="close"></div>
      <div class="page" :inert="narrow && open">
        <header class="topline">
          <button v-if="hasSidebar" ref="toggle" type="button" class="icon-button" aria-controls="sidebar" :aria-expanded="open"
            :aria-label="toggleWords" :title="toggleWords" @click="open ? close() : show()"><i class="icon icon-sidebar"></i></button>
          <h1 v-if="apps.length < 2" class="app-name" dir="auto">{{ name }}</h1>
          <template v-else>
            <h1 class="app-name"><button type="button" class="button" data-testid="app-switcher" popovertarget="apps"
              aria-haspopup="true" dir="auto">{{ name }}<i class="icon icon-chevron"></i></button></h1>
            <nav id="apps" popover class="menu at-start" :aria-label="words.apps">
              <a v-for="app in apps" :key="app.href" :href="app.href" :aria-current="app.current ? 'page' : null" dir="auto">{{ app.name }}</a>
            </nav>
          </template>
          <span class="space"></span>
          <button type="button" class="icon-button" data-testid="theme-toggle" @click="nextTheme"
            :aria-label="words['theme_' + theme]" :title="words['theme_' + theme]"><i :class="'icon icon-' + theme"></i></button>
          <template v-if="person">
            <button type="button" class="person" data-testid="user-menu" popovertarget="person" aria-haspopup="true"
              :aria-label="words.account + ': ' + person.name" :title="person.name">{{ initials }}</button>
            <div id="person" popover class="menu at-end">
              <p class="quiet" dir="auto">{{ person.name }}</p>
              <a v-for="link in person.links" :key="link.href" :href="link.href">{{ link.name }}</a>
              <form v-if="person.logout" method="post" :action="person.logout">
                <button type="submit" data-testid="logout">{{ words.sign_out }}</button>
              </form>
            </div>
          </template>
        </header>
        <div class="banners" role="region" :aria-label="words.notices" aria-live="polite">
          <p v-for="banner in shownBanners" :key="banner.id" class="banner" data-testid="banner" :data-kind="banner.kind">
            <span dir="auto">{{ banner.text }}</span>
            <a v-if="banner.href" :href="banner.href">{{ banner.action }}</a>
            <button v-else-if="banner.action" type="button" class="button" @click="$emit('banner', [banner.name])">{{ banner.action }}</button>
            <button v-if="banner.closable" type="button" class="icon-button" @click="closed.push(banner.id)"
              :aria-label="words.dismiss" :title="words.dismiss"><i class="icon icon-close"></i></button>
          </p>
        </div>
        <main id="main" ref="main" tabindex="-1"><slot></slot></main>
      </div>
    </div>`,
  emits: ["banner", "travel"],
  data() {
    const narrow = matchMedia(NARROW).matches;
    return {
      name: "",
      title: "",
      banners: [],
      ...this.initial,
      narrow,
      open: !narrow && recall("sidebar") !== "closed",
      theme: THEMES.includes(recall("theme")) ? recall("theme") : "auto",
      lost: false,
      closed: [], // ids of notices
    };
  },
  computed: {
    toggleWords() {
      return this.open ? this.words.hide_sidebar : this.words.show_sidebar;
    },
    shownBanners() {
      const lost = { id: 0, kind: "warning", text: this.words.connection_lost };
      const shown = this.banners.filter((banner) => !this.closed.includes(banner.id));
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

  mounted() {
    this.media = matchMedia(NARROW);
    this.media.addEventListener("change", this.resized);
    addEventListener("popstate", this.travelled);
    this.watchSocket();
  },
  unmounted() {
    this.media.removeEventListener("change", this.resized);
    removeEventListener("popstate", this.travelled);
    clearTimeout(this.timer);
  },

  methods: {
    // called by the server, see `theme.py`

    set(changes) {
      Object.assign(this, changes);
    },

    // the sidebar: a column beside the page, or a drawer over it that keeps the focus

    show() {
      this.open = true;
      if (this.narrow) this.$nextTick(() => this.$refs.sidebar.querySelector("a, button, input")?.focus());
      else keep("sidebar", "open");
    },
    close() {
      this.open = false;
      if (this.narrow) this.$nextTick(() => this.$refs.toggle.focus());
      else keep("sidebar", "closed");
    },
    resized() {
      this.narrow = this.media.matches;
      this.open = !this.narrow && recall("sidebar") !== "closed";
    },

    // the address: changed by the server without leaving the page, or by the reader's way back

    visit(href, replace) {
      if (location.pathname === href) return;
      if (replace) history.replaceState(null, "", href);
      else history.pushState(null, "", href);
    },
    travelled() {
      this.$emit("travel", [location.pathname]);
    },

    nextTheme() {
      this.theme = THEMES[(THEMES.indexOf(this.theme) + 1) % THEMES.length];
      keep("theme", this.theme);
      document.documentElement.dataset.theme = this.theme;
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

// Storage may be denied to a frame: then choices live as long as the page.

function recall(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

function keep(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {}
}
