import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Decider } from '../../src/approvals/decisions.ts';
import { ApprovalStage, ORIGIN, pendingId } from '../support/approvals/approval-stage.ts';
import { type Deviation, type PasskeyKind, SoftPasskey } from '../support/approvals/soft-passkey.ts';

const KINDS: readonly PasskeyKind[] = ['Ed25519', 'ES256', 'RS256'];
const ALICE: Decider = { operator: 'alice', channel: 'page', passkeyRequired: true };
const BOB: Decider = { ...ALICE, operator: 'bob' };

let folder: string;
let stage: ApprovalStage;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'passkeys-'));
  stage = new ApprovalStage(folder);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function enrol(passkey = new SoftPasskey('ES256'), decider = ALICE, deviation: Deviation = {}): SoftPasskey {
  const { nonce, challenge, origin } = stage.decisions.enrolmentChallenge(decider);
  stage.decisions.enrol(decider, { nonce, ...passkey.create(challenge, origin, deviation) });
  return passkey;
}

const ask = async () => pendingId(await stage.call());

/** A yes with a passkey, and what came of it. */
function approve(passkey: SoftPasskey, id: string, deviation: Deviation = {}, decider = ALICE): string {
  const { nonce, challenge, origin } = stage.decisions.challenge(decider, id, 'approve');
  const assertion = { nonce, ...passkey.get(challenge, origin, deviation) };
  return decide(decider, id, { decision: 'approve', digest: stage.digest(id), passkey: assertion });
}

function decide(...args: Parameters<ApprovalStage['decisions']['decide']>): string {
  try {
    return stage.decisions.decide(...args).state;
  } catch (error) {
    return (error as Error).message;
  }
}

