import type { Permission } from '../core/catalogue/permission.ts';
import { ProxyError } from '../core/errors.ts';
import { repeat } from './repeat.ts';

type PreflightMode = 'enforce' | 'warn' | 'off';

export type PreflightVerdict =
  | { readonly kind: 'pending'; readonly reason: string }
  | { readonly kind: 'skipped'; readonly reason: string }
  | { readonly kind: 'passed'; readonly switches: KeySwitches; readonly warnings: readonly string[] }
  | { readonly kind: 'failed'; readonly switches: KeySwitches; readonly problems: readonly string[] };

/** The switches of a key as `GET /sapi/v1/account/apiRestrictions` tells them. */
export type KeySwitches = Readonly<Record<string, boolean>>;

/** Says whether an account's key may sign, by what the key itself is allowed to do at Binance. */
export interface KeyGate {
  /** @throws ProxyError PROXY_NOT_READY while the answer is missing, and for good when the key may too much */
  assertSignable(account: string): void;
  /** Asks for every account; with `enforce` a key that may too much ends in a failed verdict. */
  check(): Promise<void>;
  /** Keeps asking: hourly, and every few seconds for what is still pending. */
  start(): void;
  stop(): void;
  readonly verdicts: ReadonlyMap<string, PreflightVerdict>;
}

/** One signed GET of the proxy's own; rejects when no whole answer came. */
export interface AskWithKey {
  get(call: {
    readonly upstream: 'spot';
    readonly target: string;
    readonly account: string;
  }): Promise<{ readonly status: number; readonly text: string }>;
}

export interface KeyGateOptions {
  readonly mode: () => PreflightMode;
  readonly accounts: () => Iterable<string>;
  /** Permissions that at least one client of the account was granted. */
  readonly granted: (account: string) => ReadonlySet<Permission>;
  /** False where the environment has no /sapi, so that a 404 is no reason to wait. */
  readonly hasSapi: () => boolean;
  /** How Binance is asked with an account's own key. */
  readonly ownCalls: AskWithKey;
  readonly onVerdict: (account: string, verdict: PreflightVerdict) => void;
  readonly hourMs?: number;
  readonly retryMs?: number;
}

/** Switches that let value leave: tolerated only where some client was granted the permission beside them. */
const RISKY: readonly (readonly [name: string, label: string, permission: Permission | undefined])[] = [
  ['enableWithdrawals', 'Enable Withdrawals', undefined],
  ['permitsUniversalTransfer', 'Permits Universal Transfer', 'universal-transfer'],
  ['enableInternalTransfer', 'Enable Internal Transfer', 'internal-transfer'],
];

/** True for a switch that lets value leave. */
export function isRiskySwitch(name: string): boolean {
  return RISKY.some(([risky]) => risky === name);
}

const PENDING: PreflightVerdict = { kind: 'pending', reason: 'the key permissions were not read yet' };

/** @see https://developers.binance.com/docs/wallet/account/api-key-permission */
export function createKeyGate(options: KeyGateOptions): KeyGate {
  const verdicts = new Map<string, PreflightVerdict>();
  const checking = repeat(async () => {
    await check().catch(() => undefined);
    return pauseMs();
  });

  async function ask(account: string): Promise<PreflightVerdict> {
    try {
      const answer = await options.ownCalls.get({
        upstream: 'spot',
        target: '/sapi/v1/account/apiRestrictions',
        account,
      });
      if (answer.status === 404 && !options.hasSapi())
        return { kind: 'skipped', reason: 'this environment has no /sapi' };
      if (answer.status !== 200)
        return { kind: 'pending', reason: `Binance answered ${describe(answer.status, answer.text)}` };
      return judge(readSwitches(answer.text), options.granted(account));
    } catch (error) {
      return {
        kind: 'pending',
        reason: error instanceof ProxyError ? error.message : 'Binance could not be reached',
      };
    }
  }

  async function check(): Promise<void> {
    if (options.mode() === 'off') return;
    for (const account of options.accounts()) {
      const verdict = await ask(account);
      const before = verdicts.get(account);
      const keep = verdict.kind === 'pending' && before !== undefined && before.kind !== 'pending';
      if (!keep) verdicts.set(account, verdict);
      if (before?.kind !== verdict.kind || verdict.kind === 'failed') options.onVerdict(account, verdict);
    }
  }

  function pauseMs(): number {
    const pending = [...options.accounts()].some(
      (account) => (verdicts.get(account) ?? PENDING).kind === 'pending',
    );
    return pending ? (options.retryMs ?? 5_000) : (options.hourMs ?? 3_600_000);
  }

  return {
    verdicts,
    check,
    start: () => checking.start(pauseMs()),
    stop: () => checking.stop(),
    assertSignable(account) {
      const mode = options.mode();
      if (mode === 'off' || mode === 'warn') return;
      const verdict = verdicts.get(account) ?? PENDING;
      if (verdict.kind === 'passed' || verdict.kind === 'skipped') return;
      const why = verdict.kind === 'failed' ? verdict.problems.join(' ') : `${verdict.reason}.`;
      throw new ProxyError('PROXY_NOT_READY', `Signing is stopped for this account: ${why}`, {
        rule: 'key preflight',
      });
    },
  };
}

/** What the switches of a key mean, given what clients were granted. */
function judge(switches: KeySwitches, granted: ReadonlySet<Permission>): PreflightVerdict {
  const problems: string[] = [];
  for (const [name, label, permission] of RISKY) {
    if (switches[name] !== true || (permission !== undefined && granted.has(permission))) continue;
    problems.push(
      `The key has "${label}" (${name}) switched on: turn it off at Binance, API Management, Edit restrictions.`,
    );
  }
  if (problems.length > 0) return { kind: 'failed', switches, problems };
  const warnings =
    switches.ipRestrict === true
      ? []
      : ['The key has no IP restriction (ipRestrict): restrict it to this address.'];
  return { kind: 'passed', switches, warnings };
}

function readSwitches(text: string): KeySwitches {
  const parsed: unknown = JSON.parse(text);
  const switches: Record<string, boolean> = Object.create(null);
  if (typeof parsed !== 'object' || parsed === null) throw new Error('the key permissions are no object');
  for (const [name, value] of Object.entries(parsed)) if (typeof value === 'boolean') switches[name] = value;
  if (switches.enableWithdrawals === undefined) throw new Error('the key permissions lack enableWithdrawals');
  return switches;
}

function describe(status: number, text: string): string {
  const code = /"code"\s*:\s*(-?\d{1,7})/.exec(text)?.[1];
  return code === undefined ? `HTTP ${status}` : `HTTP ${status}, code ${code}`;
}
