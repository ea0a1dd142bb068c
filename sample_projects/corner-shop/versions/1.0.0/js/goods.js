/** What is on the shelf. Prices are in pence. */
export const GOODS = [
  { id: "bread", name: "Rye bread", price: 320 },
  { id: "milk", name: "Milk, one litre", price: 145 },
  { id: "eggs", name: "Six eggs", price: 240 },
  { id: "apples", name: "Apples, a kilo", price: 275 },
  { id: "soap", name: "Olive soap", price: 190 },
];

/** @param {number} pence */
export function price(pence) {
  return (pence / 100).toFixed(2);
}
