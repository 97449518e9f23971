import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { fetchText } from '../../../src/upstream/connections/fetch-text.ts';
import { OwnAddresses } from '../../../src/upstream/connections/own-addresses.ts';
import { createPools } from '../../../src/upstream/connections/pools.ts';
import { makeThrowAwayCertificate } from '../../support/fixtures/throw-away-certificate.ts';

describe('a TLS connection that is opened again', () => {
  it('A TLS connection resumes the session of the one before, also when garbage was collected between them', async () => {
    const certificate = makeThrowAwayCertificate();
    const resumed: boolean[] = [];
    const server = createServer(certificate, (_request, response) => response.end('{}'));
    const open = new Set<TLSSocket>();
    server.on('secureConnection', (socket: TLSSocket) => {
      resumed.push(socket.isSessionReused());
      open.add(socket);
      socket.on('close', () => open.delete(socket));
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const spot = `https://localhost:${(server.address() as AddressInfo).port}`;
    const others = { usdm: undefined, coinm: undefined, options: undefined };
    const pools = createPools(
      { spot, ...others, portfolio: undefined, web: undefined },
      { ca: certificate.cert, own: new OwnAddresses() },
    );
    try {
      await fetchText(pools.get('spot')!, '/api/v3/time', []);
      server.closeAllConnections();
      await expect.poll(() => open.size).toBe(0);
      setFlagsFromString('--expose-gc');
      const collectGarbage = runInNewContext('gc') as () => void;
      for (let round = 0; round < 3; round++) {
        // A weak reference holds to the end of the job in which it was read.
        await new Promise((resolve) => setImmediate(resolve));
        collectGarbage();
      }
      await fetchText(pools.get('spot')!, '/api/v3/time', []);
      expect(resumed).toEqual([false, true]);
    } finally {
      await pools.close();
      server.closeAllConnections();
      server.close();
    }
  });
});
