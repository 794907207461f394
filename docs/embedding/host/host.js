/** The buttons of this page: what each of them tells the chat, and what the chat tells. */
const EVENTS = ["ready", "opened", "closed", "message", "unread", "error", "resize"];
const chat = window.WebappChat; // made by embed.js, which stands before this script
const who = document.querySelector("#who");
const log = document.querySelector("#log");

const actions = {
  open: () => chat.open(),
  close: () => chat.close(),
  newConversation: () => chat.newConversation(),
  send({ text }) {
    chat.open();
    chat.send(text);
  },
  setTheme({ theme }) {
    document.documentElement.dataset.theme = theme;
    chat.setTheme(theme);
  },
  async signIn({ role, name }) {
    await post(`/sign-in/${role}`);
    show(name);
    chat.identify(token); // a function, and no token: it is asked again whenever the chat needs a new one
  },
  async signOut() {
    await post("/sign-out");
    show("");
    chat.logout();
  },
};

/** The same as `data-token-url="/chat-token"`, for those who want to do it by themselves. */
async function token() {
  const answer = await fetch("/chat-token", { credentials: "same-origin", cache: "no-store" });
  return answer.status === 200 ? answer.text() : null;
}

async function post(address) {
  const answer = await fetch(address, { method: "POST" });
  if (!answer.ok) throw new Error(`${address} answered ${answer.status}`);
}

function show(name) {
  who.textContent = name || "Not signed in";
}

function note(name, values) {
  const line = document.createElement("li");
  const title = document.createElement("strong");
  title.textContent = name;
  line.append(title, values === undefined ? "" : ` ${typeof values === "string" ? values : JSON.stringify(values)}`);
  log.prepend(line);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-action]");
  if (button) run(button.dataset);
});

document.addEventListener("submit", (event) => {
  event.preventDefault();
  run({ action: event.target.dataset.action, text: event.target.elements.text.value });
});

async function run({ action, ...values }) {
  try {
    await actions[action](values);
  } catch (error) {
    note(action, error.message);
  }
}

show(who.dataset.name);
if (chat) for (const name of EVENTS) chat.on(name, (values) => note(name, values));
else note("error", "The script of the chat did not load. Is the chat running?");
