import type { Server } from 'node:http';
import type { SimulatorOptions } from '../base/options.ts';
import type { Router } from '../endpoints/router.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { type SocketFault, SocketFaults } from './connection/faults.ts';
import type { FrameDraft, RecordedFrame, RecordedUpgrade } from './connection/records.ts';
import type { SocketStage } from './connection/stage.ts';
import { ed25519KeysOf, SocketDoor } from './door.ts';
import { ListeningConnections } from './listening.ts';

/** The WebSocket side of a running exchange, as a test sees it. */
export interface SimulatorSockets {
  /** Every text frame that arrived, in order of arrival. */
  readonly frames: readonly RecordedFrame[];
  /** Every handshake, accepted or refused. */
  readonly upgrades: readonly RecordedUpgrade[];
  /** How many WebSockets are open. */
  readonly sockets: number;
  injectSocket(fault: SocketFault): void;
  /** Sends `serverShutdown` on every open WebSocket. */
  announceShutdown(): void;
  /** Ends every open WebSocket: with a close frame when a code is given, else without one. */
  closeSockets(code?: number, reason?: string): void;
}

export interface RunningSockets extends SimulatorSockets {
  /** Sends every listener the events since the last time. */
  settle(): void;
  reset(): void;
}

/** Serves the WebSockets of an exchange on the same origin as its REST API. */
export function runSockets(
  server: Pick<Server, 'on'>,
  currentExchange: () => Exchange,
  router: Router,
  options: SimulatorOptions,
): RunningSockets {
  const faults = new SocketFaults();
  const frames: FrameDraft[] = [];
  const listening = new ListeningConnections(currentExchange, options.marketStepMs ?? 1_000);
  const stage: SocketStage = {
    get exchange() {
      return currentExchange();
    },
    router,
    faults,
    ed25519Keys: ed25519KeysOf(options.accounts),
    record: (draft) => frames.push(draft),
    settle: () => listening.settle(),
  };
  const door = new SocketDoor(stage, options.webSocket ?? {}, listening);
  server.on('upgrade', (incoming, tcp, head) => door.upgrade(incoming, tcp, head));
  return {
    frames,
    upgrades: door.upgrades,
    get sockets() {
      return listening.count;
    },
    injectSocket: (fault) => faults.inject(fault),
    announceShutdown: () => listening.announceShutdown(),
    closeSockets: (code, reason) => listening.closeAll(code, reason),
    settle: () => listening.settle(),
    reset() {
      frames.length = 0;
      faults.clear();
      door.reset();
      // Open connections follow the new exchange from its first moment.
      listening.settle();
    },
  };
}
