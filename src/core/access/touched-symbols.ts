import { allPairs, type Call } from '../call/call.ts';
import { decodedValue } from '../call/form.ts';
import type { Endpoint } from '../catalogue/endpoint.ts';
import { ProxyError } from '../errors.ts';
import { jsonElements, jsonMembers } from '../json.ts';
import type { Client } from './client.ts';
import type { Violation } from './violation.ts';

type TouchingCall = Pick<Endpoint, 'effect' | 'touches'>;
type Symbols = ReadonlySet<string>;

/** What a call names: symbols (an underlying is one), and pairs, which stand for all contracts on them. */
interface Named {
  readonly symbols: string[];
  readonly pairs: string[];
}

const NAMES_SYMBOL = /symbol|underlying/i;
const NAMES_PAIR = /pairs?$/i;
/** Such a text may be a list or an object to whoever reads it. */
const MAY_BE_JSON = /^\s*[[{]/;

const FOREIGN: Violation = {
  rule: 'symbols',
  why: 'the symbol is not among those that this client may trade',
};
const NAMELESS: Violation = {
  rule: 'symbols',
  why: 'it names no symbol, and this client may trade only some',
};
const UNREADABLE: Violation = { rule: 'unreadable', why: 'the symbols that it names cannot be read' };

/** Whether `symbols` of a client holds for a call: for all that changes something and is no cancel. */
export function isHeldToSymbols(client: Client, { effect, touches }: TouchingCall): boolean {
  if (client.symbols === undefined) return false;
  if (touches === 'orders') return effect !== 'cancel';
  return touches === 'symbol' || touches === 'account';
}

/**
 * Holds everything by which a call names a symbol against those of its client: any parameter that speaks of a symbol,
 * an underlying or a pair, in any letter case, one or a list, in JSON of any depth too. What touches one symbol has to
 * name it.
 */
export function judgeTouchedSymbols(client: Client, endpoint: TouchingCall, call: Call): Violation[] {
  const granted = client.symbols;
  if (granted === undefined || !isHeldToSymbols(client, endpoint)) return [];
  const named: Named = { symbols: [], pairs: [] };
  try {
    for (const pair of allPairs(call)) {
      const kind = kindOf(pair.name);
      // Lists of orders are read as orders, element by element.
      if (kind === undefined && endpoint.touches === 'orders') continue;
      const value = decodedValue(pair);
      if (value === undefined) return [UNREADABLE];
      collect(kind, value, named);
    }
  } catch (error) {
    if (error instanceof ProxyError) return [UNREADABLE];
    throw error;
  }
  if (named.symbols.some((symbol) => !granted.has(symbol))) return [FOREIGN];
  if (named.pairs.some((pair) => !hasContractOn(granted, pair))) return [FOREIGN];
  const isNameless = named.symbols.length + named.pairs.length === 0;
  return isNameless && endpoint.touches === 'symbol' ? [NAMELESS] : [];
}

/**
 * Every symbol, underlying and pair that a call names, in capitals, in lists of orders too; undefined when something of
 * it cannot be read.
 */
export function namedSymbols(call: Call): readonly string[] | undefined {
  const named: Named = { symbols: [], pairs: [] };
  try {
    for (const pair of allPairs(call)) {
      const value = decodedValue(pair);
      if (value === undefined) return undefined;
      collect(kindOf(pair.name), value, named);
    }
  } catch (error) {
    if (error instanceof ProxyError) return undefined;
    throw error;
  }
  return [...named.symbols, ...named.pairs].map((name) => name.toUpperCase());
}

function kindOf(name: string): keyof Named | undefined {
  if (NAMES_SYMBOL.test(name)) return 'symbols';
  return NAMES_PAIR.test(name) ? 'pairs' : undefined;
}

/** @throws ProxyError for JSON that cannot be read in only one way */
function collect(kind: keyof Named | undefined, value: string, named: Named): void {
  if (MAY_BE_JSON.test(value)) collectJson(kind, value.trim(), named);
  else if (kind !== undefined && value !== '') named[kind].push(...value.split(','));
}

function collectJson(kind: keyof Named | undefined, text: string, named: Named): void {
  if (text.startsWith('{')) {
    for (const member of jsonMembers(text)) collect(kindOf(member.name) ?? kind, member.value, named);
    return;
  }
  for (const source of jsonElements(text)) {
    const element = source.startsWith('"') ? (JSON.parse(source) as string) : source;
    collect(kind, element, named);
  }
}

/** A pair is granted by a contract on it: BTCUSD by BTCUSD_PERP, and not by BTCUSDT. */
function hasContractOn(granted: Symbols, pair: string): boolean {
  if (granted.has(pair)) return true;
  for (const symbol of granted) if (symbol.startsWith(`${pair}_`)) return true;
  return false;
}
