/** Numbers as the reader writes them. */
import { language } from "language";

const KILOBYTE = 1024;
export const MEGABYTE = 1024 * KILOBYTE;
const CENTS = { minimumFractionDigits: 2, maximumFractionDigits: 7 }; // Dify reports seven
const FEW = { minimumFractionDigits: 2, maximumFractionDigits: 4 };
const LEAST = 0.0000001;
const ISO = { RMB: "CNY" }; // what Dify calls it
const CODE = /^[A-Z]{3}$/i; // Intl throws at anything else
const NONE = "XXX"; // says ISO 4217
const MANNERS = { number, price, seconds, share, size, total };

/** Fill numbers that are still empty: `<data>` as `numbers.py` makes it. */
export function fillNumbers(root) {
  for (const data of root.querySelectorAll("data[data-as]:empty")) {
    const { as, currency } = data.dataset;
    data.textContent = MANNERS[as](data.value, currency);
    if (as === "total") data.title = price(data.value, currency);
  }
}

/** "1,812", and "4.20" with the places it has. @param {string} value a float would lose digits, here and below */
export function number(value) {
  const places = value.split(".")[1]?.length ?? 0;
  return format({ minimumFractionDigits: places, maximumFractionDigits: places }).format(value);
}

/** "$27.25", and "$0.0021" where there is less than one. */
export function total(amount, currency) {
  return money(amount, currency, amount < 1 ? FEW : { maximumFractionDigits: 2 });
}

/** "$0.0021": at least two places, at most seven, and no noise of zeros. A currency that has no sign is its code. */
export function price(amount, currency) {
  return money(amount, currency, CENTS);
}

function money(amount, currency, digits) {
  const code = ISO[currency] ?? currency;
  const name = CODE.test(code) ? { currency: code } : { currency: NONE, currencyDisplay: "code" };
  const written = format({ style: "currency", ...name, ...digits });
  const words = 0 < amount && amount < LEAST ? `<${written.format(LEAST)}` : written.format(amount);
  return words.replace(NONE, () => code).trim();
}

/** "4.2s" */
export function seconds(value) {
  return format({ style: "unit", unit: "second", unitDisplay: "narrow", maximumFractionDigits: 1 }).format(value);
}

/** "83%" */
export function share(part) {
  return format({ style: "percent" }).format(part);
}

/** "1.2 MB" */
export function size(bytes) {
  const [unit, value] = bytes < MEGABYTE ? ["kilobyte", Math.ceil(bytes / KILOBYTE)] : ["megabyte", bytes / MEGABYTE];
  return format({ style: "unit", unit, maximumFractionDigits: 1 }).format(value);
}

const formats = new Map();

/** One for all who want the same: to make one takes far longer than to use it. */
function format(options) {
  const key = `${language()} ${JSON.stringify(options)}`;
  if (!formats.has(key)) formats.set(key, new Intl.NumberFormat(language(), options));
  return formats.get(key);
}
