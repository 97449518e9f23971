import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { send } from '../../support/clients/http.ts';
import { type ConsoleStage, startConsoleStage } from '../../support/console-stage.ts';
import { startTestProxy } from '../../support/servers/proxy.ts';

const FOLDER = new URL('../../../src/operator/console/page/', import.meta.url);
const PAGE = readFileSync(new URL('index.html', FOLDER), 'utf8');

let stage: ConsoleStage;
let port: number;

beforeAll(async () => {
  stage = await startConsoleStage();
  port = Number(new URL(stage.page).port);
});

afterAll(() => stage.close());

describe('the page', () => {
  it('It is served without a token, strictly: nothing inline, in no frame, never kept', async () => {
    const reply = await send(port, '/');
    expect(reply.status).toBe(200);
    expect(reply.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
    const policy = String(reply.headers['content-security-policy']);
    for (const part of [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
    ])
      expect(policy.split('; ')).toContain(part);
    expect(policy).not.toContain('unsafe');
  });

  it('Nothing of it is inline, and it names no other address', () => {
    expect(PAGE).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=/);
    for (const name of readdirSync(FOLDER))
      expect([
        name,
        readFileSync(new URL(name, FOLDER), 'utf8').match(/https?:\/\/(?!www\.w3\.org)/),
      ]).toEqual([name, null]);
  });

  it('No module makes markup of text', () => {
    for (const name of readdirSync(FOLDER).filter((file) => file.endsWith('.js')))
      expect([
        name,
        readFileSync(new URL(name, FOLDER), 'utf8').match(
          /innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|new Function/,
        ),
      ]).toEqual([name, null]);
  });

  it('Its files are served by their names alone, and nothing beside them', async () => {
    const scripts = [...PAGE.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path]) => path ?? '');
    expect(scripts).toHaveLength(3);
    for (const path of [...scripts, '/console/preact.js', '/console/uplot.js'])
      expect([path, (await send(port, path)).status]).toEqual([path, 200]);
    for (const path of [
      '/console/',
      '/console/../package.json',
      '/console/%2e%2e/status.ts',
      '/console/index.html',
      '/console/nothing.js',
    ])
      expect([path, (await send(port, path)).status]).toEqual([path, 401]);
    expect((await send(port, '/', { method: 'POST' })).status).toBe(401);
  });

  it('Without an operator the page and its files are not there, and the answer says how to make one', async () => {
    const bare = await startTestProxy({
      upstream: stage.simulator.url,
      env: { BINANCE_PROXY_OPERATOR_TOKEN_SHA256: '' },
    });
    try {
      for (const path of [
        '/',
        '/console/console.js',
        '/operator/records',
        '/operator/events',
        '/operator/overview',
      ]) {
        const reply = await send(Number(new URL(bare.operatorUrl).port), path);
        expect([path, reply.status]).toEqual([path, 404]);
        expect(reply.json?.error).toContain('operator new NAME');
      }
    } finally {
      await bare.close();
    }
  });

  it('What a browser loads from the sources is less than 60 kB by itself, packages aside', () => {
    const bytes = readdirSync(FOLDER).reduce(
      (sum, name) => sum + gzipSync(readFileSync(new URL(name, FOLDER))).length,
      0,
    );
    expect(bytes).toBeLessThan(40_000);
  });
});
