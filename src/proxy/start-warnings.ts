import type { AuditTrail } from '../audit/trail.ts';
import type { Settings } from '../config/schema/settings.ts';
import { firstTimeLive } from './first-live.ts';

/** Writes what the operator should know at the start although it stops nothing: one record for each. */
export function noteStartWarnings(trail: Pick<AuditTrail, 'note'>, settings: Settings): void {
  for (const msg of [...firstTimeLive(settings), ...startWarnings(settings)])
    trail.note({ event: 'config.warning', msg });
}

/** What a start with this configuration would warn of, one sentence each. */
export function startWarnings(settings: Settings): readonly string[] {
  return [
    ...settings.warnings,
    ...forgetfulSums(settings),
    ...forgetfulRepeats(settings),
    ...forgetfulStates(settings),
    ...askedInVain(settings),
  ];
}

/** What was sent before a restart, and could be sent again after it. */
function forgetfulRepeats({ audit }: Settings): readonly string[] {
  if (audit.dir !== undefined) return [];
  return [
    'Without an audit folder a restart forgets which orders were sent: calls that an app dated before the start are refused, and a client order id whose fate was open may be used again. Set BINANCE_PROXY_AUDIT_DIR to a folder.',
  ];
}

/** A stop that a restart would lift. */
function forgetfulStates({ stateDir }: Settings): readonly string[] {
  if (stateDir !== undefined) return [];
  return [
    'Without a state folder a restart forgets which states were set, and everything runs again: set BINANCE_PROXY_STATE_DIR to a folder.',
  ];
}

/** Clients whose calls wait for more operators than may say yes, and names that are no operator's. */
function askedInVain({ clients, operators }: Settings): readonly string[] {
  return [...clients.values()].flatMap(({ name, approval }) => {
    if (approval === undefined) return [];
    const able = [...operators.keys()].filter((operator) => !approval.notBy.has(operator)).length;
    const strangers = [...approval.notBy].filter((operator) => !operators.has(operator));
    return [
      ...(able >= approval.quorum
        ? []
        : [
            `Calls of client ${name} wait for the approval of ${approval.quorum} operators, and ${able} could give it: what is asked for will only expire. \`operator new NAME\` makes one.`,
          ]),
      ...(strangers.length === 0
        ? []
        : [`clients.${name}.approval.notBy names ${strangers.join(', ')}, and no operator has that name.`]),
    ];
  });
}

/** Sums of a day that a crash would set to zero. */
function forgetfulSums({ stateDir, clients }: Settings): readonly string[] {
  if (stateDir !== undefined) return [];
  const names = clients
    .values()
    .filter(({ order }) => order?.maxPerDay !== undefined || order?.maxNotionalPerDay !== undefined)
    .map(({ name }) => name)
    .toArray();
  if (names.length === 0) return [];
  return [
    `The orders of a day are counted in memory, so a restart forgets them (${names.join(', ')}): set BINANCE_PROXY_STATE_DIR to a folder.`,
  ];
}
