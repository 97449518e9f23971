import type { Settings } from '../schema/settings.ts';
import { isSameRoute, type WayOut, wayOf } from '../schema/ways-out.ts';

type Ways = Pick<Settings, 'egress' | 'accounts'>;

/** One sentence for each way out that would go: Binance would see calls come from another address than before. */
export function judgeWaysOut(before: Ways, after: Ways): readonly string[] {
  const sentences = [...lostOf('egress', before.egress.main, after.egress.main)];
  for (const account of after.accounts.keys()) {
    const had = before.egress.accounts.has(account);
    const has = after.egress.accounts.has(account);
    const isKnown = had || before.accounts.has(account);
    const name = `accounts.${account}.egress`;
    if (had && !has) sentences.push(`${name} is gone: its calls would leave by the top-level one.`);
    else if (has && isKnown)
      sentences.push(...lostOf(name, wayOf(before.egress, account), wayOf(after.egress, account)));
  }
  return sentences;
}

function* lostOf(name: string, before: WayOut, after: WayOut): Generator<string> {
  if (before.proxy !== undefined && after.proxy === undefined)
    yield `${name} would lose its proxy: calls would leave directly.`;
  if (before.localAddress !== undefined && after.localAddress === undefined)
    yield `${name} would lose its localAddress: calls would leave from any.`;
  // The id of the whole process changes with the next start only.
  if (name !== 'egress' && before.id !== after.id && isSameRoute(before, after))
    yield `${name}.id would be another one for the same way: what is used of its limits would be forgotten.`;
}
