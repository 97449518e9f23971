import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net';

const LOCAL = String.raw`localhost|127(?:\.\d{1,3}){3}`;
const LOOPBACK_NAME = new RegExp(`^(?:${LOCAL}|::1)$`, 'i');
const LOOPBACK_HOST_NAME = new RegExp(String.raw`^(?:${LOCAL}|\[::1\])$`, 'i');
const HOST_NAME = /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?$/;

/** True for a host name or an IP address that one can listen on: no scheme, no port, no brackets. */
export function isHost(text: string): boolean {
  if (text.includes(':')) return isIPv6(text) && !text.includes('%');
  return /^[\d.]+$/.test(text) ? isIPv4(text) : HOST_NAME.test(text);
}

/** True for `localhost`, 127.0.0.0/8 and ::1: what other machines cannot reach. */
export function isLoopback(host: string): boolean {
  if (host.toLowerCase() === 'localhost') return true;
  const version = isIP(host);
  if (version === 0) return false;
  const loopback = new BlockList();
  loopback.addSubnet('127.0.0.0', 8, 'ipv4');
  loopback.addAddress('::1', 'ipv6');
  return loopback.check(host, version === 4 ? 'ipv4' : 'ipv6');
}

/** True for what one writes to listen on loopback: `localhost`, 127.0.0.0/8 and ::1, by their spelling alone. */
export function isLoopbackName(host: string): boolean {
  return LOOPBACK_NAME.test(host);
}

/** As {@link isLoopbackName}, for the name in a `Host` header: there ::1 stands in brackets. */
export function isLoopbackInHeader(name: string): boolean {
  return LOOPBACK_HOST_NAME.test(name);
}

/** True for every address of the machine: one listens there, and it is the name of nobody. */
export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

/** True when listeners on both hosts with one port would get into each other's way. */
export function hostsOverlap(left: string, right: string): boolean {
  if (left === right || isWildcard(left) || isWildcard(right)) return true;
  const localNames = ['localhost', '127.0.0.1', '::1'];
  return (
    (left === 'localhost' && localNames.includes(right)) ||
    (right === 'localhost' && localNames.includes(left))
  );
}
