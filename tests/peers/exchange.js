// Exchanges random messages, with random compression, with an echo server:  exchange.js URL CA SEED
'use strict';
const assert = require('assert');
const crypto = require('crypto');
const fs = require('fs');
const { once } = require('events');
const WebSocket = require('./.work/node_modules/ws');

const [url, ca, seed] = process.argv.slice(2);
const ROUNDS = 15, MESSAGES = 12;

console.error('seed', seed);
let state = Number(seed) >>> 0;
function dice(sides) {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor(state / 2 ** 32 * sides);
}

function randomMessage() {
  const length = [0, 1, 125, 126, 1000, 65535, 65536, dice(100000)][dice(8)];
  if (dice(10) < 3) return crypto.randomBytes(length);
  const words = ['grüße ', '世界', '🦀', 'a', 'the same again, ', '\0'];
  const text = Array.from({ length: length >> 2 }, () => words[dice(6)]).join('');
  return dice(10) < 6 ? text : Buffer.from(text);
}

async function main() {
  const agreed = new Set();
  for (let round = 0; round < ROUNDS; round++) {
    const deflate = { threshold: dice(200), serverNoContextTakeover: !dice(3), clientNoContextTakeover: !dice(3) };
    if (dice(2)) deflate.serverMaxWindowBits = 9 + dice(7);
    if (dice(2)) deflate.clientMaxWindowBits = 9 + dice(7);
    const socket = new WebSocket(url, { ca: fs.readFileSync(ca), perMessageDeflate: deflate });
    await once(socket, 'open');
    agreed.add(JSON.stringify(socket.extensions && socket._receiver._extensions['permessage-deflate'].params));
    for (let n = 0; n < MESSAGES; n++) {
      const message = randomMessage();
      const echo = once(socket, 'message');
      if (dice(3)) {
        socket.send(message);
      } else {
        const cut = Buffer.isBuffer(message) ? dice(message.length + 1) : 0;
        socket.send(message.slice(0, cut), { fin: false, binary: Buffer.isBuffer(message) });
        socket.send(message.slice(cut), { fin: true, binary: Buffer.isBuffer(message) });
      }
      const [seen, binary] = await echo;
      assert.equal(binary, Buffer.isBuffer(message));
      assert(seen.equals(Buffer.from(message)), 'the echo differs');
    }
    socket.close();
    await once(socket, 'close');
  }
  console.log(`text and binary: ${ROUNDS * MESSAGES} messages equal, ${agreed.size} agreements`);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