describe('a passkey', () => {
  it.each(KINDS)(
    'A decision signed by a passkey counts, and the records alone verify it again (%s)',
    async (kind) => {
      const passkey = enrol(new SoftPasskey(kind));
      expect(approve(passkey, await ask())).toBe('approved');
      expect(await stage.send()).toBe('sent');
      expect(stage.problems()).toEqual([]);
      const said = stage.records('approval.decided')[0]?.approval?.passkey;
      expect(said).toMatchObject({ credentialId: passkey.credentialId, publicKey: passkey.publicKey });
      const doctored = stage.lines.findIndex((line) => line.includes('"approval.decided"'));
      const line = JSON.parse(stage.lines[doctored] ?? '');
      for (const change of [
        { decision: 'deny' },
        { operator: 'bob' },
        { passkey: { ...said, nonce: '0'.repeat(64) } },
        { passkey: { ...said, publicKey: new SoftPasskey(kind).publicKey } },
      ]) {
        stage.lines[doctored] = JSON.stringify({ ...line, approval: { ...line.approval, ...change } });
        const expected =
          'operator' in change ? [] : [expect.stringContaining('does not stand for its decision')];
        if (expected.length > 0) expect(stage.problems()[0]).toEqual(expected[0]);
      }
    },
  );

  it.each<[string, Deviation]>([
    ['another page', { origin: 'http://evil.example' }],
    ['the same page by its address', { origin: 'http://127.0.0.1:8081' }],
    ['a frame of another page', { crossOrigin: true }],
    ['a page within another one', { topOrigin: 'http://evil.example' }],
    ['another site', { rpId: 'evil.example' }],
    ['a user who was not verified', { flags: 0x01 }],
    ['a user who was not there', { flags: 0x04 }],
    ['an enrolment', { type: 'webauthn.create' }],
    ['another challenge', { challenge: Buffer.alloc(32).toString('base64url') }],
  ])('A passkey used on or for %s decides nothing', async (_, deviation) => {
    const passkey = enrol();
    const id = await ask();
    expect(approve(passkey, id, deviation)).toContain('does not stand for this decision');
    expect(await stage.send()).toBe('PROXY_APPROVAL_PENDING');
  });

  it('An operator who needs a passkey approves without none, and says no without', async () => {
    enrol();
    const id = await ask();
    expect(decide(ALICE, id, { decision: 'approve', digest: stage.digest(id) })).toContain(
      'with a passkey only',
    );
    expect(decide(ALICE, id, { decision: 'deny', reason: 'no' })).toBe('denied');
  });

  it('The answer is bound: a signed no is no yes, nor one about another ask', async () => {
    const passkey = enrol();
    const id = await ask();
    const no = stage.decisions.challenge(ALICE, id, 'deny');
    const signedNo = { nonce: no.nonce, ...passkey.get(no.challenge, no.origin) };
    expect(decide(ALICE, id, { decision: 'approve', digest: stage.digest(id), passkey: signedNo })).toContain(
      'is about something else',
    );
    const other = pendingId(
      await stage.call({ symbol: 'BTCUSDT', side: 'SELL', type: 'MARKET', quantity: '0.4' }),
    );
    const yes = stage.decisions.challenge(ALICE, other, 'approve');
    const signedYes = { nonce: yes.nonce, ...passkey.get(yes.challenge, yes.origin) };
    expect(
      decide(ALICE, id, { decision: 'approve', digest: stage.digest(id), passkey: signedYes }),
    ).toContain('is about something else');
  });

  it('An assertion counts once, soon, and for its operator only', async () => {
    const passkey = enrol();
    const bobs = enrol(new SoftPasskey('Ed25519'), BOB);
    const id = await ask();
    const { nonce, challenge, origin } = stage.decisions.challenge(ALICE, id, 'approve');
    const assertion = { nonce, ...passkey.get(challenge, origin) };
    const yes = { decision: 'approve', digest: stage.digest(id), passkey: assertion } as const;
    expect(decide(BOB, id, yes)).toContain('not open any more');
    expect(approve(bobs, id, {}, ALICE)).toContain('not one of this operator');
    const late = stage.decisions.challenge(ALICE, id, 'approve');
    stage.nowMs += 120_000;
    const lateAnswer = { nonce: late.nonce, ...passkey.get(late.challenge, late.origin) };
    expect(decide(ALICE, id, { ...yes, passkey: lateAnswer })).toContain('not open any more');
    expect(approve(passkey, id)).toBe('approved');
    expect(decide(ALICE, id, yes)).toContain('enough operators already');
  });

  it('Passkeys are kept in the state folder for its owner alone, and known after a restart', async () => {
    const passkey = enrol();
    expect(statSync(join(folder, 'passkeys.json')).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(folder, 'passkeys.json'), 'utf8')).toContain(passkey.credentialId);
    stage.start();
    expect(approve(passkey, await ask())).toBe('approved');
    writeFileSync(join(folder, 'passkeys.json'), '{');
    expect(() => stage.start()).toThrow();
  });

  it('Without a state folder no passkey is taken', () => {
    stage = new ApprovalStage();
    expect(() => enrol()).toThrow('BINANCE_PROXY_STATE_DIR');
  });

  it.each<[string, Deviation]>([
    ['another page', { origin: 'http://evil.example' }],
    ['another site', { rpId: 'evil.example' }],
    ['a user who was not verified', { flags: 0x41 }],
    ['a decision', { type: 'webauthn.get' }],
    ['another challenge', { challenge: Buffer.alloc(32).toString('base64url') }],
  ])('A passkey made on or for %s is not taken', (_, deviation) => {
    expect(() => enrol(undefined, ALICE, deviation)).toThrow('The passkey is not taken');
  });

  it('A passkey whose key is not of the algorithm that it names is not taken', () => {
    const passkey = new SoftPasskey('Ed25519');
    const { nonce, challenge, origin } = stage.decisions.enrolmentChallenge(ALICE);
    const made = { nonce, ...passkey.create(challenge, origin), algorithm: -7 };
    expect(() => stage.decisions.enrol(ALICE, made)).toThrow('not of the algorithm');
  });

  it('A passkey is enrolled once, and a challenge for it counts once', () => {
    const passkey = enrol();
    expect(() => enrol(passkey)).toThrow('known already');
    const { nonce, challenge, origin } = stage.decisions.enrolmentChallenge(ALICE);
    const made = { nonce, ...new SoftPasskey('RS256').create(challenge, origin) };
    stage.decisions.enrol(ALICE, made);
    expect(() => stage.decisions.enrol(ALICE, made)).toThrow('not open any more');
    expect(origin).toBe(ORIGIN);
  });
});
