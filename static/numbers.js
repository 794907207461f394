/** Amounts as the reader writes them. */

const KILOBYTE = 1024;
export const MEGABYTE = 1024 * KILOBYTE;

/** "1.2 MB" */
export function size(bytes) {
  const [unit, value] = bytes < MEGABYTE ? ["kilobyte", Math.ceil(bytes / KILOBYTE)] : ["megabyte", bytes / MEGABYTE];
  return new Intl.NumberFormat(undefined, { style: "unit", unit, maximumFractionDigits: 1 }).format(value);
}

/** Fill sizes of files that are still empty. */
export function fillSizes(root) {
  for (const data of root.querySelectorAll("data.file-size:empty")) data.textContent = size(Number(data.value));
}
