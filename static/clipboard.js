/** Copying, and saying whether it worked. */

const DONE_MS = 2000; // for so long a button says that it has done its work

/**
 * Copy, and say on the button, and to those who listen, whether it worked.
 * @param {string | Promise<string>} text
 */
export async function copy(button, text, words) {
  let done = true;
  try {
    await toClipboard(text);
  } catch {
    done = false;
  }
  button.title = done ? words.copied : words.copy_failed;
  button.dataset.done = done;
  const live = button.closest(".thread")?.querySelector("[aria-live]");
  if (live) live.textContent = button.title;
  setTimeout(() => {
    delete button.dataset.done;
    button.title = button.ariaLabel;
  }, DONE_MS);
}

/** @param {string | Promise<string>} text a promise is waited for within the click's own permission to copy */
async function toClipboard(text) {
  if (navigator.clipboard?.write) {
    const type = "text/plain";
    const blob = Promise.resolve(text).then((content) => new Blob([content], { type }));
    return navigator.clipboard.write([new ClipboardItem({ [type]: blob })]);
  }
  // no clipboard over plain http from another machine: the old way still works
  const area = document.createElement("textarea");
  area.value = await text;
  area.className = "visually-hidden";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("refused");
}
