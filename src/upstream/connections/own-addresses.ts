import { type LookupAddress, lookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { networkInterfaces } from 'node:os';

/** An address and a port on which this proxy listens. */
interface OwnAddress {
  readonly address: string;
  readonly port: number;
}

/** A connection was not opened because it would have ended at the proxy itself. */
export class LoopError extends Error {
  override readonly name = 'LoopError';
  readonly code = 'ERR_PROXY_LOOP';
}

/**
 * Where this proxy listens: no call goes there, because it would come back without end. A name that apps find in a hosts
 * file may be found there by the proxy as well.
 */
export class OwnAddresses {
  #addresses: readonly OwnAddress[] = [];

  /** Takes the place of what was known before. */
  set(addresses: readonly OwnAddress[]): void {
    this.#addresses = addresses;
  }

  /** True when a connection to that address would be taken by one of our listeners. */
  has(address: string, port: number): boolean {
    const listeners = this.#addresses.filter((own) => own.port === port);
    if (listeners.length === 0) return false;
    const reached = new BlockList();
    for (const listener of listeners) addReached(reached, listener.address);
    const bare = address.replace(/%.*$/, '');
    return reached.check(bare, familyOf(bare));
  }

  /** What stops a connection to an address that is written out: no name is looked up for it. */
  refuse(host: string, port: number): LoopError | undefined {
    const address = host.replace(/^\[|\]$/g, '');
    return isIP(address) !== 0 && this.has(address, port) ? loop() : undefined;
  }

  /** Looks names up for connections to a port, and fails where one of their addresses is our own. */
  lookupFor(port: number): LookupFunction {
    return (hostname, options, callback) => {
      lookup(hostname, options, (error, found: string | LookupAddress[], family) => {
        const addresses = typeof found === 'string' ? [found] : (found ?? []).map(({ address }) => address);
        const isOwn = error === null && addresses.some((address) => this.has(address, port));
        callback(isOwn ? loop() : error, found, family);
      });
    };
  }
}

/** The port of an origin; that of its scheme where it names none. */
export function portOf({ protocol, port }: { readonly protocol: string; readonly port: string }): number {
  if (port !== '') return Number(port);
  return protocol === 'https:' || protocol === 'wss:' ? 443 : 80;
}

/** Every address at which a listener on this one is reached. */
function addReached(list: BlockList, address: string): void {
  if (address === '0.0.0.0' || address === '::') {
    list.addSubnet('127.0.0.0', 8, 'ipv4');
    list.addAddress('0.0.0.0', 'ipv4');
    if (address === '::') for (const each of ['::1', '::']) list.addAddress(each, 'ipv6');
    const local = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
    for (const { address: each, family } of local) {
      if (family === 'IPv4' || address === '::') list.addAddress(each.replace(/%.*$/, ''), familyOf(each));
    }
    return;
  }
  list.addAddress(address, familyOf(address));
  // Who connects to no address at all gets to this machine.
  if (address === '127.0.0.1') list.addAddress('0.0.0.0', 'ipv4');
  if (address === '::1') list.addAddress('::', 'ipv6');
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return address.includes(':') ? 'ipv6' : 'ipv4';
}

function loop(): LoopError {
  return new LoopError('the address leads back to this proxy');
}
