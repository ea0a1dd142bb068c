/** The basket as plain data: how many of what. No function here changes what it is given. */

/** @typedef {Record<string, number>} Cart */

/** @param {Cart} cart @param {string} id @returns {Cart} */
export function add(cart, id) {
  return { ...cart, [id]: (cart[id] ?? 0) + 1 };
}

/** @param {Cart} cart @param {string} id @returns {Cart} */
export function takeOut(cart, id) {
  const { [id]: count = 0, ...rest } = cart;
  return count > 1 ? { ...rest, [id]: count - 1 } : rest;
}

/** @param {Cart} cart @param {{id: string, price: number}[]} goods */
export function total(cart, goods) {
  return goods.reduce((sum, one) => sum + one.price * (cart[one.id] ?? 0), 0);
}
