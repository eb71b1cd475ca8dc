// Makes random expressions, and tells the value that pac-resolver gives each of them.
//     node oracle.mjs SEED COUNT UNIX_MS expressions.txt values.txt
import { writeFileSync } from "node:fs";
import { sandbox } from "pac-resolver";

const [seed, count, now, expressionsFile, valuesFile] = process.argv.slice(2);
let state = Number(seed) >>> 0;
const random = (below) => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * below);
};
const pick = (list) => list[random(list.length)];
const some = (most, make) => Array.from({ length: random(most) + 1 }, make);

const RealDate = Date;
globalThis.Date = class extends RealDate {
  constructor(...args) {
    super(...(args.length === 0 ? [Number(now)] : args));
  }
};

const label = () => some(3, () => pick("abwx01-")).join("").replace(/^-|-$/g, "a");
const host = () => some(4, label).join(".");
const ip = () => [0, 0, 0, 0].map(() => pick([0, 1, 10, 127, 128, 192, 255])).join(".");
const mask = () => pick(["255.255.255.255", "255.255.255.0", "255.255.0.0", "255.0.0.0", "255.255.255.128"]);
const pattern = () => some(8, () => pick(["*", "?", ".", "a", "b", "w", "x", "/", "-", "(a|b)", "[ab]"])).join("");
const hour = () => random(24);
const minute = () => random(60);
const day = () => pick(["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]);
const gmt = () => pick([[], ["GMT"]]);
const call = (name, args) => `${name}(${args.map((arg) => JSON.stringify(arg)).join(", ")})`;
// A pair in order: pac-resolver knows no range of times over midnight.
const ordered = (make, compare) => [make(), make()].sort(compare);
const byNumbers = (a, b) => a.reduce((order, part, n) => order || part - b[n], 0);

const kinds = [
  () => call("isPlainHostName", [host()]),
  () => call("dnsDomainIs", [host(), pick([".", ""]) + host()]),
  () => { const name = host(); return call("dnsDomainIs", [name, name.slice(random(name.length))]); },
  () => call("localHostOrDomainIs", [host(), host()]),
  () => { const name = host(); return call("localHostOrDomainIs", [name.split(".")[0], name]); },
  () => call("dnsDomainLevels", [host()]),
  () => call("isInNet", [ip(), ip(), mask()]),
  () => call("shExpMatch", [host(), pattern()]),
  () => call("shExpMatch", [`http://${host()}/${label()}`, `*${pattern()}*`]),
  () => call("weekdayRange", [day(), ...gmt()]),
  () => call("weekdayRange", [day(), day(), ...gmt()]),
  () => call("timeRange", [hour(), ...gmt()]),
  () => call("timeRange", [...ordered(() => [hour(), minute()], byNumbers).flat(), ...gmt()]),
  () => call("timeRange", [...ordered(() => [hour(), minute(), minute()], byNumbers).flat(), ...gmt()]),
];

const names = Object.keys(sandbox);
const expressions = [];
const values = [];
for (let n = 0; n < Number(count); n++) {
  const expression = pick(kinds)();
  let value;
  try {
    value = await new Function(...names, `return ${expression}`)(...names.map((name) => sandbox[name]));
  } catch {
    value = "error";
  }
  expressions.push(expression);
  values.push(String(value));
}
writeFileSync(expressionsFile, expressions.join("\n") + "\n");
writeFileSync(valuesFile, values.join("\n") + "\n");
