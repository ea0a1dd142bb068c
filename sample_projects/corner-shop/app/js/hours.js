/** When the shop is open: by day as Date.getDay() counts, Sunday first; hours of the day, null when closed. */
export const HOURS = [null, [7, 18], [7, 18], [7, 18], [7, 20], [7, 20], [8, 14]];

export const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/** @param {number} day */
export function hoursOf(day) {
  const hours = HOURS[day];
  return hours ? `${hours[0]}:00 to ${hours[1]}:00` : "closed";
}
