import { ENVIRONMENTS } from '../../config/schema/environments.ts';
import { PRESET_NAMES } from '../client/presets.ts';
import { LIBRARIES } from '../init/library-lines.ts';
import { KEY_TYPES, STORES } from '../init/options.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** The values of options that take one of a few, by the name of the option. */
export const VALUE_CHOICES: ReadonlyMap<string, readonly string[]> = new Map<string, readonly string[]>([
  ['environment', Object.keys(ENVIRONMENTS)],
  ['event', ['call', 'call.signed', 'call.completed', 'call.refused', 'call.resolved', 'config', 'proxy']],
  ['for', PRESET_NAMES],
  ['key-type', KEY_TYPES],
  ['library', [...LIBRARIES.keys()]],
  ['outcome', ['answered', 'not-sent', 'unknown']],
  ['store', STORES],
]);
