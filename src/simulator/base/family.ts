import type { WeightFamily } from './options.ts';

/** A product of the exchange that counts its own limits. */
export type Family = WeightFamily | 'sapi';

/** The family that a path belongs to; undefined when it belongs to none. */
export function familyOfPath(path: string): Family | undefined {
  if (path.startsWith('/api/')) return 'spot';
  if (path.startsWith('/sapi/')) return 'sapi';
  if (path.startsWith('/fapi/') || path.startsWith('/futures/data/')) return 'usdm';
  if (path.startsWith('/dapi/')) return 'coinm';
  if (path.startsWith('/eapi/')) return 'options';
  return path.startsWith('/papi/') ? 'portfolio' : undefined;
}
