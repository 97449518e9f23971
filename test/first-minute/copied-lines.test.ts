import { readdirSync, readFileSync } from 'node:fs';
import { parse as parseDotenv } from 'dotenv';
import { describe, expect, it } from 'vitest';

const root = new URL('../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');
const PAGES = [
  'README.md',
  ...readdirSync(new URL('docs/', root))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
const COPIED = [
  ...PAGES,
  '.env.example',
  'docker-compose.yml',
  'deploy/binance-signing-proxy.service',
  'deploy/kubernetes-sidecar.yaml',
];

/** The lines of all fenced shell blocks, a continued line as one. */
function shellLines(page: string): readonly string[] {
  const blocks = [...read(page).matchAll(/^```sh\b.*\n([\s\S]*?)^```$/gm)].map(([, lines = '']) => lines);
  return blocks.flatMap((lines) => lines.replaceAll(/\\\n\s*/g, ' ').split('\n'));
}

describe('what can be copied', () => {
  it('The example .env begins on testnet', () => {
    expect(parseDotenv(read('.env.example')).BINANCE_PROXY_ENVIRONMENT).toBe('testnet');
  });

  it('Every shell line that places an order places a test order', () => {
    const placing = PAGES.flatMap(shellLines).filter((line) => /[&?']side=/.test(line));
    expect(placing.length).toBeGreaterThan(1);
    for (const line of placing) expect(line).toMatch(/\/order\/test\b/);
  });

  it('The example app places a test order unless it is told otherwise', () => {
    expect(read('deploy/example-app/trade.mjs')).toMatch(
      /PLACE_ORDERS === 'yes' \? '[^']*order' : '[^']*order\/test'/,
    );
  });

  it('The command line has one spelling', () => {
    const lines = PAGES.flatMap(shellLines).filter((line) => line.includes('binance-signing-proxy '));
    const called = lines.filter((line) => !/^(?:docker|systemctl|journalctl|npm|install) /.test(line));
    expect(called.length).toBeGreaterThan(10);
    for (const line of called)
      expect(line).toMatch(/^(?:npx |\.\/|\.\/dist\/executable\/)binance-signing-proxy /);
    for (const path of COPIED)
      expect([path, /node (?:bin\/|src\/main)/.test(read(path))]).toEqual([path, false]);
  });
});
