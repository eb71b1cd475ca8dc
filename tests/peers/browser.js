// Lets headless Chromium talk to a WebSocket echo server:  browser.js URL CA
// Prints what was exchanged; ends non-zero at the first thing that is not as it should be.
'use strict';
const assert = require('assert');
const { chromium } = require('./.work/node_modules/playwright-core');

const url = process.argv[2];

async function main() {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', '--ignore-certificate-errors', '--no-proxy-server'],
  });
  try {
    const page = await browser.newPage();
    // A page of the same origin comes first: over TLS it opens the HTTP/2 connection that the WebSocket will use.
    await page.goto(url.replace(/^ws/, 'http'));
    const told = await page.evaluate(talk, url);
    assert.deepEqual(told, { compressed: true, own: [4001, '', true], tooBig: 1009 });
    console.log('text and binary up to 1 MiB, compressed; onclose saw 4001 and 1009');
  } finally {
    await browser.close();
  }
}

// This runs in the page.
async function talk(url) {
  const open = () => new Promise((done, failed) => {
    const socket = new WebSocket(url);
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => done(socket);
    socket.onerror = () => failed(new Error('it does not open'));
  });
  const next = (socket) => new Promise((done, failed) => {
    socket.onmessage = (event) => done(event.data);
    socket.onclose = (event) => failed(new Error(`closed with ${event.code}`));
  });
  const closed = (socket) => new Promise((done) => { socket.onclose = done; });

  const socket = await open();
  const compressed = socket.extensions.includes('permessage-deflate');
  for (const size of [0, 1, 125, 126, 65535, 65536, 1 << 20]) {
    const text = 'grüße 🦀 '.repeat(Math.ceil(size / 14)).slice(0, size);
    let echo = next(socket);
    socket.send(text);
    if (await echo !== text) throw new Error(`a text of ${size} came back changed`);
    const bytes = new Uint8Array(size);
    for (let n = 0; n < size; n++) bytes[n] = Math.random() * 256;
    echo = next(socket);
    socket.send(bytes);
    const seen = new Uint8Array(await echo);
    if (seen.length !== size || !seen.every((byte, n) => byte === bytes[n])) {
      throw new Error(`${size} bytes came back changed`);
    }
  }
  const end = closed(socket);
  socket.close(4001, 'a reason');
  const { code, reason, wasClean } = await end; // the reason is what the server's own frame says

  const other = await open();
  const refused = closed(other);
  other.send(new Uint8Array((16 << 20) + 1));
  return { compressed, own: [code, reason, wasClean], tooBig: (await refused).code };
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
