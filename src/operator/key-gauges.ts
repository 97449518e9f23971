import { Gauge, type Registry } from 'prom-client';
import { SECOND_MS } from '../core/intervals.ts';
import type { Status } from './status.ts';

const VERDICTS = ['passed', 'failed', 'skipped', 'pending', 'off'] as const;

/** Registers what is known of the keys of accounts. */
export function createKeyGauges(
  registry: Registry,
): (state: Pick<Status, 'preflight' | 'tradingAuthorityEnds'>) => void {
  const authorityEnds = new Gauge({
    name: 'binance_proxy_key_trading_authority_end_seconds',
    help: 'When the right of the key of an account to trade spot and margin ends, where Binance tells it.',
    labelNames: ['account'] as const,
    registers: [registry],
  });
  const preflight = new Gauge({
    name: 'binance_proxy_key_preflight',
    help: '1 for the present verdict on the permissions of the key of an account.',
    labelNames: ['account', 'verdict'] as const,
    registers: [registry],
  });
  return (state) => {
    preflight.reset();
    authorityEnds.reset();
    for (const [account, ends] of Object.entries(state.tradingAuthorityEnds))
      authorityEnds.set({ account }, Date.parse(ends) / SECOND_MS);
    for (const [account, verdict] of Object.entries(state.preflight)) {
      for (const each of VERDICTS) preflight.set({ account, verdict: each }, Number(each === verdict));
    }
  };
}
