import type { Catalogue } from '../catalogue/catalogue.ts';
import type { Endpoint, Security } from '../catalogue/endpoint.ts';
import type { Permission } from '../catalogue/permission.ts';
import { SOCKET_FAMILIES, type SocketFamily, WS_API_PATHS } from '../upstream.ts';

export interface WsMethod {
  /** The name that is sent: always this one and never the client's string. */
  readonly name: string;
  /** `logon`, `status` and `logout` are answered by the proxy itself. */
  readonly kind: 'call' | 'logon' | 'status' | 'logout';
  /** What the proxy adds to the parameters. */
  readonly adds: 'nothing' | 'key' | 'signature';
  /** The parameter that says by itself who may make this call, as a listen key in a URL does. */
  readonly bearer?: string;
  /** The REST twin, with the method's own weight. Permission, order counts, effect and orderShape come from it. */
  readonly endpoint: Endpoint;
}

export interface WsMethods {
  /** Undefined when the method may not be sent. A version prefix (`v3/order.place`) makes no difference. */
  find(family: SocketFamily, method: string): WsMethod | undefined;
  readonly all: readonly (WsMethod & { readonly family: SocketFamily })[];
}

const ADDED = { NONE: 'nothing', APIKEY: 'key', SIGNED: 'signature' } as const;

interface OwnMethod {
  readonly security: Security;
  readonly permission: Permission;
  readonly kind?: WsMethod['kind'];
  readonly name?: string;
  readonly adds?: WsMethod['adds'];
  readonly bearer?: string;
}

const SESSION: Readonly<Record<string, OwnMethod>> = {
  // Answered by the proxy. A logon proves the frames after it, so it is signed where signatures are required.
  'session.logon': { security: 'SIGNED', permission: 'market-data', kind: 'logon', adds: 'nothing' },
  'session.status': { security: 'NONE', permission: 'market-data', kind: 'status' },
  'session.logout': { security: 'NONE', permission: 'market-data', kind: 'logout' },
};
/**
 * Methods without a REST twin, which the catalogue cannot name. A plain subscription becomes a signed one, because that
 * works with every type of key.
 */
const OWN: Readonly<Record<SocketFamily, Readonly<Record<string, OwnMethod>>>> = {
  spot: {
    ...SESSION,
    'session.subscriptions': { security: 'NONE', permission: 'market-data' },
    'userDataStream.subscribe': {
      security: 'SIGNED',
      permission: 'read',
      name: 'userDataStream.subscribe.signature',
    },
    'userDataStream.subscribe.signature': { security: 'SIGNED', permission: 'read' },
    'userDataStream.subscribe.listenToken': {
      security: 'APIKEY',
      permission: 'read',
      adds: 'nothing',
      bearer: 'listenToken',
    },
    'userDataStream.unsubscribe': { security: 'NONE', permission: 'market-data' },
  },
  usdm: SESSION,
  coinm: SESSION,
};
const OWN_WEIGHT = 2;
/** Prefixes that name the version which a method has without them. */
const PREFIX: Readonly<Record<SocketFamily, RegExp>> = { spot: /^v3\//, usdm: /^v1\//, coinm: /^v1\// };

/** Every method of the WebSocket APIs, from the catalogue and from the list above, with its endpoint. */
export function createWsMethods(catalogue: Catalogue): WsMethods {
  const all: (WsMethod & { family: SocketFamily })[] = [];
  const index = new Map<string, WsMethod>();
  for (const family of SOCKET_FAMILIES) {
    for (const endpoint of catalogue.endpoints) {
      const { upstream, webSocket: name } = endpoint;
      if (upstream !== family || name === undefined) continue;
      all.push({ family, name, kind: 'call', adds: ADDED[endpoint.security], endpoint: asMethod(endpoint) });
    }
    for (const [name, own] of Object.entries(OWN[family]))
      all.push({ family, ...toOwnMethod(family, name, own) });
    for (const method of all) if (method.family === family) index.set(`${family} ${method.name}`, method);
    for (const [name, { name: sentAs }] of Object.entries(OWN[family])) {
      const method = sentAs === undefined ? undefined : index.get(`${family} ${sentAs}`);
      if (method !== undefined) index.set(`${family} ${name}`, method);
    }
  }
  return {
    all,
    find: (family, method) => index.get(`${family} ${method.replace(PREFIX[family], '')}`),
  };
}

/** The endpoint as its WebSocket method charges it. */
function asMethod(endpoint: Endpoint): Endpoint {
  const { webSocketWeights } = endpoint;
  return webSocketWeights === undefined
    ? endpoint
    : Object.freeze({ ...endpoint, weights: webSocketWeights });
}

function toOwnMethod(family: SocketFamily, name: string, own: OwnMethod): WsMethod {
  const { security, permission } = own;
  return {
    name: own.name ?? name,
    kind: own.kind ?? 'call',
    adds: own.adds ?? ADDED[security],
    ...(own.bearer === undefined ? {} : { bearer: own.bearer }),
    endpoint: Object.freeze({
      upstream: family,
      method: 'GET',
      path: `${WS_API_PATHS[family]}/${own.name ?? name}`,
      product: 'websocket',
      security,
      securityType: security === 'NONE' ? 'NONE' : 'USER_STREAM',
      permission,
      weights: [{ scope: 'IP', max: OWN_WEIGHT }],
      orders: {},
      effect: 'none',
      clientOrderIds: [],
      repeatable: [],
    } satisfies Endpoint),
  };
}
