import { spawnSync } from 'node:child_process';
import { type Child, type ChildOptions, startChild } from './child.ts';

const LOOPBACK_UP = 'ip link set lo up';
/** Puts a file in the place of the hosts file; then comes the command. */
const WITH_HOSTS = 'mount --bind "$0" /etc/hosts && exec "$@"';

/** Why no network and mount namespace can be made here; undefined where they can (root, with iproute2). */
export const noNamespace: string | undefined =
  spawnSync('unshare', ['-n', '-m', 'sh', '-c', LOOPBACK_UP]).status === 0
    ? undefined
    : 'Network namespaces cannot be made here';

/** A process in a network of its own, where every port is free and nothing leads out. */
export function startInOwnNetwork(args: readonly string[], options: ChildOptions): Child {
  const script = `${LOOPBACK_UP} && exec "$0" "$@"`;
  return startChild(['-n', 'sh', '-c', script, process.execPath, ...args], {
    ...options,
    command: 'unshare',
  });
}

/** The same, with a hosts file of its own. */
export function startInOwnNetworkWithHosts(
  hosts: string,
  args: readonly string[],
  options: ChildOptions,
): Child {
  const script = `${LOOPBACK_UP} && ${WITH_HOSTS}`;
  return startChild(['-n', '-m', 'sh', '-c', script, hosts, process.execPath, ...args], {
    ...options,
    command: 'unshare',
  });
}

/** A process in the network of another. */
export function startInNetworkOf(
  { pid }: Child,
  args: readonly string[],
  { command = process.execPath, ...options }: ChildOptions,
): Child {
  return startChild(['-t', String(pid), '-n', command, ...args], { ...options, command: 'nsenter' });
}

/** A process in the network of another, with a hosts file of its own. */
export function startWithHosts(
  network: Child,
  hosts: string,
  args: readonly string[],
  { command = process.execPath, ...options }: ChildOptions,
): Child {
  const wrapped = ['-m', 'sh', '-c', WITH_HOSTS, hosts, command, ...args];
  return startInNetworkOf(network, wrapped, { ...options, command: 'unshare' });
}
