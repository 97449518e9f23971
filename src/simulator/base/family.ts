import type { CountedFamily, WeightFamily } from './options.ts';

/** A product of the exchange that counts its own limits. */
export type Family = WeightFamily | 'sapi';

/** COIN-M counts weight and orders with USD-M since 2026-06-30; every other family by itself. */
export function poolOf(family: WeightFamily): CountedFamily;
export function poolOf(family: Family): CountedFamily | 'sapi';
export function poolOf(family: Family): CountedFamily | 'sapi' {
  return family === 'coinm' ? 'usdm' : family;
}

/** The family that a path belongs to; undefined when it belongs to none. */
export function familyOfPath(path: string): Family | undefined {
  if (path.startsWith('/api/')) return 'spot';
  if (path.startsWith('/sapi/')) return 'sapi';
  if (path.startsWith('/fapi/') || path.startsWith('/futures/data/')) return 'usdm';
  if (path.startsWith('/dapi/')) return 'coinm';
  if (path.startsWith('/eapi/')) return 'options';
  return path.startsWith('/papi/') ? 'portfolio' : undefined;
}
