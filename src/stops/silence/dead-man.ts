import type { Settings } from '../../config/schema/settings.ts';
import type { Client } from '../../core/access/client.ts';
import { SECOND_MS } from '../../core/intervals.ts';
import { Ticker } from './ticker.ts';

/** An app's socket, as far as its life is watched. */
export interface WatchedSocket {
  on(event: 'ping' | 'pong' | 'message', listener: () => void): unknown;
  once(event: 'close', listener: () => void): unknown;
}

/** What other proxies know of a client; undefined where there is no Redis. */
interface SharedLife {
  /** Tells the others that the client lives, for so long. */
  seen(client: string, forMs: number): void;
  /** Whether any proxy has heard of it lately. */
  isSeen(client: string): Promise<boolean>;
}

export interface DeadManDeps {
  readonly settings: () => Settings;
  readonly monotonicNow: () => number;
  readonly shared: SharedLife | undefined;
  /** True while the client may not place orders anyway. */
  readonly isStopped: (client: Client) => boolean;
  /** Cancels what the client has, and stops it. */
  readonly stop: (client: Client, why: 'silent' | 'disconnected', forMs: number) => void;
  /** The clients whose silence counts are other ones now. */
  readonly onArmed: () => void;
  readonly onLoggedOut: (client: Client) => void;
  /** An operator stopped the client: its silence means nothing any more. */
  readonly onStopped: (client: Client) => void;
}

/** What is known of one armed client. */
interface Life {
  /** How long nothing was heard, as far as this process itself was awake, ms. */
  silentMs: number;
  /** Since when it has no socket any more, counted in the same way; undefined while it has one, or never had. */
  goneMs: number | undefined;
  sockets: number;
  toldMs: number;
}

const TICK_MS = 250;
/** A tick that comes later was held up here: that is nobody's silence. */
const LONGEST_TICK_MS = SECOND_MS;

/**
 * Stops a client that was heard of and then falls silent, or loses its last socket. Its first sign of life arms it; a
 * `session.logout` and a stop by an operator end that. Time is counted while this process runs, by no clock that may jump.
 */
export class DeadMan {
  readonly #deps: DeadManDeps;
  readonly #lives = new Map<string, Life>();
  readonly #watched = new WeakMap<WatchedSocket, Set<string>>();
  readonly #ticker = new Ticker(() => this.#tick(), TICK_MS);
  #lastTickMs = 0;

  /** @param armed clients whose silence counted in an earlier run */
  constructor(deps: DeadManDeps, armed: readonly string[]) {
    this.#deps = deps;
    for (const name of armed) this.#begin(name);
  }

  get armed(): readonly string[] {
    return [...this.#lives.keys()];
  }

  isArmed(client: string): boolean {
    return this.#lives.has(client);
  }

  /** A call or a frame of the client came, or its socket showed life. */
  seen(client: Client): void {
    if (client.deadMan === undefined && client.cancelOnDisconnectMs === undefined) return;
    const life = this.#lives.get(client.name) ?? this.#arm(client);
    if (life === undefined) return;
    life.silentMs = 0;
    this.#tell(client, life);
  }

  /** Takes the life of a socket for that of its client, once for each of both. */
  watch(socket: WatchedSocket, client: Client): void {
    if (client.deadMan === undefined && client.cancelOnDisconnectMs === undefined) return;
    const names = this.#watched.get(socket) ?? new Set();
    this.#watched.set(socket, names);
    if (names.has(client.name)) return;
    names.add(client.name);
    this.seen(client);
    const life = this.#lives.get(client.name);
    if (life === undefined) return;
    life.sockets++;
    life.goneMs = undefined;
    for (const event of ['ping', 'pong', 'message'] as const) socket.on(event, () => this.seen(client));
    socket.once('close', () => {
      life.sockets--;
      if (life.sockets === 0) life.goneMs = 0;
    });
  }

  /** The client said that it ends. */
  loggedOut(client: Client): void {
    if (!this.#lives.delete(client.name)) return;
    this.#deps.onLoggedOut(client);
    this.#deps.onArmed();
  }

  close(): void {
    this.#ticker.close();
  }

  #arm(client: Client): Life | undefined {
    if (this.#deps.isStopped(client)) return undefined;
    const life = this.#begin(client.name);
    this.#deps.onArmed();
    return life;
  }

  /** The time before is nobody's silence. */
  #begin(name: string): Life {
    if (!this.#ticker.isRunning) this.#lastTickMs = this.#deps.monotonicNow();
    this.#ticker.start();
    const life = newLife();
    this.#lives.set(name, life);
    return life;
  }

  #tell({ name, deadMan }: Client, life: Life): void {
    if (this.#deps.shared === undefined || deadMan === undefined) return;
    const nowMs = this.#deps.monotonicNow();
    if (nowMs - life.toldMs < deadMan.silenceMs / 4) return;
    life.toldMs = nowMs;
    this.#deps.shared.seen(name, deadMan.silenceMs);
  }

  #tick(): boolean {
    const nowMs = this.#deps.monotonicNow();
    const passedMs = Math.min(nowMs - this.#lastTickMs, LONGEST_TICK_MS);
    this.#lastTickMs = nowMs;
    const { clients } = this.#deps.settings();
    for (const [name, life] of this.#lives) {
      const client = clients.get(name);
      if (client === undefined || this.#deps.isStopped(client)) {
        this.#lives.delete(name);
        if (client !== undefined) this.#deps.onStopped(client);
        this.#deps.onArmed();
        continue;
      }
      life.silentMs += passedMs;
      if (life.goneMs !== undefined) life.goneMs += passedMs;
      void this.#judge(client, life);
    }
    return this.#lives.size > 0;
  }

  async #judge(client: Client, life: Life): Promise<void> {
    const { deadMan, cancelOnDisconnectMs, name } = client;
    const isGone =
      cancelOnDisconnectMs !== undefined && life.goneMs !== undefined && life.goneMs >= cancelOnDisconnectMs;
    const isSilent = deadMan !== undefined && life.silentMs >= deadMan.silenceMs;
    if (!isGone && !isSilent) return;
    if (isSilent && !isGone && (await this.#livesElsewhere(name))) {
      life.silentMs = 0;
      return;
    }
    if (this.#lives.get(name) !== life) return;
    this.#lives.delete(name);
    if (isGone) this.#deps.stop(client, 'disconnected', cancelOnDisconnectMs);
    else this.#deps.stop(client, 'silent', deadMan?.silenceMs ?? 0);
  }

  async #livesElsewhere(name: string): Promise<boolean> {
    try {
      return (await this.#deps.shared?.isSeen(name)) === true;
    } catch {
      return false;
    }
  }
}

function newLife(): Life {
  return { silentMs: 0, goneMs: undefined, sockets: 0, toldMs: Number.NEGATIVE_INFINITY };
}
