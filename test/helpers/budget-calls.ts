import { type BucketCharge, type CallCharge, hostGate } from '../../src/core/budget-buckets.ts';
import { readCall } from '../../src/core/call.ts';
import type { Client } from '../../src/core/client.ts';
import type { Endpoint } from '../../src/core/endpoint.ts';
import type { ChargeRequest, UpstreamAnswer } from '../../src/upstream/budgets.ts';

const POLLED: Endpoint = {
  upstream: 'spot',
  method: 'GET',
  path: '/api/v3/account',
  product: 'spot',
  security: 'SIGNED',
  securityType: 'USER_DATA',
  permission: 'read',
  weights: [{ scope: 'IP', max: 20 }],
  orders: {},
  effect: 'none',
  clientOrderIds: [],
  repeatable: [],
};

/** An endpoint of spot: a read of weight 20 unless told otherwise. */
export function endpoint(part: Partial<Endpoint> = {}): Endpoint {
  return { ...POLLED, ...part };
}

export function read(weight: number, part: Partial<Endpoint> = {}): Endpoint {
  return endpoint({ weights: [{ scope: 'IP', max: weight }], ...part });
}

export const PLACE: Endpoint = endpoint({
  method: 'POST',
  path: '/api/v3/order',
  securityType: 'TRADE',
  weights: [{ scope: 'IP', max: 1 }],
  orders: { '10S': 1, '1D': 1 },
  effect: 'place',
});

export const CANCEL: Endpoint = endpoint({
  method: 'DELETE',
  path: '/api/v3/order',
  securityType: 'TRADE',
  weights: [{ scope: 'IP', max: 1 }],
  effect: 'cancel',
});

export function client(name: string, weightPerMinute?: number): Client {
  return {
    name,
    account: 'main',
    secret: undefined,
    requireSignature: false,
    permissions: new Set(['market-data', 'read', 'spot-margin-trade']),
    symbols: undefined,
    order: undefined,
    weightPerMinute,
    requestsPerSecond: undefined,
    policyMode: 'enforce',
  };
}

export function request(of: Endpoint, part: Partial<ChargeRequest> = {}): ChargeRequest {
  return {
    endpoint: of,
    call: readCall(of.method, of.path, new Uint8Array()),
    client: client('app'),
    account: of.security === 'NONE' ? undefined : 'main',
    recvWindowMs: 5_000,
    ...part,
  };
}

/** Headers by lower-case name. */
export function answer(
  status: number,
  headers: Readonly<Record<string, string | number>> = {},
  bodyText?: string,
): UpstreamAnswer {
  return {
    status,
    header: (name) => {
      const value = headers[name];
      return value === undefined ? undefined : String(value);
    },
    bodyText,
    successful: status < 400,
  };
}

/** A charge on one bucket, without the way through an endpoint. */
export function plainCharge(
  key: string,
  weight: number,
  limit: number,
  part: Partial<BucketCharge['bucket']> = {},
): CallCharge {
  const bucket = {
    key,
    scope: 'ip',
    kind: 'weight',
    upstream: 'spot',
    windowMs: 60_000,
    limit,
    ...part,
  } as const;
  return {
    lane: 'general',
    weight,
    charges: [{ bucket, weight, ceiling: limit, headers: [] }],
    gates: [hostGate('spot')],
  };
}
