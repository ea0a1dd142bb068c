/** The order page: state in one place, drawn from it after every event. */
import { add, takeOut, total } from "./cart.js";
import { GOODS, price } from "./goods.js";
import { DAYS, hoursOf } from "./hours.js";
import { keep, kept } from "./kept.js";

const $ = (id) => document.getElementById(id);
let cart = kept();

function row(texts, label, act) {
  const line = document.createElement("li");
  for (const text of texts) {
    const part = document.createElement("span");
    part.textContent = text;
    line.append(part);
  }
  const button = document.createElement("button");
  button.textContent = label;
  button.addEventListener("click", act);
  line.append(button);
  return line;
}

function draw() {
  $("goods").replaceChildren(
    ...GOODS.map((one) => row([one.name, price(one.price)], "Add", () => change(add(cart, one.id)))),
  );
  $("cart").replaceChildren(
    ...GOODS.filter((one) => cart[one.id]).map((one) =>
      row([one.name, `${cart[one.id]} ×`], "Take out", () => change(takeOut(cart, one.id))),
    ),
  );
  $("total").textContent = price(total(cart, GOODS));
}

function change(next) {
  cart = next;
  keep(cart);
  draw();
}

function drawHours() {
  const parts = DAYS.flatMap((name, day) => {
    const term = document.createElement("dt");
    term.textContent = name;
    const hours = document.createElement("dd");
    hours.textContent = hoursOf(day);
    return [term, hours];
  });
  $("hours").replaceChildren(...parts);
}

$("checkout").addEventListener("submit", (event) => {
  event.preventDefault();
  const said = [...new FormData(event.target)].filter(([, value]) => value);
  const lines = [
    total(cart, GOODS) ? "Show this at the counter." : "Your basket is empty.",
    ...GOODS.filter((one) => cart[one.id]).map((one) => `${cart[one.id]} × ${one.name}`),
    ...said.map(([name, value]) => `${name}: ${value}`),
  ];
  $("receipt").replaceChildren(
    ...lines.map((line) => {
      const part = document.createElement("p");
      part.textContent = line;
      return part;
    }),
  );
  $("receipt").hidden = false;
});

drawHours();
draw();
