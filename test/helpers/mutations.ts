import fc from 'fast-check';

/** One way to write a request so that a careless matcher takes it for another one. */
type Mutation = (target: string) => string;

const at = (target: string, index: number, change: (char: string) => string): string => {
  const place = index % Math.max(1, target.length);
  return target.slice(0, place) + change(target[place] ?? '') + target.slice(place + 1);
};
const hex = (char: string) => `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`;

const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.nat(30).map((version) => (target: string) => target.replace(/\/v\d+/, `/v${version}`)),
  fc.nat(80).map((index) => (target: string) => at(target, index, hex)),
  fc.nat(80).map((index) => (target: string) => at(target, index, (char) => hex(char).toUpperCase())),
  fc.nat(80).map((index) => (target: string) => at(target, index, (char) => char.toUpperCase())),
  fc.nat(80).map((index) => (target: string) => at(target, index, (char) => `${char}/`)),
  fc.nat(80).map((index) => (target: string) => at(target, index, () => '//')),
  fc.nat(80).map((index) => (target: string) => at(target, index, (char) => `${char}\\`)),
  fc
    .constantFrom('spot', 'usdm', 'coinm', 'options', 'portfolio', 'web', 'api', 'x')
    .map((name) => (target: string) => `/${name}${target}`),
  fc
    .constantFrom(
      '/',
      '//',
      '/.',
      '/..',
      '/./',
      '/%2e',
      '%00',
      ';x=1',
      '#x',
      '?',
      '?a=1?b=2',
      '/x',
      '.html',
      '%20',
      '&a=1',
    )
    .map((end) => (target: string) => target + end),
  fc
    .constantFrom('/api/v3/ping/..', '/api/v3/time?x=', '/.', '//', '/fapi/v1/../..', '/%2e%2e')
    .map((start) => (target: string) => start + target),
  fc
    .constantFrom('http://api.binance.com', 'http://localhost', '//api.binance.com')
    .map((start) => (target: string) => start + target),
  fc
    .constantFrom('/sapi/', '/api/', '/fapi/', '/dapi/', '/eapi/', '/papi/', '/wapi/', '/SAPI/')
    .map((prefix) => (target: string) => target.replace(/^\/[a-z]+\//, prefix)),
  fc.constant((target: string) => target),
);

/** A target made from `path` by up to four mutations. */
export function mutated(path: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .tuple(path, fc.array(mutation, { maxLength: 4 }))
    .map(([start, mutations]) => mutations.reduce((target, change) => change(target), start));
}

export const parameters = fc.constantFrom(
  '',
  'coin=BTC&address=x&amount=1',
  'type=MAIN_UMFUTURE&asset=USDT&amount=1',
  'symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1&sideEffectType=MARGIN_BUY',
  'symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1&sideEffectType=%41UTO_BORROW_REPAY',
  '_method=POST',
  'path=/sapi/v1/capital/withdraw/apply',
  'timestamp=1&signature=x',
);
