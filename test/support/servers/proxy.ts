import { hash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { loadSettings } from '../../../src/config/load-settings.ts';
import type { BuiltProxy } from '../../../src/proxy/build.ts';
import { startProxy } from '../../../src/proxy/start.ts';
import type { Timeouts } from '../../../src/upstream/timeouts.ts';
import { type Reply, type Sending, send } from '../clients/http.ts';

/** A log line as an operator reads it. */
export type LogRecord = Readonly<Record<string, unknown>> & { readonly event: string };

export interface TestProxy {
  readonly url: string;
  readonly operatorUrl: string;
  /** 0 on a Unix socket. */
  readonly port: number;
  /** The ports of the listeners by name. */
  readonly namedPorts: readonly number[];
  /** What the proxy is made of. */
  readonly parts: BuiltProxy;
  /** Every line that went to stdout, as text. */
  readonly lines: readonly string[];
  /** The records of these events so far. */
  records(...events: readonly string[]): LogRecord[];
  /** Swaps in what this environment and YAML configure, as SIGHUP does. */
  reload(env: Readonly<Record<string, string>>, yaml?: string): void;
  close(): Promise<void>;
}

export interface TestProxyOptions {
  /** Where every upstream family goes: a simulator or a fault server. */
  readonly upstream: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Text of the YAML configuration. */
  readonly yaml?: string;
  /** What is waited for longer or shorter than usual. */
  readonly timeouts?: Partial<Timeouts>;
}

export const TEST_KEY = 'REALKEYrealkeyREALKEYrealkeyREALKEYrealkeyREALKEYrealkeyREALKEY12';
/** The token of the operator `default` of every test proxy, and what the proxy knows of it. */
export const OPERATOR_TOKEN = 'operatorTOKENoperatorTOKENoperatorTOKENoperatorTOKENoperatorTOKEN1';
export const OPERATOR_ENV = { BINANCE_PROXY_OPERATOR_TOKEN_SHA256: hash('sha256', OPERATOR_TOKEN) };
export const TEST_SECRET = 'REALSECRETrealsecretREALSECRETrealsecretREALSECRETrealsecretREAL';

const FAMILIES = ['SPOT', 'USDM', 'COINM', 'OPTIONS', 'PORTFOLIO'];

/** Asks the listener for operators as the operator `default`. */
export function askOperator(operatorUrl: string, path: string, sending: Sending = {}): Promise<Reply> {
  const headers = { authorization: `Bearer ${OPERATOR_TOKEN}`, ...sending.headers };
  return send(Number(new URL(operatorUrl).port), path, { ...sending, headers });
}

/** The variables that send every family of endpoints to one address. */
export function upstreamsAt(url: string): Readonly<Record<string, string>> {
  return Object.fromEntries(FAMILIES.map((name) => [`BINANCE_PROXY_UPSTREAM_${name}`, url]));
}

/** A real proxy on free loopback ports, configured as a user would, in front of `upstream`. */
export async function startTestProxy(options: TestProxyOptions): Promise<TestProxy> {
  const folder = mkdtempSync(join(tmpdir(), 'signing-proxy-'));
  const read = (env: Readonly<Record<string, string>> = {}, yaml?: string) => {
    const path = join(folder, 'proxy.yaml');
    if (yaml !== undefined) writeFileSync(path, yaml);
    return loadSettings({
      cwd: folder,
      env: {
        BINANCE_API_KEY: TEST_KEY,
        ...(env.BINANCE_PRIVATE_KEY === undefined ? { BINANCE_API_SECRET: TEST_SECRET } : {}),
        BINANCE_PROXY_ENVIRONMENT: 'simulator',
        BINANCE_PROXY_PORT: '0',
        BINANCE_PROXY_OPERATOR_PORT: '0',
        ...OPERATOR_ENV,
        ...upstreamsAt(options.upstream),
        ...(yaml === undefined ? {} : { BINANCE_PROXY_CONFIG: path }),
        ...env,
      },
    });
  };
  const lines: string[] = [];
  const proxy = await startProxy({
    settings: read(options.env, options.yaml),
    log: (printed) => lines.push(...printed.map(({ text }) => text)),
    ...(options.timeouts === undefined ? {} : { timeouts: options.timeouts }),
  });
  // Tests count orders against what the stand-in states, not against what holds until it was asked.
  await Promise.race([proxy.proxy.limitsRead, pause(3_000)]);
  return {
    url: proxy.url,
    operatorUrl: proxy.operatorUrl,
    port: URL.canParse(proxy.url) ? Number(new URL(proxy.url).port) : 0,
    namedPorts: proxy.namedPorts,
    parts: proxy.proxy,
    lines,
    records: (...events) =>
      lines.map((line) => JSON.parse(line) as LogRecord).filter(({ event }) => events.includes(event)),
    reload: (env, yaml) => proxy.swap(read(env, yaml)),
    async close() {
      await proxy.close(2_000);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
