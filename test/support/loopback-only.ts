import { Socket } from 'node:net';

const loopback = /^(?:localhost|127(?:\.\d{1,3}){3}|::1|::ffff:127(?:\.\d{1,3}){3})$/i;
const connect = Socket.prototype.connect;

interface Target {
  readonly host?: string;
  readonly path?: string;
}

function targetOf(args: readonly unknown[]): Target {
  const first: unknown = Array.isArray(args[0]) ? args[0][0] : args[0];
  if (typeof first === 'object' && first !== null) return first;
  if (typeof first === 'string') return { path: first };
  return typeof args[1] === 'string' ? { host: args[1] } : {};
}

/** The trip-wire of every test process: a socket to anything but the loopback throws before a packet leaves. */
Socket.prototype.connect = function (this: Socket, ...args: unknown[]) {
  const { host, path } = targetOf(args);
  if (path === undefined && host !== undefined && !loopback.test(host)) {
    throw new Error(`a test tried to connect to ${host}: only the loopback is allowed`);
  }
  return Reflect.apply(connect, this, args) as Socket;
} as typeof connect;
