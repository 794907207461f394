/** In which language numbers and dates are written: the browser's, unless the page around us has chosen another one. */

let chosen = "";
let known; // the same, if it is one

export function language() {
  const { language: wish = "" } = document.documentElement.dataset;
  if (wish !== chosen) {
    chosen = wish;
    known = isLanguage(wish) ? wish : undefined;
  }
  return known;
}

export function isLanguage(text) {
  try {
    return Intl.getCanonicalLocales(text).length > 0;
  } catch {
    return false;
  }
}
