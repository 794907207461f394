/** Which pages of other sites may talk with ours. */

const LABEL = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;

/** Whether an origin is the allowed one, or has any one label where that has a star: `https://*.example.com`. */
export function fits(origin, allowed) {
  const [scheme, host] = allowed.split("://");
  if (!host.startsWith("*.")) return origin === allowed;
  const [given, name] = origin.split("://");
  const label = name?.split(".")[0] ?? "";
  return given === scheme && LABEL.test(label) && name === label + host.slice(1);
}

/** The origins to send to, when it is not known yet which one is there: as few as can be. */
export function candidates(allowed) {
  const parent = location.ancestorOrigins?.[0] ?? new URLSearchParams(location.search).get("origin");
  const isAllowed = (origin) => allowed.some((each) => fits(origin, each));
  return parent && isAllowed(parent) ? [parent] : allowed.filter((each) => !each.includes("*"));
}

/** The one that is there, where that can be known; null where it may be one of several. */
export function known(allowed) {
  const likely = candidates(allowed);
  return likely.length === 1 ? likely[0] : null;
}
