import { Gauge, type Registry } from 'prom-client';
import { SECOND_MS } from '../core/intervals.ts';
import type { Status } from './status.ts';

/** Names of Binance's, as far as they are known here: no label holds a text that comes with an answer. */
const SWITCHES = [
  'ipRestrict',
  'enableReading',
  'enableSpotAndMarginTrading',
  'enableMargin',
  'enableFutures',
  'enableVanillaOptions',
  'enablePortfolioMarginTrading',
  'permitsUniversalTransfer',
  'enableInternalTransfer',
  'enableWithdrawals',
  'enableFixApiTrade',
  'enableFixReadOnly',
] as const;
const VERDICTS = ['passed', 'failed', 'skipped', 'pending', 'off'] as const;

/** Registers what is known of the keys of accounts. */
export function createKeyGauges(
  registry: Registry,
): (state: Pick<Status, 'preflight' | 'tradingAuthorityEnds' | 'keys'>) => void {
  const readCare = createCareGauges(registry);
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
    readCare(state);
    for (const [account, ends] of Object.entries(state.tradingAuthorityEnds))
      authorityEnds.set({ account }, Date.parse(ends) / SECOND_MS);
    for (const [account, verdict] of Object.entries(state.preflight)) {
      for (const each of VERDICTS) preflight.set({ account, verdict: each }, Number(each === verdict));
    }
  };
}

/** How old keys are, when they were used, and what they are switched on for. */
function createCareGauges(registry: Registry): (state: Pick<Status, 'keys'>) => void {
  const gauge = <L extends string>(name: string, help: string, ...labelNames: L[]) =>
    new Gauge({ name, help, labelNames, registers: [registry] });
  const age = gauge('binance_proxy_key_age_days', 'Age of the key of an account, where known.', 'account');
  const oldest = gauge(
    'binance_proxy_key_max_age_days',
    'From so many days on the key of an account is called old.',
    'account',
  );
  const unused = gauge(
    'binance_proxy_key_unused_days',
    'Days since an app used the key of an account, or since the proxy knows it.',
    'account',
  );
  const switches = gauge(
    'binance_proxy_key_switch',
    '1 for a switch of the key of an account that is on at Binance.',
    'account',
    'switch',
  );
  return ({ keys }) => {
    for (const each of [age, oldest, unused, switches]) each.reset();
    for (const [account, state] of Object.entries(keys)) {
      if (state.ageDays !== undefined) age.set({ account }, state.ageDays);
      oldest.set({ account }, state.maxAgeDays);
      unused.set({ account }, state.unusedDays);
      for (const name of SWITCHES) {
        const isOn = state.switches?.[name];
        if (isOn !== undefined) switches.set({ account, switch: name }, Number(isOn));
      }
    }
  };
}
