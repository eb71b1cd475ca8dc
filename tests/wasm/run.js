// Runs a program for wasm32-unknown-unknown: node run.js FILE. A panic is a trap, and ends non-zero.
const fs = require("fs");
const module_ = new WebAssembly.Module(fs.readFileSync(process.argv[2]));
const wanted = WebAssembly.Module.imports(module_);
if (wanted.length > 0) {
  throw new Error("it wants something of its host: " + JSON.stringify(wanted));
}
const { main } = new WebAssembly.Instance(module_, {}).exports;
if (main(0, 0) !== 0) {
  process.exit(1);
}
console.log("ran without a clock, a socket or a thread");
