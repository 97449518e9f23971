import type { Endpoint } from '../../src/core/catalogue/endpoint.ts';
import { UPSTREAM_OF_SEGMENT, type UpstreamName } from '../../src/core/upstream.ts';

/** An official connector on npm and the part of the catalogue that it covers. */
export interface Connector {
  readonly name: string;
  readonly upstream: UpstreamName;
  /** Whether the program's own package.json has it; the others are fetched by `--latest` only. */
  readonly isInstalled: boolean;
  /** False where its text is older than a change of weights that Binance has announced since. */
  readonly hasPresentWeights: boolean;
  covers(endpoint: Endpoint): boolean;
}

const ofProduct =
  (product: string) =>
  (endpoint: Endpoint): boolean =>
    endpoint.product === product;

/** All families that npm has, of those that are generated from Binance's own description of its API. */
export const CONNECTORS: readonly Connector[] = [
  connector('spot', 'spot', ofProduct('spot'), { isInstalled: true }),
  connector('wallet', 'spot', ofProduct('wallet'), { isInstalled: true }),
  connector('derivatives-trading-usds-futures', 'usdm', ofProduct('usdm'), { isInstalled: true }),
  // Of January 2026, before COIN-M moved to the architecture of USD-M.
  connector('derivatives-trading-coin-futures', 'coinm', ofProduct('coinm'), { hasPresentWeights: false }),
  connector('derivatives-trading-portfolio-margin', 'portfolio', ofProduct('portfolio-margin')),
  connector('derivatives-trading-portfolio-margin-pro', 'spot', ofProduct('portfolio-margin-pro')),
  connector('pay', 'spot', ofProduct('pay')),
];

/** The upstream of a path; two of them serve `/futures/data`, where the connector's own is meant. */
export function upstreamOf(path: string, own: UpstreamName): UpstreamName {
  const segment = path.split('/')[1] ?? '';
  return segment === 'futures' ? own : (UPSTREAM_OF_SEGMENT.get(segment) ?? own);
}

function connector(
  name: string,
  upstream: UpstreamName,
  covers: Connector['covers'],
  { isInstalled = false, hasPresentWeights = true } = {},
): Connector {
  return { name: `@binance/${name}`, upstream, isInstalled, hasPresentWeights, covers };
}
