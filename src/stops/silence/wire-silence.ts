import type { Settings } from '../../config/schema/settings.ts';
import type { Client } from '../../core/access/client.ts';
import type { CancelPort } from '../cancelling/cancel-round.ts';
import type { SharedStates } from '../shared-states.ts';
import type { KeptStates } from '../state-file.ts';
import type { Stops } from '../stops.ts';
import { compareStates } from '../trading-state.ts';
import { CountdownBeats } from './countdown-beats.ts';
import { DeadMan } from './dead-man.ts';

export interface SilenceDeps {
  readonly stops: Stops;
  readonly settings: () => Settings;
  readonly ask: CancelPort;
  readonly shared: SharedStates | undefined;
  readonly monotonicNow: () => number;
}

/** What watches over clients that fall silent. */
export interface Silence {
  readonly deadMan: DeadMan;
  readonly beats: CountdownBeats;
  close(): void;
}

const WHY = {
  silent: (seconds: string) => `dead man: no call, frame or pong for ${seconds} s`,
  disconnected: (seconds: string) => `its last socket has been closed for ${seconds} s`,
} as const;

export function wireSilence(kept: KeptStates, deps: SilenceDeps): Silence {
  const { stops, settings, ask, shared, monotonicNow } = deps;
  const stateOf = ({ name, account }: Client) => stops.stateOf(name, account);
  const beats = new CountdownBeats(
    {
      ...{ ask, settings, monotonicNow },
      isArmed: (client) => deadMan.isArmed(client),
      isHalted: (client) => stateOf(client) === 'halt',
      mayBeat: async (key, forMs) => (await shared?.mayBeat(key, forMs)) ?? true,
      onChanged: () => stops.keep(),
    },
    kept.beats,
  );
  const deadMan: DeadMan = new DeadMan(
    {
      ...{ settings, monotonicNow, shared },
      isStopped: (client) => compareStates(stateOf(client), 'cancel-only') >= 0,
      onArmed: () => stops.keep(),
      onLoggedOut: ({ name }) => beats.loggedOut(name),
      // Under a halt nothing is beaten, so that the countdown ends.
      onStopped: (client) => {
        if (stateOf(client) !== 'halt') beats.loggedOut(client.name);
      },
      stop: ({ name }, why, forMs) =>
        stops.guard(
          { kind: 'client', name },
          WHY[why](String(forMs / 1_000)),
          why === 'silent' ? 'dead man' : 'disconnect',
          'own',
        ),
    },
    kept.armed,
  );
  return {
    deadMan,
    beats,
    close() {
      deadMan.close();
      beats.close();
    },
  };
}
