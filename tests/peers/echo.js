// A WebSocket echo server on npm `ws`, which tells what it sees:  echo.js [CERT KEY]
'use strict';
const fs = require('fs');
const { WebSocketServer } = require('./.work/node_modules/ws');

const [certificate, key] = process.argv.slice(2);
const server = certificate
  ? require('https').createServer({ cert: fs.readFileSync(certificate), key: fs.readFileSync(key) })
  : require('http').createServer();

const sockets = new WebSocketServer({ server, maxPayload: 64 << 20, perMessageDeflate: true });
sockets.on('connection', (socket, request) => {
  console.log('opened', request.url);
  socket.on('message', (message, binary) => {
    console.log(...(binary ? ['binary', message.length] : ['text', message.length, String(message).slice(0, 80)]));
    socket.send(message, { binary });
  });
  socket.on('close', (code) => console.log('closed', code));
  socket.on('error', (error) => console.log('failed', error.message));
});

server.listen(0, '127.0.0.1', () => console.log(`listening on 127.0.0.1:${server.address().port}`));
