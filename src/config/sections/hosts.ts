import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net';

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

/** True when listeners on both hosts with one port would get into each other's way. */
export function hostsOverlap(left: string, right: string): boolean {
  const wildcards = ['0.0.0.0', '::'];
  if (left === right || wildcards.includes(left) || wildcards.includes(right)) return true;
  const localNames = ['localhost', '127.0.0.1', '::1'];
  return (
    (left === 'localhost' && localNames.includes(right)) ||
    (right === 'localhost' && localNames.includes(left))
  );
}
