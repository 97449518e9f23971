/** What the source of a generated connector says of one REST endpoint or one method of a WebSocket API. */
export interface Described {
  /** `GET /api/v3/time`, or `ws order.place`. */
  readonly name: string;
  readonly method: string;
  /** Undefined for a WebSocket method. */
  readonly path: string | undefined;
  /** Fixed weights as they are written; empty where they depend on parameters or nothing is said. */
  readonly weights: readonly DescribedWeight[];
  /** Order counts by interval, where the text names them. */
  readonly orders: Readonly<Record<string, number>> | undefined;
  readonly securityType: string | undefined;
}

interface DescribedWeight {
  /** Undefined where the text does not say what it is counted by. */
  readonly scope: 'IP' | 'UID' | undefined;
  readonly weight: number;
}

/** The request of a method, a doc comment with the method behind it, in the order of the file. */
const PARTS =
  /(?<creator>\w+): async \([^)]*\) => \{[\s\S]*?\bendpoint: ["'](?<path>[^"']+)["'],\s*method: ["'](?<verb>[A-Z]+)["']|\/\*\*(?<doc>(?:[^*]|\*(?!\/))*)\*\/\s*(?:async )?\w+\([^)]*\) \{(?<body>[^/]*(?:\/(?!\*\*)[^/]*)*?)\n\t\}/g;
const REST_BODY = /localVarAxiosParamCreator\.(\w+)\(/;
const WS_BODY = /send(?:Signed)?Message\(\s*["']\/?([^"']+)["']/;
const PLAIN_ENDPOINT = /\bendpoint: ["']([^"']+)["'],\s*method: ["']([A-Z]+)["']/g;

/** Everything that a connector names, each once; the description is empty where it has none. */
export function readConnector(source: string): Described[] {
  const found = new Map<string, Described>();
  for (const [, path = '', method = ''] of source.matchAll(PLAIN_ENDPOINT))
    found.set(`${method} ${path}`, described(`${method} ${path}`, method, path, ''));
  const requests = new Map<string, { readonly method: string; readonly path: string }>();
  for (const { groups = {} } of source.matchAll(PARTS)) {
    const { creator, path, verb, doc, body } = groups;
    if (creator !== undefined && path !== undefined && verb !== undefined)
      requests.set(creator, { method: verb, path });
    else if (doc !== undefined && body !== undefined) {
      const request = requests.get(REST_BODY.exec(body)?.[1] ?? '');
      const frame = WS_BODY.exec(body)?.[1];
      if (request !== undefined) {
        const name = `${request.method} ${request.path}`;
        found.set(name, described(name, request.method, request.path, doc));
      } else if (frame !== undefined) {
        found.set(`ws ${frame}`, described(`ws ${frame}`, frame, undefined, doc));
      }
    }
  }
  return [...found.values()];
}

function described(name: string, method: string, path: string | undefined, doc: string): Described {
  const text = doc.replace(/^[\t ]*\* ?/gm, '').replaceAll('**', '');
  return {
    ...{ name, method, path, weights: weightsIn(text), orders: ordersIn(text) },
    securityType: /^Security Type: (\w+)\s*$/m.exec(text)?.[1],
  };
}

/** `Weight(IP): 5`, `Weight: 18000`, `Weight: 1(IP)`, `0 on IP rate limit`: alone on their line. */
function weightsIn(text: string): DescribedWeight[] {
  const onIp = /^(?:Weight: )?(\d+) on IP rate limit/m.exec(text)?.[1];
  if (onIp !== undefined) return [{ scope: 'IP', weight: Number(onIp) }];
  const weights: DescribedWeight[] = [];
  for (const [, before, weight, after] of text.matchAll(
    /^Weight(?:\((IP|UID)\))?: (\d+)(?:\((IP|UID)\))?[ \t]*$/gm,
  )) {
    const scope = before ?? after;
    weights.push({ scope: scope === 'IP' || scope === 'UID' ? scope : undefined, weight: Number(weight) });
  }
  return weights;
}

function ordersIn(text: string): Readonly<Record<string, number>> | undefined {
  const orders: Record<string, number> = {};
  const interval = (unit: string) => (unit === '10s' ? '10S' : '1M');
  for (const [, count, unit = ''] of text.matchAll(/^(?:Weight: )?(\d+) on (10s|1min|1m) order rate limit/gm))
    orders[interval(unit)] = Number(count);
  return Object.keys(orders).length === 0 ? undefined : orders;
}
