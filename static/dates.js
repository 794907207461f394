/** Times and days of messages, in the reader's own zone and manner. */

const DAY = 86_400_000; // ms

/** Fill times that are still empty: the hour, or as `style` says, and the whole date for those who point at it. */
export function fillTimes(root, style = { timeStyle: "short" }) {
  for (const time of root.querySelectorAll("time:empty")) {
    const when = new Date(time.dateTime);
    time.textContent = new Intl.DateTimeFormat(undefined, style).format(when);
    time.title = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short" }).format(when);
  }
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
  const year = when.getFullYear() === now.getFullYear() ? {} : { year: "numeric" };
  return new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long", ...year }).format(when);
}
