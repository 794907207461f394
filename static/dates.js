/** Times and days of messages, in the reader's own zone and manner. */
import { language } from "language";

const DAY = 86_400_000; // ms
const MANNERS = {
  hour: { timeStyle: "short" },
  moment: { dateStyle: "medium", timeStyle: "short" },
  whole: { dateStyle: "full", timeStyle: "short" },
  day: { weekday: "long", day: "numeric", month: "long" },
  date: { day: "numeric", month: "short" },
  month: { month: "short", year: "numeric" },
  dayOfYear: { weekday: "long", day: "numeric", month: "long", year: "numeric" },
};
const formats = {};

/** Get ready while nobody waits: the first date of a page takes the browser as long as drawing an answer. */
export function prepareDates() {
  const idle = window.requestIdleCallback ?? setTimeout;
  idle(() => Object.keys(MANNERS).forEach((manner) => write(manner, new Date())));
}

/** Fill times that are still empty: the hour or the `moment`, and the whole date for those who point at it. */
export function fillTimes(root, manner = "hour") {
  for (const time of root.querySelectorAll("time:empty")) {
    const when = new Date(time.dateTime);
    time.textContent = write(manner, when);
    time.title = write("whole", when);
  }
}

/** Fill fields for a moment that are still empty, in the reader's own zone. */
export function fillFields(root) {
  for (const field of root.querySelectorAll("input[type=datetime-local][data-moment]")) {
    const when = new Date(field.dataset.moment);
    field.value ||= new Date(when - when.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
  }
}

/** What somebody has chosen in such a field, as the server reads it; "" for nothing. */
export function momentOf(chosen) {
  return chosen && new Date(chosen).toISOString();
}

/** "Mar 1" or "Mar 2026", of a day or a month of the calendar. @param {string} iso "2026-03-01" or "2026-03" */
export function day(iso) {
  const [year, month, number] = iso.split("-").map(Number);
  return write(number ? "date" : "month", new Date(year, month - 1, number ?? 1));
}

/**
 * Write the day above the first message of each day; not above a conversation that began today.
 * @param {{when: string, node: Element?}[]} entries all messages in order; those without a node are not drawn
 */
export function separateDays(entries, words) {
  const now = new Date();
  let before = now.toDateString();
  for (const { when, node } of entries) {
    const day = when ? new Date(when).toDateString() : before;
    const line = node?.querySelector(".day");
    if (line) {
      line.hidden = day === before;
      if (!line.hidden) line.textContent = name(new Date(when), now, words);
    }
    before = day;
  }
}

function name(when, now, words) {
  if (when.toDateString() === now.toDateString()) return words.today;
  if (when.toDateString() === new Date(now - DAY).toDateString()) return words.yesterday;
  return write(when.getFullYear() === now.getFullYear() ? "day" : "dayOfYear", when);
}

function write(manner, when) {
  const key = `${language()} ${manner}`;
  formats[key] ??= new Intl.DateTimeFormat(language(), MANNERS[manner]);
  return formats[key].format(when);
}
