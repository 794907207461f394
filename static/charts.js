/** Charts that the server has drawn: writes what each place holds, for those who point at it and those who listen. */
import { day } from "dates";
import { number, price, seconds } from "numbers";

const MANNERS = { number, price, seconds };
const UNKNOWN = "-";

export function fillCharts(root) {
  for (const chart of root.querySelectorAll(".chart")) {
    const places = [...chart.querySelectorAll("a[data-day]")];
    for (const place of places) place.setAttribute("aria-label", words(place, chart.dataset));
    for (const end of chart.querySelectorAll(".ends [data-day]")) end.textContent = day(end.dataset.day);
    const said = chart.querySelector("output");
    const tell = (event) => (said.textContent = event.target.closest("a")?.getAttribute("aria-label") ?? "");
    chart.addEventListener("pointerover", tell);
    chart.addEventListener("focusin", tell);
    for (const left of ["pointerleave", "focusout"]) chart.addEventListener(left, () => (said.textContent = ""));
  }
}

/** "Mar 1: $3.20", or "Mar 1: Failed 2, Answers 40" where there are several. */
function words(place, { unit, currency }) {
  const names = place.dataset.names.split("|");
  const values = place.dataset.values.split(" ").map((value) => (value === UNKNOWN ? "–" : MANNERS[unit](value, currency)));
  const told = values.map((value, index) => (names.length > 1 ? `${names[index]} ${value}` : value));
  return `${day(place.dataset.day)}: ${told.join(", ")}`;
}
