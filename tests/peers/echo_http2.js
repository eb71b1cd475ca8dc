// A WebSocket echo server on Node's `http2`, which tells what it sees:
//     echo_http2.js [--no-connect] [CERT KEY]
// WebSockets come by extended CONNECT, unless it is not to be offered, and over TLS by HTTP/1.1 too.
'use strict';
const fs = require('fs');
const http2 = require('http2');
const { Receiver, Sender, WebSocketServer } = require('./.work/node_modules/ws');

const [certificate, key] = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const settings = { enableConnectProtocol: !process.argv.includes('--no-connect') };
const maxPayload = 64 << 20;
const server = certificate
  ? http2.createSecureServer({ settings, allowHTTP1: true, cert: fs.readFileSync(certificate), key: fs.readFileSync(key) })
  : http2.createServer({ settings });

// Without this listener there is no event for CONNECT either.
server.on('request', (request, response) => response.writeHead(426).end());

server.on('connect', (request, response) => {
  const { stream, headers } = request;
  stream.on('error', (error) => console.log('failed', error.message));
  if (headers[':protocol'] !== 'websocket') {
    response.writeHead(501).end();
    return;
  }
  opened(request);
  response.writeHead(200);
  response.flushHeaders();

  const receiver = new Receiver({ isServer: true, maxPayload });
  const sender = new Sender(stream);
  receiver.on('message', (message, binary) => {
    received(message, binary);
    sender.send(message, { binary, fin: true });
  });
  receiver.on('ping', (payload) => sender.pong(payload, false));
  receiver.on('conclude', (code, reason) => {
    console.log('closed', code);
    sender.close(code === 1005 ? undefined : code, reason, false, () => stream.end());
  });
  receiver.on('error', (error) => {
    console.log('failed', error.message);
    stream.close(http2.constants.NGHTTP2_CANCEL);
  });
  stream.pipe(receiver);
});

const sockets = new WebSocketServer({ noServer: true, maxPayload });
server.on('upgrade', (request, connection, head) => {
  sockets.handleUpgrade(request, connection, head, (socket) => {
    opened(request);
    socket.on('message', (message, binary) => {
      received(message, binary);
      socket.send(message, { binary });
    });
    socket.on('close', (code) => console.log('closed', code));
    socket.on('error', (error) => console.log('failed', error.message));
  });
});

function opened(request) {
  console.log('opened', request.url, `HTTP/${request.httpVersion}`);
}

function received(message, binary) {
  console.log(...(binary ? ['binary', message.length] : ['text', message.length, String(message).slice(0, 80)]));
}

server.on('sessionError', (error) => console.log('failed', error.message));
server.listen(0, '127.0.0.1', () => console.log(`listening on 127.0.0.1:${server.address().port}`));
