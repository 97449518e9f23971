import { describe, expect, it } from 'vitest';
import { createNoAuditSink } from '../../src/audit/no-sink.ts';
import type { Log } from '../../src/audit/record-printer.ts';
import { createAuditTrail } from '../../src/audit/trail.ts';
import { SecretMask } from '../../src/core/records/secret-mask.ts';
import { signed } from '../support/fixtures/sample-trail.ts';

describe('the audit trail', () => {
  it('The audit trail numbers the records on the log when there is no folder', () => {
    const lines: string[] = [];
    const sink = createNoAuditSink();
    const trail = createAuditTrail({
      sink,
      log: (printed) => lines.push(...printed.map(({ text }) => text)),
      now: () => 0,
    });
    trail.write(signed(1));
    expect(trail.note({ event: 'proxy.stopping' })).toBe(true);
    expect(lines.map((line) => JSON.parse(line).seq)).toEqual([1, 2]);
    expect(trail.state).toEqual({ available: true, errors: 0 });
    expect(trail.check()).toBe(true);
    trail.close();
  });

  it('The audit trail hands each line its level, so that the log can be silenced without the file', () => {
    const levels: number[] = [];
    const sink = createNoAuditSink();
    const logged = createAuditTrail({
      sink,
      log: (printed) => levels.push(...printed.map(({ level }) => level)),
      now: () => 0,
    });
    for (const event of ['call.signed', 'call.refused', 'preflight.failed'] as const) logged.note({ event });
    expect(levels).toEqual([30, 40, 50]);
  });

  it('The audit trail counts a log that fails, and stops nothing for it', () => {
    const fails = () => {
      throw Object.assign(new Error('broken pipe'), { code: 'EPIPE' });
    };
    const logged = createAuditTrail({ sink: createNoAuditSink(), log: fails, now: () => 0 });
    logged.write(signed(1));
    expect(logged.state).toEqual({ available: true, errors: 1, lastError: 'EPIPE' });
  });

  it('The audit trail masks the secrets of the moment in the file and on the log alike', () => {
    let secretMask = new SecretMask(['the-first-client-key']);
    const lines: string[] = [];
    const trail = createAuditTrail({
      sink: createNoAuditSink(),
      log: (printed) => lines.push(...printed.map(({ text }) => text)),
      now: () => 0,
      secretMask: () => secretMask,
    });
    const record = {
      event: 'call.refused',
      clientOrderId: 'the-first-client-key/the-second-client-key',
    } as const;
    trail.write(record);
    secretMask = new SecretMask(['the-second-client-key']);
    trail.write(record);
    expect(lines.map((line) => JSON.parse(line).clientOrderId)).toEqual([
      '***/the-second-client-key',
      'the-first-client-key/***',
    ]);
  });

  it('The audit trail masks a known secret in fields made without the mask, names of parameters included', () => {
    const lines: string[] = [];
    const secretMask = new SecretMask(['grid-bot-client-key']);
    const log: Log = (printed) => lines.push(...printed.map(({ text }) => text));
    const trail = createAuditTrail({
      sink: createNoAuditSink(),
      log,
      now: () => 0,
      secretMask: () => secretMask,
    });
    trail.write({
      event: 'call.refused',
      client: 'grid-bot-client-key',
      params: { 'grid-bot-client-key': 'x', note: ['a grid-bot-client-key'] },
    });
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      client: '***',
      params: { '***': 'x', note: ['a ***'] },
    });
  });

  it('The audit trail says what the sink mended before it says anything else', () => {
    const repairs = [{ reason: 'the last line was torn', bytes: 3 }];
    const lines: string[] = [];
    const sink = { ...createNoAuditSink(), takeRepairs: () => repairs.splice(0) };
    const mended = createAuditTrail({
      sink,
      log: (printed) => lines.push(...printed.map(({ text }) => text)),
      now: () => 0,
    });
    mended.write(signed(2));
    expect(lines.map((line) => JSON.parse(line).event)).toEqual(['audit.torn', 'call.signed']);
  });
});
