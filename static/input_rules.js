/** What is wrong with a value of the app's form, for whoever writes it. `webapp/inputs.py` has the last word. */

const NUMBER = /^[+-]?(\d{1,30}(\.\d{0,30})?|\.\d{1,30})([eE][+-]?\d{1,3})?$/;
const MAX_NUMBER = 2 ** 53;
const MAX_DEPTH = 30; // of a JSON object

/** The name of what is wrong, or "" for nothing. A value is a text, whether a box is checked, a file, or a list of them. */
export function problemOf({ control, required, options, most, uploads }, value) {
  if (required && uploads && !uploads.files && !uploads.links) return "closed";
  if (control === "checkbox") return "";
  if (control === "file-list" && value.length > most) return "too_many_files";
  const isText = typeof value === "string";
  if (isText && lengthOf(value) > most) return "too_long";
  if (isText ? !value.trim() : !value || value.length === 0) return required ? "required" : "";
  return CHECKS[control]?.(value, options) ?? "";
}

const CHECKS = {
  select: (value, options) => (options.includes(value) ? "" : "no_option"),
  number(value) {
    if (!NUMBER.test(value.trim())) return "no_number";
    return Math.abs(Number(value)) <= MAX_NUMBER ? "" : "number_size";
  },
  json_object(value) {
    try {
      const found = JSON.parse(value);
      return isObject(found) && depthOf(found) <= MAX_DEPTH ? "" : "no_object";
    } catch {
      return "no_object";
    }
  },
};

const isObject = (value) => Object(value) === value && !Array.isArray(value);
const depthOf = (value) => (Object(value) === value ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0);

/** In characters, as the server counts, and not in halves of them. */
export function lengthOf(text = "") {
  let length = 0;
  for (const _ of text) length += 1;
  return length;
}
