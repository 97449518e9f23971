import { createConnection, type Socket } from 'node:net';
import { WebSocket } from 'ws';

/** One attack on a proxy: `node attacker.ts NAME PORT KEY SECONDS`. Bounded in count and time; it reads no answer. */
const [name = '', port = '', key = '', seconds = '5'] = process.argv.slice(2);
const CONNECTIONS = 500;
const sockets: Socket[] = [];

function connect(text: string): Socket {
  const socket = createConnection({ host: '127.0.0.1', port: Number(port) });
  socket.on('error', () => {});
  socket.write(text);
  sockets.push(socket);
  return socket;
}

const head = (method: string, target: string, further = '') =>
  `${method} ${target} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: attacker\r\n${further}\r\n`;
const withKey = `X-MBX-APIKEY: ${key}\r\n`;
const DEPTH = '/api/v3/depth?symbol=BTCUSDT';

/** Each begins once and goes on by itself until the end. */
const ATTACKS: Readonly<Record<string, () => void>> = {
  anonymous() {
    for (let number = 0; number < CONNECTIONS; number++) connect(head('GET', DEPTH).repeat(50)).pause();
  },
  /** Two hundred calls a second on each connection, and a new connection for each that is closed. */
  flooding() {
    const flood = () => {
      const socket = connect('');
      const timer = setInterval(() => socket.write(head('GET', '/api/v3/account', withKey).repeat(4)), 20);
      const again = () => {
        clearInterval(timer);
        setTimeout(flood, 20);
      };
      socket.on('close', again).resume();
    };
    for (let number = 0; number < 50; number++) flood();
  },
  'slow-readers'() {
    for (let number = 0; number < CONNECTIONS; number++) connect(head('GET', DEPTH, withKey)).pause();
  },
  'unfinished-bodies'() {
    const further = `${withKey}Content-Length: 262144\r\n`;
    for (let number = 0; number < CONNECTIONS; number++)
      connect(head('POST', '/api/v3/order', further) + 'x'.repeat(250_000)).pause();
  },
  /** A hundred times a second, as often as one IP may call, the same order, which waits for a person. */
  joining() {
    const order = '/api/v3/order?symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=1';
    for (let number = 0; number < 50; number++) {
      const socket = connect('').resume();
      const ask = () => socket.write(head('POST', order, `${withKey}Content-Length: 0\r\n`));
      setTimeout(() => setInterval(ask, 500), number * 10);
    }
  },
  'silent-sockets'() {
    for (let number = 0; number < CONNECTIONS; number++)
      new WebSocket(`ws://127.0.0.1:${port}/ws-api/v3`).on('error', () => {});
  },
};

ATTACKS[name]?.();
setTimeout(() => process.exit(0), Number(seconds) * 1_000);
