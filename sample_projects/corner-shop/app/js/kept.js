/** The basket in the browser's own store, so that it is still there tomorrow. */
const KEY = "pell.basket";

/** What was kept; an empty basket when there is nothing or it cannot be read. */
export function kept() {
  try {
    const found = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    return found && typeof found === "object" && !Array.isArray(found) ? found : {};
  } catch {
    return {};
  }
}

/** @param {Record<string, number>} cart */
export function keep(cart) {
  try {
    localStorage.setItem(KEY, JSON.stringify(cart));
  } catch {
    // A browser that keeps nothing still lets people order.
  }
}
