// Puts a WebSocket echo server to the test with npm `ws`:  client.js URL CA
// Prints what was exchanged; ends non-zero at the first thing that is not as it should be.
'use strict';
const assert = require('assert');
const crypto = require('crypto');
const fs = require('fs');
const { once } = require('events');
const WebSocket = require('./.work/node_modules/ws');

const [url, ca] = process.argv.slice(2);

async function main() {
  const socket = new WebSocket(url, { ca: fs.readFileSync(ca) });
  await once(socket, 'open');

  const messages = ['text: grüße, 世界, 🦀', '', Buffer.from([0, 255]), Buffer.alloc(0), crypto.randomBytes(1 << 20), 'x'.repeat(1 << 20)];
  for (const message of messages) {
    socket.send(message);
    await echoed(socket, message);
  }
  socket.send('in ', { fin: false });
  socket.send('two fragments', { fin: true });
  await echoed(socket, 'in two fragments');
  socket.ping('token');
  assert.equal(String((await once(socket, 'pong'))[0]), 'token');
  socket.close(4001, 'a reason');
  assert.equal((await once(socket, 'close'))[0], 4001);

  console.log('text, binary, empty, 1 MiB, fragments, ping, close 4001');
}

async function echoed(socket, wanted) {
  const [seen, binary] = await once(socket, 'message');
  assert.equal(binary, Buffer.isBuffer(wanted));
  assert(seen.equals(Buffer.from(wanted)), 'the echo differs');
}

main().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
